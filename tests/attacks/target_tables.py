"""Tables of other formats: JSON lines, arrays with names, and what PyArrow reads.

What is accepted is what Python's `json` and NumPy's own reader find, in the rules of CSV cells.
"""

from __future__ import annotations

import io
import json
import random
import re
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import mutate
import numpy as np
from oracle import BrokenPromiseError, Target, attempt, require, scratch
from target_arrays import NPY_WORDS, NPZ_WORDS

from dnn_cli.data.raw_columns import DEFAULT_MISSING, Numbers, RawColumn
from dnn_cli.data.source import SourceSpec
from dnn_cli.data.sources.arrow import ArrowSpec
from dnn_cli.data.sources.jsonl import JsonlSpec
from dnn_cli.data.sources.npy import NpySpec
from dnn_cli.data.sources.npz import NpzSpec
from dnn_cli.data.sources.parquet import ParquetSpec
from dnn_cli.data.table import Columns, Table

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
_GAPS = {"", *(word.casefold() for word in DEFAULT_MISSING)}
Texts = Mapping[str, list[str]]  # by column, as verbatim


class _Numbers(list[str]):
    """Texts of numbers that are stored in binary: `values` (n,) float64, NaN of a gap."""

    values: Any


_WAYS = (Columns(), Columns(target=(-1,)), Columns(verbatim=None))


def _feed(spec: SourceSpec, data: bytes, theirs: Callable[[], Texts | None]) -> bool:
    """Whole and in pieces, in one of three ways: all columns, the last as target, or verbatim."""
    columns = _WAYS[zlib.crc32(data) % len(_WAYS)]
    tables = attempt(lambda: list(spec.tables(columns)))
    if tables is None:
        return False
    [table] = tables
    texts = theirs()
    if texts is not None:
        _require_cells(table, texts)
    assert table.columns is not None
    kinds: Any = {
        n: "number" if isinstance(c, Numbers) else "word" for n, c in table.columns.items()
    }
    typed = replace(columns, types=kinds)
    pieces = attempt(lambda: list(spec.tables(typed, 2)))
    require(pieces is not None, "accepted whole, refused in pieces")
    for name, column in table.columns.items():
        parts = [cell for piece in pieces or () for cell in _cells(piece.columns[name])]
        require(parts == _cells(column), "pieces differ from the whole")
    for name in texts or () if columns.verbatim is None else ():
        parts = [text for piece in pieces or () for text in piece.verbatim[name]]
        require(parts == (texts or {})[name], "cells pass through changed")
    return True


def _cells(column: RawColumn) -> list[object]:
    if isinstance(column, Numbers):
        return [None if np.isnan(value) else value for value in column.values.tolist()]
    return column.as_text().tolist()


def _require_cells(table: Table, texts: Texts) -> None:
    names = [*(table.feature_names or ()), *(table.target_names or ())]
    require(names == list(texts), "other columns")
    for name, column in (table.columns or {}).items():
        theirs = texts[name]
        if isinstance(theirs, _Numbers) and isinstance(column, Numbers):
            same = np.array_equal(column.values, theirs.values, equal_nan=True)
            require(same, "other numbers than NumPy reads")
            continue
        cells = [text.strip(" \t") for text in theirs]
        cells = ["" if cell.casefold() in _GAPS else cell for cell in cells]
        if isinstance(column, Numbers):
            require(all(_NUMBER.fullmatch(cell) for cell in cells if cell), "no number of ours")
            wanted = [float(cell) if cell else None for cell in cells]
            require(_cells(column) == wanted, "other numbers than `float` reads")
        else:
            require(_cells(column) == cells, "other words")


def feed_jsonl(data: bytes) -> bool:
    """A file of JSON lines."""
    path = scratch("x.jsonl", data)
    return _feed(JsonlSpec(path=path), data, partial(_json_texts, data))


def _json_texts(data: bytes) -> Texts | None:
    if data.startswith(_MARKS):
        return None  # another encoding: the pieces are compared with the whole alone
    rows = []
    for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        if line.strip(b" \t\r\n\x0b\x0c"):
            rows.append(json.loads(line.decode(), parse_float=str, parse_int=str))
    require(all(type(row) is dict for row in rows), "accepted what is no object")
    keys = dict.fromkeys(key for row in rows for key in row)
    words = {None: "", True: "true", False: "false"}
    return {
        key: [v if isinstance(v := row.get(key), str) else words[v] for row in rows] for key in keys
    }


def feed_npy_fields(data: bytes) -> bool:
    """A `.npy` file whose type has fields, or whatever a mutation makes of it."""
    path = scratch("x.npy", data)
    spec = NpySpec(path=path)
    if not _is_table(spec):
        return False
    return _feed(spec, data, partial(_field_texts, data))


