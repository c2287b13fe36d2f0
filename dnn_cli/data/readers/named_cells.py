"""Cells of named columns, as a format with types holds them: text in bytes, or numbers.

Text       what CSV would write: a boolean is `true` or `false`, a date `2025-01-31 10:20:30`, a gap
           nothing; read afterwards as a cell of CSV is, whatever format it came from
Numbers    as stored; a gap is NaN of floats, and of whole numbers what `missing` says
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dnn_cli.base.types import Array
from dnn_cli.data.raw_columns import as_written

_BLANKS = " \t"
_INEXACT = 2**53  # whole numbers below are exact in float64


@dataclass(frozen=True, slots=True)
class TextCells:
    """UTF-8 between `starts` and `ends` (n,) int64 of the bytes `codes` (m,) uint8."""

    codes: Array
    starts: Array
    ends: Array

    def __len__(self) -> int:
        return len(self.starts)

    def part(self, rows: slice) -> TextCells:
        """Some of the rows."""
        return TextCells(self.codes, self.starts[rows], self.ends[rows])

    def as_text(self) -> TextCells:
        """The cells themselves."""
        return self

    def texts(self) -> list[str]:
        """Each cell as text."""
        block = self.codes.tobytes()
        bounds = zip(self.starts.tolist(), self.ends.tolist(), strict=True)
        return [block[start:end].decode() for start, end in bounds]


@dataclass(frozen=True, slots=True)
class NumberCells:
    """Numbers (n,) of any type, and which of them are gaps (n,) bool, if any are."""

    values: Array
    missing: Array | None = None

    def __len__(self) -> int:
        return len(self.values)

    def part(self, rows: slice) -> NumberCells:
        """Some of the rows."""
        missing = None if self.missing is None else self.missing[rows]
        return NumberCells(self.values[rows], missing)

    @property
    def gaps(self) -> Array:
        """Which rows are gaps."""
        nan = np.isnan(self.values) if self.values.dtype.kind == "f" else None
        if nan is None:
            return np.zeros(len(self.values), bool) if self.missing is None else self.missing
        return nan if self.missing is None else nan | self.missing

    def floats(self) -> Array:
        """(n,) float64, NaN of a gap: a copy."""
        found = self.values.astype(np.float64)
        if self.missing is not None:
            found[self.missing] = np.nan
        return found

    @property
    def long(self) -> bool:
        """Whether a whole number has more digits than float64 holds: an identifier."""
        if self.values.dtype.kind not in "iu" or self.values.dtype.itemsize < 8:
            return False
        there = self.values if self.missing is None else self.values[~self.missing]
        return bool(there.size) and max(int(there.max()), -int(there.min())) >= _INEXACT

    def as_text(self) -> TextCells:
        """As words: whole numbers without a decimal point."""
        if self.values.dtype.kind == "f":
            values, codes = np.unique(self.values, return_inverse=True)
            each = ["" if np.isnan(v) else as_written(v) for v in values.tolist()]
            texts = [each[code] for code in codes.tolist()]
        else:
            texts = self.texts()
        gaps = self.gaps
        return text_cells(["" if gap else t for t, gap in zip(texts, gaps.tolist(), strict=True)])

    def texts(self) -> list[str]:
        """Each number as the shortest text that reads back equal; a gap is empty."""
        found: list[str] = self.values.astype(np.str_).tolist()
        gaps = self.gaps
        if not gaps.any():
            return found
        return ["" if gap else text for text, gap in zip(found, gaps.tolist(), strict=True)]


NamedCells = TextCells | NumberCells


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows of a table.

    `cells` are those of the wanted columns in their order, `verbatim` the texts of columns that are
    passed through; `lines` (n,) where each row is in the file, counted from 1.
    """

    cells: Sequence[NamedCells]
    verbatim: Sequence[Sequence[str]]
    lines: Array

    def __len__(self) -> int:
        return len(self.lines)

    def part(self, rows: slice) -> Piece:
        """Some of the rows."""
        if rows.start == 0 and rows.stop >= len(self.lines):
            return self
        cells = [one.part(rows) for one in self.cells]
        return Piece(cells, [one[rows] for one in self.verbatim], self.lines[rows])


def text_cells(texts: Sequence[str]) -> TextCells:
    """Cells that hold `texts`, the blanks around them left out.

    Raises:
        UnicodeEncodeError: half of a surrogate pair, which is no text.
    """
    joined = "".join(texts)
    if " " in joined or "\t" in joined:
        texts = [text.strip(_BLANKS) for text in texts]
        joined = "".join(texts)
    raw = joined.encode()
    sized = texts if len(raw) == len(joined) else [text.encode() for text in texts]
    lengths = np.fromiter(map(len, sized), np.int64, len(texts))
    ends = np.cumsum(lengths)
    return TextCells(np.frombuffer(raw, np.uint8), ends - lengths, ends)
