"""Bars and sparklines out of characters, with a second set for terminals without Unicode."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

_BLOCKS, _ASCII_BLOCKS = "▁▂▃▄▅▆▇█", "_.,-~=*#"


def bar(fraction: float, width: int, unicode: bool = True) -> tuple[str, str]:
    """The done and the open part of a bar of `width` columns."""
    done = int(min(max(fraction, 0.0), 1.0) * width + 1e-9)
    full, empty = ("━", "─") if unicode else ("#", "-")
    return full * done, empty * (width - done)


def sparkline(values: Sequence[float], width: int, unicode: bool = True) -> str:
    """`values` as one row of at most `width` blocks, from the lowest value to the highest.

    More values than columns are averaged; a column without a finite value is a space.
    """
    blocks = _BLOCKS if unicode else _ASCII_BLOCKS
    columns = _columns(values, width)
    finite = [v for v in columns if math.isfinite(v)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    scale = (len(blocks) - 1) / (high - low) if high > low else 0.0
    return "".join(blocks[round((v - low) * scale)] if math.isfinite(v) else " " for v in columns)


def _columns(values: Sequence[float], width: int) -> list[float]:
    count = len(values)
    if count <= width:
        return list(values)
    edges = [i * count // width for i in range(width + 1)]
    return [_mean(values[a:b]) for a, b in pairwise(edges)]


def _mean(values: Sequence[float]) -> float:
    finite = [v for v in values if math.isfinite(v)]
    return sum(finite) / len(finite) if finite else math.nan
