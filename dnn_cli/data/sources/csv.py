"""Rows of a CSV file: numeric features, and targets that are numbers or labels.

Read       text, plain or packed by gzip: UTF-8, what a byte order mark says, or the `encoding`
           that is named; numbers in the grammar of `numerals`; quotes as in RFC 4180; `-`: standard
           input
Columns    by name, or by position where no row names them: they are then called 0, 1, 2, …
           Left out with a note: a first column without a name, which is an index, and a last one
           without a name or a cell, which is what a delimiter at the end of each row makes
Memory     the array that training uses, and a few mebibytes; in pieces: one piece
Errors     say file:line:cell; a ragged row, an empty cell or a word among numbers is never repaired
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import FileIO
from itertools import chain
from pathlib import Path
from typing import Literal, final

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.spec import option, require
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.readers.bytes_in import file_size, is_gzip, looks_like, open_regular, unpacked
from dnn_cli.data.readers.csv_cells import CellReader, Cells
from dnn_cli.data.readers.csv_dialect import separates, unusual
from dnn_cli.data.readers.csv_errors import CellErrors
from dnn_cli.data.readers.csv_header import NAMELESS, Header
from dnn_cli.data.readers.csv_records import Records, first_record, records
from dnn_cli.data.readers.growing import GrowingArray
from dnn_cli.data.readers.numerals import Numerals
from dnn_cli.data.readers.selection import Selection
from dnn_cli.data.readers.text_columns import TextColumn, as_targets, as_text
from dnn_cli.data.readers.text_encoding import as_utf8, encoding_named
from dnn_cli.data.source import SOURCES, SourceSpec
from dnn_cli.data.table import Columns, Table


@final
@SOURCES.register("csv")
@dataclass(frozen=True, slots=True, kw_only=True)
class CsvSpec(SourceSpec):
    """A CSV or TSV file, plain or packed by gzip."""

    path: Path = option("the CSV file, or - for standard input")
    delimiter: str | None = option(
        "the character between cells; null: the comma, semicolon, tab or bar that the first row "
        "has most of",
        None,
    )
    header: bool = option(
        "whether the first row names the columns; without it they are called 0, 1, 2, …", True
    )

    decimal: Literal[".", ","] | None = option(
        "the decimal sign; null: a point, in new data the sign of the training file", None
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

    def tables(self, columns: Columns, rows: int | None = None) -> Iterator[Table]:
        """See `SourceSpec.tables`."""
        known = columns.dialect
        with ExitStack() as files:
            origin, read, size = self._open(files)
            read = as_utf8(read, self.encoding or known.get("encoding"), origin)
            pieces = records(read, origin)
            head, following = first_record(_first(pieces, origin))
            header = Header.of(head, origin, self.delimiter, self.header, columns)
            selection = header.select(columns)
            numerals = Numerals(
                self.decimal or known.get("decimal", "."), self.thousands or known.get("thousands")
            )
            reader = CellReader(
                len(header.names),
                selection,
                header.delimiter,
                numerals,
                CellErrors(header.names, origin, header.hint(columns.of_model), columns.of_model),
                origin,
                targets_may_be_empty=not columns.target_required,
            )
            body = chain([] if header.named else [head], [following] if following else [], pieces)
            dialect = unusual(
                delimiter=header.delimiter,
                decimal=numerals.decimal,
                thousands=numerals.thousands,
                encoding=self.encoding or known.get("encoding"),
            )
            build = _Build(header, selection, origin, numerals, dialect)
            if rows is None:
                yield build.whole(reader, body, size)
            else:
                yield from build.pieces(reader, body, rows)

    def _open(self, files: ExitStack) -> tuple[str, Callable[[int], bytes], int | None]:
        """(name for messages, a function that reads some bytes, size if it is known)."""
        if str(self.path) != "-":
            file: FileIO = files.enter_context(open_regular(self.path))
            if is_gzip(file):
                return str(self.path), unpacked(file, str(self.path)), None
            return str(self.path), file.read, file_size(file)
        import sys

        if sys.stdin is None:
            raise DataError("there is no standard input", where="standard input")
        stream = sys.stdin.buffer
        return "standard input", getattr(stream, "read1", stream.read), None


def _first(pieces: Iterator[Records], origin: str) -> Records:
    shown = safe_text(origin)
    found = next(pieces, None)
    if found is None:
        raise DataError(f"`{shown}` is empty", where=shown, fix="the first row names the columns")
    if b"\0" in found.raw[:64] or not found.raw[:4].isascii():
        kind = looks_like(found.raw[:64])
        if kind not in ("text", "binary data of an unknown kind"):
            fix = "save it as UTF-8" if kind.startswith("UTF") else ""
            raise DataError(f"`{shown}` is no CSV file: it is {kind}", where=shown, fix=fix)
    return found


class _Build:
    """Makes tables of the cells that a selection wants."""

    def __init__(
        self,
        header: Header,
        selection: Selection,
        origin: str,
        numerals: Numerals,
        dialect: dict[str, str],
    ) -> None:
        self._origin, self._header = origin, header
        self._numerals, self._dialect = numerals, dialect
        self._names = tuple(header.names[c] for c in selection.features)
        self._targets = tuple(header.names[c] for c in selection.targets)
        self._extra = tuple(header.names[c] for c in selection.extra)

    def whole(self, reader: CellReader, body: Iterator[Records], size: int | None) -> Table:
        """All rows as one table."""
        numbers: GrowingArray | None = None
        texts = [TextColumn(self._origin) for _ in (*self._targets, *self._extra)]
        for found in body:
            cells = reader.read(found, body)
            if numbers is None:
                numbers = self._room(cells, found, size)
            numbers.append(cells.numbers)
            for column, text in zip(texts, cells.texts, strict=True):
                column.append(text)
        inputs = numbers.finish() if numbers else np.empty((0, len(self._names)))
        return self._table(inputs, [column.finish() for column in texts], 0)

    def pieces(self, reader: CellReader, body: Iterator[Records], rows: int) -> Iterator[Table]:
        """Tables of at most `rows` rows, as soon as they can be read."""
        first = 0
        for found in body:
            cells = reader.read(found)
            for start in range(0, len(cells.numbers), rows):
                part = slice(start, start + rows)
                inputs = cells.numbers[part]
                yield self._table(inputs, [text[part] for text in cells.texts], first)
                first += len(inputs)
        if not first:
            empty = [np.empty(0, "S1") for _ in (*self._targets, *self._extra)]
            yield self._table(np.empty((0, len(self._names))), empty, 0)

    def _room(self, cells: Cells, found: Records, size: int | None) -> GrowingArray:
        """Room for as many rows as the file should hold if all are like the first ones."""
        rows = len(cells.numbers)
        expected = 8 * rows if size is None else rows + rows * size // len(found.raw)
        return GrowingArray((len(self._names),), np.dtype(np.float64), expected, self._origin)

    def _table(self, inputs: Array, texts: list[Array], first_row: int) -> Table:
        targets, rest = texts[: len(self._targets)], texts[len(self._targets) :]
        extra = dict(zip(self._extra, rest, strict=True))
        if NAMELESS in extra:
            self._header.require_empty(extra.pop(NAMELESS), first_row)
        return Table(
            inputs=inputs,
            targets=as_targets(targets, self._origin, self._numerals) if targets else None,
            feature_names=self._names,
            target_names=self._targets or None,
            extra={name: as_text(cells) for name, cells in extra.items()},
            origin=self._origin,
            first_row=first_row,
            notes=self._header.notes,
            dialect=self._dialect,
        )
