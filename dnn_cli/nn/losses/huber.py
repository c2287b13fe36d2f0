"""Huber loss: squared for small errors, absolute for large ones.

Formula    e = z - t, c = min(max(e, -δ), δ), loss = 1/(n j) sum_nj c (e - c/2)
           which is e²/2 where |e| <= δ, and δ (|e| - δ/2) beyond
Backward   dz = c / (n j)
Targets    numbers (n, j) or (n,)
Shapes     z, dz (n, j)
Memory     scratch of two numbers a cell
Errors     SpecError for tasks with classes or labels
Source     Huber, Annals of Mathematical Statistics 35 (1964); δ = 1 as in PyTorch's HuberLoss
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.task import Task
from dnn_cli.base.types import Array
from dnn_cli.nn.layer import Need
from dnn_cli.nn.loss import LOSSES, Loss, LossSpec, numbers_of, write_targets


@LOSSES.register("huber")
@dataclass(frozen=True, slots=True, kw_only=True)
class HuberSpec(LossSpec):
    """Huber loss: mean squared error that grows only linearly for outliers."""

    delta: float = option("errors larger than this count linearly", 1.0, above=0.0)

    def width(self, task: Task) -> int:
        """One output a number."""
        return numbers_of(task, self.spec_name)

    def build(self, task: Task) -> Loss:
        """The loss over the outputs of `task`."""
        return Huber(self.width(task), self.delta)


@final
class Huber(Loss):
    """The mean of c (e - c/2), c being the error cut at δ."""

    def __init__(self, outputs: int, delta: float = 1.0) -> None:
        self.delta = delta
        self.needs = {"error": Need((outputs,)), "cut": Need((outputs,))}

    def value(self, z: Array, target: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss of the batch; leaves c in the scratch."""
        error, cut = ws["error"], ws["cut"]
        write_targets(target, error)
        np.subtract(z, error, out=error)
        np.maximum(error, -self.delta, out=cut)
        np.minimum(cut, self.delta, out=cut)
        return (float(np.vdot(cut, error)) - float(np.vdot(cut, cut)) / 2.0) / z.size

    def value_and_grad(self, z: Array, target: Array, dz: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss; writes dz = c / (n j)."""
        loss = self.value(z, target, ws)
        np.multiply(ws["cut"], 1.0 / z.size, out=dz)
        return loss

    def each(self, z: Array, target: Array, ws: Mapping[str, Array]) -> Array:
        """c (e - c/2), the mean over the outputs of each example."""
        self.value(z, target, ws)
        error, cut = (ws[name].astype(np.float64) for name in ("error", "cut"))
        terms: Array = (cut * (error - cut / 2.0)).mean(axis=1)
        return terms

    def activate(self, z: Array, out: Array) -> None:
        """The numbers themselves."""
        if out is not z:
            np.copyto(out, z)
