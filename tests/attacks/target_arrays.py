"""Arrays: `.npy`, `.npz` and IDX, read as inputs and, where the source can, as labels.

What is accepted is what NumPy's own reader finds, and for IDX what ten lines of `struct` find.
"""

from __future__ import annotations

import gzip
import io
import struct
import warnings
import zipfile
import zlib
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import mutate
import numpy as np
from oracle import LONGEST, BrokenPromiseError, Target, attempt, require, scratch

from dnn_cli.data.readers.array_stream import ArrayStream
from dnn_cli.data.readers.bytes_in import file_size, open_regular
from dnn_cli.data.readers.npy_format import read_header
from dnn_cli.data.source import SourceSpec
from dnn_cli.data.sources.idx import IdxSpec
from dnn_cli.data.sources.npy import NpySpec
from dnn_cli.data.sources.npz import NpzSpec
from dnn_cli.data.table import Columns, Table

Array = np.ndarray[Any, Any]
_HEADER_LIMIT = 1 << 17


def _inputs(spec: SourceSpec, columns: Columns, rows: int | None = None) -> list[Table] | None:
    """The tables of arrays; those of columns with names are judged by `target_tables`."""
    found = attempt(lambda: list(spec.tables(columns, rows)))
    return None if found is None or found[0].columns is not None else found


def _labels(path: Path) -> Array | None:
    def read() -> Array:
        with open_regular(path) as file:
            header = read_header(file, file_size(file), str(path), text=True)
            fortran = header.fortran and len(header.shape) > 1
            stream = ArrayStream(header.shape, header.dtype, file, str(path), fortran)
            return stream.read_targets(stream.rows) if len(header.shape) in (1, 2) else np.empty(0)

    return attempt(read)


def _theirs(data: bytes, key: str | None = None) -> Array:
    """What `numpy.load` finds."""
    try:
        with warnings.catch_warnings(), io.BytesIO(data) as file:
            warnings.simplefilter("ignore")  # a header that Python 2 wrote
            found = np.load(file, allow_pickle=False, max_header_size=_HEADER_LIMIT)
            return np.asarray(found if key is None else found[key])
    except Exception as error:
        raise BrokenPromiseError(f"accepted, but not by NumPy: {error!r:.200}") from error


def _require_inputs(ours: Array, theirs: Array) -> None:
    """`ours` is `theirs` as uint8, as float32 or, where that has fewer digits, float64 or as is."""
    if theirs.dtype == np.bool_:
        theirs = np.ascontiguousarray(theirs).view(np.uint8) != 0
    with np.errstate(all="ignore"):
        narrow = np.can_cast(theirs.dtype, np.float32)
        kind = np.uint8 if theirs.dtype == np.uint8 else np.float32 if narrow else np.float64
        long = theirs.dtype.kind in "iu" and theirs.dtype.itemsize == 8
        wanted = theirs.astype(theirs.dtype.newbyteorder("=") if long else kind)
    require(ours.dtype == wanted.dtype and ours.shape == wanted.shape, "another type or shape")
    nan = np.isnan(wanted) if wanted.dtype.kind == "f" else np.zeros(wanted.shape, bool)
    both = ours.view(np.uint8).tobytes() == np.ascontiguousarray(wanted).view(np.uint8).tobytes()
    same = both or (np.array_equal(ours[~nan], wanted[~nan]) and bool(np.isnan(ours[nan]).all()))
    require(same, "the inputs are not what NumPy reads")


def feed_npy(data: bytes) -> bool:
    """A `.npy` file, as inputs whole and in pieces, and as labels."""
    path = scratch("x.npy", data)
    tables = _inputs(NpySpec(path=path), Columns())
    if tables is not None:
        theirs = _theirs(data)
        if theirs.dtype.names is None:  # an array with fields is a table: see `npy_fields`
            _require_inputs(tables[0].inputs, theirs)
            _require_same_in_pieces(tables[0], NpySpec(path=path), Columns())
    labels = _labels(path)
    if labels is not None and labels.size:
        theirs = _theirs(data)
        theirs = theirs[:, 0] if theirs.ndim == 2 and theirs.shape[1] == 1 else theirs
        if theirs.dtype.kind == "S":
            theirs = np.strings.decode(theirs, "utf-8")
        if theirs.dtype == np.bool_:
            theirs = np.ascontiguousarray(theirs).view(np.uint8) != 0
        require(labels.shape == theirs.shape, "labels of another shape")
        require(np.array_equal(labels, theirs, equal_nan=labels.dtype.kind == "f"), "other labels")
    return tables is not None or labels is not None


