"""Scaling of regression targets, fitted on the training part and stored in the model file.

Formula    t = (y - mean) / deviation; what a person reads is y = t · deviation + mean
Why        a network begins near 0 and moves by the learning rate: from 0 to 250,000 is farther
           than an ordinary training goes. So the loss, its thresholds (Huber's delta) and its
           gradients are those of t, while metrics, predictions and their bounds are in y
Shapes     y (n, k), mean and deviation (k,)
Errors     computed in float64, t rounded to float32: 2^-24 of t. A column whose values are equal to
           within rounding has no deviation; it is divided by 1
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.types import Array
from dnn_cli.data.spec import TargetScaleKind
from dnn_cli.data.statistics import NumberStatistics

_ROUNDING = 2.0**-24  # of t in float32


@final
@dataclass(frozen=True, slots=True, eq=False)
class TargetScaling:
    """How targets become what the network learns, and back; the default leaves them alone."""

    mean: Array | None = None  # float64
    deviation: Array | None = None  # float64

    @property
    def kind(self) -> TargetScaleKind:
        """What the configuration calls it."""
        return "none" if self.mean is None else "standard"

    @property
    def decimals(self) -> tuple[int, ...]:
        """After how many decimals what is restored says nothing more: float32 has rounded t."""
        if self.deviation is None:
            return ()
        return tuple(math.ceil(-math.log10(by * _ROUNDING)) for by in self.deviation.tolist())

    def scaled(self, targets: Array) -> Array:
        """The targets (n, k) that the network learns, in float32."""
        if self.mean is None or self.deviation is None:
            return targets.astype(np.float32, copy=False)
        return ((targets - self.mean) / self.deviation).astype(np.float32)

    def restored(self, values: Array) -> Array:
        """Outputs or learned targets (n, k) in the user's units: float64, if they were scaled."""
        if self.mean is None or self.deviation is None:
            return values
        found: Array = values * self.deviation
        np.add(found, self.mean, out=found)
        return found


def fit_target_scaling(kind: TargetScaleKind, targets: Array) -> TargetScaling:
    """The scaling for the training targets (n, k)."""
    if kind == "none":
        return TargetScaling()
    statistics = NumberStatistics(targets)
    (mean, deviation), (low, high) = statistics.moments, statistics.extremes
    spread = np.minimum(deviation, high - low)  # 0 if all are equal
    return TargetScaling(mean, np.where(spread > statistics.rounding, spread, 1.0))
