"""Losses: the output activation and the loss as one object.

Why        softmax followed by cross-entropy has the gradient (p - t) / n, which is exact and
           stable where the two apart are neither; a pair that is one object cannot be mismatched
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np

from dnn_cli.base.registry import Registry
from dnn_cli.base.spec import Spec, require
from dnn_cli.base.task import TargetSign, TargetTotals, Task
from dnn_cli.base.types import Array, Shape, size_of
from dnn_cli.nn.execution.arena import aligned_zeros
from dnn_cli.nn.layer import Need


class Loss(ABC):
    """A mean loss over a batch of network outputs `z` and their targets. Subclasses are final.

    Shapes     z (n, j); target (n,) of class numbers or (n, j), as the loss documents
    Errors     none: finite for |z| <= 1e30, and NaN where z is NaN
    """

    needs: Mapping[str, Need] = {}

    @abstractmethod
    def value(self, z: Array, target: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss of the batch."""

    @abstractmethod
    def value_and_grad(self, z: Array, target: Array, dz: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss; writes all of `dz` = d(mean loss)/dz. `dz` may not alias `z`."""

    @abstractmethod
    def activate(self, z: Array, out: Array) -> None:
        """From outputs `z` to what the user sees (probabilities, values); `out` may be `z`.

        Not part of a training step, so it may allocate.
        """

    def invert(self, shown: Array, out: Array) -> None:
        """From what the user sees to outputs that `activate` turns into it; `out` may be `shown`.

        Here they are the same numbers. Probabilities of 0 and 1 give the largest finite outputs.
        """
        if out is not shown:
            np.copyto(out, shown)

    @abstractmethod
    def each(self, z: Array, target: Array, ws: Mapping[str, Array]) -> Array:
        """The loss of each example: (n,) float64, whose mean is `value`.

        Not part of a step in which all examples count the same, so it may allocate.
        """

    @property
    def one(self) -> Loss:
        """The loss of the network's prediction: of that of its members, where it has some."""
        return self

    def pool(self, z: Array) -> Array:
        """The outputs (n, j) that stand for the prediction; `z` may have more than two axes."""
        return z.reshape(len(z), -1)


LOSSES: Registry[LossSpec]


@dataclass(frozen=True, slots=True, kw_only=True)
class LossSpec(Spec):
    """What YAML says of a loss."""

    registry: ClassVar[Registry[LossSpec]]
    gain: ClassVar[str] = "glorot"  # the initialiser of the output layer before it
    sign: ClassVar[TargetSign] = "any"  # of the targets that it can take
    # How numbers are brought to the size that a network begins at, if nothing else is said.
    target_scale: ClassVar[Literal["standard", "mean"]] = "standard"
    metric: ClassVar[str] = ""  # that it stands for, beside the usual ones of the task

    @abstractmethod
    def width(self, task: Task) -> int:
        """How many outputs the network needs for `task`.

        Raises:
            SpecError: this loss cannot serve such a task.
        """

    def fitted(self, task: Task, totals: TargetTotals) -> LossSpec:
        """The same with figures in the place of what the training part has to say.

        It is asked for once `width` has accepted the task, and before `build`. The default needs
        nothing of it.
        """
        return self

    def answered(self, task: Task) -> Task:
        """`task` as a network with this loss answers it."""
        return replace(task, metric=self.metric)

    def of_linear(self, task: Task) -> LossSpec:
        """The loss under which a linear model of the same task is trained, beside the network."""
        return default_loss(task)

    @abstractmethod
    def build(self, task: Task) -> Loss:
        """The loss for `task`."""


def default_loss(task: Task) -> LossSpec:
    """What `loss: auto` means: the likelihood of the task's usual model."""
    name = {
        "binary": "sigmoid_cross_entropy",
        "multiclass": "softmax_cross_entropy",
        "multilabel": "sigmoid_cross_entropy",
        "regression": "mean_squared_error",
        "reconstruction": "mean_squared_error",
    }[task.kind]
    return LOSSES.get(name)()


def numbers_of(task: Task, loss: str) -> int:
    """How many numbers `task` predicts, for a loss that serves numbers only."""
    fits = task.kind in ("regression", "reconstruction")
    require(fits, f"{loss} needs numbers to predict, the task is {task.kind}")
    return task.count


def write_targets(target: Array, out: Array) -> None:
    """Targets in the shape and type of the outputs; class numbers (n,) become one-hot rows."""
    if target.size == out.size:
        np.copyto(out, target.reshape(out.shape), casting="same_kind")
    else:
        np.equal(target[:, None], np.arange(out.shape[-1]), out=out, casting="unsafe")


def sigmoid(z: Array, out: Array) -> None:
    """1 / (1 + exp(-z)), relatively exact for small probabilities too; `out` may be `z`.

    -z is cut at 87, where exp nearly fills float32: 1.6e-38 stands for every smaller result.
    """
    np.negative(z, out=out)
    np.minimum(out, 87.0, out=out)
    np.exp(out, out=out)
    np.add(out, 1.0, out=out)
    np.reciprocal(out, out=out)


def logit(p: Array, out: Array) -> None:
    """log(p / (1 - p)), the outputs that `sigmoid` turns into probabilities p; `out` may be `p`."""
    least = np.finfo(p.dtype).tiny
    below = np.maximum(1.0 - p, np.finfo(p.dtype).epsneg / 2.0)
    np.maximum(p, least, out=out)
    np.divide(out, below, out=out)
    np.log(out, out=out)


def softmax(z: Array, out: Array) -> None:
    """Softmax of each row of z (n, j), which may be `out`."""
    p = z.T.copy()
    np.subtract(p, p.max(axis=0), out=p)
    np.exp(p, out=p)
    np.divide(p.T, p.sum(axis=0)[:, None], out=out)


def log_of(p: Array, out: Array) -> None:
    """log p, finite where p is 0: outputs whose softmax is p; `out` may be p."""
    np.maximum(p, np.finfo(p.dtype).tiny, out=out)
    np.log(out, out=out)


def weighted_value_and_grad(
    loss: Loss, z: Array, target: Array, weights: Array, dz: Array, ws: Mapping[str, Array]
) -> float:
    """1/n sum_n w_n loss_n, and its gradient in `dz`: weights (n,), of which members have one.

    Cost       the loss twice, and one array of n numbers
    """
    each = loss.each(z, target, ws)
    loss.value_and_grad(z, target, dz, ws)
    spread = weights.reshape(-1, *(1,) * (dz.ndim - 1))
    np.multiply(dz, spread, out=dz, casting="same_kind")
    return float(np.dot(each, weights)) / len(each)


def loss_scratch(loss: Loss, n: int, dtype: Any = np.float32) -> dict[str, Array]:
    """The scratch arrays of `loss` for batches of up to `n` examples."""
    arrays = {}
    for name, need in loss.needs.items():
        shape: Shape = (n, *need.shape) if need.per_example else need.shape
        kind = dtype if need.dtype is None else need.dtype
        arrays[name] = aligned_zeros(size_of(shape), kind).reshape(shape)
    return arrays


def cut_scratch(loss: Loss, arrays: Mapping[str, Array], n: int) -> dict[str, Array]:
    """`arrays` for the first `n` examples."""
    return {k: a[:n] if loss.needs[k].per_example else a for k, a in arrays.items()}


LOSSES = Registry("loss", "dnn_cli.nn.losses")
LossSpec.registry = LOSSES
