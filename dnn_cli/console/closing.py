"""The last lines of a training: how it ended, what was best, and what to do next."""

from __future__ import annotations

from typing import TextIO

from dnn_cli.base.text import figure, safe_text
from dnn_cli.console.figures import count, duration
from dnn_cli.console.views import TrainView

_ENDINGS = {
    "epochs": "finished after",
    "early_stopping": "stopped early: no improvement; after",
    "threshold": "stopped at the wanted value; after",
    "max_time": "stopped at the time limit, everything is saved; after",
    "interrupted": "interrupted, everything is saved; after",
    "terminated": "terminated, everything is saved; after",
    "hangup": "hung up, everything is saved; after",
}


def closing(result: TrainView) -> str:
    """The lines, ended by a newline."""
    epochs = f"{count(result.epoch)} epoch{'s' if result.epoch != 1 else ''}"
    lines = [f"{_ENDINGS[result.reason]} {epochs} in {duration(result.seconds)}"]
    if result.best_epoch:
        monitor, value = safe_text(result.monitor), figure(result.best_value)
        lines.append(f"best   epoch {result.best_epoch}: {monitor} {value}")
    # A model file lies in its run directory, so one of the two is enough.
    lines.append(
        f"model  {safe_text(result.model)}" if result.model else f"run    {safe_text(result.run)}"
    )
    if result.resume:
        lines.append(f"continue with: {safe_text(result.resume)}")
    return "\n".join(lines) + "\n"


def show_closing(result: TrainView, stream: TextIO) -> None:
    """Write the lines; a stream whose reader has left is no error, for the run is done."""
    try:
        stream.write(closing(result))
        stream.flush()
    except (OSError, ValueError):
        return