def _field_texts(data: bytes) -> Texts:
    found = _loaded(data)
    require(found.dtype.names is not None and found.ndim == 1, "fields that NumPy does not find")
    return {name: _array_texts(found[name]) for name in found.dtype.names or ()}


def feed_npz_columns(data: bytes) -> bool:
    """A `.npz` archive of arrays of one dimension."""
    spec = NpzSpec(path=scratch("x.npz", data))
    if not _is_table(spec):
        return False
    found = _loaded(data)
    return _feed(spec, data, lambda: {name: _array_texts(found[name]) for name in found.files})


def _is_table(spec: SourceSpec) -> bool:
    """Whether there are columns with names; arrays are the task of others."""
    piece = attempt(lambda: next(spec.tables(Columns(), 1)))
    return piece is not None and piece.columns is not None


def _loaded(data: bytes) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a header that Python 2 wrote
            found = np.load(io.BytesIO(data), allow_pickle=False, max_header_size=1 << 17)
            return found
    except Exception as error:
        raise BrokenPromiseError(f"accepted, but not by NumPy: {error!r:.200}") from error


def _array_texts(values: Any) -> list[str]:
    kind = values.dtype.kind
    if kind == "b":
        truths = np.ascontiguousarray(values).view(np.uint8) != 0
        return ["true" if one else "false" for one in truths.tolist()]
    if kind == "f":
        found = _Numbers("" if text == "nan" else text for text in values.astype(str).tolist())
        found.values = values.astype(np.float64)
        return found
    if kind in "iu":
        found = _Numbers(str(value) for value in values.tolist())
        found.values = values.astype(np.float64)
        return found
    if kind == "S":
        return [value.decode() for value in values.tolist()]
    if kind == "M":
        return [_date_text(value) for value in values]
    return values.tolist()


def _date_text(value: Any) -> str:
    if np.isnat(value):
        return ""
    if np.datetime_data(value.dtype)[0] in "YMW":
        value = value.astype("M8[D]")
    elif np.datetime_data(value.dtype)[0] == "h":
        value = value.astype("M8[s]")
    text = str(value).replace("T", " ")
    return text.rstrip("0").rstrip(".") if "." in text else text


def feed_parquet(data: bytes) -> bool:
    """A Parquet file: its errors are ours, and its pieces are the whole."""
    return _feed(ParquetSpec(path=scratch("x.parquet", data)), data, lambda: None)


def feed_arrow(data: bytes) -> bool:
    """An Arrow file or stream, likewise."""
    return _feed(ArrowSpec(path=scratch("x.arrow", data)), data, lambda: None)


def _mutate_npz(data: bytes, chance: random.Random) -> bytes:
    """Change a member and pack them anew, so that checksums and sizes fit."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()[:8]}
    except Exception:  # damaged already
        return mutate.of_bytes(data, chance, NPZ_WORDS)
    name = chance.choice(list(members) or ["a.npy"])
    members[name] = mutate.of_bytes(members.get(name, b""), chance, COLUMN_WORDS)
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", chance.choice((0, 8))) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, archive.compression)
    return found.getvalue()


JSON_WORDS = (
    *(b'{"a": 1}\n', b'{"b": "x", "a": null}\n', b'"a":', b'"b": ', b"true", b"false", b"null"),
    *(b"NaN", b"-Infinity", b"1e39", b"-1e400", b"0.1", b"007", b'"007"', b"12345678901234567890"),
    *(b'"NA"', b'" x "', b"\\ud800", b"\\u0000", b"\\ud83d\\ude00", b"[1]", b'{"c": 1}', b"\r\n"),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xc3\xa9", b"\xff", b"\n\n", b",", b"[[[[", b"\0", b"\x0b"),
)
COLUMN_WORDS = (*NPY_WORDS, b"<M8[ns]", b"<M8[D]", b"<M8[Y]", b"(3,)", b"<U2", b"|S3", b"|b1")
FIELD_WORDS = (
    *(b"[('a', '<f4'), ('b', '<U2')]", b"('c', '|b1'), ", b"('', '|V3'), ", b"('d', '<M8[s]')"),
    *(b"('a', '<f4', (2,))", b"(('t', 'a'), '<f4')", b"[]", *COLUMN_WORDS),
)
TARGETS = (
    Target("jsonl", feed_jsonl, JSON_WORDS, longest=1024),
    Target("npy_fields", feed_npy_fields, FIELD_WORDS, longest=2048),
    Target("npz_columns", feed_npz_columns, (*NPZ_WORDS, *COLUMN_WORDS), _mutate_npz),
    Target("parquet", feed_parquet, (b"PAR1",), longest=8192),
    Target("arrow", feed_arrow, (b"ARROW1", b"\xff\xff\xff\xff"), longest=8192),
)
