"""The header of a `.npy` file, read with a grammar of its own: nothing is evaluated.

Layout     magic 6 bytes, version 2 bytes, header length 2 (version 1) or 4 bytes (2, 3), header
Header     {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } and padding
Source     NumPy Enhancement Proposal 1 and `numpy.lib.format`
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Shape, size_of
from dnn_cli.data.readers.bytes_in import Reader, beginning, read_up_to

MAX_HEADER = 1 << 16
MAX_RANK = 8
MAX_ROW = 1 << 31  # numbers in one row: no array of zero rows may claim more either
_MAGIC = b"\x93NUMPY"
_NUMBERS = frozenset({"b1", "f2", "f4", "f8"} | {f"{k}{n}" for k in "iu" for n in (1, 2, 4, 8)})
_NUMBERS_TEXT = "bool, int8 to int64, uint8 to uint64, float16, float32, float64"
_ITEM = re.compile(
    r"""\s*(?:'(\w{1,20})'|"(\w{1,20})")\s*:\s*"""  # key
    r"""(?:'([^'\\]{0,80})'|"([^"\\]{0,80})"|(True|False)|\(([0-9L, ]{0,400})\)"""
    r"""|(\[(?:[^][\\'"]|'[^'\\]*'|"[^"\\]*")*\]))\s*""",  # fields
    re.ASCII,
)
_DIMENSION = re.compile(r"\s*(0|[1-9][0-9]{0,18})L?\s*", re.ASCII)
_DESCR = re.compile(r"[<>|=]?([a-zA-Z])([0-9]{0,9})", re.ASCII)
_DATE = re.compile(r"[<>=]?M8\[(?:Y|M|W|D|h|m|s|ms|us|ns)\]", re.ASCII)
_FIELD = re.compile(
    r"""\s*\((?:'([^'\\]*)'|"([^"\\]*)"), ?(?:'([^'\\]{0,80})'|"([^"\\]{0,80})")\)\s*(?:,|$)"""
)
_PADDING = re.compile(r"\|V([0-9]{1,5})", re.ASCII)


@dataclass(frozen=True, slots=True)
class NpyHeader:
    """What a `.npy` file declares; `start` is the position of its first data byte."""

    shape: Shape
    dtype: np.dtype[np.generic]
    fortran: bool
    start: int

    @property
    def data_bytes(self) -> int:
        """The bytes of data declared, in Python integers."""
        return size_of(self.shape) * self.dtype.itemsize


def read_header(
    reader: Reader,
    available: int,
    origin: str,
    *,
    text: bool = False,
    dates: bool = False,
    fields: bool = False,
) -> NpyHeader:
    """Read a header and check that exactly its data follow in a file of `available` bytes.

    `text` allows fixed-width strings (labels), `dates` datetime64, `fields` a type with fields.

    Raises:
        DataError: no `.npy` file, a header outside the grammar, a type that is not read, or
            more or fewer bytes than declared.
    """
    body, start = _header_text(reader, available, origin)
    found = _items(body, origin)
    if set(found) != {"descr", "fortran_order", "shape"}:
        raise _bad(origin, "its header must hold the keys descr, fortran_order and shape")
    descr, fortran, shape = found["descr"], found["fortran_order"], found["shape"]
    if not isinstance(descr, str):
        raise _bad(origin, "its header's data type is not written as text")
    if not isinstance(fortran, bool) or not isinstance(shape, tuple):
        raise _bad(origin, "its header's fortran_order or shape has the wrong form")
    fielded = descr.startswith("[")
    if fielded and not fields:
        raise _unreadable_type(origin, "a structured type", text)
    dtype = _fields(descr, origin) if fielded else _dtype(descr, origin, text, dates)
    header = NpyHeader(shape, dtype, fortran, start)
    _check_sizes(header, available, origin)
    return header


def _header_text(reader: Reader, available: int, origin: str) -> tuple[str, int]:
    head = read_up_to(reader, 8)
    if not head.startswith(_MAGIC):
        found = beginning(head + read_up_to(reader, 56))
        raise DataError(
            f"`{safe_text(origin)}` is not a .npy file: {found}",
            where=safe_text(origin),
        )
    if len(head) < 8:
        raise _bad(origin, "it is cut short inside its header")
    version = (head[6], head[7])
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise _bad(origin, f"its format version is {version[0]}.{version[1]}; 1.0 to 3.0 are read")
    width = 2 if version[0] == 1 else 4
    length = int.from_bytes(read_up_to(reader, width), "little")
    start = 8 + width + length
    if start > available:
        raise _bad(origin, f"it is cut short: its header ends at byte {start:,} of {available:,}")
    if length > MAX_HEADER:
        raise _bad(origin, f"its header declares {length:,} bytes; at most {MAX_HEADER:,} are read")
    raw = read_up_to(reader, length)
    if len(raw) < length:
        raise _bad(origin, "it is cut short inside its header")
    try:
        text = raw.decode("utf-8" if version[0] == 3 else "latin-1")
    except UnicodeDecodeError:
        raise _bad(origin, "its header holds bytes that are not UTF-8") from None
    if "\n" in text[:-1]:
        raise _bad(origin, "its header goes on after the line that it is")
    return text.strip(" \n"), start


