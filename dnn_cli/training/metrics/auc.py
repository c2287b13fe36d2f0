"""Area under the receiver operating characteristic: how well scores rank.

Formula    the share of pairs (one positive, one negative example) in which the positive has the
           higher probability; equal ones count half (Mann-Whitney U over P N)
           binary: of class 1; multiclass: mean over the classes, each against the rest;
           multilabel: mean over the labels
Undefined  nan for a class with no positive or no negative example; the mean leaves it out
Range      0 to 1, higher is better, 0.5 by chance
Tasks      binary, multiclass, multilabel; `auc.<label>` is the value of one class or label
Cost       two sorts a class; counts are whole numbers, so nothing is rounded before the division
Source     Hanley, McNeil, Radiology 1982
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


def area(scores: Array, positive: Array) -> float:
    """The area for one class; scores (n,), positive (n,) bool."""
    high, low = np.sort(scores[positive]), np.sort(scores[~positive])
    if not len(high) or not len(low):
        return float("nan")
    below = int(np.searchsorted(low, high, side="left").sum())
    not_above = int(np.searchsorted(low, high, side="right").sum())
    return (below + not_above) / (2 * len(high) * len(low))


def resampled_areas(scores: Array, positive: Array, times: Array) -> Array:
    """The area of each resample; scores (n,), positive (n,) bool, times (r, n) -> (r,).

    What was drawn of the negatives, summed in the order of their scores, is how many lie below.
    """
    high, low = np.flatnonzero(positive), np.flatnonzero(~positive)
    low = low[np.argsort(scores[low])]
    below = np.zeros((len(times), len(low) + 1))
    np.cumsum(times.take(low, axis=1), axis=1, out=below[:, 1:])
    first, end = (np.searchsorted(scores[low], scores[high], side) for side in ("left", "right"))
    drawn = times.take(high, axis=1)
    pairs = np.einsum("rn,rn->r", drawn, below.take(first, axis=1))
    pairs += np.einsum("rn,rn->r", drawn, below.take(end, axis=1))
    all_pairs = drawn.sum(axis=1) * below[:, -1]
    return fraction(pairs, 2.0 * all_pairs, all_pairs > 0)


@METRICS.register("auc")
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Auc(Metric):
    """The share of pairs of examples in the right order."""

    better: ClassVar[Direction] = "max"
    tasks: ClassVar[tuple[TaskKind, ...]] = CLASSES

    def value(self, outcome: Outcome) -> float:
        """Of class 1 in a binary task, else the mean over the classes or labels."""
        if outcome.task.kind == "binary":
            return area(outcome.predictions[:, 1], outcome.positive[:, 1])
        return float(mean_of_defined(_areas(outcome)))

    def parts(self, outcome: Outcome) -> Array | None:
        """Of each class against the rest, or of each label."""
        return _areas(outcome)

    def resampled(self, drawn: Resamples) -> Array | None:
        """As the value of each resample."""
        return of_columns(resampled_areas, drawn)

    def undefined(self, truth: Truth, part: int | None) -> str:
        """Without rows of a class, or without others, there is no pair."""
        return truth.headline(truth.one_sided, part)


def _areas(outcome: Outcome) -> Array:
    columns = zip(outcome.predictions.T, outcome.positive.T, strict=True)
    if outcome.weights is None:
        return np.array([area(scores, positive) for scores, positive in columns])
    times = outcome.weights[None]
    return np.array([resampled_areas(*one, times)[0] for one in columns])
