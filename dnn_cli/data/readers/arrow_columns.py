"""Columns of Arrow, of a Parquet or an IPC file, as numbers and text; a record batch at a time.

Numbers    whole and floating ones as stored; null and NaN are gaps
Text       strings; decimals by their digits; true and false as these words; dates and times as
           `2025-01-31 10:20:30`, with a zone in UTC and a `Z` behind; dictionaries as their values
Refused    lists, structs, maps, binary data, durations, times without a date, by column and type
Checked    every batch is validated whole (offsets, UTF-8) before its bytes are looked at
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from dnn_cli.base.errors import DataError, MissingExtraError
from dnn_cli.base.text import listing, safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.readers.array_fields import date_texts
from dnn_cli.data.readers.csv_errors import CellErrors
from dnn_cli.data.readers.named_cells import NamedCells, NumberCells, Piece, TextCells, text_cells
from dnn_cli.data.readers.named_reading import NamedReading
from dnn_cli.data.readers.selection import select
from dnn_cli.data.table import Columns, Table

BATCH = 1 << 15  # rows read at a time
_BLANKS = " \t"
_INDEX = re.compile(r"__index_level_[0-9]+__")  # how pandas calls an index that it stores


@dataclass(frozen=True, slots=True)
class ArrowFile:
    """An open file: its schema, and `batches` of columns by name, of so many rows at the most."""

    origin: str
    schema: Any
    rows: int | None
    batches: Callable[[Sequence[str], int], Iterator[Any]]


def require_pyarrow(origin: str) -> Any:
    """The package.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import pyarrow
    except ImportError:
        raise MissingExtraError(
            f"reading `{safe_text(origin)}` needs PyArrow, which is not installed",
            fix="pip install 'dnn-cli[parquet]'",
        ) from None
    return pyarrow


@contextmanager
def translated(origin: str) -> Iterator[None]:
    """Turn all that PyArrow raises about a damaged file into `DataError`."""
    pyarrow = require_pyarrow(origin)
    try:
        yield
    except (pyarrow.ArrowException, OSError, ValueError, LookupError, TypeError) as error:
        shown = safe_text(origin)
        reason = safe_text(str(error).strip()) or type(error).__name__
        raise DataError(f"cannot read `{shown}`: {reason}", where=shown) from None


def arrow_tables(file: ArrowFile, columns: Columns, rows: int | None) -> Iterator[Table]:
    """The rows of `file`, as one table or in pieces of at most `rows`.

    Raises:
        DataError: the file is damaged, lacks a wanted column, or one has a type that is not read.
    """
    origin, names = file.origin, tuple(file.schema.names)
    shown, notes, words = safe_text(origin), tuple[str, ...](), set[str]()
    _check_names(names, shown)
    index = [name for name in names if _INDEX.fullmatch(name)]
    if index and columns.features is None and not set(index) & set(columns.target):
        columns = replace(columns, exclude=(*columns.exclude, *index))
        notes = (f"{shown}: {listing(index)} is left out as an index",)
    errors = CellErrors(names, origin, "", columns.of_model, lambda line: f"{shown}: row {line}")
    selection = select(names, columns, origin)
    while True:
        reading = NamedReading(origin, names, selection, columns, errors, words)
        wanted = tuple(dict.fromkeys((*reading.wanted, *reading.verbatim)))
        for name in wanted:
            _require_cells(file.schema.field(name).type, name, shown, columns.of_model)
        pieces = _pieces(file, wanted, reading, rows or BATCH)
        if rows is not None:
            for table in reading.pieces(pieces, rows):
                yield replace(table, notes=notes)
            return
        found, late = reading.whole(pieces, file.rows)
        if found is not None:
            yield replace(found, notes=notes)
            return
        words |= set(late)


def _check_names(names: tuple[str, ...], shown: str) -> None:
    for place, name in enumerate(names):
        what = "has no name" if not name else f"is called `{safe_text(name)}` as one before it"
        if not name or name in names[:place]:
            raise DataError(f"column {place + 1} {what}", where=shown, fix="rename it")


