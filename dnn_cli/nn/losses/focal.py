"""Focal loss: cross-entropy that pays less attention to what is decided well already.

Formula    loss = -1/n sum_n (1 - p_n)^g log p_n, p being the probability of the right answer:
           by a softmax over several classes, by a sigmoid where there is one output for two, or
           one for each label (then 1/(n j) sum_nj)
Backward   with q = 1 - p and a = q^g (1 - g p log(p) / q) = -d loss / d log p, without the mean:
           softmax dz_j = a (p_j - [j = t]) / n;  sigmoid dz = -s a q / (n j), s = 1 for yes and
           -1 for no. g = 0 is the cross-entropy
Targets    class numbers (n,); labels of 0 and 1 (n, j)
Shapes     z, dz (n, j); j = 1 for binary
Memory     scratch of five numbers a cell (sigmoid), or two a cell and six a row (softmax)
Numerics   q is added up from the other classes: 1 - p would have no digits where p is near 1
Source     Lin, Goyal, Girshick, He, Dollár, "Focal loss for dense object detection", ICCV 2017
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.spec import option, require
from dnn_cli.base.task import Task
from dnn_cli.base.types import Array
from dnn_cli.nn.layer import Need
from dnn_cli.nn.loss import (
    LOSSES,
    Loss,
    LossSpec,
    log_of,
    logit,
    sigmoid,
    softmax,
    write_targets,
)


@LOSSES.register("focal")
@dataclass(frozen=True, slots=True, kw_only=True)
class FocalSpec(LossSpec):
    """Focal loss: cross-entropy in which examples that are decided well count less."""

    gamma: float = option("how much less; 0 is the cross-entropy", 2.0, minimum=0.0)

    def width(self, task: Task) -> int:
        """One output for two classes, otherwise one a class or label."""
        fits = task.classifies or task.kind == "multilabel"
        require(fits, f"focal needs classes or labels, the task is {task.kind}")
        return 1 if task.kind == "binary" else task.count

    def build(self, task: Task) -> Loss:
        """The loss over the outputs of `task`."""
        kind = SoftmaxFocal if task.kind == "multiclass" else SigmoidFocal
        return kind(self.width(task), self.gamma)


@final
class SigmoidFocal(Loss):
    """Focal loss of answers of yes or no."""

    def __init__(self, outputs: int, gamma: float = 2.0) -> None:
        self.gamma = gamma
        self.needs = {name: Need((outputs,)) for name in ("side", "q", "log", "power", "slope")}

    def value(self, z: Array, target: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss; leaves s, q, -log p and q^g in the scratch."""
        side, q, log, power = ws["side"], ws["q"], ws["log"], ws["power"]
        write_targets(target, side)
        np.multiply(side, 2.0, out=side)
        np.subtract(side, 1.0, out=side)
        # -log p = max(-u, 0) + log1p(exp(-|u|)) with u = s z.
        np.multiply(z, side, out=q)
        np.negative(q, out=q)
        np.absolute(q, out=log)
        np.negative(log, out=log)
        np.exp(log, out=log)
        np.log1p(log, out=log)
        np.maximum(q, 0.0, out=power)
        np.add(log, power, out=log)
        sigmoid(q, q)
        np.power(q, self.gamma, out=power)
        return float(np.vdot(power, log)) / z.size

    def value_and_grad(self, z: Array, target: Array, dz: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss; writes dz = -s q^g (q + g p (-log p)) / (n j)."""
        loss = self.value(z, target, ws)
        slope = ws["slope"]
        np.subtract(1.0, ws["q"], out=slope)
        np.multiply(slope, self.gamma, out=slope)
        np.multiply(slope, ws["log"], out=slope)
        np.add(slope, ws["q"], out=slope)
        np.multiply(slope, ws["power"], out=slope)
        np.multiply(slope, ws["side"], out=slope)
        np.multiply(slope, -1.0 / z.size, out=dz)
        return loss

    def each(self, z: Array, target: Array, ws: Mapping[str, Array]) -> Array:
        """q^g (-log p), the mean over the outputs of each example."""
        self.value(z, target, ws)
        terms: Array = (ws["power"].astype(np.float64) * ws["log"]).mean(axis=1)
        return terms

    def activate(self, z: Array, out: Array) -> None:
        """The probability of yes."""
        sigmoid(z, out)

    def invert(self, shown: Array, out: Array) -> None:
        """log(p / (1 - p))."""
        logit(shown, out)


@final
class SoftmaxFocal(Loss):
    """Focal loss of one class out of several."""

    def __init__(self, classes: int, gamma: float = 2.0) -> None:
        self.gamma = gamma
        rows = ("right", "sum", "q", "log", "power", "slope")
        self.needs = {
            "p": Need((classes,)),
            "target": Need((classes,)),
            **{name: Need(()) for name in rows},
        }

    def value(self, z: Array, target: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss; leaves the probabilities (j, n), q, log p and q^g in the scratch."""
        turned = z.shape[::-1]
        p, t = ws["p"].reshape(turned), ws["target"].reshape(turned)
        total, q, log, power = ws["sum"], ws["q"], ws["log"], ws["power"]
        np.equal(target, np.arange(len(t))[:, None], out=t, casting="unsafe")
        np.copyto(p, z.T)
        np.maximum.reduce(p, axis=0, out=total)
        np.subtract(p, total, out=p)
        np.einsum("jn,jn->n", p, t, out=log)
        np.exp(p, out=p)
        np.add.reduce(p, axis=0, out=total)
        np.divide(p, total, out=p)
        np.log(total, out=power)
        np.subtract(log, power, out=log)
        np.einsum("jn,jn->n", p, t, out=ws["right"])
        np.subtract(1.0, t, out=t)
        np.einsum("jn,jn->n", p, t, out=q)
        np.power(q, self.gamma, out=power)
        return -float(np.vdot(power, log)) / len(z)

    def value_and_grad(self, z: Array, target: Array, dz: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss; writes dz = a (p - [j = t]) / n."""
        loss = self.value(z, target, ws)
        turned = z.shape[::-1]
        p, others, slope = ws["p"].reshape(turned), ws["target"].reshape(turned), ws["slope"]
        np.maximum(ws["q"], np.finfo(z.dtype).tiny, out=slope)
        np.divide(ws["log"], slope, out=slope)
        np.multiply(slope, ws["right"], out=slope)
        np.multiply(slope, -self.gamma, out=slope)
        np.add(slope, 1.0, out=slope)
        np.multiply(slope, ws["power"], out=slope)
        # p_j of the other classes, -q of the right one.
        np.multiply(p, others, out=p)
        np.subtract(1.0, others, out=others)
        np.multiply(others, ws["q"], out=others)
        np.subtract(p, others, out=p)
        np.multiply(slope, 1.0 / len(z), out=slope)
        np.multiply(p, slope, out=p)
        np.copyto(dz, p.T)
        return loss

    def each(self, z: Array, target: Array, ws: Mapping[str, Array]) -> Array:
        """-q^g log p of each example."""
        self.value(z, target, ws)
        terms: Array = -ws["power"].astype(np.float64) * ws["log"]
        return terms

    def activate(self, z: Array, out: Array) -> None:
        """Softmax of each row."""
        softmax(z, out)

    def invert(self, shown: Array, out: Array) -> None:
        """log p."""
        log_of(shown, out)