def _items(body: str, origin: str) -> dict[str, str | bool | Shape]:
    malformed = _bad(origin, "its header is not of the form a .npy file has")
    if len(body) < 2 or body[0] != "{" or body[-1] != "}":
        raise malformed
    found: dict[str, str | bool | Shape] = {}
    position, end = 1, len(body) - 1
    while body[position:end].strip():
        match = _ITEM.match(body, position, end)
        if match is None:
            if re.match(r"\s*['\"]descr['\"]\s*:\s*\[", body[position : position + 40]):
                raise _unreadable_type(origin, "fields in fields, or names with escapes", True)
            raise malformed
        key = match[1] or match[2]
        if key in found:
            raise _bad(origin, f"its header holds the key {key} twice")
        found[key] = _value(match, malformed)
        position = match.end()
        if position < end:
            if body[position] != ",":
                raise malformed
            position += 1
    return found


def _value(match: re.Match[str], malformed: DataError) -> str | bool | Shape:
    if match[5] is not None:
        return match[5] == "True"
    if match[6] is None:
        return next(text for text in (match[3], match[4], match[7]) if text is not None)
    parts = match[6].split(",")
    if not parts[-1].strip():
        parts.pop()
    elif len(parts) == 1:
        raise malformed  # `(3)` is a number, not a shape
    lengths = [_DIMENSION.fullmatch(part) for part in parts]
    if any(length is None for length in lengths):
        raise malformed
    return tuple(int(length[1]) for length in lengths if length)


def _dtype(descr: str, origin: str, text: bool, dates: bool) -> np.dtype[np.generic]:
    match = _DESCR.fullmatch(descr)
    kind, width = (match[1], match[2]) if match else ("", "")
    if kind + width in _NUMBERS or (dates and _DATE.fullmatch(descr)):
        return np.dtype(descr)
    if text and kind in ("S", "U") and 0 < int(width or 0) <= 1 << 16:
        return np.dtype(descr)
    raise _unreadable_type(origin, f"the type `{safe_text(descr, 40)}`", text)


def _fields(descr: str, origin: str) -> np.dtype[np.generic]:
    """A type with fields of simple types; those without a name are padding."""
    found: dict[str, tuple[np.dtype[np.generic], int]] = {}
    body, position, size = descr[1:-1], 0, 0
    while body[position:].strip():
        match = _FIELD.match(body, position)
        if match is None:
            raise _unreadable_type(origin, "a field that is no column: an array, or titled", True)
        name, kind = match[1] if match[1] is not None else match[2], match[3] or match[4] or ""
        padding = _PADDING.fullmatch(kind) if not name else None
        if padding is None:
            if not name or name in found or not name.isprintable():
                raise _bad(origin, f"a field is called `{safe_text(name)}`: nothing, or as another")
            dtype = _dtype(kind, f"{origin}[{name}]", True, True)
            found[name] = (dtype, size)
            size += dtype.itemsize
        else:
            size += int(padding[1])
        position = match.end()
    if not found:
        raise _bad(origin, "its type has no fields")
    kinds, offsets = zip(*found.values(), strict=True)
    return np.dtype({"names": list(found), "formats": kinds, "offsets": offsets, "itemsize": size})


def _unreadable_type(origin: str, found: str, text: bool) -> DataError:
    allowed = _NUMBERS_TEXT + (", and text of fixed width (S, U)" if text else "")
    return DataError(
        f"`{safe_text(origin)}` holds {found}",
        where=safe_text(origin),
        why=f"these types are read: {allowed}; Python objects are never loaded",
        fix="convert it with .astype(...) before saving",
    )


def _check_sizes(header: NpyHeader, available: int, origin: str) -> None:
    shape = header.shape
    if len(shape) > MAX_RANK:
        raise _bad(origin, f"its array has {len(shape)} dimensions; at most {MAX_RANK} are read")
    if size_of(shape[1:]) > MAX_ROW:
        raise _bad(origin, f"one of its rows would hold {size_of(shape[1:]):,} numbers")
    declared, there = header.data_bytes, available - header.start
    if declared != there:
        state = "is cut short" if there < declared else "goes on after its data"
        raise _bad(
            origin,
            f"it {state}: {header.dtype} of shape {shape} are {declared:,} bytes, "
            f"{there:,} are there",
        )


def _bad(origin: str, reason: str) -> DataError:
    shown = safe_text(origin)
    return DataError(f"cannot read `{shown}`: {reason}", where=shown)
