"""Every member's own dense layer.

Forward    y_nkj = a sum_i x_nki W_kij + b_kj,  a = 1, or 1 / sqrt(i) by the parametrisation `ntk`
Backward   dW_k = a x_kᵀ dy_k     db_kj = sum_n dy_nkj     dx_k = a dy_k W_kᵀ
Shapes     x (n, k, i)   W (k, i, j)   b (k, j)   y (n, k, j)
Memory     reads x again in backward; a copy of W where a is not 1
Cost       3 products of n·k·i·j multiply-adds (2 when dx is None)
Errors     ShapeError if an example is not a vector a member
Why        the outputs of members that share everything before them; NumPy hands views of x and y
           with the members first to BLAS as they are
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np

from dnn_cli.base.types import Array, Call, Rng, Shape
from dnn_cli.nn.first_values import kinks_among, unit_outputs
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.layer import LAYERS, READS_X, Layer, Listed, Need, ShapeError, Slot
from dnn_cli.nn.layers.dense import AffineSpec
from dnn_cli.nn.scratch import Scratch


@LAYERS.register("member_dense")
@dataclass(frozen=True, slots=True, kw_only=True)
class MemberDenseSpec(AffineSpec):
    """A dense layer for each member: y_k = x_k W_k + b_k."""

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """The layer for vectors of as many members as there are."""
        if len(in_shape) != 2:
            raise ShapeError(
                f"takes a vector of each member, not examples of shape {in_shape}: "
                "put member_scale somewhere before it"
            )
        members, inputs = in_shape
        slots = self.affine_slots((members, inputs, self.units), default)
        return MemberDense(in_shape, self.units, slots, self.factor(inputs), self.from_data)


@final
class MemberDense(Listed):
    """y_k = a x_k W_k + b_k."""

    W: Array
    b: Array
    reads = READS_X

    def __init__(
        self,
        in_shape: Shape,
        units: int,
        slots: tuple[Slot, ...],
        factor: float,
        observes: bool,
    ) -> None:
        super().__init__(in_shape, (in_shape[0], units))
        self.slots, self.factor, self.observes = slots, factor, observes
        self.bias = len(slots) == 2
        self.needs = {}
        if factor != 1.0:
            self.needs["aW"] = Need(slots[0].shape, per_example=False, keep=True)

    def forward_calls(self, x: Array, y: Array, ws: Scratch, train: bool) -> list[Call]:
        """Write y = a x W + b, member by member."""
        calls: list[Call] = []
        if self.factor != 1.0:
            calls.append(partial(np.multiply, self.W, self.factor, out=ws["aW"]))
        W = ws.get("aW", self.W)
        calls.append(partial(np.matmul, x.swapaxes(0, 1), W, out=y.swapaxes(0, 1)))
        if self.bias:
            calls.append(partial(np.add, y, self.b, out=y))
        return calls

    def backward_calls(
        self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch
    ) -> list[Call]:
        """Write dW, db and dx."""
        slopes, dW = dy.swapaxes(0, 1), ws.grads["W"]
        calls: list[Call] = [partial(np.matmul, x.transpose(1, 2, 0), slopes, out=dW)]
        if self.factor != 1.0:
            calls.append(partial(np.multiply, dW, self.factor, out=dW))
        if self.bias:
            calls.append(partial(np.add.reduce, dy, axis=0, out=ws.grads["b"]))
        if dx is not None:
            W = ws.get("aW", self.W)
            calls.append(partial(np.matmul, slopes, W.mT, out=dx.swapaxes(0, 1)))
        return calls

    def observe(self, x: Array, rng: Rng) -> None:
        """Give outputs deviation 1 over the rows of x, and put their zeros among the rows."""
        outputs = np.einsum("nki,kij->nkj", x, self.W, optimize=True) * self.factor
        unit_outputs(self.W, outputs)
        if self.bias:
            kinks_among(self.b, outputs, rng)

    def operations(self) -> int:
        """Multiply-adds of one example's forward pass: k·i·j."""
        return self.out_shape[0] * self.in_shape[1] * self.out_shape[1]
