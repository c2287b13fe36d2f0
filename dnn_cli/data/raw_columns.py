"""Columns of a table as a source reads them: numbers or words, with gaps, and nothing decided yet.

Memory     8 bytes a number; 4 a word and each different word once
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np

from dnn_cli.base.types import Array
from dnn_cli.data.readers.room import HEAP, Room

MISSING = -1  # the code of a word that is not there
DEFAULT_MISSING = ("NA", "N/A", "nan", "null", "None", "?")  # what stands for a gap, beside nothing


@final
@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """(n,) float64; a gap is NaN, and nothing else is not finite.

    `merged` is how many different whole numbers were written that have more digits than float64
    holds, and how many they are in float64, where that is fewer; of some rows, if they are many.
    """

    values: Array
    merged: tuple[int, int] | None = None

    @property
    def rows(self) -> int:
        """How many there are, gaps included."""
        return len(self.values)

    @property
    def missing(self) -> Array:
        """Which rows are gaps: (n,) bool."""
        return np.isnan(self.values)

    def take(self, rows: Array, room: Room = HEAP) -> Numbers:
        """Some rows, as an array in `room`."""
        return Numbers(room.taken(self.values, rows), self.merged)

    def part(self, rows: slice) -> Numbers:
        """Some rows in a row, as a view."""
        return Numbers(self.values[rows], self.merged)

    def as_words(self) -> Words:
        """The numbers as they would be written: whole ones without a decimal point."""
        values, codes = np.unique(self.values[~self.missing], return_inverse=True)
        found = np.full(self.rows, MISSING, np.int32)
        found[~self.missing] = codes
        return Words(found, tuple(as_written(value) for value in values.tolist()))


@final
@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """(n,) int32 codes into `levels`, the different words; a gap is `MISSING`."""

    codes: Array
    levels: tuple[str, ...]

    @property
    def rows(self) -> int:
        """How many there are, gaps included."""
        return len(self.codes)

    @property
    def missing(self) -> Array:
        """Which rows are gaps: (n,) bool."""
        found: Array = self.codes == MISSING
        return found

    def take(self, rows: Array, room: Room = HEAP) -> Words:
        """Some rows, as an array in `room`; levels that no row of them has remain."""
        return Words(room.taken(self.codes, rows), self.levels)

    def part(self, rows: slice) -> Words:
        """Some rows in a row, as a view."""
        return Words(self.codes[rows], self.levels)

    def counts(self) -> Array:
        """How often each level occurs: (levels,) int64."""
        found: Array = np.bincount(self.codes[~self.missing], minlength=len(self.levels))
        return found

    def as_text(self) -> Array:
        """The words themselves, (n,) of text; a gap is empty."""
        found: Array = np.array(["", *self.levels])[self.codes + 1]
        return found

    def mapped(self, values: Array) -> Array:
        """`values` (levels,) of each row's level, NaN of a gap: (n,) float64."""
        found: Array = np.concatenate([np.asarray(values, np.float64), [np.nan]])[self.codes]
        return found


RawColumn: TypeAlias = Numbers | Words
# What a source is to read; a label is unknown, and nothing of a whole number may be lost.
ColumnType: TypeAlias = Literal["number", "word", "unknown", "label"]
RawColumns: TypeAlias = Mapping[str, RawColumn]


def as_written(value: float) -> str:
    """A number as text: 3.0 is `3`."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def words_of(column: RawColumn) -> Words:
    """A column as words."""
    return column if isinstance(column, Words) else column.as_words()


def targets_of(columns: list[RawColumn]) -> Array:
    """Target columns as (n,) or (n, k): int64 if all are whole, else float64, else text.

    A gap is NaN, or an empty text.
    """
    numbers = [one for one in columns if isinstance(one, Numbers)]
    if len(numbers) < len(columns):
        found = [words_of(one).as_text() for one in columns]
    else:
        found = [one.values for one in numbers]
    table = found[0] if len(found) == 1 else np.stack(found, axis=1)
    if table.dtype == np.float64 and _whole(table):
        return table.astype(np.int64)
    return table


def _whole(table: Array) -> bool:
    with np.errstate(invalid="ignore"):
        return bool(((table == np.floor(table)) & (np.abs(table) <= 2.0**53)).all())
