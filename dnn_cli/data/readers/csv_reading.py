"""The rows of a CSV file as tables, all at once or a piece at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain

import numpy as np

from dnn_cli.base.text import safe_text
from dnn_cli.data.raw_columns import Numbers, RawColumn, Words, targets_of, words_of
from dnn_cli.data.readers.csv_cells import CellFinder, Cells
from dnn_cli.data.readers.csv_columns import ColumnReader, decimal_sign, types_of
from dnn_cli.data.readers.csv_dialect import setting, unusual
from dnn_cli.data.readers.csv_errors import CellErrors
from dnn_cli.data.readers.csv_header import NAMELESS, Header
from dnn_cli.data.readers.csv_records import Records
from dnn_cli.data.readers.numerals import Numerals, is_code, is_number
from dnn_cli.data.table import Columns, Table

_COMMA = "numbers have a decimal comma"


class CsvReading:
    """One reading of a file, of whose wanted columns those at `words` are known to be of words."""

    def __init__(
        self,
        origin: str,
        pieces: Iterator[Records],
        columns: Columns,
        header: Header,
        first: tuple[Records, Records | None],
        numerals: Numerals | None,
        words: Collection[int] = (),
    ) -> None:
        selection = header.select(columns)
        read = (*selection.features, *selection.targets, *selection.extra)
        wanted = (*read, *selection.verbatim)
        self._origin, self._header, self._numerals = origin, header, numerals
        self._names = tuple(header.names[c] for c in read)
        self._features, self._extra = len(selection.features), len(read) - len(selection.extra)
        self._verbatim = {header.names[c]: i for i, c in enumerate(selection.verbatim, len(read))}
        errors = CellErrors(header.names, origin, header.hint(columns.of_model), columns.of_model)
        self._errors, self._of_model, self._places = errors, columns.of_model, read
        self._finder = CellFinder(
            len(header.names), wanted, header.delimiter, errors, origin, len(selection.verbatim)
        )
        labels = range(self._features, self._extra)
        known = (*words, *range(self._extra, len(read)))
        types = types_of(self._names, labels, columns.types, known)
        self._guessed = [i for i in range(self._features) if self._names[i] not in columns.types]
        self._new_reader = partial(
            ColumnReader, read, types, missing=columns.missing, errors=errors, origin=origin
        )
        head, following = first
        self._body = chain([] if header.named else [head], [following] if following else [], pieces)
        self._reader: ColumnReader | None = None

    def whole(self, size: int | None) -> tuple[Table | None, Collection[int]]:
        """All rows as one table; None if the file has to be read again, knowing which are words.

        `size` is that of the file in bytes, if it is known.
        """
        reader = None
        for found in self._body:
            cells = self._finder.find(found, self._body)
            reader = reader or self._begun(cells)
            reader.append(cells, _expected(len(cells), found, size))
        reader = reader or self._begun(None)
        return None if reader.words else self._table(reader.finish(), 0), reader.words

    def pieces(self, rows: int) -> Iterator[Table]:
        """Tables of at most `rows` rows, as soon as they can be read."""
        first, reader = 0, None
        for found in self._body:
            cells = self._finder.find(found)
            for start in range(0, len(cells), rows):
                part = cells.part(slice(start, start + rows))
                reader = self._begun(part, reader)
                reader.append(part, len(part))
                table = self._table(reader.finish(), first)
                texts = part.texts(list(self._verbatim.values()))
                yield replace(table, verbatim=dict(zip(self._verbatim, texts, strict=True)))
                first += len(part)
        if not first:
            none = dict.fromkeys(self._verbatim, ())
            yield replace(self._table(self._begun(None).finish(), 0), verbatim=none)

    def _begun(self, cells: Cells | None, before: ColumnReader | None = None) -> ColumnReader:
        """A reader of columns, which knows the signs in numbers from the first `cells`, if need be.

        What the one `before` learned of levels it knows.
        In a file whose cells are separated by commas a comma is no decimal sign without being said.
        """
        if self._numerals is None:
            plain = cells is None or self._header.delimiter == ","
            self._numerals = Numerals("." if plain or cells is None else decimal_sign(cells))
        return self._new_reader(
            numerals=self._numerals, levels=None if before is None else before.levels
        )

    def _table(self, columns: list[RawColumn], first_row: int) -> Table:
        names, features, last = self._names, self._features, self._extra
        extra = {
            name: words_of(column).as_text()
            for name, column in zip(names[last:], columns[last:], strict=True)
        }
        if NAMELESS in extra:
            self._header.require_empty(extra.pop(NAMELESS), first_row)
        assert self._numerals is not None
        comma = self._numerals.decimal == ","
        self._check_signs(columns, self._numerals, first_row)
        return Table(
            inputs=np.empty((columns[0].rows, 0)),
            columns=dict(zip(names[:features], columns[:features], strict=True)),
            targets=targets_of(columns[features:last]) if last > features else None,
            target_names=names[features:last] or None,
            extra=extra,
            origin=self._origin,
            first_row=first_row,
            notes=(
                *self._header.notes,
                *([f"{safe_text(self._origin)}: {_COMMA}"] if comma else []),
                *self._header_notes(columns),
            ),
            dialect=unusual(
                delimiter=self._header.delimiter,
                decimal=self._numerals.decimal,
                thousands=self._numerals.thousands,
            ),
        )

    def _check_signs(self, columns: list[RawColumn], numerals: Numerals, first_row: int) -> None:
        """Refuse a column of words that are all numbers, but with a decimal sign of their own.

        Raises:
            DataError: names the first row that has it.
        """
        for i in self._guessed:
            column = columns[i]
            if numerals.usual or not isinstance(column, Words) or not column.levels:
                continue
            if not all(map(is_number, column.levels)) or any(map(is_code, column.levels)):
                continue
            other = np.array([numerals.plain(level) is None for level in column.levels])
            row = int(np.argmax(other[column.codes] & ~column.missing))
            raise self._errors.other_sign(
                column.levels[int(column.codes[row])],
                self._places[i],
                f"{safe_text(self._origin)}: row {first_row + row + 1}",
                numerals.decimal,
            )

    def _header_notes(self, columns: list[RawColumn]) -> list[str]:
        """What to say where names look like the numbers below them: a row of data, perhaps."""
        if self._of_model or not self._header.named:
            return []
        alike = [
            name
            for name, column in zip(self._names, columns, strict=True)
            if isinstance(column, Numbers) and is_number(name)
        ]
        if not alike:
            return []
        shown = safe_text(", ".join(alike[:5]), 60) + (", …" if len(alike) > 5 else "")
        how = setting(False)("header", "false")
        return [
            f"{safe_text(self._origin)}: columns of numbers are called {shown}: if the first row "
            f"is one of data, {how}"
        ]


def _expected(rows: int, found: Records, size: int | None) -> int:
    """As many rows as a file of `size` bytes should hold if all are like the first ones."""
    return 8 * rows if size is None else rows + rows * size // len(found.raw)
