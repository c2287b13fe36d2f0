"""Columns of text, kept as they arrive, made into labels or numbers when all rows are known.

A column of targets is
    int64      if every cell is a whole number as it is usually written (`-3`, `0`, `12`)
    float64    if every cell is a number in the grammar of `numerals`
    text       otherwise, and where a number begins with a needless zero: `007` is a code
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.readers.memory import require_memory
from dnn_cli.data.readers.numerals import Numerals

_INTEGER = b"0123456789-\0"
_NUMBER = b"0123456789+-.eE\0"


class TextColumn:
    """The cells of one column, appended piece by piece as UTF-8 bytes of fixed width."""

    def __init__(self, origin: str) -> None:
        self._pieces: list[Array] = []
        self._origin = origin

    def append(self, piece: Array) -> None:
        """Add cells (n,) of bytes."""
        self._pieces.append(piece)

    def finish(self) -> Array:
        """All cells as one array of bytes; frees each piece as it is copied."""
        width = max((p.dtype.itemsize for p in self._pieces), default=1)
        rows = sum(map(len, self._pieces))
        require_memory(rows * width, self._origin)
        cells = np.empty(rows, f"S{width}")
        self._pieces.reverse()
        done = 0
        while self._pieces:
            piece = self._pieces.pop()
            cells[done : done + len(piece)] = piece
            done += len(piece)
        return cells


def as_text(cells: Array) -> Array:
    """Cells of bytes as text."""
    return np.strings.decode(cells, "utf-8")


def as_targets(columns: Sequence[Array], origin: str, numerals: Numerals) -> Array:
    """Target columns of bytes as (n,) or (n, columns): whole numbers, numbers, or text.

    Raises:
        DataError: a number beyond the range of float64.
    """
    numbers = [_numbers(_with_points(cells, numerals), origin) for cells in columns]
    kept = [n for n in numbers if n is not None]
    found = kept if len(kept) == len(columns) else [as_text(cells) for cells in columns]
    return found[0] if len(found) == 1 else np.stack(found, axis=1)


def _with_points(cells: Array, numerals: Numerals) -> Array:
    """Cells with usual decimal signs, if all of them are numbers; else as they are."""
    if numerals.usual or not len(cells):
        return cells
    plain = [numerals.plain(cell) for cell in as_text(cells).tolist()]
    found = [text for text in plain if text is not None]
    return np.array(found, np.bytes_) if len(found) == len(cells) else cells


def _numbers(cells: Array, origin: str) -> Array | None:
    if not len(cells) or _has_code(cells):
        return None if len(cells) else np.empty(0)
    raw = cells.tobytes()
    if not raw.translate(None, _INTEGER):
        try:
            whole = cells.astype(np.int64)
        except (ValueError, OverflowError):
            return None
        return whole
    if raw.translate(None, _NUMBER):
        return None
    try:
        with np.errstate(over="ignore"):
            numbers = cells.astype(np.float64)
    except ValueError:
        return None
    if not np.isfinite(numbers).all():
        row = int(np.flatnonzero(~np.isfinite(numbers))[0])
        raise DataError(
            f"the target `{safe_text(cells[row].decode(), 40)}` is too large a number",
            where=f"{safe_text(origin)}: row {row + 1}",
        )
    return numbers


def _has_code(cells: Array) -> bool:
    """Whether a cell is a number with a needless leading zero."""
    if cells.dtype.itemsize < 2:
        return False
    codes = np.ascontiguousarray(cells).view(np.uint8).reshape(len(cells), -1)
    zero, digit = codes[:, 0] == ord("0"), (codes[:, 1] >= ord("0")) & (codes[:, 1] <= ord("9"))
    return bool((zero & digit).any())
