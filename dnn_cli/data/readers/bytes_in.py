"""Bytes from outside: only regular files are opened, and only what is asked for is read."""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import stat
import zlib
from collections.abc import Callable
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Protocol

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import listing, nearest, safe_text

CHUNK = 1 << 18  # bytes asked of the file system at a time
INFLATION = 1032  # deflate cannot turn one byte into more than this many (RFC 1951, section 3.2)
GZIP = b"\x1f\x8b"
_TABLES = (".csv", ".tsv", ".tab", ".txt")
_INSTEAD = ", or give `-` to read a table from standard input"
_TEXT = bytes(range(0x20, 0x7F)) + b"\t\r\n"

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x93NUMPY", "a NumPy array (.npy)"),
    (GZIP, "gzip data"),
    (b"PK\x03\x04", "a zip archive (.npz, .xlsx, .zip)"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x89HDF\r\n", "an HDF5 file"),
    (b"PAR1", "a Parquet file"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3", "an SQLite database"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ", "xz data"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"\x00\x00\x08", "an IDX file"),
    *((bytes((0x80, protocol)), "a Python pickle, which is never loaded") for protocol in range(6)),
)


class Reader(Protocol):
    """Bytes in order."""

    def readinto(self, view: memoryview, /) -> int | None:
        """Fill some of `view` and return how much; 0 at the end of the data."""


class Readable(Protocol):
    """What packed bytes are read from: a file, or the answer of a server."""

    def read(self, count: int, /) -> bytes | None:
        """The next bytes, at most `count`; none at the end."""


