"""Losses of counts and amounts: the output is the logarithm of the mean, the loss half a deviance.

Formula    mu = exp(z), loss = 1/(n j) sum_nj d(t_nj, mu_nj) / 2: a unit deviance d is 0 where
           mu = t, and larger elsewhere
           beyond ±30 a tangent continues the loss, at c = min(max(z, -30), 30):
           f(z) = f(c) + f'(c) (z - c), so that no output is so wrong that it cannot return
Backward   dz = f'(c) / (n j)
Targets    numbers (n, j) or (n,), divided by their mean at most: a standardised one has no sign
Shapes     z, dz (n, j)
Memory     scratch of six numbers a cell in float64, of which exp needs the digits
Source     McCullagh, Nelder, "Generalized Linear Models", 2nd edition, 1989, section 2.3
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np

from dnn_cli.base.spec import require
from dnn_cli.base.task import Task
from dnn_cli.base.types import Array
from dnn_cli.nn.layer import Need
from dnn_cli.nn.loss import Loss, write_targets

_MOST = 30.0  # exp(30) = 1e13 times the mean of the targets
_TINY = float(np.finfo(np.float32).tiny)


def amounts_of(task: Task, loss: str) -> int:
    """How many amounts `task` predicts, for a loss that serves nothing else."""
    require(
        task.kind == "regression",
        f"{loss} needs numbers to predict, the task is {task.kind}",
        fix="set data.task: regression" if task.classifies else "",
    )
    return task.count


class LogLinkLoss(Loss):
    """Half the mean deviance of exp(z). Subclasses give the deviance, and are final."""

    def __init__(self, outputs: int) -> None:
        names = ("target", "cut", "mean", "slope", "beyond", "term")
        self.needs = {name: Need((outputs,), dtype=np.float64) for name in names}

    @abstractmethod
    def half_deviance(self, ws: Mapping[str, Array]) -> None:
        """Write d / 2 into `term` and its derivative by log mu into `slope`.

        From `target`, `cut` = log mu and `mean` = mu, which stay; `beyond` is free.
        """

    def value(self, z: Array, target: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss of the batch; leaves f in `term` and f' in `slope`."""
        cut, term, beyond = ws["cut"], ws["term"], ws["beyond"]
        write_targets(target, ws["target"])
        np.maximum(z, -_MOST, out=cut)
        np.minimum(cut, _MOST, out=cut)
        np.exp(cut, out=ws["mean"])
        self.half_deviance(ws)
        np.subtract(z, cut, out=beyond)
        np.multiply(beyond, ws["slope"], out=beyond)
        np.add(term, beyond, out=term)
        return float(np.add.reduce(term, axis=None)) / z.size

    def value_and_grad(self, z: Array, target: Array, dz: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss; writes dz = f' / (n j)."""
        loss = self.value(z, target, ws)
        np.multiply(ws["slope"], 1.0 / z.size, out=dz, casting="same_kind")
        return loss

    def each(self, z: Array, target: Array, ws: Mapping[str, Array]) -> Array:
        """f, the mean over the outputs of each example."""
        self.value(z, target, ws)
        terms: Array = ws["term"].mean(axis=1)
        return terms

    def activate(self, z: Array, out: Array) -> None:
        """The mean, exp(z)."""
        np.maximum(z, -_MOST, out=out)
        np.minimum(out, _MOST, out=out)
        np.exp(out, out=out)

    def invert(self, shown: Array, out: Array) -> None:
        """log mu."""
        np.maximum(shown, _TINY, out=out)
        np.log(out, out=out)


def write_log(target: Array, out: Array) -> None:
    """log t, of no target infinite: t log t and t / mu are then 0 and small."""
    np.maximum(target, _TINY, out=out)
    np.log(out, out=out)
