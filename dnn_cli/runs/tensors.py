"""The file format: safetensors in one canonical form, with a SHA-256 over all of it.

Layout     u64 header length | header JSON, padded with spaces to 8 bytes | payload
Canonical  header compact, keys sorted; payload little-endian, C order, no holes, wider elements
           first and then by name, so that every tensor is aligned: equal tensors, equal bytes
Digest     `dnn.sha256` = SHA-256 of the header JSON without that key, followed by the payload
Why        safetensors has no checksum: of the single-bit flips in a file 93 % went unnoticed. Its
           library, version 0.8.0, writes wrong bytes for arrays that are not in C order, and never
           fsyncs; so this module writes and reads the format itself. Every file written here can
           be read by that library; only the canonical bytes are read here.
Cost       one pass of SHA-256, about 1 GB/s; arrays are neither copied when they are written from
           C order nor when they are read
Source     the safetensors format description, github.com/huggingface/safetensors
"""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import dnn_cli
from dnn_cli.base.errors import CheckpointError, DamagedError, LimitError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array, size_of
from dnn_cli.runs.files import read_bytes, reason, write_atomic
from dnn_cli.runs.foreign import kind_of

FORMAT = 1  # raised when older programs can no longer read what is written
NEEDS = "0.1.0"  # the first version that reads FORMAT
HEADER_LIMIT = 16 << 20

