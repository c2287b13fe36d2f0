"""Columns that are arrays of one dimension with a name each: members of an archive, or fields.

Numbers    whole and floating ones as they are stored
Text       of fixed width (U, and S in UTF-8); true and false as these words
Dates      datetime64 of any unit but the generic one, as `2025-01-31 10:20:30`; NaT is a gap
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.readers.array_stream import native, unicode_text
from dnn_cli.data.readers.csv_errors import CellErrors
from dnn_cli.data.readers.named_cells import NamedCells, NumberCells, Piece, text_cells
from dnn_cli.data.readers.named_reading import NamedReading
from dnn_cli.data.readers.selection import select
from dnn_cli.data.table import Columns, Table

_ROWS = 1 << 16  # read at a time
_COARSE = {"Y": "D", "M": "D", "W": "D", "h": "s"}  # units that are written as finer ones
_FRACTION = re.compile(r"(\.[0-9]*?)0+$")
Read = Callable[[int], Array]  # the next so many values of one column, as stored


def field_tables(
    origin: str,
    names: Sequence[str],
    length: int,
    columns: Columns,
    rows: int | None,
    opened: Callable[[Sequence[str]], Sequence[Read]],
) -> Iterator[Table]:
    """The rows of columns called `names`, each of `length`; `opened` reads some from the start.

    Raises:
        DataError: a wanted column is missing, or a cell is no text.
    """
    shown = safe_text(origin)
    errors = CellErrors(names, origin, "", columns.of_model, lambda line: f"{shown}: row {line}")
    selection, words = select(names, columns, origin), set[str]()
    while True:
        reading = NamedReading(origin, names, selection, columns, errors, words)
        wanted = [*reading.wanted, *reading.verbatim]
        pieces = _pieces(dict.fromkeys(wanted), reading, opened, length, rows or _ROWS, origin)
        if rows is not None:
            yield from reading.pieces(pieces, rows)
            return
        table, late = reading.whole(pieces, length)
        if table is not None:
            yield table
            return
        words |= set(late)


def _pieces(
    wanted: dict[str, None],
    reading: NamedReading,
    opened: Callable[[Sequence[str]], Sequence[Read]],
    length: int,
    rows: int,
    origin: str,
) -> Iterator[Piece]:
    streams = dict(zip(wanted, opened(tuple(wanted)), strict=True))
    for first in range(0, max(1, length), rows):
        count = min(rows, length - first)
        found = {
            name: _plain(read(count), f"{origin}[{name}]", first) for name, read in streams.items()
        }
        if count:
            yield Piece(
                [_cells(found[name]) for name in reading.wanted],
                [_texts(found[name]) for name in reading.verbatim],
                np.arange(first + 1, first + count + 1),
            )


Plain: TypeAlias = NumberCells | list[str]


def _plain(values: Array, origin: str, first: int) -> Plain:
    """The values as numbers, or as texts."""
    kind = values.dtype.kind
    if kind in "iuf":
        return NumberCells(native(values))
    if kind == "b":
        return [("false", "true")[one] for one in native(values).tolist()]
    if kind == "M":
        return date_texts(native(values))
    texts: list[str] = unicode_text(values, origin).tolist()
    for row, text in enumerate(texts):
        if "\0" in text:
            where = f"{safe_text(origin)}: row {first + row + 1}"
            raise DataError("a NUL character", where=where, fix="remove it")
    return texts


def _cells(found: Plain) -> NamedCells:
    return found if isinstance(found, NumberCells) else text_cells(found)


def _texts(found: Plain) -> list[str]:
    return found.texts() if isinstance(found, NumberCells) else found


def date_texts(values: Array) -> list[str]:
    """Dates (n,) of datetime64 as text, without needless zeros; NaT is empty."""
    unit = np.datetime_data(values.dtype)[0]
    values = values.astype(f"M8[{_COARSE.get(unit, unit)}]")
    texts: list[str] = np.datetime_as_string(values).tolist()
    return ["" if text == "NaT" else date_text(text) for text in texts]


def date_text(text: str) -> str:
    """`2025-01-31T10:20:30.500` as `2025-01-31 10:20:30.5`."""
    return _FRACTION.sub(r"\1", text).rstrip(".").replace("T", " ")
