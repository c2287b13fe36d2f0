"""Cells of CSV columns, made numbers or words as they arrive.

Number     in the grammar of `numerals`; a gap is NaN
Word       everything else; a gap is a cell that is empty, or says `NA` or another word for it
Unknown    where nobody says which of both a column is, it is one of numbers until a cell is none,
           or is a number with needless zeros (`007` is a code), or, of labels, a whole number that
           float64 does not hold. In the first block it becomes one
           of words there; later, the file has to be read again with what was learned (`words`)
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

import numpy as np

from dnn_cli.base.types import Array
from dnn_cli.data.raw_columns import MISSING, ColumnType, Numbers, RawColumn, Words
from dnn_cli.data.readers.csv_cells import Cells
from dnn_cli.data.readers.csv_errors import CellErrors
from dnn_cli.data.readers.decimals import decimals
from dnn_cli.data.readers.growing import GrowingArray
from dnn_cli.data.readers.levels import Levels
from dnn_cli.data.readers.memory import require_memory
from dnn_cli.data.readers.numerals import Numerals

MAX_TEXT = 100_000  # bytes of a cell of words
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+", re.ASCII)
_POINT = re.compile(r"[+-]?[0-9]+\.[0-9]+", re.ASCII)
_WHOLE = re.compile(r"[+-]?[0-9]+", re.ASCII)
_LARGEST = float(np.finfo(np.float32).max)
_SAMPLE = 1 << 12  # whole numbers beyond them that are looked at in a column
_FEW = 1 << 12  # levels that pass from piece to piece: no more, so that memory does not grow
_EXACT = 2.0**53  # whole numbers below are exact in float64
_ZERO, _NINE = ord("0"), ord("9")


class ColumnReader:
    """Collects the columns of one file, whose cells `Cells` holds in the order of `types`.

    `levels` are those that the reader of the piece before had found, to find them faster.
    """

    def __init__(
        self,
        columns: tuple[int, ...],
        types: tuple[ColumnType, ...],
        numerals: Numerals,
        missing: Collection[str],
        errors: CellErrors,
        origin: str,
        levels: Mapping[int, Levels] | None = None,
    ) -> None:
        self._columns, self._types = columns, list(types)
        self._numerals, self._errors, self._origin = numerals, errors, origin
        self._gaps = {"", *(word.casefold() for word in missing)}
        self._numbers: dict[int, GrowingArray] = {}
        self._long: dict[int, dict[int, float]] = {}  # what whole numbers beyond 2^53 are read as
        known = (levels or {}).items()
        self._words = {i: _WordColumn(origin, one) for i, one in known}
        self.words: set[int] = set()  # columns that turned out to be of words too late
        self._begun = False

    def append(self, cells: Cells, expected: int) -> None:
        """Take some rows; the first room is for `expected` of them.

        Raises:
            DataError: a cell of a column of numbers is none, or is too large; a cell is too long.
            LimitError: there is not enough memory.
        """
        numbers = [i for i, one in enumerate(self._types) if one != "word" and i not in self.words]
        if not self._begun:
            require_memory(8 * expected * len(numbers), self._origin)
        values, read = self._converted(cells, numbers)
        for row, i in enumerate(numbers):
            if self._finish(cells, i, values[row], read[row]):
                self._room(i, expected).append(values[row])
        for i, one in enumerate(self._types):
            if one == "word":
                self._append_words(cells, i)
        self._begun = self._begun or len(cells) > 0

    def finish(self) -> list[RawColumn]:
        """All columns, in the order of `types`; nothing may be appended afterwards."""
        return [
            self._words.setdefault(i, _WordColumn(self._origin, Levels())).finish(self._gaps)
            if one == "word"
            else Numbers(self._room(i, 1).finish(), _merged(self._long.get(i, {})))
            for i, one in enumerate(self._types)
        ]

    @property
    def levels(self) -> dict[int, Levels]:
        """The levels of the columns of words that have few, for the reader of the next piece."""
        found = {i: column.levels for i, column in self._words.items()}
        return {i: one for i, one in found.items() if len(one.levels) <= _FEW}

    def _room(self, i: int, expected: int) -> GrowingArray:
        if i not in self._numbers:
            kind = np.dtype(np.float64)
            self._numbers[i] = GrowingArray((), kind, expected, self._origin)
        return self._numbers[i]

    def _converted(self, cells: Cells, which: list[int]) -> tuple[Array, Array]:
        """Values and whether they were read, (columns, n), of plain decimal numbers."""
        shape = (len(which), len(cells))
        if self._numerals.thousands is not None:
            return np.full(shape, np.nan), np.zeros(shape, bool)
        starts, ends = cells.starts[which].ravel(), cells.ends[which].ravel()
        values, read = decimals(cells.codes, starts, ends, ord(self._numerals.decimal))
        return values.reshape(shape), read.reshape(shape)

    def _finish(self, cells: Cells, i: int, values: Array, read: Array) -> bool:
        """Read the cells that were not; whether the column is one of numbers."""
        unknown = self._types[i] != "number"
        left = np.flatnonzero(~read & (cells.starts[i] < cells.ends[i]))
        seen: dict[str, float | None] = {}
        for row in left.tolist():
            cell = cells.text(i, row)
            if cell not in seen:
                seen[cell] = self._number(cell, i, int(cells.lines[row]), unknown)
            value = seen[cell]
            if value is None:
                return self._turn(i)
            values[row] = value
        size = np.abs(values)
        large = np.isinf(values) if self._types[i] == "label" else size > _LARGEST
        if large.any():
            row = int(np.argmax(large))
            raise self._errors.too_large(
                cells.text(i, row), self._columns[i], int(cells.lines[row])
            )
        if unknown and _has_codes(cells, i):
            return self._turn(i)
        if self._types[i] == "label" and _has_long_whole(cells, i, values):
            return self._turn(i)
        if (size >= _EXACT).any():
            self._keep_long(cells, i, values)
        return True

    def _keep_long(self, cells: Cells, i: int, values: Array) -> None:
        """Remember whole numbers that float64 may not hold."""
        found = self._long.setdefault(i, {})
        rows = np.flatnonzero(np.abs(values) >= _EXACT)
        for row in rows[: _SAMPLE - len(found)].tolist():
            cell = cells.text(i, row)
            if _WHOLE.fullmatch(cell):
                found[int(cell)] = float(values[row])

    def _number(self, cell: str, i: int, line: int, unknown: bool) -> float | None:
        """The value of a cell, NaN of a gap; None if it is a word and may be one."""
        plain = self._numerals.plain(cell)
        if plain is not None:
            return float(plain)
        if cell.casefold() in self._gaps:
            return float("nan")
        if unknown:
            return None
        raise self._errors.not_a_number(cell, self._columns[i], line, self._numerals)

    def _turn(self, i: int) -> bool:
        """Make a column of unknown type one of words, now or when the file is read again."""
        if self._begun:
            self.words.add(i)
        else:
            self._types[i] = "word"
        return False

    def _append_words(self, cells: Cells, i: int) -> None:
        lengths = cells.ends[i] - cells.starts[i]
        if len(lengths) and int(lengths.max()) > MAX_TEXT:
            row = int(lengths.argmax())
            raise self._errors.too_long(
                int(lengths[row]), self._columns[i], int(cells.lines[row]), MAX_TEXT
            )
        column = self._words.setdefault(i, _WordColumn(self._origin, Levels()))
        column.append(cells.codes, cells.starts[i], cells.ends[i])


class _WordColumn:
    def __init__(self, origin: str, levels: Levels) -> None:
        self.levels, self._pieces, self._origin = levels, list[Array](), origin

    def append(self, codes: Array, starts: Array, ends: Array) -> None:
        require_memory(4 * len(starts), self._origin)
        self._pieces.append(self.levels.codes(codes, starts, ends))

    def finish(self, gaps: Collection[str]) -> Words:
        """The column, of whose levels those that stand for a gap are none."""
        levels = [level.decode() for level in self.levels.levels]
        kept = [level for level in levels if level.casefold() not in gaps]
        codes = np.concatenate([np.empty(0, np.int32), *self._pieces])
        if len(kept) < len(levels):
            new = {level: code for code, level in enumerate(kept)}
            codes = np.array([new.get(level, MISSING) for level in levels], np.int32)[codes]
        return Words(codes, tuple(kept))


def _has_codes(cells: Cells, i: int) -> bool:
    """Whether a cell is a whole number with a needless zero: `007`."""
    starts, ends = cells.starts[i], cells.ends[i]
    long = starts + 1 < ends
    if not long.any():
        return False
    first, second = cells.codes[starts[long]], cells.codes[starts[long] + 1]
    return bool(((first == _ZERO) & (second >= _ZERO) & (second <= _NINE)).any())


def _has_long_whole(cells: Cells, i: int, values: Array) -> bool:
    """Whether a cell is a whole number with more digits than float64 holds: an identifier."""
    rows = np.flatnonzero(np.abs(values) >= _EXACT).tolist()
    return any(_WHOLE.fullmatch(cells.text(i, row)) for row in rows)


def _merged(found: Mapping[int, float]) -> tuple[int, int] | None:
    """How many numbers there are as written and in float64, if that is fewer."""
    written, kept = len(found), len(set(found.values()))
    return (written, kept) if kept < written else None


def types_of(
    names: tuple[str, ...],
    labels: range,
    known: Mapping[str, ColumnType],
    words: Collection[int],
) -> tuple[ColumnType, ...]:
    """The types of columns: as `known`, those of `words`, labels, and unknown."""
    return tuple(
        "word"
        if i in words or (said := known.get(name, "unknown")) == "word"
        else "label"
        if i in labels
        else said
        for i, name in enumerate(names)
    )


def decimal_sign(cells: Cells, rows: int = 200) -> str:
    """The decimal sign of the first rows: a comma where some cells have one and none has a point.

    Only cells that are nothing but such a number count: `1,5` and `1.5`, not `1.500,25`.
    """
    comma = point = False
    for column in range(len(cells.starts)):
        for row in range(min(rows, len(cells))):
            cell = cells.text(column, row)
            comma = comma or bool(_COMMA.fullmatch(cell))
            point = point or bool(_POINT.fullmatch(cell))
    return "," if comma and not point else "."
