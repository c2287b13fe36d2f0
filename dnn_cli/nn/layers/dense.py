"""Dense layer: every output sees every input.

Forward    y_nj = sum_i x_ni W_ij + b_j
Backward   dW = xᵀ dy     db_j = sum_n dy_nj     dx = dy Wᵀ
Shapes     x (n, i)   W (i, j)   b (j,)   y (n, j)
Memory     reads x again in backward; scratch: n ones
Cost       3 products of n·i·j multiply-adds (2 when dx is None)
Errors     ShapeError if an example is not a vector (put `flatten` before it)
Source     Rumelhart, Hinton, Williams, Nature 323 (1986)
Why        W is (inputs, outputs): x W is a third faster than x Wᵀ at 32 rows of 784. db is a
           product with a row of ones: 128 x 128 in 4 µs, where `add.reduce` takes 8
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Call, Shape
from dnn_cli.nn.execution.products import product
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec
from dnn_cli.nn.layer import LAYERS, READS_X, Layer, Listed, Need, ShapeError, Slot, WeightedSpec
from dnn_cli.nn.scratch import Scratch


@LAYERS.register("dense")
@dataclass(frozen=True, slots=True, kw_only=True)
class DenseSpec(WeightedSpec):
    """Every output sees every input: y = x W + b."""

    units: int = option("number of outputs", minimum=1)
    bias: bool = option("whether to add a learned b", True)

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A dense layer from vectors of `in_shape` to `units` numbers."""
        if len(in_shape) != 1:
            raise ShapeError(f"dense takes vectors, not examples of shape {in_shape}: add flatten")
        inputs = in_shape[0]
        init = self.weights or default
        slots = [self.slot("W", (inputs, self.units), init, "weight")]
        if self.bias:
            zeros = INITIALIZERS.get("zeros")()
            slots.append(self.slot("b", (self.units,), zeros, "bias"))
        return Dense(in_shape, self.units, tuple(slots))


@final
class Dense(Listed):
    """y = x W + b."""

    W: Array
    b: Array
    reads = READS_X

    def __init__(self, in_shape: Shape, units: int, slots: tuple[Slot, ...]) -> None:
        super().__init__(in_shape, (units,))
        self.slots = slots
        self.bias = len(slots) == 2
        self.needs = {"ones": Need(())} if self.bias else {}

    def forward_calls(self, x: Array, y: Array, ws: Scratch, train: bool) -> list[Call]:
        """Write y = x W + b."""
        calls = [product(x, self.W, y)]
        if self.bias:
            calls.append(partial(np.add, y, self.b[..., None, :], out=y))
        return calls

    def backward_calls(
        self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch
    ) -> list[Call]:
        """Write dW, db and dx."""
        calls = [product(x.mT, dy, ws.grads["W"])]
        if self.bias:
            ones = ws["ones"][..., None, :]
            calls.append(partial(ones.fill, 1.0))
            calls.append(partial(np.matmul, ones, dy, out=ws.grads["b"][..., None, :]))
        if dx is not None:
            calls.append(product(dy, self.W.mT, dx))
        return calls

    def operations(self) -> int:
        """Multiply-adds of one example's forward pass: i·j."""
        return self.in_shape[0] * self.out_shape[0]
