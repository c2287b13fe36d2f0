"""Logs of whole lines that only grow: `metrics.jsonl` and `timing.jsonl`.

A log knows its length and SHA-256, which a checkpoint records. Resuming from that checkpoint cuts
the log back to exactly those bytes, so that an interrupted and an uninterrupted run end with the
same file.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, final

from dnn_cli.base.errors import CheckpointError, FileSystemError
from dnn_cli.base.text import safe_text
from dnn_cli.runs.disk import disk
from dnn_cli.runs.files import (
    open_directory,
    read_bytes,
    read_from,
    reason,
    reported,
    sync_directory,
    unused,
    write_all,
    write_atomic,
)

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
_STATE = "its earlier lines are safe"


@final
class AppendLog:
    """An open log. `length` and `sha256` describe every byte it holds."""

    def __init__(self, path: Path, prefix: Iterator[bytes] | None = None) -> None:
        """Open `path`: a new file, or the existing one whose content is `prefix`."""
        self.path = path
        self.length = 0
        self._sha256 = hashlib.sha256()
        for chunk in prefix or ():
            self.length += len(chunk)
            self._sha256.update(chunk)
        flags = _FLAGS | (os.O_CREAT | os.O_EXCL if prefix is None else 0)
        with open_directory(path.parent, follow=False) as directory, reported("open", path):
            self._descriptor: int | None = disk.open(path.name, flags, 0o666, dir_fd=directory)
            try:
                sync_directory(directory)
            except OSError:
                self.close()
                raise

    @classmethod
    def create(cls, path: Path) -> Self:
        """A new, empty log; an existing file is an error (exit 6)."""
        return cls(path)

    @classmethod
    def resume(cls, path: Path, length: int, sha256: str) -> Self:
        """The log as it was when it had `length` bytes of that SHA-256.

        Later bytes are moved to `<name>.superseded-001.jsonl` (002, …) beside it.

        Raises:
            CheckpointError: those bytes are not there any more.
        """
        with _reading(path) as descriptor:
            found = hashlib.sha256()
            for chunk in read_from(descriptor, 0, length):
                found.update(chunk)
            size = disk.fstat(descriptor).st_size
            if size < length or found.hexdigest() != sha256:
                raise CheckpointError(
                    f"{safe_text(path)} is not the log this checkpoint was written with",
                    why=f"its first {length} bytes were changed or removed (it has {size})",
                    fix="restore the file from a copy of the run",
                )
            if size > length:
                later = unused(path.parent, f"{path.stem}.superseded-", path.suffix)
                write_atomic(path.with_name(later), read_from(descriptor, length, None))
                write_atomic(path, read_from(descriptor, 0, length))
            return cls(path, read_from(descriptor, 0, length))

    @classmethod
    def extend(cls, path: Path) -> Self:
        """The log with every whole line it holds; a new one if there is none."""
        try:
            content = read_bytes(path)
        except FileNotFoundError:
            return cls.create(path)
        except OSError as error:
            raise _unreadable(path, error) from error
        whole = content[: content.rfind(b"\n") + 1]
        return cls.resume(path, len(whole), hashlib.sha256(whole).hexdigest())

    @property
    def sha256(self) -> str:
        """The digest of every byte so far, in hexadecimal."""
        return self._sha256.hexdigest()

    def append(self, lines: bytes) -> None:
        """Add whole lines; after an error the log is as it was."""
        if not lines.endswith(b"\n"):
            raise ValueError("a log takes whole lines")
        descriptor = self._opened()
        try:
            with reported("append to", self.path, _STATE):
                write_all(descriptor, lines)
        except FileSystemError:
            self._take_back(descriptor)
            raise
        self.length += len(lines)
        self._sha256.update(lines)

    def sync(self) -> None:
        """Make every line durable. After a failure the log accepts no more: see `files`."""
        descriptor = self._opened()
        try:
            with reported("write", self.path, _STATE):
                disk.fsync(descriptor)
        except FileSystemError:
            self.close()
            raise

    def close(self) -> None:
        """Close the file; closing twice is allowed."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):  # what must be durable was synced before
                disk.close(descriptor)

    def _opened(self) -> int:
        if self._descriptor is None:
            raise FileSystemError(f"{safe_text(self.path)} is closed", state=_STATE)
        return self._descriptor

    def _take_back(self, descriptor: int) -> None:
        """Remove a half-written line, so that the next one does not continue it."""
        try:
            disk.ftruncate(descriptor, self.length)
        except OSError:
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def whole_lines(path: Path) -> list[bytes]:
    """The finished lines of a log, which another process may be appending to.

    Raises:
        CheckpointError: the file cannot be read.
    """
    try:
        content = read_bytes(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    return content.split(b"\n")[:-1]


@contextmanager
def _reading(path: Path) -> Iterator[int]:
    try:
        descriptor = disk.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        yield descriptor
    except OSError as error:
        raise _unreadable(path, error) from error
    finally:
        with suppress(OSError):  # nothing was written through it
            disk.close(descriptor)


def _unreadable(path: Path, error: OSError) -> CheckpointError:
    return CheckpointError(f"cannot read {safe_text(path)}: {reason(error)}")
