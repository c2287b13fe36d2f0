"""Temperature scaling: one number that makes probabilities as sure as they are right.

Formula    p = f(z / T), f the softmax of the outputs or the sigmoid of each; b = 1/T minimises the
           log-loss of the validation rows, L(b) = mean of -log f(b z) at the truth
Gradient   softmax: L' = mean(sum_j p_j z_j - z_truth); sigmoid: L' = mean((p - y) z)
Method     L is convex, so L' rises: its root by 60 bisections of log b in float64, from b = 1/100
           to 100. No root between: the rows cannot tell, as when all are right, and T stays 1
Members    z are the outputs that stand for the mean of their probabilities (`Loss.pool`), log p or
           logit p: p^(1/T) made to add up to 1 again
Decisions  the order of the classes of a row stays, and the side of 1/2 of a label
Shapes     z (n, j); targets (n,) class numbers or (n, j) of 0 and 1; weights (n,), with which the
           means are weighted
Cost       60 passes over z, of 100,000 rows at the most
Source     Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from dnn_cli.base.task import Task
from dnn_cli.base.types import Array
from dnn_cli.nn.loss import Loss

_WIDEST = 100.0  # T and 1/T at the most
_HALVINGS = 60  # as many as log b has bits
_ROWS = 100_000  # beyond which every other, third, … row says the same
_SAMPLE = 100  # rows that tell what the loss makes of outputs
_NEAR = 1e-4  # that float32 probabilities may differ from f(z)


@dataclass(frozen=True, slots=True)
class Temperature:
    """The temperature `value`, and the log-loss of the validation rows without and with it."""

    value: float
    before: float
    after: float


def fit_temperature(
    z: Array, targets: Array, loss: Loss, task: Task, weights: Array | None = None
) -> Temperature | None:
    """The temperature that lowers the log-loss of these rows most; None if none lowers it.

    None, too, where what `loss` makes of z is neither the softmax nor the sigmoid of it.
    """
    if not (task.classifies or task.kind == "multilabel"):
        return None
    step = -(-len(z) // _ROWS)
    z, targets = z[::step].astype(np.float64), targets[::step]
    if not np.isfinite(z).all():
        return None
    weights = None if weights is None else weights[::step]
    kind = _Softmax if task.classifies and z.shape[1] > 1 else _Sigmoid
    curve = kind(z, targets, weights)
    if not _is_that_of(loss, z, curve):
        return None
    low, high = -math.log(_WIDEST), math.log(_WIDEST)
    if not curve.slope(math.exp(low)) < 0.0 < curve.slope(math.exp(high)):
        return None
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if curve.slope(math.exp(middle)) < 0.0:
            low = middle
        else:
            high = middle
    value = math.exp(-(low + high) / 2.0)
    found = Temperature(value, curve.loss(1.0), curve.loss(1.0 / value))
    return found if found.after < found.before else None


def _is_that_of(loss: Loss, z: Array, curve: _Softmax | _Sigmoid) -> bool:
    """Whether the loss shows z as the curve takes it to; the first rows tell."""
    few = z[:_SAMPLE]
    shown = few.astype(np.float32)
    loss.activate(shown, shown)
    return bool(np.abs(shown - curve.shown(few)).max() < _NEAR)


class _Softmax:
    """The log-loss of softmax(b z) as a function of b."""

    def __init__(self, z: Array, targets: Array, weights: Array | None) -> None:
        self.weights = weights
        self.z = z - z.max(axis=1, keepdims=True)
        self.truth = np.take_along_axis(self.z, targets[:, None], axis=1)[:, 0]

    @staticmethod
    def shown(z: Array) -> Array:
        """The probabilities of outputs z."""
        p: Array = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return p

    def loss(self, b: float) -> float:
        """L(b)."""
        each = np.log(np.exp(b * self.z).sum(axis=1)) - b * self.truth
        return float(np.average(each, weights=self.weights))

    def slope(self, b: float) -> float:
        """L'(b)."""
        p = np.exp(b * self.z)
        each = np.einsum("nj,nj->n", p, self.z) / p.sum(axis=1) - self.truth
        return float(np.average(each, weights=self.weights))


class _Sigmoid:
    """The log-loss of sigmoid(b z) as a function of b, mean over examples and outputs."""

    def __init__(self, z: Array, targets: Array, weights: Array | None) -> None:
        self.weights = weights
        self.z = np.where(targets.reshape(z.shape) > 0.5, z, -z)

    @staticmethod
    def shown(z: Array) -> Array:
        """The probabilities of outputs z."""
        p: Array = np.exp(-np.logaddexp(0.0, -z))
        return p

    def loss(self, b: float) -> float:
        """L(b)."""
        each = np.logaddexp(0.0, -b * self.z).mean(axis=1)
        return float(np.average(each, weights=self.weights))

    def slope(self, b: float) -> float:
        """L'(b)."""
        each = (-self.z * np.exp(-np.logaddexp(0.0, b * self.z))).mean(axis=1)
        return float(np.average(each, weights=self.weights))