def _require_same_in_pieces(whole: Table, spec: SourceSpec, columns: Columns) -> None:
    pieces = _inputs(spec, columns, 3)
    require(pieces is not None, "accepted whole, refused in pieces")
    parts = np.concatenate([piece.inputs for piece in pieces or ()])
    require(parts.tobytes() == whole.inputs.tobytes(), "pieces differ from the whole")


def feed_npz(data: bytes) -> bool:
    """A `.npz` archive with the keys that are looked for, or `a`."""
    path = scratch("x.npz", data)
    accepted = False
    for spec, columns in (
        (NpzSpec(path=path), Columns()),
        (NpzSpec(path=path, inputs="a"), Columns(target=(-1,))),
    ):
        tables = _inputs(spec, columns)
        if tables is not None:
            accepted = True
            key = spec.inputs or _key(data)
            whole = _theirs(data, key)
            split = bool(columns.target)
            _require_inputs(tables[0].inputs, whole[:, :-1] if split else whole)
            _require_same_in_pieces(tables[0], spec, columns)
            advice = attempt(partial(spec.target_advice, whole.shape)) or ""
            require(advice.isprintable() and len(advice) <= LONGEST, "advice that cannot be shown")
    return accepted


def _key(data: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return next(k for k in ("inputs", "x", "X") if f"{k}.npy" in archive.namelist())


_IDX = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def feed_idx(data: bytes) -> bool:
    """An IDX file, plain or packed."""
    path = scratch("x-idx3-ubyte", data)
    tables = _inputs(IdxSpec(images=path), Columns())
    if tables is None:
        return False
    plain = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    zeros, code, rank = struct.unpack_from(">HBB", plain)
    shape = struct.unpack_from(f">{rank}I", plain, 4)
    require(zeros == 0, "an IDX file does not begin with zeros")
    _require_inputs(
        tables[0].inputs, np.frombuffer(plain[4 + 4 * rank :], _IDX[code]).reshape(shape)
    )
    _require_same_in_pieces(tables[0], IdxSpec(images=path), Columns())
    return True


def _mutate_npz(data: bytes, random: Random) -> bytes:
    """Change the members and pack them anew, so that checksums and sizes fit."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()[:8]}
    except Exception:  # damaged already
        return mutate.of_bytes(data, random, NPZ_WORDS)
    name = random.choice(list(members) or ["x.npy"])
    members[name] = mutate.of_bytes(members.get(name, b""), random, NPY_WORDS)
    if random.random() < 0.2:
        members[random.choice(("x.npy", "y.npy", "a.npy", "\x1b.npy"))] = members.pop(name)
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", random.choice((0, 8))) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, archive.compression)
    return found.getvalue()


def _mutate_idx(data: bytes, random: Random) -> bytes:
    """Change what is packed and pack it anew; change what is plain, sometimes packing it."""
    try:
        plain = gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        plain = data
    plain = mutate.of_bytes(plain, random, IDX_WORDS)
    return gzip.compress(plain, random.choice((0, 6)), mtime=0) if random.random() < 0.5 else plain


_TYPES = b"<f4 <f8 >f8 <f2 |u1 |i1 <i2 >i4 <i8 <u8 |b1 |S3 <U2 >U2 |O |V8 <c8 <M8 <f16".split()
NPY_WORDS = (
    *(b"\x93NUMPY\x01\x00", b"\x93NUMPY\x02\x00", b"{'descr': '", b"'fortran_order': ", b"True"),
    *(
        b"False",
        b"'shape': (",
        b"(3,)",
        b"(2, 3)",
        b"(0, 3)",
        b"(3, 0)",
        b"()",
        b", }",
        b"L",
        b"\n",
    ),
    *(b"'" + name + b"'" for name in _TYPES),
    *(b"[('a', '<f4')]", b"4294967296", b"9223372036854775807"),
)
NPZ_WORDS = (b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"x.npy")
IDX_WORDS = (b"\0\0\x08\x03", b"\0\0\x0d\x02", b"\0\0\x0e\x02", b"\0\0\0\x02", b"\x1f\x8b\x08")
TARGETS = (
    Target("npy", feed_npy, NPY_WORDS, longest=2048),
    Target("npz", feed_npz, (*NPZ_WORDS, *NPY_WORDS), _mutate_npz),
    Target("idx", feed_idx, IDX_WORDS, _mutate_idx, longest=2048),
)
