"""Balanced softmax: classes as if all were equally frequent.

Formula    the loss is the softmax cross-entropy of z_nj + log s_j, s_j being the share of class j
           among the training rows; what is shown is softmax(z), without the shares
Backward   as softmax cross-entropy
Targets    class numbers (n,)
Shapes     z, dz (n, j)
Memory     as softmax cross-entropy, and one number a cell and one a row
Why        trained on shares s, the posterior has them as a factor: what is left of z without it
           is the posterior of equal shares, so that a rare class is not outvoted
Absent     a class without training rows counts as half a row
Source     Ren et al., "Balanced meta-softmax for long-tailed visual recognition", NeurIPS 2020;
           Menon et al., "Long-tail learning via logit adjustment", ICLR 2021
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from dnn_cli.base.spec import option, require
from dnn_cli.base.task import TargetTotals, Task
from dnn_cli.base.types import Array
from dnn_cli.nn.class_weights import factors_of
from dnn_cli.nn.layer import Need
from dnn_cli.nn.loss import LOSSES, Loss, LossSpec
from dnn_cli.nn.losses.softmax_cross_entropy import SoftmaxCrossEntropy

_ABSENT = 0.5  # rows


@LOSSES.register("balanced_softmax")
@dataclass(frozen=True, slots=True, kw_only=True)
class BalancedSoftmaxSpec(LossSpec):
    """Softmax and cross-entropy with the classes' shares taken out: rare ones count as much."""

    shares: dict[str, float] | None = option(
        "how frequent each class is, by label; classes not named have 1; null: as in the training "
        "part",
        None,
        above=0.0,
    )

    def width(self, task: Task) -> int:
        """One output a class."""
        require(task.classifies, f"balanced_softmax needs classes, the task is {task.kind}")
        return task.count

    def fitted(self, task: Task, totals: TargetTotals) -> BalancedSoftmaxSpec:
        """The shares as figures."""
        if self.shares is not None:
            return self
        pairs = zip(task.labels, totals.of, strict=True)
        found = {label: (rows or _ABSENT) / totals.rows for label, rows in pairs}
        return replace(self, shares=found)

    def build(self, task: Task) -> Loss:
        """The loss over `task.count` classes."""
        return BalancedSoftmax(self.width(task), factors_of(self.shares, task, "shares"))


@final
class BalancedSoftmax(Loss):
    """Softmax cross-entropy of outputs to which the log shares are added."""

    def __init__(self, classes: int, shares: Array | None = None) -> None:
        self.loss = SoftmaxCrossEntropy(classes)
        self.offset = np.zeros(classes) if shares is None else np.log(shares)
        self.needs = {**self.loss.needs, "moved": Need((classes,)), "top": Need(())}

    def value(self, z: Array, target: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss of the batch."""
        return self.loss.value(self._moved(z, ws), target, ws)

    def value_and_grad(self, z: Array, target: Array, dz: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss; writes dz."""
        return self.loss.value_and_grad(self._moved(z, ws), target, dz, ws)

    def each(self, z: Array, target: Array, ws: Mapping[str, Array]) -> Array:
        """The loss of each example."""
        return self.loss.each(self._moved(z, ws), target, ws)

    def activate(self, z: Array, out: Array) -> None:
        """Softmax of each row, as if the classes were equally frequent."""
        self.loss.activate(z, out)

    def invert(self, shown: Array, out: Array) -> None:
        """log p."""
        self.loss.invert(shown, out)

    def _moved(self, z: Array, ws: Mapping[str, Array]) -> Array:
        moved, top = ws["moved"], ws["top"]
        np.maximum.reduce(z, axis=1, out=top)
        np.subtract(z, top[:, None], out=moved)  # beside 1e10 a share would be rounded away
        return np.add(moved, self.offset, out=moved, casting="same_kind")
