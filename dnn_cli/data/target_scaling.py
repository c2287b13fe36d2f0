"""Scaling of regression targets, fitted on the training part and stored in the model file.

Formula    standard: t = (y - mean) / deviation; what a person reads is y = t · deviation + mean
           mean: t = y / mean, which keeps the sign that a logarithmic output needs
Why        a network begins near 0 and moves by the learning rate: from 0 to 250,000 is farther
           than an ordinary training goes. So the loss, its thresholds (Huber's delta) and its
           gradients are those of t, while metrics, predictions and their bounds are in y
Shapes     y (n, k), mean and deviation (k,); of several numbers a target, side by side, (n, k q)
Errors     computed in float64, t rounded to float32: 2^-24 of t. A column whose values are equal to
           within rounding has no deviation; it is divided by 1
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, final

import numpy as np

from dnn_cli.base.task import Task
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.spec import TargetScaleKind
from dnn_cli.data.statistics import NumberStatistics

_ROUNDING = 2.0**-24  # of t in float32
_SHOWN = 3  # columns that a note lists


@final
@dataclass(frozen=True, slots=True, eq=False)
class TargetScaling:
    """How targets become what the network learns, and back; the default leaves them alone.

    `deviation` is what they are divided by: without a `mean` that is subtracted, it is the mean.
    """

    mean: Array | None = None  # float64
    deviation: Array | None = None  # float64

    @property
    def kind(self) -> TargetScaleKind:
        """What the configuration calls it."""
        if self.deviation is None:
            return "none"
        return "mean" if self.mean is None else "standard"

    @property
    def decimals(self) -> tuple[int, ...]:
        """After how many decimals what is restored says nothing more: float32 has rounded t."""
        if self.mean is None or self.deviation is None:
            return ()
        return tuple(math.ceil(-math.log10(by * _ROUNDING)) for by in self.deviation.tolist())

    def scaled(self, targets: Array) -> Array:
        """The targets (n, k) that the network learns, in float32."""
        if self.deviation is None:
            return targets.astype(np.float32, copy=False)
        centred = targets if self.mean is None else targets - self.mean
        return (centred / self.deviation).astype(np.float32)

    def restored(self, values: Array) -> Array:
        """Outputs or learned targets (n, k) in the user's units: float64, if a mean is added."""
        if self.deviation is None:
            return values
        each = values.shape[-1] // len(self.deviation)
        found: Array = values * np.repeat(self.deviation, each)
        if self.mean is None:
            return found.astype(values.dtype, copy=False)
        np.add(found, np.repeat(self.mean, each), out=found)
        return found


def scaled_targets(
    kind: Literal["auto"] | TargetScaleKind,
    task: Task,
    targets: Array | None,
    train: Array,
    notes: list[str],
) -> TargetScaling:
    """The scaling of numbers to predict, by the rows `train` of all `targets`; adds a note."""
    if task.kind != "regression" or targets is None or kind == "none":
        return TargetScaling()
    found = fit_target_scaling("standard" if kind == "auto" else kind, targets[train])
    assert found.deviation is not None
    by = [f"{one:.6g}" for one in found.deviation]
    if found.mean is not None:
        by = [f"{one:.6g} ± {figure}" for one, figure in zip(found.mean, by, strict=True)]
    shown = [f"{safe_text(name)} {figure}" for name, figure in zip(task.labels, by, strict=True)]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    notes.append(
        f"target_scale: {found.kind} ({', '.join(shown[:_SHOWN])}{more}): "
        "the loss is of scaled targets, metrics and predictions are in the targets' units"
    )
    return found


def fit_target_scaling(kind: TargetScaleKind, targets: Array) -> TargetScaling:
    """The scaling for the training targets (n, k)."""
    if kind == "none":
        return TargetScaling()
    statistics = NumberStatistics(targets)
    (mean, deviation), (low, high) = statistics.moments, statistics.extremes
    if kind == "mean":
        return TargetScaling(None, np.where(mean > 0.0, mean, 1.0))
    spread = np.minimum(deviation, high - low)  # 0 if all are equal
    return TargetScaling(mean, np.where(spread > statistics.rounding, spread, 1.0))
