"""Expected calibration error: how far confidence is from accuracy.

Formula    sum over 15 bins b of (n_b / n) |right_b / n_b - mean confidence_b|; an example's
           confidence is its largest probability, and bin b holds (b / 15, (b + 1) / 15]
Range      0 to 1, lower is better; it depends on the bins and is biased upwards for few examples
Interval   none: resamples are biased once more, so that theirs would often lie above the value
Tasks      binary, multiclass
Source     Naeini, Cooper, Hauskrecht, AAAI 2015; 15 bins: Guo, Pleiss, Sun, Weinberger, ICML 2017
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.task import TaskKind
from dnn_cli.base.types import Array
from dnn_cli.training.metric import METRICS, ONE_CLASS, Direction, Metric
from dnn_cli.training.outcome import Outcome

_BINS = 15


@METRICS.register("calibration_error")
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationError(Metric):
    """The mean gap between confidence and accuracy, over 15 bins."""

    better: ClassVar[Direction] = "min"
    tasks: ClassVar[tuple[TaskKind, ...]] = ONE_CLASS

    def value(self, outcome: Outcome) -> float:
        """The absolute differences of right and claimed examples, bin by bin, over all."""
        return _gaps(outcome, np.ones(outcome.rows)) / outcome.rows

    def weighted(self, outcome: Outcome) -> float:
        """The same with each example as often as it counts."""
        assert outcome.weights is not None
        return _gaps(outcome, outcome.weights) / float(outcome.weights.sum())


def _gaps(outcome: Outcome, counts: Array) -> float:
    """The absolute differences of right and claimed examples, which count so much, bin by bin."""
    best = outcome.decided[:, None]
    confidence = np.take_along_axis(outcome.predictions, best, axis=1)[:, 0].astype(np.float64)
    bins = np.clip(np.ceil(confidence * _BINS).astype(np.int64) - 1, 0, _BINS - 1)
    right = np.bincount(bins, counts * (outcome.decided == outcome.targets), _BINS)
    claimed = np.bincount(bins, counts * confidence, _BINS)
    return float(np.abs(right - claimed).sum())
