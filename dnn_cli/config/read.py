"""Reading a configuration: once, from a regular file or standard input, and never too much."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from dnn_cli.base.errors import Problem
from dnn_cli.base.text import listing, nearest, safe_text
from dnn_cli.config.decode import MAX_BYTES

STDIN = "-"
_SUFFIXES = (".yaml", ".yml")
_ENTRIES = 10_000  # of a folder searched for similar names


class ReadError(Exception):
    """The file could not be read; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.what)
        self.problem = problem


def read_stdin() -> bytes:
    """Standard input, up to one byte more than is allowed."""
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def read_file(path: Path) -> bytes:
    """The bytes of a regular file, up to one more than is allowed.

    The kind of file is asked of the opened descriptor, so that nothing can be put in its place
    in between; a pipe without a writer does not block.

    Raises:
        ReadError: there is no such file, or it is a directory, a pipe, a device, or unreadable.
    """
    shown = safe_text(path)
    try:
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        what = f"cannot read `{shown}`: {reason}"
        raise ReadError(Problem(what, shown, fix=_similar(path))) from None
    try:
        _refuse_special(os.fstat(opened).st_mode, path)
        with os.fdopen(opened, "rb", closefd=False) as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ReadError(Problem(f"cannot read `{shown}`: {error.strerror}", shown)) from None
    finally:
        os.close(opened)


def _refuse_special(mode: int, path: Path) -> None:
    if stat.S_ISREG(mode):
        return
    shown = safe_text(path)
    if stat.S_ISDIR(mode):
        inside = [name for name in _entries(path) if name.endswith(_SUFFIXES)]
        fix = f"name a file in it: {listing(inside, 10)}" if inside else "name a YAML file"
        raise ReadError(Problem(f"`{shown}` is a directory", shown, fix=fix))
    kind = "a pipe" if stat.S_ISFIFO(mode) else "a device or socket"
    fix = f"name a regular file, or `{STDIN}` to read standard input"
    raise ReadError(Problem(f"`{shown}` is {kind}, not a file", shown, fix=fix))


def _similar(path: Path) -> str:
    """The file nearby that was probably meant."""
    names = _entries(path.parent)
    wanted = [path.name + suffix for suffix in _SUFFIXES]
    wanted += [path.stem + suffix for suffix in _SUFFIXES]
    close = next((name for name in wanted if name in names and name != path.name), None)
    close = close or nearest(path.name[:255], names)
    return f"did you mean `{safe_text(path.parent / close)}`?" if close else ""


def _entries(folder: Path) -> list[str]:
    """The names in a folder, as far as it can be read."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry, _ in zip(entries, range(_ENTRIES), strict=False))
    except (OSError, ValueError):
        return []
