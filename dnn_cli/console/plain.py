"""Progress for files, pipes and logs: one line an epoch, never painted over.

Cost       20 µs an epoch with three metrics, the write included
"""

from __future__ import annotations

from typing import TextIO, final

from dnn_cli.base.text import figure, safe_text
from dnn_cli.console.figures import count, duration, rate
from dnn_cli.console.observer import Progress
from dnn_cli.console.trace import Trace
from dnn_cli.training.events import (
    CheckpointSaved,
    EpochFinished,
    Event,
    RunStarted,
    StepsFinished,
)

_EVERY = 10.0  # seconds between reports within an epoch, when they are wanted


def started_line(event: RunStarted) -> str:
    """`churn: 101,770 parameters, 54,000 rows, 200 epochs of 422 steps`."""
    return (
        f"{safe_text(event.name)}: {count(event.parameters)} parameters, {count(event.rows)} rows, "
        f"{count(event.epochs)} epochs of {count(event.steps_per_epoch)} steps"
    )


def epoch_line(event: EpochFinished, left: float | None) -> str:
    """`epoch  12/200  train.loss 0.4310  valid.loss 0.4522*  lr 8.9e-04  1.8s  eta 5m10s`."""
    total = str(event.epochs)
    parts = [f"epoch {event.epoch:>{len(total)}}/{total}"]
    for name, value in event.metrics.items():
        mark = "*" if event.improved and name == event.monitor else ""
        parts.append(f"{safe_text(name)} {figure(value)}{mark}")
    parts.append(f"lr {rate(event.learning_rate)}")
    parts.append(duration(event.seconds))
    if left is not None and event.epoch < event.epochs:
        parts.append(f"eta {duration(left)}")
    return "  ".join(parts)


def steps_line(event: StepsFinished) -> str:
    """`epoch 12/200  step 310/422  loss 0.4310  gradient 1.2300  lr 8.9e-04`."""
    total, steps = str(event.epochs), str(event.steps_per_epoch)
    return (
        f"epoch {event.epoch:>{len(total)}}/{total}  "
        f"step {event.step_in_epoch:>{len(steps)}}/{steps}  loss {figure(event.loss)}  "
        f"gradient {figure(event.gradient_norm)}  lr {rate(event.learning_rate)}"
    )


@final
class PlainProgress(Progress):
    """One line an epoch; with `verbose` also checkpoints, and a line every 10 s within an epoch."""

    def __init__(self, stream: TextIO, verbose: bool = False) -> None:
        self._stream: TextIO | None = stream
        self._verbose = verbose
        self._trace = Trace()
        self._reported = 0.0  # seconds into the epoch at the last report

    def __call__(self, event: Event) -> None:
        """Write the line that the event deserves, if any."""
        self._trace.observe(event)
        if isinstance(event, EpochFinished):
            self._reported = 0.0
            self._write(epoch_line(event, self._trace.left()))
        elif isinstance(event, RunStarted):
            self._write(started_line(event))
        elif self._verbose:
            self._detail(event)

    def _detail(self, event: Event) -> None:
        if isinstance(event, StepsFinished):
            if event.seconds - self._reported >= _EVERY:
                self._reported = event.seconds
                self._write(steps_line(event))
        elif isinstance(event, CheckpointSaved):
            self._write(f"saved {safe_text(event.path)}")

    def say(self, sentence: str) -> None:
        """Write the sentence on a line of its own."""
        self._write(safe_text(sentence, 2000))

    def close(self) -> None:
        """Nothing is held open."""

    def _write(self, line: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):  # the reader has left, or the stream is closed
            self._stream = None
