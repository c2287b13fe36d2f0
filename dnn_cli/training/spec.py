"""What YAML says under `training`: how long, in what steps, and when to stop.

Defaults   50 epochs of batches of 32: on a table of some hundred rows enough steps to learn
           something, on 60,000 images about a minute; larger batches are faster there, as
           products over 128 rows run at the processor's full speed
Names      a metric in an epoch is written with its data before it: train.loss, valid.accuracy
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dnn_cli.base.spec import Spec, SpecError, option, require
from dnn_cli.base.task import Task
from dnn_cli.base.text import safe_text
from dnn_cli.training.metrics import (
    LOSS,
    bare_name,
    direction,
    find,
    full_name,
    quick_metrics,
    split_of,
    undefined,
)
from dnn_cli.training.monitor import Monitor
from dnn_cli.training.truth import Truth

_ROWS = {"train": "training rows", "valid": "validation rows"}
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_DURATION = re.compile(rf"(?:({_NUMBER})h)?(?:({_NUMBER})m)?(?:({_NUMBER})s)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyStoppingSpec(Spec):
    """Stop when a metric has stopped getting better."""

    metric: str | None = option(
        "what to watch; null: training.monitor, else valid.loss, without such data train.loss", None
    )
    patience: int = option("epochs in a row without getting better", 10, minimum=1)
    min_delta: float = option("a smaller gain does not count as getting better", 0.0, minimum=0.0)
    mode: Literal["auto", "min", "max"] = option(
        "whether smaller or larger is better; auto: as the metric has it", "auto"
    )

    def check(self) -> None:
        """The metric exists."""
        if self.metric is not None:
            _require_name(self.metric, "metric")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSpec(Spec):
    """How often the state of the training is saved: by time, within epochs too; its end always."""

    every_epochs: int = option(
        "of the ends of epochs, save at every so many; within an epoch every_seconds alone counts",
        1,
        minimum=1,
    )
    every_seconds: float = option(
        "save no more often than this, and less often where it would take 2 % of the time",
        1.0,
        minimum=0.0,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PenaltySpec(Spec):
    """Penalties on the weights, added to the loss's gradient; biases are free."""

    l1: float = option("factor on the sum of absolute weights", 0.0, minimum=0.0)
    l2: float = option("factor on half the sum of squared weights", 0.0, minimum=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSpec(Spec):
    """How long to train, in what steps, and when to stop."""

    epochs: int = option("times that every training example is seen", 50, minimum=1)
    batch_size: int | Literal["full"] = option(
        "examples a step; full: all of them at once", 32, minimum=1
    )
    early_stopping: EarlyStoppingSpec | None = option("stop when nothing gets better", None)
    stop_when: dict[str, float] | None = option(
        "stop as soon as a metric reaches its value, such as {train.loss: 0.01}", None
    )
    budget: float | str | None = option(
        "as many epochs, up to `epochs`, as steps that are timed beforehand promise in so many "
        "seconds, or a time such as 90s, 10m; schedules span them, and resolved.yaml has their "
        "number",
        None,
        above=0.0,
    )
    max_time: float | str | None = option(
        "stop, resumable, after so many seconds, or a time such as 90s, 10m, 1h30m", None, above=0.0
    )
    checkpoint: CheckpointSpec = option("when to save", CheckpointSpec())
    penalty: PenaltySpec = option("penalties on the weights", PenaltySpec())
    threads: int | Literal["auto"] = option(
        "processor cores at the most; auto: as many as pay for this network", "auto", minimum=1
    )
    metrics: tuple[str, ...] | None = option(
        "what to measure after every epoch beside the loss; null: what costs next to nothing", None
    )
    monitor: str | None = option(
        "what decides which epoch is best; null: what early_stopping watches, else valid.loss, "
        "without such data train.loss",
        None,
    )

    def check(self) -> None:
        """Names exist, times can be read, one metric alone decides which epoch is best."""
        if isinstance(self.max_time, str):
            seconds_of(self.max_time, "max_time")
        if isinstance(self.budget, str):
            seconds_of(self.budget, "budget")
        if self.monitor is not None:
            _require_name(self.monitor, "monitor")
        watched = self.early_stopping.metric if self.early_stopping else None
        require(
            self.monitor is None or watched is None or watched == self.monitor,
            f"early stopping watches {safe_text(watched)}, "
            f"but monitor is {safe_text(self.monitor)}",
            "monitor",
            fix="name the metric in one of the two places",
        )
        for name, bound in (self.stop_when or {}).items():
            _require_name(name, "stop_when", name)
            require(
                math.isfinite(bound), f"must be a finite number, found {bound}", "stop_when", name
            )
        for position, name in enumerate(self.metrics or ()):
            _require_bare(name, "metrics", position)

    @property
    def max_seconds(self) -> float | None:
        """The time budget in seconds, or None."""
        return None if self.max_time is None else seconds_of(self.max_time, "max_time")

    def monitored(self, has_valid: bool) -> str:
        """The metric that decides which epoch is best and, if asked for, when to stop."""
        watched = self.early_stopping.metric if self.early_stopping else None
        return self.monitor or watched or ("valid.loss" if has_valid else "train.loss")

    def build_monitor(self, has_valid: bool) -> Monitor:
        """A monitor that has seen nothing; it is never exhausted without early stopping."""
        early = self.early_stopping
        if early is None:
            return Monitor(self.monitored(has_valid))
        return Monitor(self.monitored(has_valid), early.mode, early.patience, early.min_delta)

    def epoch_metrics(self, task: Task) -> tuple[str, ...]:
        """What to measure after every epoch: what was asked for, and what the stops depend on."""
        asked = quick_metrics(task) if self.metrics is None else self.metrics
        needed = (split_of(name)[1] for _, name in self._watched())
        return tuple(dict.fromkeys([*asked, *(name for name in needed if name != LOSS)]))

    def check_task(self, task: Task, has_valid: bool) -> None:
        """Raise `SpecError` if a metric does not suit the task or needs data there is none of."""
        for position, name in enumerate(self.metrics or ()):
            _require_suits(name, task, ("metrics", position))
        for path, name in self._watched():
            split, bare = split_of(name)
            require(
                has_valid or split != "valid",
                f"{safe_text(name)} needs validation data, and there is none",
                *path,
                fix=f"set data.split.valid, or use train.{safe_text(bare)}",
            )
            if bare != LOSS:
                _require_suits(bare, task, path)

    def check_defined(self, truths: Mapping[str, Truth]) -> None:
        """Raise `SpecError` if a metric that is relied on has no value on its part of the data.

        `truths` are those of the parts there are: train, and perhaps valid and test.
        """
        for path, name in self._watched():
            split, bare = split_of(name)
            why = undefined(bare, truths[split])
            require(
                not why,
                f"{safe_text(name)} has no value, whatever is learned: {why}",
                *path,
                fix=f"use {split}.{LOSS}, or other {_ROWS[split]}",
            )

    def undefined_metrics(self, task: Task, truths: Mapping[str, Truth]) -> dict[str, str]:
        """Why metrics of the epochs, and at last of the test, have no value: {valid.auc: …}."""
        return {
            f"{split}.{name}": why
            for split, truth in truths.items()
            for name in self.epoch_metrics(task)
            if (why := undefined(name, truth))
        }

    def _watched(self) -> list[tuple[tuple[str | int, ...], str]]:
        """Where in the spec a metric is relied on, and its name."""
        found: list[tuple[tuple[str | int, ...], str]] = []
        if self.monitor is not None:
            found.append((("monitor",), self.monitor))
        if self.early_stopping is not None and self.early_stopping.metric is not None:
            found.append((("early_stopping", "metric"), self.early_stopping.metric))
        found.extend((("stop_when", name), name) for name in self.stop_when or {})
        return found


def seconds_of(duration: float | str, *path: str | int) -> float:
    """Seconds of a number of seconds, or of a text such as `90s`, `10m`, `1h30m`, `0.5h`.

    Raises:
        SpecError: it is no time, or not above zero; `path` is where it was written.
    """
    if not isinstance(duration, str):
        return float(duration)
    found = _DURATION.fullmatch(duration)
    if not duration or found is None:
        raise SpecError(
            f"`{safe_text(duration)}` is not a time",
            tuple(path),
            fix="write seconds (90), or hours, minutes and seconds in this order: 1h30m, 10m, 90s",
        )
    hours, minutes, seconds = (float(part or 0.0) for part in found.groups())
    total = 3600.0 * hours + 60.0 * minutes + seconds
    require(0.0 < total < math.inf, f"must be more than no time, found {duration}", *path)
    return total


def _require_bare(name: str, *path: str | int) -> None:
    """A metric without the data that it is of: `accuracy`."""
    meant = bare_name(name)
    require(meant != LOSS, "the loss is always measured", *path, fix="leave it out")
    split, bare = split_of(name)
    require(
        not split,
        f"{safe_text(name)}: metrics are measured on all data there is",
        *path,
        fix=f"write {safe_text(meant or bare)}",
    )
    try:
        direction(name)
    except SpecError as problem:
        fix = f"did you mean `{safe_text(meant)}`?" if meant else problem.fix
        raise SpecError(str(problem), path, fix=fix) from None


def _require_name(name: str, *path: str | int) -> None:
    """A metric with the data that it is of: `valid.accuracy`."""
    try:
        direction(name)
    except SpecError as problem:
        meant = full_name(name)
        fix = f"did you mean `{safe_text(meant)}`?" if meant else problem.fix
        raise SpecError(str(problem), path, fix=fix) from None
    split, bare = split_of(name)
    fix = f"write valid.{safe_text(bare)} or train.{safe_text(bare)}"
    require(split != "test", f"{safe_text(name)} is not measured in training", *path, fix=fix)
    require(split != "", f"{safe_text(name)} does not say of which data", *path, fix=fix)


def _require_suits(name: str, task: Task, path: tuple[str | int, ...]) -> None:
    try:
        find(name, task)
    except SpecError as problem:
        raise SpecError(str(problem), path, fix=problem.fix) from None
