"""Run directories: `runs/<name>-001/`, made once, never used for a second run, never deleted.

Nothing here writes into a directory that holds anything, and nothing is made before `create` or
`named` is called: a run that fails on its configuration or data leaves no trace.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

from dnn_cli.base.errors import CheckpointError, FileSystemError
from dnn_cli.base.text import listing, safe_text
from dnn_cli.runs.files import (
    UNCHANGED,
    entries,
    make_directory,
    new_directory,
    remove_temporaries,
)
from dnn_cli.runs.json_file import read_json
from dnn_cli.runs.lock import LOCK_NAME, lock


@final
@dataclass(frozen=True, slots=True)
class RunDirectory:
    """Where the files of one run are. `fresh`: made by this process, for a new run."""

    path: Path
    fresh: bool = False

    @classmethod
    def create(cls, parent: Path, name: str) -> Self:
        """A new directory `<name>-001` in `parent`, or `-002`, … above the highest there is.

        `parent` is made if it is missing. Two processes at the same time get two directories:
        making a directory either succeeds for one of them or says that it exists.

        Raises:
            FileSystemError: it cannot be made, or `name` is not the name of a file.
        """
        if not name or name[0] in ".-" or "/" in name or not name.isprintable():
            raise FileSystemError(
                f"`{safe_text(name)}` cannot name a run directory",
                fix="use letters, digits, `_`, `-` and `.`, starting with a letter or digit",
            )
        make_directory(parent, parents=True)
        numbered = re.compile(re.escape(name) + r"-(\d{3,9})")
        found = (numbered.fullmatch(entry) for entry in entries(parent))
        number = max((int(match[1]) for match in found if match), default=0) + 1
        while not new_directory(parent / f"{name}-{number:03d}"):
            number += 1
        return cls(parent / f"{name}-{number:03d}", fresh=True)

    @classmethod
    def named(cls, path: Path) -> Self:
        """The directory `path` that the user asked for: made, or there already and empty.

        That nobody else got it meanwhile is settled by `locked`.

        Raises:
            FileSystemError: it holds something, is a symbolic link or not a directory; nothing
                was touched.
        """
        require_free(path)
        make_directory(path, parents=True)
        return cls(path, fresh=True)

    @classmethod
    def open(cls, path: Path) -> Self:
        """The existing run in `path`; a symbolic link stands for the directory it points to.

        Raises:
            CheckpointError: there is no run.
        """
        path = path.resolve() if path.is_symlink() else path
        run = cls(path)
        if not run.config.is_file():
            raise CheckpointError(
                f"there is no run in {safe_text(path)}",
                where=safe_text(path),
                why=_lack(path),
                fix="name a run directory, such as runs/<name>-001",
            )
        return run

    @contextmanager
    def locked(self, started: str) -> Iterator[None]:
        """Work in this run alone; removes what an interrupted save left behind.

        Raises:
            LockedError: another process works in it.
            FileSystemError: another process has made its run here since this one asked.
        """
        with lock(self.path, started):
            if self.fresh:
                require_free(self.path)
            for directory in (self.path, self.checkpoints):
                if directory.is_dir():
                    remove_temporaries(directory)
            yield

    @property
    def name(self) -> str:
        """The directory's own name."""
        return self.path.name

    @property
    def config(self) -> Path:
        """The configuration, as the bytes that were given."""
        return self.path / "config.yaml"

    @property
    def resolved(self) -> Path:
        """The configuration with every default and inference."""
        return self.path / "resolved.yaml"

    @property
    def environment(self) -> Path:
        """The machine and the versions."""
        return self.path / "environment.json"

    @property
    def metrics(self) -> Path:
        """One line an epoch, free of clocks."""
        return self.path / "metrics.jsonl"

    @property
    def timing(self) -> Path:
        """One line an epoch, seconds and rates."""
        return self.path / "timing.jsonl"

    @property
    def checkpoints(self) -> Path:
        """The directory of `last`, `previous` and `best`."""
        return self.path / "checkpoints"

    @property
    def last(self) -> Path:
        """The checkpoint to resume from."""
        return self.checkpoints / "last.safetensors"

    @property
    def previous(self) -> Path:
        """The checkpoint before `last`, for when that one is damaged."""
        return self.checkpoints / "previous.safetensors"

    @property
    def best(self) -> Path:
        """The checkpoint of the best epoch so far."""
        return self.checkpoints / "best.safetensors"

    @property
    def model(self) -> Path:
        """The only file needed to predict."""
        return self.path / "model.safetensors"

    @property
    def predictions(self) -> Path:
        """The directory of predictions made with this run."""
        return self.path / "predictions"

    @property
    def summary(self) -> Path:
        """Written last: a run without it is not finished."""
        return self.path / "summary.json"

    @property
    def diverged(self) -> Path:
        """What was found when the training diverged."""
        return self.path / "diverged.json"

    def files(self) -> tuple[Path, ...]:
        """Every file that a run may need, whether it is there or not."""
        named = (
            *(self.config, self.resolved, self.environment, self.metrics, self.timing),
            *(self.last, self.previous, self.best, self.model, self.summary, self.diverged),
        )
        found = entries(self.checkpoints) if self.checkpoints.is_dir() else []
        others = (self.checkpoints / name for name in found)  # damaged ones that were put aside
        return (*dict.fromkeys((*named, *others)), self.path / LOCK_NAME)

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.summary.is_file()

    @property
    def started(self) -> str:
        """When the run began, as its environment.json says; empty if that cannot be read."""
        try:
            found = read_json(self.environment).get("started")
        except CheckpointError:
            return ""
        return found if isinstance(found, str) else ""


