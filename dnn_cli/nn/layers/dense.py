"""Dense layer: every output sees every input.

Forward    y_nj = a sum_i x_ni W_ij + b_j,  a = 1, or 1 / sqrt(i) by the parametrisation `ntk`
Backward   dW = a xᵀ dy     db_j = sum_n dy_nj     dx = a dy Wᵀ
Shapes     x (n, i)   W (i, j)   b (j,)   y (n, j); x (n, k, i) and y (n, k, j) of k members, which
           are that many more rows
Memory     reads x again in backward; scratch: a number a row, and a copy of W where a is not 1
Cost       3 products of n·i·j multiply-adds (2 when dx is None)
Errors     ShapeError if an example is not a vector, or a vector a member (put `flatten` before it)
Source     Rumelhart, Hinton, Williams, Nature 323 (1986)
Why        W is (inputs, outputs): x W is a third faster than x Wᵀ at 32 rows of 784. db is a
           product with a row of ones: 128 x 128 in 4 µs, where `add.reduce` takes 8
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np

from dnn_cli.base.types import Array, Call, Rng, Shape
from dnn_cli.nn.affine import Affine, AffineSpec
from dnn_cli.nn.execution.products import product
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.layer import LAYERS, Layer, Need, ShapeError
from dnn_cli.nn.scratch import Scratch


@LAYERS.register("dense")
@dataclass(frozen=True, slots=True, kw_only=True)
class DenseSpec(AffineSpec):
    """Every output sees every input: y = x W + b."""

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A dense layer from vectors of `in_shape` to `units` numbers."""
        if len(in_shape) not in (1, 2):
            raise ShapeError(f"dense takes vectors, not examples of shape {in_shape}: add flatten")
        inputs, out_shape = in_shape[-1], (*in_shape[:-1], self.units)
        slots = self.affine_slots((inputs, self.units), (self.units,), default)
        return Dense(in_shape, out_shape, slots, self.factor(inputs), self.from_data)


@final
class Dense(Affine):
    """y = a x W + b."""

    def scratch(self) -> dict[str, Need]:
        """A row of ones, which adds up b's gradient."""
        return {"ones": Need(self.in_shape[:-1])} if self.bias else {}

    def forward_calls(self, x: Array, y: Array, ws: Scratch, train: bool) -> list[Call]:
        """Write y = a x W + b."""
        x, y = self._rows(x), self._rows(y)
        calls = [*self.prepare(ws), product(x, self.used(ws), y)]
        if self.bias:
            calls.append(partial(np.add, y, self.b[..., None, :], out=y))
        return calls

    def backward_calls(
        self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch
    ) -> list[Call]:
        """Write dW, db and dx."""
        x, dy, dW = self._rows(x), self._rows(dy), ws.grads["W"]
        calls = [product(x.mT, dy, dW), *self.finish(dW)]
        if self.bias:
            ones = self._flat(ws["ones"])[..., None, :]
            calls.append(partial(ones.fill, 1.0))
            calls.append(partial(np.matmul, ones, dy, out=ws.grads["b"][..., None, :]))
        if dx is not None:
            calls.append(product(dy, self.used(ws).mT, self._rows(dx)))
        return calls

    def observe(self, x: Array, rng: Rng) -> None:
        """Give outputs deviation 1 over the rows of x, and put their zeros among the rows."""
        self.begin(self._rows(x) @ self.W, rng)

    @property
    def plain(self) -> bool:
        """Whether it is y = x W + b of vectors, and no more."""
        return self.factor == 1.0 and not self._members

    @property
    def _members(self) -> bool:
        return len(self.in_shape) == 2

    def _rows(self, a: Array) -> Array:
        """Every member of every example as a row of its own; without members `a` as it is."""
        return a.reshape(-1, a.shape[-1]) if self._members else a

    def _flat(self, a: Array) -> Array:
        return a.reshape(-1) if self._members else a
