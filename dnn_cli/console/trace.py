"""What an observer remembers of a run: as much after a million epochs as after a hundred."""

from __future__ import annotations

import math
from collections import deque
from typing import final

from dnn_cli.training.events import EpochFinished, Event, RunFinished, RunStarted, StepsFinished

ROWS = 12  # finished epochs kept in full
_SMOOTHING = 0.2  # weight of the newest epoch in the time expected of the next
_POINTS = 256  # of the history of the monitored metric


@final
class History:
    """A series of unknown length in at most 256 numbers.

    When it is full, neighbours are averaged in pairs, and from then on one number stands for
    twice as many values.
    """

    def __init__(self) -> None:
        self.points: list[float] = []
        self._per_point, self._sum, self._count = 1, 0.0, 0

    def append(self, value: float) -> None:
        """Add the next value; one that is not finite makes its point so."""
        self._sum += value
        self._count += 1
        if self._count < self._per_point:
            return
        self.points.append(self._sum / self._per_point)
        self._sum, self._count = 0.0, 0
        if len(self.points) == _POINTS:
            pairs = zip(self.points[::2], self.points[1::2], strict=True)
            self.points = [(a + b) / 2 for a, b in pairs]
            self._per_point *= 2


@final
class Trace:
    """The state of a run as its events tell it. Times come from the events: there is no clock."""

    def __init__(self) -> None:
        self.started: RunStarted | None = None
        self.steps: StepsFinished | None = None  # of the epoch under way
        self.epochs: deque[EpochFinished] = deque(maxlen=ROWS)
        self.finished: RunFinished | None = None
        self.history = History()
        self.elapsed = 0.0  # of finished epochs
        self._epoch_seconds: float | None = None

    def observe(self, event: Event) -> None:
        """Take in one event."""
        if isinstance(event, RunStarted):
            self.started = event
        elif isinstance(event, StepsFinished):
            self.steps = event
        elif isinstance(event, EpochFinished):
            self._take_epoch(event)
        elif isinstance(event, RunFinished):
            self.finished = event

    def _take_epoch(self, event: EpochFinished) -> None:
        self.steps = None
        self.epochs.append(event)
        self.elapsed += event.seconds
        before = self._epoch_seconds
        self._epoch_seconds = (
            event.seconds if before is None else before + _SMOOTHING * (event.seconds - before)
        )
        value = event.metrics.get(event.monitor)
        if value is not None:
            self.history.append(value)

    @property
    def last(self) -> EpochFinished | None:
        """The epoch that finished last."""
        return self.epochs[-1] if self.epochs else None

    @property
    def best(self) -> EpochFinished | None:
        """The last epoch's account of the best one, once there is a best one."""
        last = self.last
        return last if last and last.best_epoch and math.isfinite(last.best_value) else None

    def left(self) -> float | None:
        """Seconds until the last epoch ends, if all are run; None before anything is known."""
        steps, last = self.steps, self.last
        if self._epoch_seconds is not None and last is not None:
            spent = steps.seconds if steps else 0.0
            return max(0.0, (last.epochs - last.epoch) * self._epoch_seconds - spent)
        if steps is not None and steps.step_in_epoch:
            whole = steps.seconds / steps.step_in_epoch * steps.steps_per_epoch
            return (steps.epochs - steps.epoch + 1) * whole - steps.seconds
        return None
