"""Text from outside made fit to show, the nearest of several names, and metrics as text."""

from __future__ import annotations

import difflib
import math
import unicodedata
from collections.abc import Iterable

LIMIT = 200  # characters of one foreign name that a message may show


def safe_text(value: object, limit: int = LIMIT) -> str:
    r"""`value` as one printable line: control, format and surrogate characters become `\x..`.

    Every name that comes from data (paths, columns, labels, metadata) passes through here on
    its way to a terminal, so that it cannot move the cursor, recolour or forge a line.
    """
    text = str(value)
    shown = text[:limit]
    if not (shown.isascii() and shown.isprintable()):
        shown = "".join(_visible(c) for c in shown)
    return shown + "…" if len(text) > limit else shown


def _visible(character: str) -> str:
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return character.encode("unicode_escape", "surrogatepass").decode("ascii")
    return character


def nearest(name: str, allowed: Iterable[str], likeness: float = 0.6) -> str | None:
    """The allowed name that `name` most likely meant, or None; capitals make no difference."""
    lowered: dict[str, str] = {}
    for one in allowed:
        lowered.setdefault(one.lower(), one)
    found = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=likeness)
    return lowered[found[0]] if found else None


def did_you_mean(name: str, allowed: Iterable[str], ahead: str = "") -> str:
    """How to write `name` instead, `ahead` of it what stands there: the nearest, or all of them."""
    there = list(allowed)
    close = nearest(name, there)
    if close:
        return f"did you mean `{ahead}{safe_text(close)}`?"
    return f"one of {listing(there)}" if there else ""


def listing(names: Iterable[str], limit: int = 40) -> str:
    """Names for a message: sorted, joined by commas, cut with a count of the rest."""
    ordered = sorted(names)
    more = f" and {len(ordered) - limit} more" if len(ordered) > limit else ""
    return ", ".join(safe_text(n) for n in ordered[:limit]) + more


def figure(value: float) -> str:
    """A metric: four decimals where they say something, an exponent where not."""
    size = abs(value)
    if not math.isfinite(value):
        return str(value)
    if size and size < 1e-3:
        return f"{value:.2e}"
    if size < 1e3:
        return f"{value:.4f}"
    return f"{value:,.1f}" if size < 1e7 else f"{value:.3e}"


def interval(low: float, high: float) -> str:
    """An interval of a metric, to stand beside its value: `(0.8502 - 0.8610)`."""
    return f"({figure(low)} - {figure(high)})"
