"""Predictions as CSV, TSV, JSON lines, Parquet and npy; of a network's `prediction_rows`.

Text       columns that are passed through are text in every format; npy holds the predictions alone
Formulas   text of CSV and TSV that a spreadsheet would run has a quote before it
Cost       a row of one column 0.3 µs, each further column 0.1 (one core)
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from types import SimpleNamespace
from typing import TypeAlias

import numpy as np

from dnn_cli.app.parquet_output import as_parquet
from dnn_cli.app.prediction_rows import Rows, Written
from dnn_cli.base.types import Array

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")  # what a formula may begin with


def as_delimited(rows: Rows, pieces: Iterable[Array], delimiter: str) -> Iterator[bytes]:
    """A header line, then one line a row; nothing before the first rows could be predicted."""
    remaining = iter(pieces)
    first = next(remaining, None)
    names = [Written([name], True) for name in rows.columns]
    yield _lines(rows, names, delimiter)
    for piece in remaining if first is None else chain([first], remaining):
        yield _lines(rows, rows.written(piece), delimiter)


def as_jsonl(rows: Rows, pieces: Iterable[Array]) -> Iterator[bytes]:
    """One JSON object a row."""
    for piece in pieces:
        columns = [_json(column) for column in rows.written(piece)]
        # What stands between the values is the same in every row.
        names = [f"{json.dumps(name)}: " for name in rows.columns]
        line = "{" + ", ".join(name.replace("%", "%%") + "%s" for name in names) + "}\n"
        yield "".join([line % row for row in zip(*columns, strict=True)]).encode()


def as_npy(rows: Rows, pieces: Iterable[Array]) -> Iterator[bytes]:
    """One array. Held in memory, because its header comes first and says how many rows follow."""
    parts = [rows.array(piece) for piece in pieces]
    whole = np.concatenate(parts) if parts else rows.array(rows.none)
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, whole, allow_pickle=False)
    yield buffer.getvalue()


def _json(column: Written) -> Sequence[str]:
    if not column.text:
        return column.cells
    dumped = {cell: json.dumps(cell) for cell in set(column.cells)}
    return [dumped[cell] for cell in column.cells]


def _lines(rows: Rows, columns: list[Written], delimiter: str) -> bytes:
    # The writer quotes a line feed or carriage return only if it ends lines with it as well.
    lines: list[str] = []
    writer = csv.writer(
        SimpleNamespace(write=lines.append), delimiter=delimiter, lineterminator="\r\n"
    )
    cells = [_guarded(rows, column) if column.text else column.cells for column in columns]
    writer.writerows(zip(*cells, strict=True))
    return "".join([f"{line[:-2]}\n" for line in lines]).encode()


def _guarded(rows: Rows, column: Written) -> Sequence[str]:
    """The cells of a column with a quote before those that a spreadsheet would run as a formula."""
    acting = {cell: f"'{cell}" for cell in set(column.cells) if _acts(cell)}
    if not acting:
        return column.cells
    rows.guarded += sum(cell in acting for cell in column.cells)
    return [acting.get(cell, cell) for cell in column.cells]


def _acts(cell: str) -> bool:
    """Whether a spreadsheet would run text as a formula; a leading quote makes it text again."""
    return cell[:1] in _FORMULA and not _is_number(cell)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


Format: TypeAlias = Callable[[Rows, Iterable[Array]], Iterator[bytes]]
as_csv: Format = partial(as_delimited, delimiter=",")
FORMATS: dict[str, Format] = {
    "csv": as_csv,
    "tsv": partial(as_delimited, delimiter="\t"),
    "jsonl": as_jsonl,
    "parquet": as_parquet,
    "npy": as_npy,
}
