"""The loss of k members, and the one prediction that they make together.

Formula    loss = 1/k sum_k (mean loss of member k); the prediction is the mean of the members'
           (of their probabilities, of their values), never a prediction of the mean output
Shapes     z, dz (n, k, j); target as the members' loss takes it
Memory     scratch of the members' loss for n·k rows, and the targets of each row k times
Source     Gorishniy, Kotelnikov, Babenko, ICLR 2025 (TabM): the loss of the mean would let members
           correct each other, and none of them learn
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import numpy as np

from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.layer import Need
from dnn_cli.nn.loss import Loss


def fit_to(loss: Loss, out_shape: Shape) -> Loss:
    """`loss` for a network that puts out `out_shape`: (j,), or (k, j) of k members."""
    return MemberLoss(loss, out_shape[0]) if len(out_shape) == 2 else loss


@final
class MemberLoss(Loss):
    """The mean of the losses of k members."""

    def __init__(self, loss: Loss, members: int) -> None:
        self.loss, self.members = loss, members
        self.needs = {
            name: Need((members, *need.shape), need.dtype) if need.per_example else need
            for name, need in loss.needs.items()
        }

    @property
    def one(self) -> Loss:
        """The loss of the members' prediction."""
        return self.loss

    def value(self, z: Array, target: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss of the batch over examples and members."""
        return self.loss.value(self._rows(z), self._repeated(target), self._scratch(ws))

    def value_and_grad(self, z: Array, target: Array, dz: Array, ws: Mapping[str, Array]) -> float:
        """The mean loss; writes dz."""
        scratch = self._scratch(ws)
        return self.loss.value_and_grad(
            self._rows(z), self._repeated(target), self._rows(dz), scratch
        )

    def each(self, z: Array, target: Array, ws: Mapping[str, Array]) -> Array:
        """The mean loss of each example over its members."""
        rows = self.loss.each(self._rows(z), self._repeated(target), self._scratch(ws))
        mean: Array = rows.reshape(len(z), self.members).mean(axis=1)
        return mean

    def activate(self, z: Array, out: Array) -> None:
        """What each member predicts."""
        self.loss.activate(self._rows(z), self._rows(out))

    def invert(self, shown: Array, out: Array) -> None:
        """The outputs of each member from what it predicts."""
        self.loss.invert(self._rows(shown), self._rows(out))

    def pool(self, z: Array) -> Array:
        """The outputs (n, j) of one network that predicts what the members do on the average."""
        shown = np.empty_like(z)
        self.activate(z, shown)
        shown[~np.isfinite(z)] = np.nan  # a sigmoid would turn an overflow into certainty
        mean: Array = shown.mean(axis=1, dtype=np.float64).astype(z.dtype)
        self.loss.invert(mean, mean)
        return mean

    def _rows(self, a: Array) -> Array:
        return a.reshape(-1, a.shape[-1])

    def _repeated(self, target: Array) -> Array:
        return np.repeat(target, self.members, axis=0)

    def _scratch(self, ws: Mapping[str, Array]) -> dict[str, Array]:
        needs = self.loss.needs
        return {
            name: a.reshape(-1, *a.shape[2:]) if needs[name].per_example else a
            for name, a in ws.items()
        }
