"""Every error a user can meet, one class an exit code.

The anatomy of a message: what happened, where (`file:line:column`, a table's row and column, a
byte), why, how to fix it, and what is safe. Codes are public and never renumbered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding. `what` stands alone; the other parts are printed when they are not empty.

    `where` is a location (`configs/a.yaml:14:3`); `line` is the source line it points to and
    `column` the 1-based column in it, so that the console can draw a caret.
    """

    what: str
    where: str = ""
    why: str = ""
    fix: str = ""
    line: str = ""
    column: int = 0


class DnnError(Exception):
    """A failure we expected: shown without a traceback, ended with `exit_code`.

    `problems` holds every finding of the same kind; `state` says what is safe.
    """

    exit_code: ClassVar[int] = 1
    default_state: ClassVar[str] = "nothing was written"

    def __init__(
        self,
        what: str | Sequence[Problem],
        *,
        where: str = "",
        why: str = "",
        fix: str = "",
        state: str | None = None,
    ) -> None:
        problem = Problem(what, where, why, fix) if isinstance(what, str) else None
        self.problems: tuple[Problem, ...] = (problem,) if problem else tuple(what)  # type: ignore[arg-type]
        self.state = self.default_state if state is None else state
        super().__init__("; ".join(p.what for p in self.problems))


class UsageError(DnnError):
    """The command line asks for something that does not exist or contradicts itself."""

    exit_code = 2


class ConfigError(DnnError):
    """The YAML file is wrong."""

    exit_code = 3


class DataError(DnnError):
    """A data file is missing, damaged, or not what the configuration says."""

    exit_code = 4


class CheckpointError(DnnError):
    """A checkpoint or model file is missing, damaged or of another kind."""

    exit_code = 5


class DamagedError(CheckpointError):
    """The bytes of a checkpoint or model file are not those that were written."""


class FileSystemError(DnnError):
    """A write failed, or an output exists already."""

    exit_code = 6


class LockedError(DnnError):
    """Another process is working in this run directory."""

    exit_code = 7


class DivergedError(DnnError):
    """A loss, gradient or prediction is not finite."""

    exit_code = 8


class LimitError(DnnError):
    """What is asked for does not fit into the memory or size allowed."""

    exit_code = 9


class GateError(DnnError):
    """A condition given with `--fail-if` holds."""

    exit_code = 11


class MissingExtraError(DnnError):
    """An optional dependency is not installed."""

    exit_code = 12


class SignalError(KeyboardInterrupt):
    """A signal that ends a process, raised where it arrived; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__()


# Stops that are not errors.
EXIT_BUDGET = 75  # stopped at the time budget, resumable
EXIT_SIGNALS = {1: 129, 2: 130, 15: 143}  # hangup, interrupt, terminate: after saving
