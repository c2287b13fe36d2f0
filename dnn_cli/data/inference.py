"""What a column of a table is, guessed from the cells of its training rows.

Numbers
    whole, as many as rows and counting up, or called an identifier    identifier
    other                                                              number
Words
    one of two that mean yes and no                                    boolean
    dates of one form, 9 of 10 at least                                date: an error says why
    numbers with other signs (`1,5`, `$12`), or 9 of 10 cells numbers
      of many values                                                   number: an error says why
    kept levels in fewer than half of the rows: sentences              text
                                                otherwise              identifier
    other                                                              category
The same in all rows, or empty                                         unused

A guess that may well be wrong carries its doubt: what else the column could be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from dnn_cli.base.types import Array
from dnn_cli.data.column import COLUMNS, ColumnSpec
from dnn_cli.data.columns.boolean import pair_of
from dnn_cli.data.date_forms import find_form, usual_form
from dnn_cli.data.raw_columns import Numbers, RawColumn, Words
from dnn_cli.data.readers.numerals import is_code, is_number, resembles_number, spoils_number

_NAMED = re.compile(
    r"(^|[_\W])(?i:id|key|uuid|guid|index|rownum|rownumber)$|[a-z](Id|ID)$|^RowN(um|umber)$"
)
_DIFFERENT = 0.95  # share of the rows with a value of their own in an identifier
_MOSTLY = 0.9  # share of numbers among words that are meant to be numbers ...
_MANY = 20  # ... if they are so many different ones; whole numbers of fewer may be levels
_KEPT = 0.5  # share of the rows whose level is known, in a category
_SENTENCE = 3  # words a cell of text has on average
_SAMPLE = 10_000  # rows
_ENOUGH = 20  # rows from which on something is said of different values


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column seems to be, why, and what else it may be."""

    spec: ColumnSpec
    reason: str = ""
    doubt: str = ""


def guess(name: str, raw: RawColumn, rows: Array, min_count: int) -> Guess:
    """The kind of a column by its training `rows`; a level needs `min_count` of them."""
    column = raw.take(rows)
    if column.missing.all():
        return _of("unused", "empty")
    if isinstance(column, Numbers):
        return _numbers(name, column.values[~column.missing], column.merged)
    return _words(column, min_count)


def _of(kind: str, reason: str = "", doubt: str = "", **options: Any) -> Guess:
    return Guess(COLUMNS.get(kind)(**options), reason, doubt)


def _numbers(name: str, values: Array, merged: tuple[int, int] | None) -> Guess:
    low, high = float(values.min()), float(values.max())
    if low == high and merged is not None:
        said = f"{merged[0]:,} different whole numbers, all {low:.6g} in float64"
        return _of("unused", said, "category")
    if low == high:
        return _of("unused", f"always {low:.6g}")
    whole = bool((values == np.floor(values)).all())
    if not whole:
        return _of("number")
    count, different = len(values), _different(values)
    if count >= _ENOUGH and different >= _DIFFERENT * count:
        if different == count and high - low == count - 1:
            return _of("identifier", "whole numbers that count up", "number")
        if _NAMED.search(name):
            return _of("identifier", "whole numbers, nearly all different", "number")
    doubt = "category" if 3 <= different <= _MANY else ""
    return _of("number", f"{different} different whole numbers" if doubt else "", doubt)


def _different(values: Array) -> int:
    """How many different values there are; of many rows those of some, where that tells enough."""
    sample = values[:: max(1, len(values) // _SAMPLE)]
    found = len(np.unique(sample))
    several = _MANY < found < (1 - 2 * (1 - _DIFFERENT)) * len(sample)
    return found if several else len(np.unique(values))


def _words(column: Words, min_count: int) -> Guess:
    counts = column.counts()
    used = [level for level, n in zip(column.levels, counts.tolist(), strict=True) if n]
    counts, rows = counts[counts > 0], int(counts.sum())
    if len(used) == 1:
        return _of("unused", "the same in all rows")
    if pair_of(used) is not None:
        return _of("boolean")
    form = find_form(used)
    if form is not None:
        said = "the day first, though it may be the month" if form.ambiguous else ""
        doubt = "{type: date, form: month_first}" if form.ambiguous else ""
        return _of("date", said, doubt, form=form.name)
    form = usual_form(used, counts)
    if form is not None:
        return _of("date", "nearly all cells are dates", form=form.name)
    if all(is_number(level) for level in used) and any(is_code(level) for level in used):
        return _codes(len(used), rows)
    numeric = np.array([resembles_number(level) for level in used])
    share = float(counts[numeric].sum()) / rows
    spoiled = np.array([spoils_number(level) for level in used])
    mostly = share >= _MOSTLY and int(numeric.sum()) > _MANY
    if numeric.all() or mostly or (numeric.any() and (numeric | spoiled).all()):
        return _of("number", f"{share:.1%} of the cells are numbers")
    kept = float(counts[counts >= min_count].sum()) / rows
    if rows >= _ENOUGH and (kept < _KEPT or (min_count == 1 and len(used) > _KEPT * rows)):
        spaces = sum(level.count(" ") * n for level, n in zip(used, counts.tolist(), strict=True))
        if spaces >= (_SENTENCE - 1) * rows:
            return _of("text", "sentences", "{type: text, hash: 64}")
        return _of("identifier", f"{len(used)} different words in {rows} rows", "category")
    return _of("category")


def _codes(different: int, rows: int) -> Guess:
    """Numbers that were kept as words, since some have needless zeros: postal codes, say."""
    if rows >= _ENOUGH and different > _KEPT * rows:
        return _of("identifier", "codes with leading zeros, mostly different", "category")
    return _of("category", "codes with leading zeros", "number")
