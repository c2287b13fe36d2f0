"""Sigmoid and cross-entropy: yes or no, for one thing (binary) or for each of several labels.

Formula    p = 1 / (1 + exp(-z)), loss = -1/(n j) sum_nj (c log p + b log(1 - p))
           with c = w t, b = 1 - t; in the form b max(z, 0) - c min(z, 0) + (b + c) log1p(e),
           e = exp(-|z|), whose terms are never negative: nothing cancels or overflows
Backward   dz = ((b + c) p - c) / (n j),  p = exp(min(z, 0)) / (1 + e)
Targets    class numbers 0 or 1 (n,), or numbers from 0 to 1 (n, j). Smoothing e replaces t by
           (1 - e) t + e / 2; positives then count w times, or each label's w_j times
Shapes     z, dz (n, j); j = 1 for binary
Memory     scratch of five numbers a cell
Cost       19 passes
Source     Bishop, "Pattern Recognition and Machine Learning", 2006, section 4.3.2
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from dnn_cli.base.spec import option, require
from dnn_cli.base.task import TargetTotals, Task
from dnn_cli.base.types import Array
from dnn_cli.nn.class_weights import BALANCED, ClassWeights, balanced_positives, factors_of
from dnn_cli.nn.layer import Need
from dnn_cli.nn.loss import LOSSES, Loss, LossSpec, logit, sigmoid, write_targets

_POSITIVE = "positive_weight"


@LOSSES.register("sigmoid_cross_entropy")
@dataclass(frozen=True, slots=True, kw_only=True)
class SigmoidCrossEntropySpec(LossSpec):
    """Sigmoid output and cross-entropy: yes or no for each output."""

    label_smoothing: float = option(
        "share of the target replaced by one half", 0.0, minimum=0.0, below=1.0
    )
    positive_weight: float | ClassWeights = option(
        "factor on the loss of positive targets, of several labels perhaps by label; balanced: "
        "training rows without the label / rows with it",
        1.0,
        above=0.0,
    )

    def width(self, task: Task) -> int:
        """One output for two classes, otherwise one a label or input."""
        fits = task.kind in ("binary", "multilabel", "reconstruction")
        require(fits, f"sigmoid_cross_entropy needs answers of yes or no, the task is {task.kind}")
        return 1 if task.kind == "binary" else task.count

    def fitted(self, task: Task, totals: TargetTotals) -> SigmoidCrossEntropySpec:
        """A balanced weight as a figure: of two classes one, of labels by label."""
        if self.positive_weight != BALANCED:
            return self
        require(task.kind != "reconstruction", "inputs have no positive rows to count", _POSITIVE)
        found = balanced_positives(totals)
        if task.kind == "binary":
            return replace(self, positive_weight=found[1])
        return replace(self, positive_weight=dict(zip(task.labels, found, strict=True)))

    def build(self, task: Task) -> Loss:
        """The loss over the outputs of `task`."""
        weight = self.positive_weight
        factor = weight if isinstance(weight, float) else factors_of(weight, task, _POSITIVE)
        require(
            isinstance(weight, float) or task.kind == "multilabel",
            f"weights by label are of several labels, the task is {task.kind}",
            _POSITIVE,
            fix="give one number",
        )
        return SigmoidCrossEntropy(
            self.width(task), self.label_smoothing, 1.0 if factor is None else factor
        )


@final
class SigmoidCrossEntropy(Loss):
    """-log of the probability given to the right answer, mean over examples and outputs."""

    def __init__(
        self, outputs: int, label_smoothing: float = 0.0, positive_weight: float | Array = 1.0
    ) -> None:
        self.smoothing = label_smoothing
        self.positive_weight = positive_weight  # one for all outputs, or (j,)
        self.weighted = bool(np.any(positive_weight != 1.0))
        self.needs = {name: Need((outputs,)) for name in ("c", "mass", "above", "below", "e")}

    def value(self, z: Array, target: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss of the batch; leaves c, b + c, min(z, 0) and e in the scratch."""
        c, mass, above, below, e = ws["c"], ws["mass"], ws["above"], ws["below"], ws["e"]
        write_targets(target, c)
        if self.smoothing:
            np.multiply(c, 1.0 - self.smoothing, out=c)
            np.add(c, self.smoothing / 2.0, out=c)
        np.subtract(1.0, c, out=mass)  # b, until c is added below
        if self.weighted:
            np.multiply(c, self.positive_weight, out=c)
        np.maximum(z, 0.0, out=above)
        np.subtract(z, above, out=below)
        total = float(np.vdot(mass, above)) - float(np.vdot(c, below))
        np.subtract(below, above, out=e)
        np.exp(e, out=e)
        np.log1p(e, out=above)
        np.add(mass, c, out=mass)
        return (total + float(np.vdot(mass, above))) / z.size

    def value_and_grad(self, z: Array, target: Array, dz: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss; writes dz = ((b + c) p - c) / (n j)."""
        loss = self.value(z, target, ws)
        e = ws["e"]
        np.exp(ws["below"], out=dz)
        np.add(e, 1.0, out=e)
        np.divide(dz, e, out=dz)
        np.multiply(dz, ws["mass"], out=dz)
        np.subtract(dz, ws["c"], out=dz)
        np.multiply(dz, 1.0 / z.size, out=dz)
        return loss

    def each(self, z: Array, target: Array, ws: Mapping[str, Array]) -> Array:
        """b max(z, 0) - c min(z, 0) + (b + c) log1p(e), the mean over the outputs."""
        self.value(z, target, ws)
        c, mass, below = (ws[name].astype(np.float64) for name in ("c", "mass", "below"))
        terms = (mass - c) * np.maximum(z, 0.0) - c * below + mass * ws["above"]
        mean: Array = terms.mean(axis=1)
        return mean

    def activate(self, z: Array, out: Array) -> None:
        """The probability of yes."""
        sigmoid(z, out)

    def invert(self, shown: Array, out: Array) -> None:
        """log(p / (1 - p))."""
        logit(shown, out)
