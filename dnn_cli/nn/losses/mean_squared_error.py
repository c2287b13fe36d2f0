"""Mean squared error, after an output activation.

Formula    y = f(z), loss = 1/(n j) sum_nj (y_nj - t_nj)², f: identity, sigmoid or tanh
Backward   dz = 2 (y - t) f'(z) / (n j);  f' = 1, y (1 - y), 1 - y²
Targets    numbers (n, j) or (n,); class numbers (n,): 0 or 1 for one output, one-hot for several
Shapes     z, dz (n, j)
Memory     scratch of four numbers a cell, one of them in float64
Errors     SpecError where outputs outside [0, 1] would have to be probabilities
Why        the mean is over examples and outputs, so that the learning rate need not follow the
           number of outputs; there is no factor 1/2
Source     Gauss, Theoria combinationis observationum, 1821; with sigmoid outputs: Rumelhart,
           Hinton, Williams, Nature 323 (1986)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np

from dnn_cli.base.spec import option, require
from dnn_cli.base.task import Task
from dnn_cli.base.types import Array
from dnn_cli.nn.layer import Need
from dnn_cli.nn.loss import LOSSES, Loss, LossSpec, logit, sigmoid, write_targets

Activation: TypeAlias = Literal["identity", "sigmoid", "tanh"]


@LOSSES.register("mean_squared_error")
@dataclass(frozen=True, slots=True, kw_only=True)
class MeanSquaredErrorSpec(LossSpec):
    """Mean squared error: for numbers, and the textbook's loss for sigmoid outputs."""

    activation: Activation | None = option(
        "output activation; null: sigmoid for classes and labels, identity for numbers", None
    )

    def width(self, task: Task) -> int:
        """One output for two classes, otherwise one a class, label or number."""
        if task.classifies or task.kind == "multilabel":
            require(
                self.activation in (None, "sigmoid"),
                f"{self.activation} outputs are no probabilities, the task is {task.kind}",
                "activation",
                fix="leave it out or say sigmoid",
            )
        return 1 if task.kind == "binary" else task.count

    def build(self, task: Task) -> Loss:
        """The loss over the outputs of `task`."""
        numbers = task.kind in ("regression", "reconstruction")
        usual: Activation = "identity" if numbers else "sigmoid"
        return MeanSquaredError(self.width(task), self.activation or usual)


@final
class MeanSquaredError(Loss):
    """The mean of (f(z) - t)²."""

    def __init__(self, outputs: int, activation: Activation = "identity") -> None:
        self.activation = activation
        self.needs = {
            "output": Need((outputs,)),
            "error": Need((outputs,)),
            "slope": Need((outputs,)),
            "wide": Need((outputs,), dtype=np.float64),  # squares overflow float32
        }

    def value(self, z: Array, target: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss of the batch; leaves y and y - t in the scratch."""
        y, error = ws["output"], ws["error"]
        self.activate(z, y)
        write_targets(target, error)
        np.subtract(y, error, out=error)
        wide = ws["wide"]
        np.copyto(wide, error)
        return float(np.vdot(wide, wide)) / z.size

    def value_and_grad(self, z: Array, target: Array, dz: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss; writes dz = 2 (y - t) f'(z) / (n j)."""
        loss = self.value(z, target, ws)
        np.multiply(ws["error"], 2.0 / z.size, out=dz)
        if self.activation != "identity":
            np.multiply(dz, self._slope(ws["output"], ws["slope"]), out=dz)
        return loss

    def each(self, z: Array, target: Array, ws: Mapping[str, Array]) -> Array:
        """(y - t)², the mean over the outputs of each example."""
        self.value(z, target, ws)
        terms: Array = np.square(ws["wide"]).mean(axis=1)
        return terms

    def activate(self, z: Array, out: Array) -> None:
        """y = f(z)."""
        if self.activation == "sigmoid":
            sigmoid(z, out)
        elif self.activation == "tanh":
            np.tanh(z, out=out)
        elif out is not z:
            np.copyto(out, z)

    def invert(self, shown: Array, out: Array) -> None:
        """z = f⁻¹(y), of sigmoid and tanh within what they can put out."""
        if self.activation == "sigmoid":
            logit(shown, out)
        elif self.activation == "tanh":
            most = 1.0 - np.finfo(shown.dtype).epsneg
            np.arctanh(np.clip(shown, -most, most), out=out)
        elif out is not shown:
            np.copyto(out, shown)

    def _slope(self, y: Array, out: Array) -> Array:
        """f' from y: y (1 - y) for sigmoid, (1 - y)(1 + y) for tanh."""
        np.subtract(1.0, y, out=out)
        if self.activation == "tanh":
            np.add(y, 1.0, out=y)
        return np.multiply(out, y, out=out)
