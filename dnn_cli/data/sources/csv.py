"""Rows of a CSV file: columns of numbers and words, with gaps.

Read       text, plain or packed by gzip: UTF-8, what a byte order mark says, or the `encoding`
           that is named; numbers in the grammar of `numerals`; quotes as in RFC 4180; `-`: standard
           input
           A first line `sep=;` says the separator
Columns    by name, or by position where no row names them: they are then called 0, 1, 2, …
           Left out with a note: a first column without a name, which is an index, and a last one
           without a name or a cell, which is what a delimiter at the end of each row makes
Twice      a file is read once more where a column turns out to be of words after its first block
Names      1,000 characters at the most; two that differ in their composition alone are one
Memory     8 bytes a number and 4 a word, and a few mebibytes; in pieces: one piece. What standard
           input holds is kept until it is read
Errors     say file:line:cell; a ragged row or a word in a column of numbers is never repaired
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, final

from dnn_cli.base.errors import DataError
from dnn_cli.base.spec import option, require
from dnn_cli.base.text import safe_text
from dnn_cli.data.readers.byte_stream import kept, open_bytes
from dnn_cli.data.readers.bytes_in import require_text
from dnn_cli.data.readers.csv_dialect import separates, unusual
from dnn_cli.data.readers.csv_header import Header, said_separator
from dnn_cli.data.readers.csv_reading import CsvReading
from dnn_cli.data.readers.csv_records import Records, first_record, records
from dnn_cli.data.readers.numerals import Numerals
from dnn_cli.data.readers.text_encoding import UTF8, as_utf8, encoding_named
from dnn_cli.data.source import SOURCES
from dnn_cli.data.table import Columns, Table
from dnn_cli.data.table_source import TableFilesSpec


@final
@SOURCES.register("csv")
@dataclass(frozen=True, slots=True, kw_only=True)
class CsvSpec(TableFilesSpec):
    """A CSV or TSV file, plain or packed by gzip."""

    path: Path = option("the CSV file, several by a pattern (parts/*.csv), or - for standard input")
    delimiter: str | None = option(
        "the character between cells; null: the comma, semicolon, tab or bar that the first row "
        "has most of",
        None,
    )
    header: bool = option(
        "whether the first row names the columns; without it they are called 0, 1, 2, …", True
    )

    decimal: Literal[".", ","] | None = option(
        "the decimal sign; null: a comma where the first rows show it and cells are not separated "
        "by commas, else a point; in new data the sign of the training file",
        None,
    )
    thousands: Literal[",", ".", "'", " ", "_"] | None = option(
        "a sign between groups of three digits; null: none, in new data that of the training file",
        None,
    )
    encoding: str | None = option(
        "the encoding of the text, such as latin-1 or cp1252; null: UTF-8, UTF-16 by its byte "
        "order mark, in new data that of the training file",
        None,
    )

    def check(self) -> None:
        """The signs can be told from each other, and the encoding is known."""
        if self.delimiter is not None:
            require(
                separates(self.delimiter),
                f"`{safe_text(self.delimiter)}` cannot separate cells",
                "delimiter",
                fix='use one of "," ";" "|" "\\t"',
            )
        require(
            self.thousands is None or self.thousands != (self.decimal or "."),
            f"`{self.thousands}` is the decimal sign already",
            "thousands",
            fix='set `decimal` too: `decimal: ","`',
        )
        require(
            self.encoding is None or encoding_named(self.encoding) is not None,
            f"there is no encoding `{safe_text(self.encoding)}`",
            "encoding",
            fix="such as utf-8, latin-1, cp1252, utf-16-le, shift_jis",
        )

    def file_tables(self, columns: Columns, rows: int | None) -> Iterator[Table]:
        """See `TableFilesSpec.file_tables`."""
        if rows is not None:
            with ExitStack() as files:
                for table in self._reading(columns, *open_bytes(self.path, files)[:2]).pieces(rows):
                    yield self._named(table, columns)
            return
        held = kept(self.path)
        words: Collection[int] = ()
        while True:
            with ExitStack() as files:
                origin, read, size = held() if held else open_bytes(self.path, files)
                whole, words = self._reading(columns, origin, read, words).whole(size)
            if whole is not None:
                yield self._named(whole, columns)
                return

    def _reading(
        self,
        columns: Columns,
        origin: str,
        read: Callable[[int], bytes],
        words: Collection[int] = (),
    ) -> CsvReading:
        """A reading of the file; what the spec does not say is as in the training file."""
        known = columns.dialect
        usual = known.get("encoding", UTF8)
        pieces = records(as_utf8(read, self.encoding, origin, usual), origin)
        first = first_record(_first(pieces, origin))
        said = said_separator(first[0].data.decode(UTF8, "replace"))
        if said:  # the first row is the one after it
            first = first_record(first[1] or _first(pieces, origin))
        delimiter = self.delimiter or said or None
        header = Header.of(first[0], origin, delimiter, self.header, columns)
        if said:
            note = f"{safe_text(origin)}: the first line says what separates cells: {said}"
            header = replace(header, notes=(note, *header.notes))
        decimal = self.decimal or known.get("decimal")
        thousands: str | None = self.thousands
        if decimal is None and (columns.of_model or thousands):
            decimal = "."
        if thousands is None and known.get("thousands") != decimal:
            thousands = known.get("thousands")  # a decimal sign that is asked for is no other sign
        numerals = Numerals(decimal, thousands) if decimal else None
        return CsvReading(origin, pieces, columns, header, first, numerals, words)

    def _encoding(self, columns: Columns) -> str | None:
        return self.encoding or columns.dialect.get("encoding")

    def _named(self, table: Table, columns: Columns) -> Table:
        """`table` with the encoding that was asked for in its dialect."""
        encoding = unusual(encoding=self._encoding(columns))
        return replace(table, dialect={**table.dialect, **encoding}) if encoding else table


def _first(pieces: Iterator[Records], origin: str) -> Records:
    shown = safe_text(origin)
    found = next(pieces, None)
    if found is None:
        raise DataError(f"`{shown}` is empty", where=shown, fix="the first row names the columns")
    require_text(found.raw, origin)
    return found
