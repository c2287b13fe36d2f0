"""The class report: what an evaluation says of each class, label or target by itself.

Classes    support (examples of the class), precision, recall, f1, the confusion matrix
Targets    root mean squared error, mean absolute error, r2
Undefined  nan, as in the metrics themselves
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dnn_cli.base.task import Task
from dnn_cli.base.types import Array
from dnn_cli.training.metric import METRICS
from dnn_cli.training.metrics import labels_of
from dnn_cli.training.outcome import Outcome

_OF_CLASSES = ("precision", "recall", "f1")
_OF_TARGETS = ("root_mean_squared_error", "mean_absolute_error", "r2")


def report(
    predictions: Array, targets: Array, task: Task, weights: Array | None = None
) -> dict[str, Any]:
    """Plain numbers by metric and label: `{"f1": {"cat": 0.8, …}, …}`; empty for reconstruction.

    Classes have `confusion_matrix` too: for one class an example K rows (true) of K counts
    (decided), in the order of `labels`; for labels `{label: [[tn, fp], [fn, tp]]}`. It and
    `support` count rows, whatever their weights are.

    Raises:
        DivergedError: a prediction is NaN or infinite.
    """
    outcome, labels = Outcome(predictions, targets, task, weights), labels_of(task)
    if task.kind == "reconstruction" or not outcome.rows:
        return {}
    names = _OF_TARGETS if task.kind == "regression" else _OF_CLASSES
    found: dict[str, Any] = {"labels": list(labels)}
    for name in names:
        parts = METRICS.get(name)().parts(outcome)
        assert parts is not None
        found[name] = dict(zip(labels, parts.tolist(), strict=True))
    if task.kind != "regression":
        matrix = outcome.confusion.tolist()
        support = np.count_nonzero(outcome.positive, axis=0).tolist()
        found["support"] = dict(zip(labels, support, strict=True))
        found["confusion_matrix"] = (
            matrix if task.classifies else dict(zip(labels, matrix, strict=True))
        )
    return found


def by_target(
    predictions: Array, targets: Array, task: Task, weights: Array | None = None
) -> dict[str, dict[str, float]]:
    """The metrics of each of several targets: `{"price": {"r2": 0.8, …}, …}`; else nothing.

    Of one target the metrics as a whole say the same.

    Raises:
        DivergedError: a prediction is NaN or infinite.
    """
    if task.kind != "regression" or task.count < 2:
        return {}
    found = report(predictions, targets, task, weights)
    return {label: {name: found[name][label] for name in _OF_TARGETS} for label in found["labels"]}


def flatten(found: Mapping[str, Any]) -> dict[str, float]:
    """The metrics of a report under the names that `measure` knows: `f1.cat`."""
    return {
        f"{name}.{label}": value
        for name in (*_OF_CLASSES, *_OF_TARGETS)
        for label, value in found.get(name, {}).items()
    }