def require_free(path: Path) -> None:
    """Refuse a path that a new run cannot have; touches nothing.

    A directory with nothing but a lock file is free: another process may be about to use it,
    which its lock will tell.
    """
    what = ""
    if path.is_symlink():
        what = "is a symbolic link"
    elif path.is_dir():
        there = [name for name in entries(path) if name != LOCK_NAME]
        what = f"is not empty: it holds {listing(there, 5)}" if there else ""
    elif path.exists():
        what = "is not a directory"
    if what:
        raise FileSystemError(
            f"{safe_text(path)} {what}", fix="name a new or empty directory", state=UNCHANGED
        )


def run_around(path: Path) -> RunDirectory | None:
    """The run in whose directory, however deep, `path` lies; None if it lies in none."""
    runs = (RunDirectory(parent) for parent in path.parents)
    return next((run for run in runs if run.config.is_file() and run.resolved.is_file()), None)


def runs_in(parent: Path) -> list[RunDirectory]:
    """The runs in `parent`, oldest first; none if there is no such directory.

    Order: the start that environment.json recorded (UTC, ISO 8601, so that text order is time
    order), then name, then number. File times are not asked: a copy changes them.
    """
    return sorted(_found_in(parent), key=_age)


def latest(parent: Path) -> RunDirectory:
    """The newest finished run in `parent`, by the order of `runs_in`.

    Raises:
        CheckpointError: there is none.
    """
    newest = max((run for run in _found_in(parent) if run.finished), key=_age, default=None)
    if newest is None:
        raise CheckpointError(
            f"there is no finished run in {safe_text(parent)}",
            where=safe_text(parent),
            fix="train one with `dnn train`, or name a model with --model, or the folder of the "
            "runs with --runs",
        )
    return newest


def _found_in(parent: Path) -> Iterator[RunDirectory]:
    for name in entries(parent) if parent.is_dir() else ():
        run = RunDirectory(parent / name)
        if run.config.is_file():
            yield run


def _age(run: RunDirectory) -> tuple[str, str, int]:
    stem, _, number = run.name.rpartition("-")
    counted = number.isascii() and number.isdecimal() and len(number) < 10
    return (run.started, stem, int(number)) if counted else (run.started, run.name, 0)


def _lack(path: Path) -> str:
    """Why there is no run in `path`."""
    if path.is_dir():
        return "it has no config.yaml"
    return "it is not a directory" if os.path.lexists(path) else "there is no such directory"
