"""Average precision: precision averaged over the recall steps (area under the step curve).

Formula    sum over thresholds s, falling, of (R_s - R_s-1) P_s, where P_s and R_s are precision
           and recall when everything scored s or more is positive; equal scores are one threshold
           binary: of class 1; otherwise the mean over the classes or labels
Undefined  nan for a class with no positive example; the mean leaves it out
Range      0 to 1, higher is better; the share of positives by chance
Tasks      binary, multiclass, multilabel; `average_precision.<label>` is one class or label
Source     Zhu, "Recall, precision and average precision", University of Waterloo, 2004
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.task import TaskKind
from dnn_cli.base.types import Array
from dnn_cli.training.metric import CLASSES, METRICS, Direction, Metric
from dnn_cli.training.outcome import Outcome, fraction, mean_of_defined
from dnn_cli.training.resamples import Resamples, of_columns
from dnn_cli.training.truth import Truth


def step_area(scores: Array, positive: Array) -> float:
    """The average precision of one class; scores (n,), positive (n,) bool."""
    order = np.argsort(scores)[::-1]
    falling = scores[order]
    found = np.cumsum(positive[order])
    if not found[-1]:
        return float("nan")
    ends = np.append(np.flatnonzero(falling[1:] != falling[:-1]), len(falling) - 1)
    right = found[ends]
    gained = np.diff(right, prepend=0)
    return float((gained * (right / (ends + 1))).sum()) / int(right[-1])


def resampled_step_areas(scores: Array, positive: Array, times: Array) -> Array:
    """The average precision of each resample; positive (n,) bool, times (r, n) -> (r,).

    The sum over thresholds is one over positive examples: the precision at the score of each.
    """
    order = np.argsort(scores)[::-1]
    rank = np.flatnonzero(positive[order])  # of the positive examples
    end = np.searchsorted(-scores[order], -scores[order][rank], "right")  # with all of its score
    above = np.cumsum(times.take(order, axis=1), axis=1).take(end - 1, axis=1)
    drawn = times.take(order[rank], axis=1)
    right = np.cumsum(drawn, axis=1).take(np.searchsorted(rank, end) - 1, axis=1)
    precision = fraction(right, above, above > 0)
    found = drawn.sum(axis=1)
    return fraction(np.einsum("rn,rn->r", drawn, np.nan_to_num(precision)), found, found > 0)


@METRICS.register("average_precision")
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class AveragePrecision(Metric):
    """Precision averaged over the steps of recall."""

    better: ClassVar[Direction] = "max"
    tasks: ClassVar[tuple[TaskKind, ...]] = CLASSES

    def value(self, outcome: Outcome) -> float:
        """Of class 1 in a binary task, else the mean over the classes or labels."""
        if outcome.task.kind == "binary":
            return step_area(outcome.predictions[:, 1], outcome.positive[:, 1])
        return float(mean_of_defined(_step_areas(outcome)))

    def parts(self, outcome: Outcome) -> Array | None:
        """Of each class against the rest, or of each label."""
        return _step_areas(outcome)

    def resampled(self, drawn: Resamples) -> Array | None:
        """As the value of each resample."""
        return of_columns(resampled_step_areas, drawn)

    def undefined(self, truth: Truth, part: int | None) -> str:
        """Without rows of a class there is no recall."""
        return truth.headline(truth.absent, part)


def _step_areas(outcome: Outcome) -> Array:
    columns = zip(outcome.predictions.T, outcome.positive.T, strict=True)
    if outcome.weights is None:
        return np.array([step_area(scores, positive) for scores, positive in columns])
    times = outcome.weights[None]
    return np.array([resampled_step_areas(*one, times)[0] for one in columns])
