"""A column of a table laid open for examination: its cells part by part, and what all ask of them.

Memory     a copy of the column, and of its training rows one in order
Cost       a sort of the training rows, the first time that it is asked for
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dnn_cli.base.types import Array
from dnn_cli.data.column import Column, ColumnSpec
from dnn_cli.data.columns.date import DateColumn
from dnn_cli.data.columns.number import NumberColumn
from dnn_cli.data.raw_columns import Numbers, RawColumn
from dnn_cli.data.readers.numerals import is_number

_LEVELS = 1 << 16  # a range of whole numbers that are counted like levels
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(eq=False)
class OpenColumn:
    """One column, part by part: `raw` of each part that there is, the training part first.

    `spec` says what it is taken for and `used` whether the network sees it.
    """

    name: str
    spec: ColumnSpec | None  # of an array there is none
    raw: Mapping[str, RawColumn]
    used: bool
    scale: str = ""  # of a number
    reason: str = ""

    @property
    def train(self) -> RawColumn:
        """The training rows."""
        return self.raw["train"]

    @cached_property
    def missing(self) -> Array:
        """Which training rows are gaps."""
        return self.train.missing

    @cached_property
    def known(self) -> Array:
        """The training numbers without gaps, ascending; of words their codes."""
        train = self.train
        values = train.values if isinstance(train, Numbers) else train.codes
        found: Array = np.sort(values[~self.missing] if self.missing.any() else values)
        return found

    @cached_property
    def codes(self) -> Array | None:
        """The training rows as whole numbers from 0 on, -1 a gap; None of many fractions.

        Of words their codes, of whole numbers of a small range what lies above the least.
        """
        train = self.train
        if not isinstance(train, Numbers):
            return train.codes
        known = self.known
        if not len(known) or known[-1] - known[0] > _LEVELS or (known != np.floor(known)).any():
            return None
        shifted = np.where(self.missing, -1.0, train.values - known[0])
        return shifted.astype(np.int32)

    @cached_property
    def different(self) -> int:
        """How many different values the training rows have, gaps aside."""
        known = self.known
        return int(np.count_nonzero(known[1:] != known[:-1])) + bool(len(known))

    @cached_property
    def content(self) -> tuple[int, int]:
        """Two hashes: of which training rows are equal, and of what they hold.

        Columns with the first in common tell rows apart in the same way; with both they are equal.
        """
        codes, train = self.codes, self.train
        if codes is None:
            assert isinstance(train, Numbers)
            values = np.where(self.missing, np.nan, train.values + 0.0)
            return _hash(values.view(np.uint64)), 0
        count = int(codes.max(initial=-1)) + 2
        first = np.full(count, len(codes))
        first[codes[::-1]] = np.arange(len(codes))[::-1]  # the last one written is the first row
        order = np.argsort(first, kind="stable")
        number = np.empty(count, np.uint64)
        number[order] = np.arange(count, dtype=np.uint64)
        shown = order[: int(np.count_nonzero(first < len(codes)))].tolist()
        if isinstance(train, Numbers):
            low = float(self.known[0])
            names: tuple[object, ...] = tuple(i if i == count - 1 else low + i for i in shown)
        else:
            names = tuple(None if i == count - 1 else train.levels[i] for i in shown)
        return _hash(number[codes]), hash(names)


def _hash(words: Array) -> int:
    """A hash of uint64 (n,) in their order; see `duplicates`."""
    mixed = words ^ (np.arange(1, len(words) + 1, dtype=np.uint64) * _FACTOR)
    for shift in (32, 29):
        mixed *= _FACTOR
        mixed ^= mixed >> np.uint64(shift)
    return int(np.add.reduce(mixed))


def as_numbers(raw: RawColumn, column: Column | None) -> RawColumn:
    """Days of dates, and numbers of what was fitted as numbers; all else as it is."""
    if isinstance(raw, Numbers):
        return raw
    if isinstance(column, DateColumn):
        return Numbers(raw.mapped(column.form.days(raw.levels)))
    if isinstance(column, NumberColumn):
        values = [float(level) if is_number(level) else np.nan for level in raw.levels]
        return Numbers(raw.mapped(np.array(values)))
    return raw
