"""One process's part in a run: from where the run stands to its end, or to the next stop.

`train` makes a run that has not begun, `resume` finds one that has. From there on both are this.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import final

from dnn_cli.app.lifecycle.account import keep_account, sum_up
from dnn_cli.app.lifecycle.saving import Saver
from dnn_cli.app.lifecycle.signals import StopRequest
from dnn_cli.app.say import Say
from dnn_cli.base.errors import EXIT_BUDGET, EXIT_SIGNALS, DnnError, LimitError
from dnn_cli.base.text import safe_text
from dnn_cli.runs.append_log import AppendLog
from dnn_cli.runs.directory import RunDirectory
from dnn_cli.runs.recorders import record_timing
from dnn_cli.training.diagnosis import ReportedDivergenceError
from dnn_cli.training.events import (
    EpochFinished,
    Event,
    Observer,
    RunFinished,
    RunStarted,
    StopReason,
)
from dnn_cli.training.loop import fit
from dnn_cli.training.monitor import Monitor, StopWhen
from dnn_cli.training.spec import TrainingSpec

_COMPLETE: tuple[StopReason, ...] = ("epochs", "early_stopping", "threshold")
_EXITS: dict[StopReason, int] = {
    "max_time": EXIT_BUDGET,
    "hangup": EXIT_SIGNALS[1],
    "interrupted": EXIT_SIGNALS[2],
    "terminated": EXIT_SIGNALS[15],
}


@dataclass(frozen=True, slots=True)
class TrainResult:
    """How a training ended."""

    run: str
    model: str  # "" if none was written
    reason: StopReason
    epoch: int
    step: int
    seconds: float  # of this process
    monitor: str
    best_epoch: int
    best_value: float
    resume: str = ""  # the command that continues; "" when there is nothing left to do

    @property
    def exit_code(self) -> int:
        """What the process ends with."""
        return _EXITS.get(self.reason, 0)


@final
class Attempt:
    """A training under way in its run directory, whose lock the caller holds."""

    def __init__(
        self,
        saver: Saver,
        stop: StopRequest,
        observers: Sequence[Observer],
        say: Say,
    ) -> None:
        self.saver, self.stop, self.say = saver, stop, say
        self.session, self.run, self.pace = saver.session, saver.run, saver.pace
        self.began = self.pace.clock()
        self.observers = list(observers)

    def go(self) -> TrainResult:
        """Train until there is a reason to stop, and leave everything written.

        Raises:
            DivergedError: a loss or gradient is not finite.
            FileSystemError: the training could not be saved.
            LimitError: there is not enough memory, or no process to share the steps.
            KeyboardInterrupt: a second interrupt came.
        """
        try:
            with self._timed():
                self._tell(self._started())
                reason = self._follow()
                complete = reason in _COMPLETE
                self.saver.finish(complete)
                seconds = self.pace.clock() - self.began
                said = sum_up(self.saver, reason, seconds) if complete else []
                s = self.session
                result = result_of(self.run, reason, s.epoch, s.step, s.monitor, seconds)
                self._tell(_finished(result))
        except ReportedDivergenceError as error:
            keep_account(self.saver, error)
            raise
        except MemoryError as error:
            raise LimitError(
                "there is not enough memory to go on training",
                why=safe_text(error),
                fix="ask for a smaller batch_size in a new run, or free memory and continue with: "
                + resume_command(self.run.path),
                state=self.saver.safe,
            ) from error
        except LimitError as error:
            error.state = self.saver.safe
            raise
        except KeyboardInterrupt:
            self.say(f"{self.saver.safe}; continue with: {resume_command(self.run.path)}")
            raise
        finally:
            self.saver.journal.close()
        for line in said:
            self.say(line)
        return result

    @property
    def ending(self) -> StopReason | None:
        """Why the training is complete as it stands, or None if there is more to do."""
        s = self.session
        if s.index:
            return None
        return ending_of(s.spec, s.monitor, s.epoch, self.saver.standing.metrics)

    def _follow(self) -> StopReason:
        """Pull events until there is a reason to stop."""
        events = fit(self.session, self.pace.clock, self.pace.report_every)
        while (reason := self._reason()) is None:
            event = next(events)
            if isinstance(event, EpochFinished):
                saved = self.saver.on_epoch(event)
            else:
                saved = self.saver.on_step()
            self._tell(event)
            if saved is not None:
                self._tell(saved)
        return reason

    def _reason(self) -> StopReason | None:
        ending = self.ending
        if ending is not None or not self.saver.can_save:
            return ending
        if self.stop.reason is not None:
            return self.stop.reason
        budget = self.session.spec.max_seconds
        return (
            "max_time" if budget is not None and self.pace.clock() - self.began >= budget else None
        )

    def _tell(self, event: Event) -> None:
        """An observer that fails is dropped, and training goes on."""
        for observe in list(self.observers):
            try:
                observe(event)
            except Exception as error:  # whatever it is, the training is worth more
                self.observers.remove(observe)
                self.say(f"an observer failed and is not asked any more: {safe_text(error)}")

    def _timed(self) -> AbstractContextManager[object]:
        """timing.jsonl, open, and its recorder among the observers: no training depends on it."""
        try:
            log = AppendLog.extend(self.run.timing)
        except DnnError as error:
            self.say(f"times are not recorded: {error}")
            return nullcontext()
        self.observers.insert(0, record_timing(log, time.time))
        return log

    def _started(self) -> RunStarted:
        session = self.session
        return RunStarted(
            name=session.name,
            epochs=session.spec.epochs,
            steps_per_epoch=session.train.steps,
            rows=session.train.dataset.rows,
            parameters=session.network.parameters,
            monitor=session.monitor.metric,
        )


def ending_of(
    spec: TrainingSpec, monitor: Monitor, epoch: int, metrics: Mapping[str, float]
) -> StopReason | None:
    """Why a training is complete that has just finished `epoch`, with `metrics`; None if not."""
    measured = {name: at for name, at in (spec.stop_when or {}).items() if name in metrics}
    if StopWhen(measured).reached(metrics):
        return "threshold"
    if epoch and monitor.exhausted:
        return "early_stopping"
    return "epochs" if epoch >= spec.epochs else None


def result_of(
    run: RunDirectory, reason: StopReason, epoch: int, step: int, monitor: Monitor, seconds: float
) -> TrainResult:
    """How a run stands after stopping for `reason`."""
    complete = reason in _COMPLETE
    return TrainResult(
        run=str(run.path),
        model=str(run.model) if complete or monitor.best_epoch else "",
        reason=reason,
        epoch=epoch,
        step=step,
        seconds=seconds,
        monitor=monitor.metric,
        best_epoch=monitor.best_epoch,
        best_value=monitor.best_value,
        resume="" if complete else resume_command(run.path),
    )


def _finished(result: TrainResult) -> RunFinished:
    return RunFinished(
        reason=result.reason,
        epoch=result.epoch,
        step=result.step,
        monitor=result.monitor,
        best_epoch=result.best_epoch,
        best_value=result.best_value,
        seconds=result.seconds,
        model=result.model,
    )


def resume_command(run: Path) -> str:
    """What to type to continue the run."""
    return shlex.join(["dnn", "resume", str(run)])
