"""Mean absolute error: the median of the targets, and a gradient that outliers cannot enlarge.

Formula    loss = 1/(n j) sum_nj |z_nj - t_nj|
Backward   dz = sign(z - t) / (n j), 0 where z = t
Targets    numbers (n, j) or (n,)
Shapes     z, dz (n, j)
Memory     scratch of two numbers a cell
Errors     SpecError for tasks with classes or labels
Source     Laplace, 1774; Koenker, Bassett, Econometrica 46 (1978)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.task import Task
from dnn_cli.base.types import Array
from dnn_cli.nn.layer import Need
from dnn_cli.nn.loss import LOSSES, Loss, LossSpec, numbers_of, write_targets


@LOSSES.register("mean_absolute_error")
@dataclass(frozen=True, slots=True, kw_only=True)
class MeanAbsoluteErrorSpec(LossSpec):
    """Mean absolute error: for numbers with outliers."""

    def width(self, task: Task) -> int:
        """One output a number."""
        return numbers_of(task, self.spec_name)

    def build(self, task: Task) -> Loss:
        """The loss over the outputs of `task`."""
        return MeanAbsoluteError(self.width(task))


@final
class MeanAbsoluteError(Loss):
    """The mean of |z - t|."""

    def __init__(self, outputs: int) -> None:
        self.needs = {"error": Need((outputs,)), "sign": Need((outputs,))}

    def value(self, z: Array, target: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss of the batch; leaves sign(z - t) in the scratch."""
        error, sign = ws["error"], ws["sign"]
        write_targets(target, error)
        np.subtract(z, error, out=error)
        np.sign(error, out=sign)
        return float(np.vdot(error, sign)) / z.size

    def value_and_grad(self, z: Array, target: Array, dz: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss; writes dz = sign(z - t) / (n j)."""
        loss = self.value(z, target, ws)
        np.multiply(ws["sign"], 1.0 / z.size, out=dz)
        return loss

    def each(self, z: Array, target: Array, ws: Mapping[str, Array]) -> Array:
        """|z - t|, the mean over the outputs of each example."""
        self.value(z, target, ws)
        terms: Array = np.abs(ws["error"]).mean(axis=1, dtype=np.float64)
        return terms

    def activate(self, z: Array, out: Array) -> None:
        """The numbers themselves."""
        if out is not z:
            np.copyto(out, z)