def open_regular(path: Path) -> FileIO:
    """Open a regular file for reading; it never waits for a pipe and never reads a device.

    Raises:
        DataError: the path is missing, is no regular file, or may not be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        descriptor = os.open(path, flags | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise missing_file(path) from None
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        if isinstance(error, OSError) and error.errno == errno.ENXIO:
            reason = "it is a socket or a device"
        shown = safe_text(path)
        raise DataError(f"cannot open `{shown}`: {reason}", where=shown) from None
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise _not_regular(path, mode)
        return FileIO(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def widen(stream: BinaryIO, size: int) -> None:
    """Let a pipe hold `size` bytes, where the system allows it: fewer and larger reads.

    Linux gives it 64 KiB. A table arrives then in pieces of 400 rows, and takes 3 times the time.
    """
    with suppress(OSError, AttributeError):  # no pipe, no such system, or no more allowed
        fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, size)


def file_size(file: FileIO) -> int:
    """The size of an open file in bytes."""
    return os.fstat(file.fileno()).st_size


def missing_file(path: Path, kind: str = "file") -> DataError:
    """The error that there is no such `kind` at `path`, with what is nearest to it."""
    folder = path.parent
    if not folder.is_dir():
        lacking = f"the folder `{safe_text(folder)}` does not exist"
        what = f"no such {kind}: `{safe_text(path)}`: {lacking}"
        return DataError(what, where=safe_text(path))
    names = _names_in(folder)
    close = nearest(path.name, names)
    fix = f"did you mean `{safe_text(folder / close)}`?" if close else ""
    if not close and names:
        fix = f"the folder holds {listing(names, limit=8)}"
    return DataError(f"no such {kind}: `{safe_text(path)}`", where=safe_text(path), fix=fix)


def _names_in(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in itertools.islice(entries, 1000)]
    except OSError:
        return []


def _not_regular(path: Path, mode: int) -> DataError:
    shown = safe_text(path)
    if stat.S_ISDIR(mode):
        names = _names_in(path)
        fix = f"name a file in it: {listing(names, limit=8)}" if names else "the folder is empty"
        return DataError(f"`{shown}` is a folder, not a file", where=shown, fix=fix)
    kinds = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device"}
    kind = kinds.get(stat.S_IFMT(mode), "a device")
    return DataError(
        f"`{shown}` is {kind}, not a regular file",
        where=shown,
        fix="write it to a file first" + (_INSTEAD if path.suffix.lower() in _TABLES else ""),
    )


def no_file(path: Path) -> DataError | None:
    """The error for a path where there is neither a folder nor a regular file; None if there is."""
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return missing_file(path, "file or folder")
    except OSError:  # whoever opens it says why
        return None
    return None if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else _not_regular(path, mode)


def beginning(head: bytes) -> str:
    """What the first bytes of a file say of it, for a message."""
    return f"it begins like {looks_like(head)}" if head else "the file is empty"


def looks_like(head: bytes) -> str:
    """What the first bytes of a file look like, for a message."""
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            return name
    if head.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    if head.isascii() and not head.translate(None, _TEXT):
        return "text"
    return "binary data of an unknown kind"


def require_text(head: bytes, origin: str) -> None:
    """Refuse what begins like a file of some other kind than text.

    Raises:
        DataError: says which.
    """
    if b"\0" in head[:64] or not head[:4].isascii():
        kind = looks_like(head[:64])
        if kind not in ("text", "binary data of an unknown kind", "UTF-16 text"):
            shown = safe_text(origin)
            raise DataError(f"`{shown}` is no CSV file: it is {kind}", where=shown)


def fill(reader: Reader, view: memoryview) -> int:
    """Fill `view` from `reader`; less than its length is returned only at the end of the data."""
    done = 0
    while done < len(view):
        count = reader.readinto(view[done:])
        if not count:
            break
        done += count
    return done


def read_up_to(reader: Reader, count: int) -> bytes:
    """The next `count` bytes, or what is left of them."""
    buffer = bytearray(count)
    return bytes(buffer[: fill(reader, memoryview(buffer))])


def is_gzip(file: FileIO) -> bool:
    """Whether the file begins like gzip data; leaves the file at its beginning."""
    head = file.read(len(GZIP))
    file.seek(0)
    return head == GZIP


class Gunzip:
    """A gzip file unpacked as it is read, never further than the reader asks.

    Its checksum is verified at the end, and anything after its one member is refused.
    """

    def __init__(self, file: Readable, origin: str, packed: bytes = b"") -> None:
        self._file, self._origin = file, origin
        self._inflate = zlib.decompressobj(wbits=31)
        self._packed = packed  # read from `file` already

    def readinto(self, view: memoryview, /) -> int:
        """Unpack some bytes into `view`; 0 at the verified end."""
        while len(view) and not self._inflate.eof:
            try:
                unpacked = self._inflate.decompress(self._packed, min(len(view), CHUNK))
            except zlib.error as error:
                raise self._damaged(f"its gzip data are damaged ({error})") from None
            self._packed = self._inflate.unconsumed_tail
            if unpacked:
                view[: len(unpacked)] = unpacked
                return len(unpacked)
            if not self._packed and not self._inflate.eof:
                self._packed = self._file.read(CHUNK) or b""
                if not self._packed:
                    raise self._damaged("its gzip data end too early: the file is cut short")
        if len(view) and (self._inflate.unused_data or self._file.read(1)):
            raise self._damaged("there are bytes after the end of its gzip data")
        return 0

    def _damaged(self, reason: str) -> DataError:
        shown = safe_text(self._origin)
        return DataError(f"cannot unpack `{shown}`: {reason}", where=shown)


def unpacked(file: Readable, origin: str) -> Callable[[int], bytes]:
    """What reads some bytes of a gzip file, unpacked."""
    reader = Gunzip(file, origin)

    def read(count: int) -> bytes:
        found = bytearray(min(count, CHUNK))
        return bytes(found[: reader.readinto(memoryview(found))])

    return read


class Ahead:
    """What `read` gives, of which the first bytes are looked at before they are read."""

    def __init__(self, read: Callable[[int], bytes], count: int) -> None:
        self._read, self.head = read, b""
        while len(self.head) < count and (more := read(count - len(self.head))):
            self.head += more
        self._left = self.head

    def read(self, count: int, /) -> bytes:
        """The next bytes: none only at the end."""
        if not self._left:
            return self._read(count)
        found, self._left = self._left[:count], self._left[count:]
        return found


def unpacked_if_packed(read: Callable[[int], bytes], origin: str) -> Callable[[int], bytes]:
    """What `read` gives, unpacked where it begins like gzip data."""
    ahead = Ahead(read, len(GZIP))
    return unpacked(ahead, origin) if ahead.head == GZIP else ahead.read