def _require_cells(kind: Any, name: str, shown: str, of_model: bool) -> None:
    """Refuse a column of which no cell is a number or text."""
    from pyarrow import types

    plain = kind.value_type if types.is_dictionary(kind) else kind
    tests = (
        *(types.is_integer, types.is_floating, types.is_boolean, types.is_null, types.is_decimal),
        *(types.is_string, types.is_large_string, types.is_string_view),
        *(types.is_date, types.is_timestamp),
    )
    if not any(test(plain) for test in tests):
        raise DataError(
            f"the column `{safe_text(name)}` is of type {safe_text(kind, 80)}",
            where=shown,
            why="numbers, text, booleans, dates, timestamps and dictionaries of them are read",
            fix="write what is in it as columns of their own"
            + ("" if of_model else f", or exclude it: `exclude: [{safe_text(name)}]`"),
        )


def _pieces(
    file: ArrowFile, wanted: Sequence[str], reading: NamedReading, rows: int
) -> Iterator[Piece]:
    first, batches = 0, None
    while True:
        with translated(file.origin):
            batches = batches or file.batches(wanted, rows)
            batch = next(batches, None)
            if batch is None:
                return
            batch.validate(full=True)
            place = {name: batch.schema.get_field_index(name) for name in wanted}
            found = {name: _plain(batch.column(place[name])) for name in wanted}
            cells = [_cells(found[name]) for name in reading.wanted]
            verbatim = [_texts(found[name]) for name in reading.verbatim]
        for name, one in zip(reading.wanted, cells, strict=True):
            _require_no_nul(one, name, file.origin, first)
        if batch.num_rows:
            lines = np.arange(first + 1, first + batch.num_rows + 1)
            yield Piece(cells, verbatim, lines)
        first += batch.num_rows


Plain: TypeAlias = "NumberCells | list[str] | Any"  # or an array of strings


def _plain(column: Any) -> Plain:
    """A column as numbers, texts, or an array of large strings."""
    import pyarrow
    from pyarrow import types

    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if types.is_null(kind):
        return [""] * len(column)
    if types.is_integer(kind) or types.is_floating(kind):
        missing = column.is_null().to_numpy(zero_copy_only=False) if column.null_count else None
        return NumberCells(_numpy(column), missing)
    if types.is_date(kind):
        days = column.cast(pyarrow.date32()).cast(pyarrow.int32()).cast(pyarrow.int64())
        return _dates(days, "D")
    if types.is_timestamp(kind):
        found = _dates(column.cast(pyarrow.int64()), kind.unit)
        return found if kind.tz is None else [f"{text}Z" if text else "" for text in found]
    return column if types.is_large_string(kind) else column.cast(pyarrow.large_string())


def _numpy(column: Any) -> Array:
    """The numbers of a column, 0 where it is null."""
    import pyarrow

    filled = column
    if column.null_count:
        filled = column.fill_null(pyarrow.scalar(0).cast(column.type))
    found: Array = filled.to_numpy(zero_copy_only=False)
    return found


def _dates(counts: Any, unit: str) -> list[str]:
    values = np.array(_numpy(counts)).view(f"M8[{unit}]")
    values[counts.is_null().to_numpy(zero_copy_only=False)] = np.datetime64("NaT")
    return date_texts(values)


def _cells(found: Plain) -> NamedCells:
    if isinstance(found, NumberCells):
        return found
    if isinstance(found, list):
        return text_cells(found)
    from pyarrow import compute

    column = compute.utf8_trim(found, _BLANKS)
    offsets = np.frombuffer(column.buffers()[1], np.int64)
    offsets = offsets[column.offset : column.offset + len(column) + 1]
    data = column.buffers()[2]
    codes = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    starts, ends = offsets[:-1].copy(), offsets[1:].copy()
    if column.null_count:
        missing = column.is_null().to_numpy(zero_copy_only=False)
        ends[missing] = starts[missing]
    return TextCells(codes, starts, ends)


def _texts(found: Plain) -> list[str]:
    if isinstance(found, NumberCells):
        return found.texts()
    return found if isinstance(found, list) else [text or "" for text in found.to_pylist()]


def _require_no_nul(cells: NamedCells, name: str, origin: str, first: int) -> None:
    if isinstance(cells, NumberCells) or not len(cells) or cells.codes.all():
        return
    row = next((i for i, text in enumerate(cells.texts()) if "\0" in text), None)
    if row is not None:
        where = f"{safe_text(origin)}: row {first + row + 1}"
        raise DataError(f"a NUL character in `{safe_text(name)}`", where=where, fix="remove it")
