"""Standard output, where results go: all of them, or an error that says why not."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO, final

from dnn_cli.base.errors import FileSystemError


@contextmanager
def results() -> Iterator[TextIO]:
    """Standard output for the results of a command: they are out when the block has ended.

    Raises:
        FileSystemError: it is closed, or takes no more.
        BrokenPipeError: its reader has left.
    """
    with _reported():
        yield sys.stdout
        sys.stdout.flush()


@final
class Predictions:
    """Standard output for predictions as bytes, which may be many."""

    def __init__(self) -> None:
        from dnn_cli.console.terminal import binary

        self._bytes = binary(sys.stdout)

    def write(self, data: bytes) -> None:
        """Take `data`; see `results` for the errors."""
        with _reported():
            self._bytes.write(data)

    def flush(self) -> None:
        """Pass on what was taken; see `results` for the errors."""
        with _reported():
            self._bytes.flush()

    def fileno(self) -> int:
        """The descriptor."""
        return sys.stdout.fileno()


def closed() -> TextIO:
    """A standard output for a process that was given none: whatever is written is an error.

    It takes the descriptor, so that no file which is opened later becomes standard output.
    """
    return open(os.open(os.devnull, os.O_RDONLY), "w")


def reason(error: OSError) -> str:
    """Why standard output takes nothing."""
    if error.errno == errno.EBADF:
        return "it is closed"
    return error.strerror or type(error).__name__


@contextmanager
def _reported() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        what = f"standard output cannot be written: {reason(error)}"
        raise FileSystemError(what, state="") from error
