"""When a training is saved, and what happens when that fails.

Due        `every_seconds` after the save before, but no sooner than 49 times as long as that took:
           saving takes 2 % of the time at most, and a kill loses that much work at most. At the
           end of an epoch, if it is one of `every_epochs`, or within an epoch
Failing    the checkpoint before is as it was; training goes on, the next try is when the next save
           would be due, and after the third failure in a row, or the second at the end, the run
           stops (exit 6)
Order      log, last, best: a checkpoint never knows of lines that are not durable, and whoever
           finds a best one knows that there was a last one. The last one before stays, under a
           second name: no byte and no fsync more (2 MB: 5.2 instead of 5.0 ms)
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from dnn_cli.app.build import Built
from dnn_cli.app.lifecycle.choosing import Settled, settled
from dnn_cli.app.lifecycle.journal import FAILURES, Journal
from dnn_cli.app.lifecycle.state import Standing, best_checkpoint, last_checkpoint, model_of
from dnn_cli.app.say import Say
from dnn_cli.base.errors import FileSystemError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array, size_of
from dnn_cli.runs.checkpoint import write_checkpoint
from dnn_cli.runs.directory import RunDirectory
from dnn_cli.runs.model_file import write_model
from dnn_cli.training.events import CheckpointSaved, EpochFinished
from dnn_cli.training.session import Session

_SPEED = 3e8  # bytes a second: a guess at the first save, digest and both fsyncs included
_FAILURES = 3  # in a row
_OVERHEAD = 1 << 20  # bytes of names, specs, logs and metadata


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a training looks up from its work; the times come from `clock`, in seconds."""

    clock: Callable[[], float] = time.monotonic
    report_every: float = 0.1
    share: float = 0.02  # of the time that saving may take


NORMAL = Pace()


@final
class Saver:
    """Writes checkpoints when they are due, and the model file at the end."""

    def __init__(
        self,
        built: Built,
        session: Session,
        run: RunDirectory,
        standing: Standing,
        facts: Mapping[str, Any],
        say: Say,
        pace: Pace,
    ) -> None:
        self.built, self.session, self.run = built, session, run
        self.standing, self.facts = standing, facts
        self.say, self.pace = say, pace
        self.journal = Journal(run.metrics, standing.log_bytes, standing.log_sha256)
        self.saved_step = session.step if run.last.exists() else -1
        self.settled = Settled()  # by `finish`
        self._best_written = 0
        self._failures = 0
        self._wait(sum(file_sizes(session).values()) / _SPEED)

    def on_epoch(self, event: EpochFinished) -> CheckpointSaved | None:
        """Take note of an epoch and of its weights, if they are the best; save if it is due."""
        if event.improved:
            self.standing.best.take(self.session, event)
        self.standing.metrics = dict(event.metrics)
        self.journal.add(event)
        return self.on_step(event.epoch % self.session.spec.checkpoint.every_epochs == 0)

    def on_step(self, allowed: bool = True) -> CheckpointSaved | None:
        """Save if it is due and the session stands where it can be saved."""
        if not (allowed and self.can_save) or self.pace.clock() < self._due:
            return None
        return self._try()

    @property
    def can_save(self) -> bool:
        """Whether the session stands between two steps: an epoch still to be measured does not."""
        return self.session.index < self.session.train.steps

    def finish(self, complete: bool) -> None:
        """Save if anything happened since; write the model if there is one worth writing.

        The session's parameters may be those of the model afterwards.

        Raises:
            FileSystemError: whatever could not be written.
        """
        with self._told():
            best = self.standing.best
            if self.saved_step != self.session.step or self._best_written != best.epoch:
                _insist(self._write)
            if complete or best.epoch:
                vector = self.best_vector
                self.settled = settled(self.built, self.session, vector)
                more = self.settled.stored()
                model = model_of(self.built, self.session, vector, best.metrics, more)
                _insist(lambda: write_model(self.run.model, model))

    @property
    def best_vector(self) -> Array:
        """The weights of the best epoch; the present ones if no epoch was better than others."""
        best = self.standing.best
        return best.vector if best.epoch else self.session.network.arena.params

    @property
    def safe(self) -> str:
        """A phrase for messages: what a failure cannot take away."""
        if self.saved_step < 0:
            return "no checkpoint was written yet"
        return f"the last checkpoint is of step {self.saved_step}"

    def _try(self) -> CheckpointSaved | None:
        began = self.pace.clock()
        try:
            with self._told():
                self._write()
        except FileSystemError as error:
            self._failures += 1
            if self._failures == _FAILURES:
                raise
            self.say(f"cannot save: {error}; {self.safe}; training goes on and tries again")
            return None
        finally:
            self._wait(self.pace.clock() - began)
        self._failures = 0
        return CheckpointSaved(str(self.run.last), self.session.step, self.session.epoch)

    def _write(self) -> None:
        """Log, last, best."""
        self.journal.sync()
        standing, session = self.standing, self.session
        standing.log_bytes, standing.log_sha256 = self.journal.length, self.journal.sha256
        checkpoint = last_checkpoint(self.built, session, standing, self.facts)
        write_checkpoint(self.run.last, checkpoint, self.run.previous.name)
        self.saved_step = session.step
        best = standing.best
        if best.epoch != self._best_written:
            write_checkpoint(self.run.best, best_checkpoint(self.built, session, best))
            self._best_written = best.epoch

    def _wait(self, cost: float) -> None:
        """Set when the next save is due, after one that took `cost` seconds."""
        pause = max(
            self.session.spec.checkpoint.every_seconds, cost * (1.0 / self.pace.share - 1.0)
        )
        self._due = self.pace.clock() + pause

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Whatever goes wrong is a failure to write that says what is safe."""
        try:
            yield
        except FAILURES as error:
            raise FileSystemError(error.problems, state=self.safe) from error


def _insist(write: Callable[[], None]) -> None:
    """Write, and if that fails once more, from memory: at the end there is no next interval."""
    try:
        write()
    except FAILURES:
        write()


def file_sizes(session: Session) -> dict[str, int]:
    """Bytes of each file that a training writes, at the most."""
    arena = session.network.arena
    weights = arena.params.nbytes + _OVERHEAD
    state = sum(vector.nbytes for vector in session.optimizer.state.values())
    width = size_of(session.network.out_shape) * arena.params.itemsize
    outputs = session.train.dataset.rows * width
    return {"last": 2 * weights + state + outputs, "best": weights, "model": weights}


def require_space(directory: Path, session: Session, held: int = 0) -> None:
    """Refuse a disk that cannot hold the files of the run and a temporary one beside them.

    `held` bytes of them are there already; what does not exist yet of `directory` is made later.

    Raises:
        FileSystemError: gives what is needed and what is free.
    """
    there = next(one for one in (directory, *directory.absolute().parents) if one.exists())
    sizes = file_sizes(session)
    kept = sum(sizes.values()) + sizes["last"]  # the one before the last stays too
    needed = max(0, kept - held) + sizes["last"]
    free = shutil.disk_usage(there).free
    if free < needed:
        raise FileSystemError(
            f"the disk of {safe_text(there)} has {free / 1e6:.1f} MB free, "
            f"this training needs {needed / 1e6:.1f} MB",
            why="last, the one before it, best and model file, and a temporary beside them",
            fix="free some space, or choose another directory",
        )
