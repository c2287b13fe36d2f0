"""The bytes of a file of text, plain or packed by gzip, or those of standard input."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from io import BytesIO, FileIO
from pathlib import Path
from typing import BinaryIO, TypeAlias

from dnn_cli.base.errors import DataError
from dnn_cli.data.readers.bytes_in import (
    file_size,
    is_gzip,
    open_regular,
    unpacked,
    unpacked_if_packed,
    widen,
)
from dnn_cli.data.readers.memory import require_memory

BLOCK = 1 << 20  # bytes read at a time
STANDARD_INPUT = "standard input"
_MARK = b"\xef\xbb\xbf"
Opened: TypeAlias = tuple[str, Callable[[int], bytes], int | None]


def open_bytes(path: Path, files: ExitStack) -> Opened:
    """(name for messages, a function that reads some bytes, size if it is known)."""
    if str(path) != "-":
        file: FileIO = files.enter_context(open_regular(path))
        if is_gzip(file):
            return str(path), unpacked(file, str(path)), None
        return str(path), file.read, file_size(file)
    stream = _standard_input()
    widen(stream, BLOCK)
    read = unpacked_if_packed(getattr(stream, "read1", stream.read), STANDARD_INPUT)
    return STANDARD_INPUT, read, None


def kept(path: Path) -> Callable[[], Opened] | None:
    """Opens what standard input held, as often as it is needed; None for a file."""
    if str(path) != "-":
        return None
    with ExitStack() as files:
        _, read, _ = open_bytes(path, files)
        held = bytearray()
        while block := read(BLOCK):
            require_memory(len(block), STANDARD_INPUT)
            held += block
    return lambda: (STANDARD_INPUT, BytesIO(held).read, len(held))


def holds_json() -> bool:
    """Whether standard input begins with an object of JSON; nothing of it is taken away."""
    with suppress(AttributeError, DataError):  # no standard input, or one that cannot be looked at
        head: bytes = _standard_input().peek(1)  # type: ignore[attr-defined]
        return head.removeprefix(_MARK).lstrip()[:1] == b"{"
    return False


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise DataError("there is no standard input", where=STANDARD_INPUT)
    return sys.stdin.buffer
