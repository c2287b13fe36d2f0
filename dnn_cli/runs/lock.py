"""One process a run directory.

The lock is the kernel's (`flock`): it is free the moment its holder is gone, however it went, so
there is no stale lock and nothing to clean up. The file stays: removing it would let two
processes hold locks on two files of the same name.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dnn_cli.base.errors import FileSystemError, LockedError
from dnn_cli.base.text import safe_text
from dnn_cli.runs.disk import disk
from dnn_cli.runs.files import UNCHANGED, open_directory, reported, write_all

LOCK_NAME = "run.lock"

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_TRIES, _PAUSE = 10, 0.01  # seconds
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS)


@contextmanager
def lock(directory: Path, started: str) -> Iterator[None]:
    """Hold the lock of `directory`; `started` is the time that others are told.

    Raises:
        LockedError: another process holds it; names its process id and start.
        FileSystemError: the file system has no locks, or refuses the file.
    """
    path = directory / LOCK_NAME
    with open_directory(directory, follow=False) as opened, reported("lock", path):
        descriptor = disk.open(LOCK_NAME, _FLAGS, 0o666, dir_fd=opened)
    try:
        _take(descriptor, directory)
        with suppress(OSError):  # the note is for people; the lock is held without it
            disk.ftruncate(descriptor, 0)
            write_all(descriptor, f"{os.getpid()} {started}\n".encode())
        yield
    finally:
        with suppress(OSError):  # the lock goes with the descriptor, which is gone either way
            disk.close(descriptor)


def _take(descriptor: int, directory: Path) -> None:
    path = directory / LOCK_NAME
    with reported("lock", path):
        try:
            _try(descriptor)
        except BlockingIOError:
            raise LockedError(
                f"{safe_text(directory)} is in use by {_holder(descriptor)}",
                fix="wait for it to finish, or choose another directory",
            ) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            raise FileSystemError(
                f"cannot lock {safe_text(path)}: this file system has no locks",
                fix="put the run directory on a local disk",
                state=UNCHANGED,
            ) from error


def _try(descriptor: int) -> None:
    """Take the lock; wait a moment where a process that has just been killed seems to hold it.

    A process forked a moment before holds it too, until it has closed what it inherited.
    """
    for attempt in range(_TRIES):
        try:
            disk.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if attempt == _TRIES - 1:
                raise
            time.sleep(_PAUSE)


def _holder(descriptor: int) -> str:
    note = ""
    with suppress(OSError):
        note = disk.pread(descriptor, 200, 0).decode("utf-8", "replace")
    process, _, started = note.strip().partition(" ")
    if not process.isdecimal():
        return "another process"
    return f"process {process}" + (f", started {safe_text(started, 80)}" if started else "")
