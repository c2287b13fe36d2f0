"""Members of a zip archive as bytes in order: never extracted, never longer than they declare."""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from typing import TYPE_CHECKING, cast

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import listing, safe_text
from dnn_cli.data.readers.bytes_in import CHUNK, INFLATION, beginning, file_size, read_up_to

if TYPE_CHECKING:  # 10 ms to import, for a format that few runs use
    from zipfile import ZipExtFile, ZipFile, ZipInfo

MAX_DIRECTORY = 1 << 20  # bytes of table of contents: some ten thousand members
_STORED, _DEFLATED = 0, 8
_MEMBER, _END, _END64, _LOCATOR64 = b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7"


class Archive:
    """The `.npy` members of an open `.npz` file, by key (the name without `.npy`)."""

    def __init__(self, archive: ZipFile, origin: str, size: int) -> None:
        self._archive, self.origin = archive, origin
        self.members: dict[str, ZipInfo] = {}
        for info in archive.infolist():
            self._add(info, size)
        ordered = sorted(self.members.values(), key=lambda info: info.header_offset)
        for one, after in itertools.pairwise(ordered):
            if one.header_offset + one.compress_size > after.header_offset:
                raise self.bad(f"its members `{safe_text(one.filename)}` and the next one overlap")

    def _add(self, info: ZipInfo, size: int) -> None:
        shown = safe_text(info.filename)
        if not info.filename.endswith(".npy"):
            raise self.bad(f"its member `{shown}` is not a .npy array")
        if info.flag_bits & 0x41:  # bits 0 and 6: encryption
            raise self.bad(f"its member `{shown}` is encrypted")
        if info.compress_type not in (_STORED, _DEFLATED):
            raise self.bad(f"its member `{shown}` is packed by method {info.compress_type}")
        if info.compress_size > size or info.file_size > info.compress_size * INFLATION + 64:
            raise self.bad(
                f"its member `{shown}` declares {info.file_size:,} bytes, which its "
                f"{info.compress_size:,} packed bytes cannot hold"
            )
        key = info.filename.removesuffix(".npy")
        if key in self.members:
            raise self.bad(f"it holds two members called `{shown}`")
        self.members[key] = info

    def open(self, key: str) -> Member:
        """A reader of the member `key`."""
        with translated(safe_text(self.origin)):
            file = cast("ZipExtFile", self._archive.open(self.members[key]))
            return Member(self, file, self.members[key])

    def bad(self, reason: str) -> DataError:
        """The error that says why the archive is refused."""
        shown = safe_text(self.origin)
        return DataError(f"cannot read `{shown}`: {reason}", where=shown)


class Member:
    """One member, unpacked as it is read; its checksum is verified at its end."""

    def __init__(self, archive: Archive, file: ZipExtFile, info: ZipInfo) -> None:
        self._archive, self._file = archive, file
        self.size = info.file_size
        self.origin = f"{archive.origin}[{info.filename.removesuffix('.npy')}]"

    def readinto(self, view: memoryview, /) -> int:
        """Unpack some bytes into `view`; 0 at the verified end."""
        with translated(safe_text(self._archive.origin)):
            return self._file.readinto(view[:CHUNK])


@contextmanager
def open_archive(file: FileIO, origin: str) -> Iterator[Archive]:
    """Open `file` as an `.npz` archive.

    Raises:
        DataError: no zip archive, or one that is damaged, encrypted or not made of arrays.
    """
    from zipfile import ZipFile

    head = read_up_to(file, 64)
    shown = safe_text(origin)
    if not head.startswith((_MEMBER, _END)):
        raise DataError(f"`{shown}` is not a .npz archive: {beginning(head)}", where=shown)
    _check_directory(file, shown)
    file.seek(0)
    with translated(shown):
        archive = ZipFile(file)
    with archive:
        yield Archive(archive, origin, file_size(file))


@contextmanager
def translated(shown: str) -> Iterator[None]:
    """Turn all that `zipfile` raises about the damaged archive `shown` into `DataError`."""
    from zipfile import BadZipFile

    # A compression that is not known is a RuntimeError too.
    damage = (BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, RuntimeError)
    try:
        yield
    except damage as error:
        reason = safe_text(error) or "it is cut short"
        raise DataError(f"cannot read `{shown}`: {reason}", where=shown) from None


def _check_directory(file: FileIO, shown: str) -> None:
    """Bound the table of contents before `zipfile` reads it whole."""
    size = file_size(file)
    tail_size = min(size, 22 + 65535 + 20)  # end record, longest comment, ZIP64 locator
    file.seek(size - tail_size)
    tail = read_up_to(file, tail_size)
    end = tail.rfind(_END)
    if end < 0 or len(tail) < end + 22:
        raise DataError(f"cannot read `{shown}`: the archive is cut short", where=shown)
    length = struct.unpack_from("<L", tail, end + 12)[0]
    locator = end - 20
    if locator >= 0 and tail.startswith(_LOCATOR64, locator):
        file.seek(min(size, struct.unpack_from("<Q", tail, locator + 8)[0]))
        record = read_up_to(file, 56)
        if len(record) < 56 or not record.startswith(_END64):
            raise DataError(f"cannot read `{shown}`: its ZIP64 record is damaged", where=shown)
        length = struct.unpack_from("<Q", record, 40)[0]
    if length > MAX_DIRECTORY:
        raise DataError(
            f"cannot read `{shown}`: its table of contents has {length:,} bytes; "
            f"at most {MAX_DIRECTORY:,} are read",
            where=shown,
        )


def keys_of(archive: Archive) -> str:
    """The keys found, for a message."""
    return f"the archive holds {listing(archive.members)}" if archive.members else "it is empty"
