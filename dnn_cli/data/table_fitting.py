"""Fitting the columns of a table: what each is, and what its cells become.

Nothing but the training rows is looked at, and what a source had to decide to read a file at all:
whether a column is one of numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import listing, safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.column import COLUMNS, Column, ColumnSpec, Fitting
from dnn_cli.data.columns.category import MANY_ROWS, RARE
from dnn_cli.data.inference import Guess, guess
from dnn_cli.data.place import Place
from dnn_cli.data.raw_columns import Numbers, RawColumns
from dnn_cli.data.spec import DataSpec
from dnn_cli.data.table_coding import TableCoding

_SHOWN = 40  # columns that are told one by one
_WRITTEN, _CHARACTERS = 1000, 1 << 15  # columns, and characters of their names


@dataclass(frozen=True, slots=True)
class ColumnStory:
    """What became of a column, in words."""

    name: str
    spec: ColumnSpec
    said: str  # what it holds; empty if it is left out
    reason: str = ""
    doubt: str = ""  # what else it could be, as the configuration would say it

    def __str__(self) -> str:
        kind, name = self.spec.spec_name, safe_text(self.name)
        reason = f" ({self.reason})" if self.reason else ""
        doubt = f"; if not: `columns: {{{name}: {self.doubt}}}`" if self.doubt else ""
        return f"column `{name}`: {kind}, {self.said or 'left out'}{reason}{doubt}"


def written_out(names: Collection[str]) -> bool:
    """Whether what columns are goes into configurations; of more it is inferred anew.

    A configuration has 10,000 values at the most, and 256 KiB; the same rows tell the same again.
    """
    return len(names) <= _WRITTEN and sum(map(len, names)) <= _CHARACTERS


def fit_table(
    columns: RawColumns, rows: Array, spec: DataSpec, place: Place
) -> tuple[TableCoding, tuple[ColumnStory, ...]]:
    """The coding of a table by its training `rows`, and what became of each column.

    Raises:
        DataError: a column is not of the kind that it is said to be, or none is of any use.
    """
    given = spec.columns or {}
    unknown = [name for name in given if name not in columns]
    if unknown:
        raise DataError(
            f"`columns` names {listing(unknown, 5)}, and there are no such columns of inputs",
            where=safe_text(place.origin),
            why=f"the columns are {listing(columns, 20)}",
        )
    min_count = RARE if len(rows) >= MANY_ROWS else 1
    scale = "standard" if spec.scale == "auto" else spec.scale
    fitting = Fitting(rows, place, scale, min_count)
    fitted: list[Column] = []
    guesses: dict[str, Guess] = {}
    for name, raw in columns.items():
        guesses[name] = Guess(given[name]) if name in given else guess(name, raw, rows, min_count)
    if all(one.spec.column is None for one in guesses.values()):
        guesses |= _rather_numbers(columns, guesses, given)
    for name, one in guesses.items():
        column = one.spec.fit(name, columns[name], fitting)
        if column is not None:
            fitted.append(column)
    found = TableCoding(fitted)
    said = {column.name: column.describe() for column in fitted}
    stories = tuple(
        ColumnStory(name, one.spec, said.get(name, ""), one.reason, one.doubt)
        for name, one in guesses.items()
    )
    if not found.width:
        raise DataError(
            "no column is of any use",
            where=safe_text(place.origin),
            why="; ".join(lines_of(stories)[1:])[:500],
            fix="say what a column is: `columns: {name: category}`",
        )
    if spec.missing == "error":
        _check_no_gaps(columns, place)
    return found, stories


def _rather_numbers(
    columns: RawColumns, guesses: Mapping[str, Guess], given: Collection[str]
) -> dict[str, Guess]:
    """Numbers that seemed to be identifiers, where nothing else is there: a time, say."""
    return {
        name: Guess(COLUMNS.get("number")(), f"{one.reason}, but there is nothing else")
        for name, one in guesses.items()
        if name not in given
        and one.spec.spec_name == "identifier"
        and isinstance(columns[name], Numbers)
    }


def lines_of(stories: Sequence[ColumnStory]) -> list[str]:
    """How many columns of each kind there are, and a line a column.

    Of many columns those that have something to say.
    """
    counts = Counter(one.spec.plural for one in stories)
    lines = ["columns: " + ", ".join(f"{count} {plural}" for plural, count in counts.items())]
    told = [one for one in stories if len(stories) <= _SHOWN or one.reason or not one.said]
    more = len(told) - _SHOWN
    return [*lines, *map(str, told[:_SHOWN]), *([f"column: {more} more"] if more > 0 else [])]


def _check_no_gaps(columns: RawColumns, place: Place) -> None:
    """Refuse gaps where the configuration asks for that."""
    counts = {name: int(raw.missing.sum()) for name, raw in columns.items()}
    found = [f"`{safe_text(name)}` {count:,}" for name, count in counts.items() if count]
    if found:
        more = f" and {len(found) - 8} more columns" if len(found) > 8 else ""
        raise DataError(
            f"{sum(counts.values()):,} missing values: {', '.join(found[:8])}{more}",
            where=safe_text(place.origin),
            fix="fill them or remove the rows, or remove `missing: error`",
        )
