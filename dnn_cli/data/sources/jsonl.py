"""Rows of a file of JSON lines: one object a line, whose keys are columns.

Read       text, plain or packed by gzip, UTF-8 (or as a byte order mark says); `-`: standard input;
           see `readers.json_lines` for what is refused
Columns    all keys, in the order in which they first appear; a key that a line lacks, or null, is a
           gap. Values are read as cells of CSV are: a text of digits is a number, and true and
           false are the words `true` and `false`
Twice      a file is read once more where a key appears after the first block, or a column turns out
           to be of words
Memory     8 bytes a number and 4 a word, and a few mebibytes; in pieces: one piece, whose columns
           a model names. Where it does not, the file is read for its keys first, and what standard
           input holds is kept
Errors     say file:line; of text that is no JSON, the character
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import final

from dnn_cli.base.errors import DataError
from dnn_cli.base.spec import option
from dnn_cli.base.text import safe_text
from dnn_cli.data.readers.byte_stream import Opened, kept, open_bytes
from dnn_cli.data.readers.csv_errors import CellErrors
from dnn_cli.data.readers.json_columns import JsonColumns, see
from dnn_cli.data.readers.json_lines import JsonLines, Lines
from dnn_cli.data.readers.named_reading import NamedReading
from dnn_cli.data.readers.selection import select
from dnn_cli.data.readers.text_encoding import as_utf8
from dnn_cli.data.source import SOURCES
from dnn_cli.data.table import Columns, Table
from dnn_cli.data.table_source import TableFilesSpec

Open = Callable[[ExitStack], Opened]


@final
@SOURCES.register("jsonl")
@dataclass(frozen=True, slots=True, kw_only=True)
class JsonlSpec(TableFilesSpec):
    """A file of JSON lines, plain or packed by gzip: one object a line."""

    path: Path = option("the file of JSON lines, several by a pattern, or - for standard input")

    def file_tables(self, columns: Columns, rows: int | None) -> Iterator[Table]:
        """See `TableFilesSpec.file_tables`."""
        names = _settled(columns)
        held = kept(self.path) if rows is None or names is None else None

        def opened(files: ExitStack) -> Opened:
            return held() if held else open_bytes(self.path, files)

        if rows is None:
            yield _whole(opened, columns, names)
            return
        again = held is not None or str(self.path) != "-"
        with ExitStack() as files:
            origin, read, _ = opened(files)
            lines = JsonLines(as_utf8(read, None, origin), origin)
            if names is None:
                names = _keys(opened)
            reading, cells = _reading(lines, origin, names, columns)
            blocks = _checked(lines, origin, cells.seen, columns, opened if again else None)
            yield from reading.pieces(cells.pieces(blocks), rows)


def _settled(columns: Columns) -> tuple[str, ...] | None:
    """The columns that are wanted, where all of them are named."""
    texts = [name for name in columns.target if isinstance(name, str)]
    named = len(texts) == len(columns.target) and (columns.target_required or not texts)
    if columns.features is None or columns.verbatim is None or not named:
        return None
    return tuple(dict.fromkeys((*columns.features, *texts, *columns.extra, *columns.verbatim)))


def _whole(opened: Open, columns: Columns, settled: tuple[str, ...] | None) -> Table:
    """All rows, read as often as it takes to know the columns and which of them are of words."""
    names, words = settled, set[str]()
    while True:
        with ExitStack() as files:
            origin, read, size = opened(files)
            lines = JsonLines(as_utf8(read, None, origin), origin)
            blocks = iter(lines)
            first = next(blocks, Lines([], [], 1))
            if names is None:
                names = _names_of([first], origin)
            reading, cells = _reading(lines, origin, names, columns, words)
            expected = None if size is None else _expected(first, size)
            blocks = chain([first], blocks)
            if settled is None:
                blocks = _until_new(blocks, names)
            table, found = reading.whole(cells.pieces(blocks), expected)
            late = settled is None and not set(names) >= cells.seen.keys()
            if not late and settled is not None:
                _require(cells.seen, columns, origin)
        if late:
            names = _keys(opened)
        elif table is not None:
            return table
        words |= set(found)


def _until_new(blocks: Iterator[Lines], names: Collection[str]) -> Iterator[Lines]:
    """The blocks up to the first with a key that is none of `names`."""
    known = set(names)
    for block in blocks:
        yield block
        if any(not known.issuperset(row) for row in block.rows):
            return


def _checked(
    blocks: JsonLines, origin: str, seen: dict[str, None], columns: Columns, opened: Open | None
) -> Iterator[Lines]:
    """The blocks, in which every wanted column has to appear.

    Of a file that is known after the first block; standard input has to be read to its end.
    """
    asked = False
    for block in blocks:
        yield block
        if not asked and opened is not None:
            asked = True
            wanted = _settled(columns) or ()
            if not set(wanted) <= seen.keys():
                select(_keys(opened), columns, origin)
    if not asked:
        _require(seen, columns, origin)


def _require(seen: Mapping[str, None], columns: Columns, origin: str) -> None:
    """Refuse a file in which no line has a wanted column."""
    if not seen:
        raise _empty(origin)
    select(tuple(seen), columns, origin)


def _empty(origin: str) -> DataError:
    shown = safe_text(origin)
    return DataError(f"`{shown}` holds no object with a key", where=shown)


def _keys(opened: Open) -> tuple[str, ...]:
    """All keys of a file, in the order in which they first appear."""
    with ExitStack() as files:
        origin, read, _ = opened(files)
        return _names_of(JsonLines(as_utf8(read, None, origin), origin), origin)


def _names_of(blocks: list[Lines] | JsonLines, origin: str) -> tuple[str, ...]:
    seen, shown = dict[str, None](), safe_text(origin)
    for block in blocks:
        see(seen, block)
    if not seen:
        raise _empty(origin)
    for name in seen:
        if not name or "\0" in name or name.encode("utf-8", "replace").decode() != name:
            what = f"the key `{safe_text(name)}`" if name else "a key without a character"
            raise DataError(f"{what} cannot name a column", where=shown)
    return tuple(seen)


def _reading(
    lines: JsonLines,
    origin: str,
    names: tuple[str, ...],
    columns: Columns,
    words: Collection[str] = (),
) -> tuple[NamedReading, JsonColumns]:
    errors = CellErrors(
        names, origin, "", columns.of_model, lambda line: f"{safe_text(origin)}:{line}"
    )
    reading = NamedReading(origin, names, select(names, columns, origin), columns, errors, words)
    return reading, JsonColumns(lines, reading.wanted, reading.verbatim, columns.of_model)


def _expected(first: Lines, size: int) -> int:
    """As many rows as a file of `size` bytes should hold if all are like the first ones."""
    return len(first.rows) + len(first.rows) * size // max(1, first.size)
