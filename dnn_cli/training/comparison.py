"""A network beside baselines, in words: what its score is worth, and which metric would tell more.

Better     than the constant by the metric that is watched, or else by the first that is measured
Rare       where one class has 70 % of the training rows or more, accuracy is high without learning
           anything; there the area under the curve is measured too: 0.5 of every constant
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dnn_cli.base.task import Task
from dnn_cli.base.text import figure, safe_text
from dnn_cli.base.types import Array
from dnn_cli.training.metrics import LOSS, direction, quick_metrics, split_of, undefined
from dnn_cli.training.outcome import decide
from dnn_cli.training.spec import TrainingSpec
from dnn_cli.training.truth import Truth

_RARE = 0.7  # share of the largest class
_TELLING = "auc"  # where others are rare
_RANKED = 20  # classes up to which it is measured unasked: each costs a sort
_SHOWN = 2  # metrics of a baseline in a line, of those that have a value


@dataclass(frozen=True, slots=True)
class Comparison:
    """The metrics of a network and of baselines on the same part of the data.

    `answer` is what the constant predicts of every row; there may be no linear model.
    """

    task: Task
    part: str
    answer: Array
    network: Mapping[str, float]
    constant: Mapping[str, float]
    linear: Mapping[str, float] | None

    def line(self) -> str:
        """What each of them reaches; the network only where the test line does not say it."""
        shown = {self._always: self.constant, "linear model": self.linear}
        if self.part != "test":
            shown = {"this network": self.network, **shown}
        told = (f"{name} {_few(found)}" for name, found in shown.items() if found)
        return f"baselines ({self.part}): {'; '.join(told)}"

    def warning(
        self,
        predictions: Array,
        targets: Array,
        main: str,
        advice: str,
        weights: Array | None = None,
    ) -> str:
        """That by the metric `main` the network is no better than the constant; "" if it is."""
        mine, other = self.network[main], self.constant[main]
        better = mine < other if direction(main) == "min" else mine > other
        if better or np.isnan([mine, other]).any():
            return ""
        decided = decide(predictions, self.task)
        if self.task.classifies and (decided == decided[0]).all():
            label = self._label(int(decided[0]))
            share = float(np.average(targets == decided[0], weights=weights))
            return (
                f"the network answers {label} for every row, as a constant would: "
                f"{figure(share)} is the share of {label}; {advice}"
            )
        name = f"{safe_text(main)} {figure(mine)}"
        return f"the network is no better than {self._always} ({figure(other)}): {name}; {advice}"

    @property
    def _always(self) -> str:
        if self.task.classifies:
            return f"always {self._label(int(self.answer.argmax()))}"
        if self.task.quantiles:
            return "always the same quantiles"
        return "always the same labels" if self.task.kind == "multilabel" else "always the mean"

    def _label(self, number: int) -> str:
        return f"'{safe_text(self.task.labels[number] if self.task.labels else number)}'"


def measured(spec: TrainingSpec, task: Task, answer: Array) -> tuple[str, ...]:
    """What to measure of a network, and of baselines of which the constant predicts `answer`."""
    names = spec.epoch_metrics(task) or quick_metrics(task)
    telling = (_TELLING,) if _rare(task, answer) and task.count <= _RANKED else ()
    return tuple(dict.fromkeys((*names, *telling)))


def main_metric(monitored: str, names: tuple[str, ...]) -> str:
    """The metric of `names` by which a network is to be better than a constant."""
    watched = split_of(monitored)[1]
    return names[0] if watched == LOSS else watched


def advice(spec: TrainingSpec, main: str, answer: Array, truths: Mapping[str, Truth]) -> str:
    """What to change where a network is no better than a constant by the metric `main`.

    `truths` are those of the parts that there are.
    """
    split = "valid" if "valid" in truths else "train"
    truth = truths[split]
    if _rare(truth.task, answer) and main != _TELLING and not undefined(_TELLING, truth):
        early = spec.early_stopping is not None and spec.early_stopping.metric is not None
        option = "training.early_stopping.metric" if early else "training.monitor"
        return f"watch {_TELLING} ({option}={split}.{_TELLING})"
    return "try more training.epochs, or another optimizer.learning_rate"


def _rare(task: Task, answer: Array) -> bool:
    """Whether one class has so many rows that all others are rare beside it."""
    return task.classifies and float(answer.max()) >= _RARE


def _few(found: Mapping[str, float]) -> str:
    shown = [item for item in found.items() if np.isfinite(item[1])][:_SHOWN]
    return ", ".join(f"{safe_text(name)} {figure(value)}" for name, value in shown)