_METADATA = "__metadata__"
_SHA256 = "dnn.sha256"
_DTYPES = {
    name: np.dtype(code)
    for name, code in {
        "F64": "<f8",
        "F32": "<f4",
        "F16": "<f2",
        "I64": "<i8",
        "I32": "<i4",
        "I16": "<i2",
        "I8": "i1",
        "U64": "<u8",
        "U32": "<u4",
        "U16": "<u2",
        "U8": "u1",
        "BOOL": "?",
    }.items()
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_DIMENSIONS = 32  # numpy 1.x allows no more
_ADDRESSABLE = 1 << 62
_TENSORS = 1 << 16  # more than any network has; bounds the time that a hostile header takes


def encode(tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> list[memoryview]:
    """The buffers of the file that holds `tensors` and `metadata`; they share the arrays' memory.

    Raises:
        ValueError: a dtype that the format does not have, or a reserved name.
        LimitError: names and metadata take more than 16 MiB.
    """
    arrays = {name: _canonical(name, array) for name, array in tensors.items()}
    facts = {
        **metadata,
        "dnn.format": str(FORMAT),
        "dnn.needs": NEEDS,
        "dnn.version": dnn_cli.__version__,
    }
    header: dict[str, Any] = {_METADATA: facts}
    payload: list[memoryview] = []
    position = 0
    for name in sorted(arrays, key=lambda n: (-arrays[n].itemsize, n)):
        array = arrays[name]
        end = position + array.nbytes
        header[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [position, end],
        }
        payload.append(array.reshape(-1).view(np.uint8).data)
        position = end
    facts[_SHA256] = _digest(header, payload)
    text = _json(header)
    text += b" " * (-len(text) % 8)
    if len(text) > HEADER_LIMIT:
        raise LimitError(f"names and labels take {len(text)} bytes; a file holds {HEADER_LIMIT}")
    return [memoryview(len(text).to_bytes(8, "little") + text), *payload]


def _canonical(name: str, array: Array) -> Array:
    """`array` in C order and little-endian; itself if it is so already."""
    dtype = array.dtype.newbyteorder("<")
    if dtype not in _NAMES or name == _METADATA:
        raise ValueError(f"tensor {name!r} of {array.dtype} cannot be stored")
    return np.asarray(array, dtype=dtype, order="C")  # keeps 0-d, as ascontiguousarray does not


def _json(header: Mapping[str, Any]) -> bytes:
    return json.dumps(header, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _digest(header: Mapping[str, Any], payload: Iterable[memoryview]) -> str:
    """SHA-256 of the header, which must not hold the digest yet, and the payload."""
    total = hashlib.sha256(_json(header))
    for buffer in payload:
        total.update(buffer)
    return total.hexdigest()


def decode(data: bytes, origin: str = "the file") -> tuple[dict[str, Array], dict[str, str]]:
    """The tensors, by name, and the metadata of a file; the arrays are read-only views of `data`.

    Every declared number is checked against the bytes that are there before it is used.

    Raises:
        CheckpointError: the bytes differ in any bit from those that `encode` made: a `DamagedError`
            unless it says that a newer version wrote them.
    """
    text, header = _header(data, origin)
    metadata = _metadata(header, origin)
    try:
        canonical = _json(header)
    except (UnicodeEncodeError, RecursionError):  # a lone surrogate, or too deep to write
        canonical = b""
    if canonical + b" " * (-len(canonical) % 8) != text:
        raise _damaged(origin, "its header is not in canonical form", 8)
    payload = memoryview(data)[8 + len(text) :]
    tensors = _tensors(header, payload, origin, 8 + len(text))
    stated = metadata.pop(_SHA256, "")
    found = _digest({**header, _METADATA: metadata}, [payload])
    if found != stated:
        raise DamagedError(
            f"{safe_text(origin)} is damaged: its SHA-256 does not match",
            where=safe_text(origin),
            why=f"the file states {safe_text(stated, 64)}, its content has {found}",
            fix="use another checkpoint of the run, or copy the file again",
        )
    return tensors, metadata


def _header(data: bytes, origin: str) -> tuple[bytes, dict[str, Any]]:
    if data[8:9] != b"{":
        raise DamagedError(
            f"{safe_text(origin)} is not a file that dnn wrote: it is {kind_of(data)}",
            where=safe_text(origin),
            fix="name a .safetensors file from a run directory; nothing else is ever loaded",
        )
    length = int.from_bytes(data[:8], "little")
    if length > HEADER_LIMIT or length > len(data) - 8:
        raise _damaged(origin, f"a header of {length} bytes in a file of {len(data)}", 0)
    text = data[8 : 8 + length]
    try:
        header = json.loads(text.decode())  # repeated keys and NaN fail the checks that follow
    except (ValueError, RecursionError) as error:
        raise _damaged(origin, f"its header is not JSON ({safe_text(error, 80)})", 8) from error
    if len(header) > _TENSORS:
        raise _damaged(origin, f"it lists {len(header) - 1} tensors", 8)
    return text, header


def _metadata(header: Mapping[str, Any], origin: str) -> dict[str, str]:
    found = header.get(_METADATA)
    if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
        raise _damaged(origin, "its metadata is not a table of text", 8)
    version = found.get("dnn.format", "")
    if not (version.isascii() and version.isdecimal() and len(version) < 10):
        raise DamagedError(
            f"{safe_text(origin)} is a safetensors file, but dnn did not write it",
            where=safe_text(origin),
            fix="name a file from a run directory",
        )
    require_format(int(version), found.get("dnn.version", ""), found.get("dnn.needs", ""), origin)
    return dict(found)


def require_format(version: int, writer: str, needs: str, origin: str) -> None:
    """Refuse what a newer program wrote in a format that this one does not know."""
    if not 1 <= version <= FORMAT:
        raise CheckpointError(
            f"{safe_text(origin)} was written by dnn {safe_text(writer, 40)}, "
            f"needs dnn >= {safe_text(needs, 40)}",
            where=safe_text(origin),
            why=f"its format is {version}; dnn {dnn_cli.__version__} reads up to {FORMAT}",
            fix="install the newer version",
        )


def _tensors(
    header: Mapping[str, Any], payload: memoryview, origin: str, start: int
) -> dict[str, Array]:
    entries = {name: _entry(name, header[name], origin) for name in header if name != _METADATA}
    order = sorted(entries, key=lambda n: (-entries[n][0].itemsize, n))
    found: dict[str, Array] = {}
    position = 0
    for name in order:
        dtype, shape, begin, end = entries[name]
        if begin != position or end - begin != size_of(shape) * dtype.itemsize:
            raise _damaged(origin, f"tensor `{safe_text(name)}` lies wrong", start + position)
        if end > len(payload):
            raise _damaged(origin, f"tensor `{safe_text(name)}` is cut off", start + len(payload))
        array: Array = np.ndarray(shape, dtype, buffer=payload, offset=begin)
        if dtype == np.bool_ and bool((array.view(np.uint8) > 1).any()):
            raise _damaged(origin, f"tensor `{safe_text(name)}` is not true or false", start)
        found[name] = array
        position = end
    if position != len(payload):
        raise _damaged(origin, "there are bytes after the last tensor", start + position)
    return dict(sorted(found.items()))


def _entry(name: str, entry: Any, origin: str) -> tuple[np.dtype[Any], tuple[int, ...], int, int]:
    """The dtype, shape and offsets a header entry states, in Python integers."""
    if isinstance(entry, dict) and set(entry) == {"dtype", "shape", "data_offsets"}:
        dtype = _DTYPES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
        shape, offsets = entry["shape"], entry["data_offsets"]
        if dtype and _counts(shape, 0, _DIMENSIONS) and _counts(offsets, 2, 2):
            # numpy refuses lengths whose product is too large even if one of them is 0
            extent = size_of(tuple(max(length, 1) for length in shape)) * dtype.itemsize
            if extent < _ADDRESSABLE:
                return dtype, tuple(shape), offsets[0], offsets[1]
    raise _damaged(origin, f"the header entry of `{safe_text(name)}` is wrong", 8)


def _counts(value: Any, least: int, most: int) -> bool:
    """Whether `value` is a list of so many integers from 0 (true is not an integer)."""
    if not isinstance(value, list) or not least <= len(value) <= most:
        return False
    return all(type(v) is int and v >= 0 for v in value)


def _damaged(origin: str, what: str, byte: int) -> DamagedError:
    return DamagedError(
        f"{safe_text(origin)} is damaged: {what}",
        where=f"{safe_text(origin)}, byte {byte}",
        fix="use another checkpoint of the run, or copy the file again",
    )


def write_tensors(
    path: Path, tensors: Mapping[str, Array], metadata: Mapping[str, str], keep: str = ""
) -> None:
    """Write a file atomically; see `encode` and `write_atomic`."""
    write_atomic(path, encode(tensors, metadata), keep=keep)


def read_tensors(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Read a file whole; see `decode`.

    Raises:
        CheckpointError: it is missing, unreadable, damaged, or of another kind.
    """
    try:
        data = read_bytes(path)
    except OSError as error:
        kind = DamagedError if error.errno == errno.EIO else CheckpointError
        raise kind(
            f"cannot read {safe_text(path)}: {reason(error)}", where=safe_text(path)
        ) from error
    return decode(data, str(path))
