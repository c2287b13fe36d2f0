"""Seeds of tables: JSON lines, arrays with names, Parquet and Arrow files."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow
from pyarrow import feather, ipc, parquet

_JSON = r"""
{"a": 1, "b": "x", "y": "cat"}|{"a": 2.5, "y": "dog"}|{"a": null, "b": "NA", "y": "cat"}
{"a": true}|{"a": false}|{"a": null}
{"a": 12345678901234567890, "b": 1}|{"b": 2, "c": "late"}
{"a": "007"}|{"a": " 8 "}|{"a": "\u00e9\n\ud83d\ude00"}
{"a": -0.0, "b": 1e300}|{"a": 1e400}
{"a": 1e39}
{"a": NaN}
{"a": 1, "a": 2}
{"a": [1]}
{"a": {"b": 1}}
{"a": "\ud800"}
{"a": "\u0000"}
{"": 1}
[{"a": 1}]
{"a": 1}||{"a": 2}||
{"a": 1}|{"a":
1
{}|{}
"""


def jsonls() -> Iterable[bytes]:
    """Values of every kind, and the faults that such files have."""
    for text in _JSON.strip().split("\n"):
        yield text.replace("|", "\n").encode()
    yield b'\xef\xbb\xbf{"a": 1}\r\n{"a": 2}\r\n'
    yield '{"a": "größe"}\n'.encode("utf-16")
    yield b'{"a": "\xff"}\n'
    yield b"\n\n"
    yield b'{"a": ' + b"[" * 1000


def _npy(array: Any) -> bytes:
    found = io.BytesIO()
    np.save(found, array, allow_pickle=False)
    return found.getvalue()


_DATES = ["2025-01-31T10:20:30", "NaT", "1969-12-31"]


def _columns() -> dict[str, Any]:
    codes = ["f4", ">f8", "f2", "u1", ">i2", "i8", "u8", "?"]
    found = {code.strip(">"): np.arange(3).astype(code) for code in codes}
    dates = {f"d{unit}": np.array(_DATES, f"M8[{unit}]") for unit in ("Y", "D", "h", "s", "ns")}
    return {
        **found,
        **dates,
        "gap": np.array([np.nan, -0.0, 1e30]),
        "s": np.array(["a", "é", ""]),
        "b": np.array([b"a", b"NA", b" b "]),
        "long": np.array([2**63 - 1, 0, -(2**63)]),
    }


def field_arrays() -> Iterable[bytes]:
    """Types with fields: of each kind, packed and aligned, and those that are refused."""
    for align in (False, True):
        columns = _columns()
        kind = np.dtype([(name, one.dtype) for name, one in columns.items()], align=align)
        whole = np.zeros(3, kind)
        for name, one in columns.items():
            whole[name] = one
        yield _npy(whole)
    good = np.array([(1, "x"), (2, "ß")], [("größe", "<i4"), ("y", "<U1")])
    yield _npy(good)
    yield _npy(good[:0])
    yield _npy(good.reshape(1, 2))
    yield _npy(good)[:-1]
    yield _npy(good).replace(b"'y'", b"'\\'")
    yield _npy(np.zeros(2, [("漢", "u1")]))
    yield _npy(np.zeros(2, [("a", [("b", "u1")])]))
    yield _npy(np.zeros(2, [("a", "u1", (2,))]))
    yield _npy(np.zeros(2, [("a", "c8")]))
    yield _npy(np.array([("a\0b",)], [("a", "<U3")]))


def _npz(**arrays: Any) -> bytes:
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", 8) as archive:
        for name, one in arrays.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), _npy(one), 8)
    return found.getvalue()


def column_archives() -> Iterable[bytes]:
    """Arrays of one dimension, and what is no table of them."""
    columns = _columns()
    for name, one in columns.items():
        yield _npz(**{name: one, "y": np.array([0, 1, 0])})
    yield _npz(**columns)
    yield _npz(a=np.zeros(3), b=np.zeros(4))
    yield _npz(a=np.zeros(3), b=np.zeros((3, 2)))
    yield _npz(a=np.zeros(0), b=np.array([], "U1"))
    yield _npz(a=np.array(["\ud7ff", "a\0b"]))
    yield _npz(a=np.zeros(3), b=np.zeros(3, "c8"))
    yield _npz(a=np.zeros(3))[:-8]


def _table() -> Any:
    return pyarrow.table(
        {
            "i": pyarrow.array([1, None, 2**60]),
            "f": pyarrow.array([1.5, None, 2.0], pyarrow.float32()),
            "s": ["x", " y ", None],
            "d": pyarrow.array(["u", "v", "u"]).dictionary_encode(),
            "b": [True, None, False],
            "day": [date(2025, 1, 31), None, date(1969, 1, 1)],
            "t": pyarrow.array([datetime(2025, 1, 31)] * 3, pyarrow.timestamp("us", "Asia/Tokyo")),
            "c": [Decimal("1.50"), None, Decimal("-0.01")],
            "n": pyarrow.nulls(3),
        }
    )


def _tables() -> Iterable[Any]:
    whole = _table()
    yield whole
    yield from (whole.select([name]) for name in whole.column_names)
    yield whole[:0]
    yield pyarrow.table({"a": [[1], [2]]})
    yield pyarrow.table({"a": [{"b": 1}]})
    yield pyarrow.table({"a": [b"x"]})
    yield pyarrow.table({"a": [float("inf")]})
    yield pyarrow.table([[1], [2]], names=["a", "a"])
    yield pyarrow.table({"a": ["a\0b"]})


def parquets() -> Iterable[bytes]:
    """Every type, plain and packed, and the ends of files."""
    for place, table in enumerate(_tables()):
        found = io.BytesIO()
        parquet.write_table(table, found, compression=("snappy", "none")[place % 2])
        yield found.getvalue()
    yield found.getvalue()[:-1]
    yield b"PAR1PAR1"


def arrows() -> Iterable[bytes]:
    """The same as files and as a stream."""
    for table in _tables():
        found = io.BytesIO()
        feather.write_feather(table, found, compression="uncompressed")
        yield found.getvalue()
    yield found.getvalue()[:-1]
    stream = io.BytesIO()
    with ipc.new_stream(stream, _table().schema) as writer:
        writer.write_table(_table())
    yield stream.getvalue()
    yield b"FEA1" + bytes(20)
    yield b"ARROW1"
