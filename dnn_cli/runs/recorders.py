"""Observers that put a training on record: functions of one event, made around an open log.

`metrics.jsonl` holds what a second run of the same configuration would write again, byte for
byte; whatever a clock had a part in goes to `timing.jsonl`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dnn_cli.base.errors import CheckpointError
from dnn_cli.base.text import safe_text
from dnn_cli.runs.append_log import AppendLog, whole_lines
from dnn_cli.runs.json_file import from_text, to_text, write_json
from dnn_cli.training.events import EpochFinished, Event, Observer, RunFinished


def record_metrics(log: AppendLog) -> Observer:
    """An observer that writes one line an epoch: counters, learning rate, metrics in order."""

    def observe(event: Event) -> None:
        if isinstance(event, EpochFinished):
            counters = {"epoch": event.epoch, "step": event.step}
            _append(log, {**counters, "learning_rate": event.learning_rate, **event.metrics})
        elif isinstance(event, RunFinished):
            log.sync()

    return observe


def record_timing(log: AppendLog, clock: Callable[[], float]) -> Observer:
    """An observer that writes one line an epoch: `clock()`, seconds and examples per second."""

    def observe(event: Event) -> None:
        if isinstance(event, EpochFinished):
            rate = event.examples / event.seconds if event.seconds > 0 else None
            _append(
                log,
                {
                    "epoch": event.epoch,
                    "time": clock(),
                    "seconds": event.seconds,
                    "examples_per_second": rate,
                },
            )
        elif isinstance(event, RunFinished):
            log.sync()

    return observe


def _append(log: AppendLog, record: Mapping[str, Any]) -> None:
    log.append((to_text(record) + "\n").encode("ascii"))


def read_records(path: Path) -> list[dict[str, Any]]:
    """The records of a log, which may still be growing: a last line without its end is left out.

    Raises:
        CheckpointError: the file cannot be read, or a line before the last is damaged.
    """
    found: list[dict[str, Any]] = []
    for number, line in enumerate(whole_lines(path), start=1):
        try:
            record = from_text(line)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            raise CheckpointError(
                f"line {number} of {safe_text(path)} is damaged",
                where=f"{safe_text(path)}:{number}",
                fix="restore the file from a copy of the run",
            )
        found.append(record)
    return found


def write_summary(directory: Path, summary: Mapping[str, Any]) -> None:
    """Write summary.json: the last write of a run, whose presence says that it finished."""
    write_json(directory / "summary.json", summary)
