"""Files that no output is written over: the input, the model, and what a run needs.

They are told by what the system calls the same file, whatever name or link leads to it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from dnn_cli.base.errors import DataError, FileSystemError
from dnn_cli.base.text import safe_text
from dnn_cli.data.readers.image_file import SUFFIXES
from dnn_cli.data.readers.several_files import files_of
from dnn_cli.runs.directory import run_around
from dnn_cli.runs.files import UNCHANGED

_STDIN = 0


def require_free(output: str, input: str, model: Path, force: bool) -> None:
    """Refuse an output file that cannot be, or must not be, written; touches nothing.

    With `force` a file that is there may be written over, unless it is one of those kept.

    Raises:
        FileSystemError: names the output and the reason.
    """
    shown = f"`{safe_text(output)}`"
    found, path = _status(output), Path(os.path.realpath(output))
    run = run_around(path)
    if run is not None and path in run.files():
        raise _kept(shown, f"a file of the run {safe_text(run.path)}")
    if found is None:
        if not path.parent.is_dir():
            raise _refused(
                f"{shown} cannot be written: there is no folder `{safe_text(path.parent)}`",
                "make that folder first, or choose another one",
            )
    elif not stat.S_ISREG(found.st_mode):
        raise _refused(
            f"{shown} exists and is no regular file",
            "leave -o out, and send standard output there with > or |",
        )
    else:
        _require_other(shown, found, input, model)
        if not force:
            raise _refused(f"{shown} exists", "write over it with --force, or choose another name")


def require_other(stream: object, input: str, model: Path) -> None:
    """Refuse a stream that writes into the input, the model, or what the model's run needs.

    Raises:
        FileSystemError: says which of them.
    """
    found = None
    with suppress(AttributeError, OSError, ValueError):  # a stream that is no file's
        found = os.fstat(stream.fileno())  # type: ignore[attr-defined]
    if found is not None and stat.S_ISREG(found.st_mode):
        _require_other("standard output", found, input, model)


def _require_other(shown: str, found: os.stat_result, input: str, model: Path) -> None:
    run = run_around(Path(os.path.realpath(model)))
    for path in _inputs(input):
        if _same(found, path):
            raise _kept(shown, "the input")
    if _same(found, model):
        raise _kept(shown, "the model")
    if run is not None and any(_same(found, path) for path in run.files()):
        raise _kept(shown, f"a file of the run {safe_text(run.path)}")


def _inputs(path: str) -> Iterator[str | int | Path]:
    """The file to predict, those that a pattern names, or the images in the folder."""
    if not os.path.isdir(path):
        yield _STDIN if path == "-" else path
        with suppress(DataError):
            yield from files_of(path) or ()
    for folder, _, names in os.walk(path):
        for name in names:
            if os.path.splitext(name)[1].lower() in SUFFIXES:
                yield os.path.join(folder, name)


def _same(found: os.stat_result, path: str | int | Path) -> bool:
    other = _status(path)
    return other is not None and os.path.samestat(found, other)


def _status(path: str | int | Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None


def _kept(shown: str, role: str) -> FileSystemError:
    return _refused(f"{shown} is {role}, which is never written over", "choose another name")


def _refused(what: str, fix: str) -> FileSystemError:
    return FileSystemError(what, fix=fix, state=UNCHANGED)
