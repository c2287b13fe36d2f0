"""The first row of a CSV file: what separates its cells, and what the columns are called.

Names      one that is wanted in another composition of the same characters (é as one or as two) is
           called as it is wanted; two that differ in nothing else are the same name
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.readers.column_names import composed
from dnn_cli.data.readers.csv_dialect import separates, setting
from dnn_cli.data.readers.csv_records import Records
from dnn_cli.data.readers.numerals import is_number
from dnn_cli.data.readers.selection import Selection, select
from dnn_cli.data.table import Columns

NAMELESS = ""
MAX_NAME = 1000  # characters: what YAML reads as a key on one line
_SAID = re.compile('"?sep=(.)"?', re.IGNORECASE)
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}  # of equals the first


@dataclass(frozen=True, slots=True)
class Header:
    """The names of the columns, the blanks around them left out; `named` if a row held them."""

    names: tuple[str, ...]
    delimiter: str
    named: bool
    origin: str
    line: int
    notes: tuple[str, ...] = ()
    index: bool = False  # the first column has no name: an index
    empty: bool = False  # the last column has no name: it has to be empty

    @classmethod
    def of(
        cls, head: Records, origin: str, delimiter: str | None, named: bool, columns: Columns
    ) -> Header:
        """What the first record says. `delimiter` None: see `separator_of`.

        Columns that are wanted by position are in a file without names, too: what `predict` is
        given need not say so.

        Raises:
            DataError: not text, a damaged quote, no header, a wanted name that is there twice, or,
                where all columns are wanted, one without a name.
        """
        notes: tuple[str, ...] = ()
        if delimiter is None:
            known = columns.dialect.get("delimiter", "")
            delimiter = separator_of(head.text(origin), known, columns.features or ())
            if delimiter not in (",", known):
                notes = (f"{safe_text(origin)}: cells are separated by {_SEPARATORS[delimiter]}s",)
        row = _as_wanted(_cells(head, delimiter, origin), columns)
        wanted = columns.features
        if not row:
            raise _empty(f"{safe_text(origin)}:{head.line}", named)
        by_position = tuple(str(place) for place in range(len(row)))
        if not named or (wanted is not None and _only_positions(wanted, row)):
            return cls(by_position, delimiter, False, origin, head.line, notes)
        found = cls(row, delimiter, True, origin, head.line, notes)
        if wanted is None or not set(wanted) <= set(row):
            found._require_names(columns.of_model)
        return found if wanted is not None else found._all_named()

    def select(self, columns: Columns) -> Selection:
        """The columns wanted; positions do not count a last column that has to be empty.

        Raises:
            DataError: see `selection.select`.
        """
        self._require_single(columns)
        if self.index:
            columns = replace(columns, exclude=(*columns.exclude, NAMELESS))
        names = self.names[:-1] if self.empty else self.names
        hint = self.hint(columns.of_model)
        if hint and columns.features is None and not columns.target:
            raise self._error(0, f"there is one column, `{safe_text(names[0], 60)}`", hint)
        found = select(names, columns, self.origin, hint)
        if self.empty:
            found = replace(found, extra=(*found.extra, len(names)))
        return found

    def hint(self, of_model: bool) -> str:
        """A fix to suggest if the row looks as if another character separated its cells."""
        if len(self.names) > 1:
            return ""
        counts = {c: self.names[0].count(c) for c in _SEPARATORS if c != self.delimiter}
        likely = max(counts, key=lambda c: counts[c])
        shown = setting(of_model)("delimiter", likely)
        return f"the separator may be another: {shown}" if counts[likely] else ""

    def require_empty(self, cells: Array, first_row: int) -> None:
        """Refuse a last column without a name that holds something after all.

        Raises:
            DataError: names the first row.
        """
        found = np.flatnonzero(cells != "")
        if len(found):
            raise DataError(
                f"column {len(self.names)} has no name, and is not empty",
                where=f"{safe_text(self.origin)}: row {first_row + int(found[0]) + 1}",
                fix="give it a name in the first row",
            )

    def _require_names(self, of_model: bool) -> None:
        where = f"{safe_text(self.origin)}:{self.line}"
        if not any(self.names):
            raise _empty(where, True)
        if all(is_number(name) for name in self.names):
            raise DataError(
                f"there is no header: the first row is {safe_text(', '.join(self.names), 60)}",
                where=where,
                fix="add the first row of the training file, which names the columns"
                if of_model
                else "add a first row that names the columns, or train with the source "
                "`{type: csv, path: …, header: false}`, which calls them 0, 1, 2, …",
            )

    def _all_named(self) -> Header:
        """The same, knowing of an index and of a last column of nothing."""
        index, notes = not self.names[0], self.notes
        last = len(self.names) - 1
        empty = last > 0 and not self.names[last]
        shown = safe_text(self.origin)
        if index:
            notes = (*notes, f"{shown}: the first column has no name and is left out as an index")
        if empty:
            notes = (*notes, f"{shown}: rows end in the delimiter, the last column is left out")
        for column, name in enumerate(self.names):
            if not name and not (column == 0 and index) and not (column == last and empty):
                raise self._error(column, f"column {column + 1} has no name")
        return replace(self, notes=notes, index=index, empty=empty)

    def _require_single(self, columns: Columns) -> None:
        """Refuse a name that is there twice, where it is wanted."""
        seen: dict[str, int] = {}
        texts = {name for name in columns.target if isinstance(name, str)}
        verbatim = self.names if columns.verbatim is None else columns.verbatim
        wanted = {*(columns.features or self.names), *columns.extra, *texts, *verbatim}
        form = str if columns.of_model else composed  # a model may have been trained on both
        wanted = {form(name) for name in wanted}
        for column, name in enumerate(self.names):
            one = form(name)
            if not name or one not in wanted:
                continue
            if len(name) > MAX_NAME and not columns.of_model:
                what = f"the name of column {column + 1} has {len(name):,} characters"
                fix = f"shorten it to {MAX_NAME:,}; a quote that is never closed makes such names"
                raise self._error(column, what, fix)
            if one in seen:
                both = f"columns {seen[one] + 1} and {column + 1}"
                other = self.names[seen[one]] != name
                how = ", with other code points for the same characters" if other else ""
                raise self._error(column, f"{both} are both called `{safe_text(name)}`{how}")
            seen[one] = column

    def _error(self, column: int, what: str, fix: str = "") -> DataError:
        return DataError(what, where=f"{safe_text(self.origin)}:{self.line}:{column + 1}", fix=fix)


def said_separator(line: str) -> str:
    """The separator that a first line names for Excel, `sep=;`; empty if it is no such line."""
    found = _SAID.fullmatch(line.rstrip("\r\n"))
    return found[1] if found and separates(found[1]) else ""


def separator_of(line: str, known: str = "", wanted: tuple[str, ...] = ()) -> str:
    """The separator of a first row: with it most of the `wanted` columns are there.

    Of those that find as many (all, where none are wanted) the one that the row has most of outside
    quotes, of equals the `known` one, else the comma.
    """
    plain = "".join(line.split('"')[::2])
    names = set(wanted)

    def likeness(separator: str) -> tuple[int, int]:
        cells = {cell.strip(' \t\n"') for cell in line.split(separator)}
        return len(names & cells), plain.count(separator)

    candidates: list[str] = [*known, *_SEPARATORS]
    return max(candidates, key=likeness)


def _empty(where: str, named: bool) -> DataError:
    fix = "the first row names the columns" if named else "remove the line"
    return DataError("the first line is empty", where=where, fix=fix)


def _as_wanted(row: tuple[str, ...], columns: Columns) -> tuple[str, ...]:
    """The names of a row, where one is wanted that is another composition of it: that one."""
    texts = [name for name in columns.target if isinstance(name, str)]
    names = [*(columns.features or ()), *columns.exclude, *columns.extra, *texts]
    missing = {composed(name): name for name in {*names, *(columns.verbatim or ())} - {*row}}
    if not missing or all(map(str.isascii, row)):
        return row
    return tuple(missing.get(composed(name), name) if name not in names else name for name in row)


def _only_positions(wanted: tuple[str, ...], row: tuple[str, ...]) -> bool:
    """Whether the `wanted` columns are called by positions, and no row says those names."""
    return all(name.isdecimal() for name in wanted) and not set(wanted) <= set(row)


def _cells(head: Records, delimiter: str, origin: str) -> tuple[str, ...]:
    """The cells of the first record, without the blanks around them."""
    import csv

    where = f"{safe_text(origin)}:{head.line}"
    lines = head.text(origin).split("\n")[:-1]
    try:
        row, *more = csv.reader([line + "\n" for line in lines], delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise DataError(safe_text(error), where=where, fix="check the quotes") from None
    if more:  # what `first_record` took for one record because of an odd number of quotes
        raise DataError(
            "a quote inside a name that is not quoted",
            where=where,
            fix='quote the whole name and double the quote: "width 5"""',
        )
    return tuple(name.strip(" \t") for name in row)
