"""Where predictions go: to a file that is written whole or not at all, or to a stream.

A stream keeps what was sent to it before a failure: the error then says how many rows that is.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from dnn_cli.app.prediction_formats import FORMATS
from dnn_cli.app.prediction_rows import Rows
from dnn_cli.base.errors import DnnError, FileSystemError, UsageError
from dnn_cli.base.text import listing, safe_text
from dnn_cli.runs.files import UNCHANGED, write_atomic

_PACKED = ("gz", "bz2", "xz", "zst", "zip")


class Sink(Protocol):
    """What takes predictions as bytes, such as a binary stream."""

    def write(self, data: bytes, /) -> object:
        """Take all of `data`."""

    def flush(self) -> object:
        """Pass on what was taken."""


def format_of(asked: str | None, output: str | Sink) -> str:
    """The format that is asked for, or that the name of the output ends in; of a stream CSV.

    Raises:
        UsageError: there is no such format, or the two contradict each other.
        FileSystemError: the output is a folder.
    """
    if not isinstance(output, str):
        return _known(asked or "csv", f"there is no output format `{safe_text(asked)}`")
    path, shown = Path(output), f"`{safe_text(output)}`"
    if os.path.isdir(output):
        raise FileSystemError(
            f"{shown} exists and is a folder", fix="name a file in it", state=UNCHANGED
        )
    named = _suffix(path)
    if named in _PACKED:
        plain = path.with_suffix("")
        raise UsageError(
            f"{shown}: predictions are not written packed",
            fix=f"name it {safe_text(plain if _suffix(plain) in FORMATS else f'{plain}.csv')} and "
            "pack that, or send standard output through a packer: dnn predict … | gzip > …",
        )
    kind = _known(asked or named, f"the name {shown} ends like no output format")
    if named in FORMATS and named != kind:
        raise UsageError(
            f"{shown} is the name of a {named} file, but --format says {kind}",
            fix=f"leave --format out, or name it {safe_text(path.with_suffix('.' + kind))}",
        )
    return kind


def _suffix(path: Path) -> str:
    return path.suffix.lower().removeprefix(".")


def _known(kind: str, otherwise: str) -> str:
    if kind not in FORMATS:
        raise UsageError(
            otherwise,
            why=f"there are {listing(FORMATS)}",
            fix="choose one with --format, or by the suffix of the output's name",
        )
    return kind


def write_file(path: str, pieces: Iterable[bytes], force: bool) -> None:
    """Make `path` hold the pieces; until then, and if anything fails, all stays as it is.

    Raises:
        FileSystemError: it cannot be written, or exists and is not to be written over.
    """
    try:
        write_atomic(Path(path), pieces, exclusive=not force, follow=True)
    except DnnError:
        raise  # it says itself what is safe
    except BaseException as error:
        error.add_note("nothing was written")
        raise


def write_stream(sink: Sink, pieces: Iterable[bytes], rows: Rows) -> None:
    """Send the pieces; whatever goes wrong then says how many of the `rows` are out."""
    state, out = "nothing was written", 0
    try:
        for piece in pieces:
            rest = rows.count - out
            part = f", and perhaps a part of the next {rest:,}" if rest else ""
            state = f"{out:,} predictions are out{part}"
            sink.write(piece)
            sink.flush()
            out = rows.count
            state = f"{out:,} predictions are out"
    except DnnError as error:
        error.state = state
        raise
    except BaseException as error:
        error.add_note(state)
        raise
