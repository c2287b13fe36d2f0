"""The probability from which a decision is positive, and the one that suits a metric best.

Decision   positive where p >= threshold, both as float32: what is shown as 0.7 reaches 0.7
Best       every threshold in 0 to 1 decides the examples as one of these does: between two
           probabilities that follow each other, below the least, and above the largest one if that
           is below 1. Of all that give the largest metric the one nearest to 0.5
Metrics    of a threshold with right, decided and actual positives among n examples
               rejected           n - decided - actual + right: decided and truly negative
               accuracy           (right + rejected) / n
               balanced_accuracy  (right / actual + rejected / (n - actual)) / 2
               f1                 2 right / (decided + actual)
Cost       one sort: 1 million examples 0.1 s
Source     Lipton, Elkan, Naryanaswamy, "Thresholding classifiers to maximize F1", 2014
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import numpy as np

from dnn_cli.base.task import Task
from dnn_cli.base.types import Array

ThresholdMetric: TypeAlias = Literal["accuracy", "balanced_accuracy", "f1"]
USUAL = 0.5


def decide_at(predictions: Array, task: Task, thresholds: Array) -> Array:
    """Decisions by a threshold for the positive class, or one for each label.

    Shapes     thresholds float32: binary (1,), predictions (n, 2) to class numbers (n,) int64;
               multilabel (L,), predictions (n, L) to (n, L) bool
    """
    if task.kind == "multilabel":
        on: Array = predictions >= thresholds
        return on
    positive: Array = (predictions[:, 1] >= thresholds[0]).astype(np.int64)
    return positive


def best_thresholds(
    metric: ThresholdMetric,
    predictions: Array,
    targets: Array,
    task: Task,
    weights: Array | None = None,
) -> tuple[float, ...]:
    """The thresholds that suit `metric` best: of the positive class, or of each label by itself.

    A label that applies to all examples or to none teaches no threshold: it keeps 0.5.

    Shapes     as in `outcome`: binary or multilabel
    """
    if task.kind == "binary":
        return (best_threshold(metric, predictions[:, 1], targets == 1, weights),)
    return tuple(
        best_threshold(metric, p, on > 0.5, weights)
        for p, on in zip(predictions.T, targets.T, strict=True)
    )


def best_threshold(
    metric: ThresholdMetric, probabilities: Array, positive: Array, weights: Array | None = None
) -> float:
    """The threshold for one class, of examples that count as much as their `weights` (n,).

    Shapes     probabilities (n,) float32, positive (n,) bool
    """
    if weights is None:
        weights = np.ones(len(positive))
    there = weights > 0.0
    probabilities, positive, weights = probabilities[there], positive[there], weights[there]
    if positive.all() or not positive.any():
        return USUAL
    n, actual = float(weights.sum()), float(weights[positive].sum())
    order = np.argsort(-probabilities, kind="stable")
    p = probabilities[order]
    last = np.flatnonzero(np.append(p[1:] < p[:-1], True))  # of those that are equal
    right = np.append(0.0, np.cumsum(weights[order] * positive[order])[last])
    decided = np.append(0.0, np.cumsum(weights[order])[last])
    values = METRICS[metric](right, decided, actual, n)
    levels = _levels(p[last])
    if levels[0] > 1.0:
        values[0] = -np.inf
    best = np.flatnonzero(values == values.max())
    chosen = levels[best[np.argmin(np.abs(levels[best] - USUAL))]]
    return float(str(chosen))


def _levels(p: Array) -> Array:
    """Thresholds between the values p (m,), which fall: (m + 1,) float32, the first above all.

    Each is above the next lower value, and none above the value itself.
    """
    upper = np.append(np.float32(1.0), p)
    lower = np.append(p, np.float32(0.0))
    middle = lower + (upper - lower) / np.float32(2.0)
    levels: Array = np.where((middle > lower) | (upper == lower), middle, upper)
    if p[0] == 1.0:
        levels[0] = np.inf  # nothing from 0 to 1 is above
    return levels


def _accuracy(right: Array, decided: Array, actual: float, n: float) -> Array:
    return (2.0 * right + n - decided - actual) / n


def _balanced_accuracy(right: Array, decided: Array, actual: float, n: float) -> Array:
    return (right / actual + (n - decided - actual + right) / (n - actual)) / 2.0


def _f1(right: Array, decided: Array, actual: float, n: float) -> Array:
    return 2.0 * right / (decided + actual)


METRICS: Mapping[str, Callable[[Array, Array, float, float], Array]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _f1,
}
