"""Writing a first configuration, never over a file."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from dnn_cli.app.draft import draft
from dnn_cli.app.say import Say
from dnn_cli.base.errors import FileSystemError, UsageError
from dnn_cli.base.text import safe_text
from dnn_cli.runs.files import write_atomic


def init_config(
    data: str,
    targets: tuple[str, ...],
    task: str | None,
    output: str | None,
    say: Say,
    overrides: Sequence[str] = (),
) -> str:
    """The text of a configuration for the file `data`, written to `output` if there is one.

    `overrides` say of `data` what is not to be found out.

    Raises:
        UsageError: no target is named, there is no such column, or an override is of no data.
        ConfigError: an override is wrong.
        DataError: the file cannot be read, or its targets do not suit the task.
        FileSystemError: the output exists, or cannot be written.
    """
    path = None if output is None else Path(output)
    if path is not None and (path.exists() or path.is_symlink()):
        raise FileSystemError(
            f"{safe_text(path)} exists",
            fix="name another file, or remove it",
            state="it is as it was",
        )
    other = [one for one in overrides if not one.startswith("data.")]
    if other:
        raise UsageError(
            f"`{safe_text(other[0])}` is not of the data",
            fix="change it in the configuration when it is written, or where it trains",
        )
    found = draft(data, targets, task, Path() if path is None else path.parent, overrides)
    for note in (*found.found, *found.notes):
        say(note)
    if path is not None:
        write_atomic(path, [found.text.encode()], exclusive=True)
        say(f"{safe_text(path)} is written")
        say(f"next: dnn train {shlex.quote(str(path))}")
        say("then: dnn predict new.csv")
    return found.text
