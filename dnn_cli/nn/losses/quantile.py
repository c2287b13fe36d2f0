"""Quantile (pinball) loss: several quantiles of each target at once, which never cross.

Formula    e = t - z, loss = 1/(n j q) sum_njq max(a_q e, (a_q - 1) e) for the levels a_q
Backward   dz = ([t < z] - a_q) / (n j q), 0 where z = t
Shown      the outputs of a target in rising order. Sorted, no quantile is farther from the true
           one than before on the average, and quantiles may coincide, as those of a target that is
           mostly 0 do; increments by softplus could not, and would bind the lowest to all others
Targets    numbers (n, j) or (n,)
Shapes     z, dz (n, j q): the quantiles of a target lie side by side
Memory     scratch of two numbers a cell, and the targets once for each quantile
Errors     SpecError for other tasks; levels that do not rise from 0 to 1
Source     Koenker, Bassett, "Regression quantiles", Econometrica 46 (1978); order: Chernozhukov,
           Fernández-Val, Galichon, "Quantile and probability curves without crossing",
           Econometrica 78 (2010)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import final

import numpy as np

from dnn_cli.base.spec import option, require
from dnn_cli.base.task import Task
from dnn_cli.base.types import Array
from dnn_cli.nn.layer import Need
from dnn_cli.nn.loss import LOSSES, Loss, LossSpec, write_targets


@LOSSES.register("quantile")
@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileSpec(LossSpec):
    """Quantile (pinball) loss: quantiles of each target, such as its median and an interval."""

    quantiles: tuple[float, ...] = option(
        "levels, rising; the one nearest to 0.5 is the prediction", (0.1, 0.5, 0.9),
        above=0.0, below=1.0,
    )  # fmt: skip

    def check(self) -> None:
        """There are levels, and they rise."""
        require(bool(self.quantiles), "names no level", "quantiles")
        rising = all(one < other for one, other in pairwise(self.quantiles))
        require(rising, "the levels do not rise", "quantiles", fix="sort them, each once")

    def width(self, task: Task) -> int:
        """One output a quantile of each number."""
        fits = task.kind == "regression"
        fix = "set data.task: regression" if task.classifies else ""
        require(fits, f"quantile needs numbers to predict, the task is {task.kind}", fix=fix)
        return task.count * len(self.quantiles)

    def answered(self, task: Task) -> Task:
        """`task` with quantiles of each target."""
        return replace(task, quantiles=self.quantiles, metric="pinball_loss")

    def of_linear(self, task: Task) -> LossSpec:
        """The same: a linear quantile regression."""
        return self

    def build(self, task: Task) -> Loss:
        """The loss over the outputs of `task`."""
        return Quantile(self.width(task) // len(self.quantiles), self.quantiles)


@final
class Quantile(Loss):
    """The mean pinball loss of several quantiles."""

    def __init__(self, targets: int, quantiles: tuple[float, ...]) -> None:
        self.targets, self.levels = targets, np.array(quantiles)
        shape = (targets, len(quantiles))
        self.needs = {
            "target": Need((targets,)),
            "error": Need(shape),
            "slope": Need(shape),
        }

    def value(self, z: Array, target: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss of the batch; leaves dz n j q in `slope`, and z - t in `error`."""
        error, slope = ws["error"], ws["slope"]
        write_targets(target, ws["target"])
        np.subtract(z.reshape(slope.shape), ws["target"][:, :, None], out=error)
        # sign(e) / 2 + 1/2 - a: 1 - a above the target, -a below it.
        np.sign(error, out=slope)
        np.multiply(slope, 0.5, out=slope)
        np.add(slope, 0.5, out=slope)
        np.subtract(slope, self.levels, out=slope, casting="same_kind")
        loss = float(np.vdot(error, slope)) / z.size
        np.multiply(slope, np.not_equal(error, 0.0, out=error, casting="unsafe"), out=slope)
        return loss

    def value_and_grad(self, z: Array, target: Array, dz: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss; writes dz."""
        loss = self.value(z, target, ws)
        np.multiply(ws["slope"].reshape(z.shape), 1.0 / z.size, out=dz)
        return loss

    def each(self, z: Array, target: Array, ws: Mapping[str, Array]) -> Array:
        """The pinball loss of each example, the mean over targets and quantiles."""
        write_targets(target, ws["target"])
        below = ws["target"][:, :, None] - z.reshape(ws["slope"].shape).astype(np.float64)
        terms = np.maximum(self.levels * below, (self.levels - 1.0) * below)
        mean: Array = terms.mean(axis=(1, 2))
        return mean

    def activate(self, z: Array, out: Array) -> None:
        """The quantiles of each target, rising."""
        if out is not z:
            np.copyto(out, z)
        out[...] = np.sort(out.reshape(len(out), self.targets, -1), axis=2).reshape(out.shape)
