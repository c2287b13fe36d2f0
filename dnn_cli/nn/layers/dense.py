"""Dense layer: every output sees every input.

Forward    y_nj = a sum_i x_ni W_ij + b_j,  a = 1, or 1 / sqrt(i) by the parametrisation `ntk`
Backward   dW = a xᵀ dy     db_j = sum_n dy_nj     dx = a dy Wᵀ
Shapes     x (n, i)   W (i, j)   b (j,)   y (n, j); x (n, k, i) and y (n, k, j) of k members, which
           are that many more rows
Memory     reads x again in backward; scratch: a number a row, and a copy of W where a is not 1
Cost       3 products of n·i·j multiply-adds (2 when dx is None)
Errors     ShapeError if an example is not a vector, or a vector a member (put `flatten` before it)
Source     Rumelhart, Hinton, Williams, Nature 323 (1986); `ntk`: Jacot, Gabriel, Hongler, NIPS
           2018; first values from data: Holzmüller, Grinsztajn, Steinwart, NeurIPS 2024 (RealMLP)
Why        W is (inputs, outputs): x W is a third faster than x Wᵀ at 32 rows of 784. db is a
           product with a row of ones: 128 x 128 in 4 µs, where `add.reduce` takes 8. By `ntk` W
           itself has deviation 1 whatever the width, so that one learning rate of Adam fits all
           widths; a W is made before the products, since it is smaller than x or y
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias, final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Call, Rng, Shape
from dnn_cli.nn.execution.products import product
from dnn_cli.nn.first_values import kinks_among, unit_outputs
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec
from dnn_cli.nn.layer import LAYERS, READS_X, Layer, Listed, Need, ShapeError, Slot, WeightedSpec
from dnn_cli.nn.scratch import Scratch

Parametrization: TypeAlias = Literal["standard", "ntk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AffineSpec(WeightedSpec):
    """What layers of the form x W + b have in common."""

    units: int = option("number of outputs", minimum=1)
    bias: bool = option("whether to add a learned b", True)
    parametrization: Parametrization = option(
        "ntk: W is divided by the root of the number of inputs when it is used", "standard"
    )
    from_data: bool = option(
        "scale the first W so that outputs have deviation 1 over training rows, and begin with b "
        "that puts their zeros among the rows",
        False,
    )
    bias_learning_rate_factor: float = option(
        "multiplies the learning rate of b alone", 1.0, minimum=0.0
    )

    def affine_slots(self, shape: Shape, default: InitializerSpec) -> tuple[Slot, ...]:
        """W of `shape` (…, i, j), and b (…, j)."""
        unit = INITIALIZERS.get("normal")(deviation=1.0)  # type: ignore[call-arg]
        first = self.weights or (default if self.parametrization == "standard" else unit)
        W = self.slot("W", shape, first, "weight")
        if not self.bias:
            return (W,)
        rate = self.learning_rate_factor * self.bias_learning_rate_factor
        zeros = INITIALIZERS.get("zeros")()
        b = Slot("b", (*shape[:-2], shape[-1]), zeros, "bias", rate, self.decay_factor)
        return (W, b)

    def factor(self, inputs: int) -> float:
        """a, for so many inputs."""
        return 1.0 if self.parametrization == "standard" else 1.0 / math.sqrt(inputs)


@LAYERS.register("dense")
@dataclass(frozen=True, slots=True, kw_only=True)
class DenseSpec(AffineSpec):
    """Every output sees every input: y = x W + b."""

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A dense layer from vectors of `in_shape` to `units` numbers."""
        if len(in_shape) not in (1, 2):
            raise ShapeError(f"dense takes vectors, not examples of shape {in_shape}: add flatten")
        inputs = in_shape[-1]
        slots = self.affine_slots((inputs, self.units), default)
        return Dense(in_shape, self.units, slots, self.factor(inputs), self.from_data)


@final
class Dense(Listed):
    """y = a x W + b."""

    W: Array
    b: Array
    reads = READS_X

    def __init__(
        self,
        in_shape: Shape,
        units: int,
        slots: tuple[Slot, ...],
        factor: float = 1.0,
        observes: bool = False,
    ) -> None:
        super().__init__(in_shape, (*in_shape[:-1], units))
        self.slots, self.factor, self.observes = slots, factor, observes
        self.bias = len(slots) == 2
        self.needs = {"ones": Need(in_shape[:-1])} if self.bias else {}
        if factor != 1.0:
            self.needs["aW"] = Need(slots[0].shape, per_example=False, keep=True)

    def forward_calls(self, x: Array, y: Array, ws: Scratch, train: bool) -> list[Call]:
        """Write y = a x W + b."""
        x, y = self._rows(x), self._rows(y)
        calls: list[Call] = []
        if self.factor != 1.0:
            calls.append(partial(np.multiply, self.W, self.factor, out=ws["aW"]))
        calls.append(product(x, ws.get("aW", self.W), y))
        if self.bias:
            calls.append(partial(np.add, y, self.b[..., None, :], out=y))
        return calls

    def backward_calls(
        self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch
    ) -> list[Call]:
        """Write dW, db and dx."""
        x, dy, dW = self._rows(x), self._rows(dy), ws.grads["W"]
        calls = [product(x.mT, dy, dW)]
        if self.factor != 1.0:
            calls.append(partial(np.multiply, dW, self.factor, out=dW))
        if self.bias:
            ones = self._flat(ws["ones"])[..., None, :]
            calls.append(partial(ones.fill, 1.0))
            calls.append(partial(np.matmul, ones, dy, out=ws.grads["b"][..., None, :]))
        if dx is not None:
            calls.append(product(dy, ws.get("aW", self.W).mT, self._rows(dx)))
        return calls

    def observe(self, x: Array, rng: Rng) -> None:
        """Give outputs deviation 1 over the rows of x, and put their zeros among the rows."""
        outputs = self._rows(x) @ self.W * self.factor
        unit_outputs(self.W, outputs)
        if self.bias:
            kinks_among(self.b, outputs, rng)

    def operations(self) -> int:
        """Multiply-adds of one example's forward pass: i·j, for each member."""
        return self.in_shape[-1] * self.out_shape[-1] * (self.in_shape[0] if self._members else 1)

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
