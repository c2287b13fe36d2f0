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
from dnn_cli.nn.affine import Affine, AffineSpec
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.layer import LAYERS, Layer, Need, ShapeError
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
                "put member_scale or batch_ensemble somewhere before it"
            )
        members, inputs = in_shape
        out_shape = (members, self.units)
        slots = self.affine_slots((members, inputs, self.units), out_shape, default)
        return MemberDense(in_shape, out_shape, slots, self.factor(inputs), self.from_data)


@final
class MemberDense(Affine):
    """y_k = a x_k W_k + b_k."""

    def scratch(self) -> dict[str, Need]:
        """Nothing."""
        return {}

    def forward_calls(self, x: Array, y: Array, ws: Scratch, train: bool) -> list[Call]:
        """Write y = a x W + b, member by member."""
        W, result = self.used(ws), y.swapaxes(0, 1)
        calls = self.prepare(ws)
        calls.append(partial(np.matmul, x.swapaxes(0, 1), W, out=result))
        if self.bias:
            calls.append(partial(np.add, y, self.b, out=y))
        return calls

    def backward_calls(
        self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch
    ) -> list[Call]:
        """Write dW, db and dx."""
        slopes, dW = dy.swapaxes(0, 1), ws.grads["W"]
        calls: list[Call] = [
            partial(np.matmul, x.transpose(1, 2, 0), slopes, out=dW),
            *self.finish(dW),
        ]
        if self.bias:
            calls.append(partial(np.add.reduce, dy, axis=0, out=ws.grads["b"]))
        if dx is not None:
            calls.append(partial(np.matmul, slopes, self.used(ws).mT, out=dx.swapaxes(0, 1)))
        return calls

    def observe(self, x: Array, rng: Rng) -> None:
        """Give outputs deviation 1 over the rows of x, and put their zeros among the rows."""
        self.begin(np.einsum("nki,kij->nkj", x, self.W, optimize=True), rng)
