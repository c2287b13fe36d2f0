"""Periodic embedding: every number by cosines of learned frequencies.

Forward    u_nch = 2π x_nc w_ch + s_ch     y = cos(u_c) W_c + b_c for each of the first columns | x
Backward   dW_c = cos(u_c)ᵀ dy_c     db_c = sum_n dy_nc     du = -sin(u) (dy_c W_cᵀ)
           dw_ch = 2π sum_n x_nc du_nch     ds_ch = sum_n du_nch
           dx = dy's part for x, and 2π sum_h du_nch w_ch
Shapes     x (n, i)   w, s (columns, frequencies)   W (columns, frequencies, embedding)
           y (n, columns · embedding + i)
Memory     keeps cos u and sin u
Cost       two transcendental functions a column and frequency, and small products
Errors     ShapeError if an example is no vector, or has fewer columns
Why        first values as in RealMLP: w normal of deviation 0.1, s even in [-π, π], W and b even
           within the root of the frequencies; all learned at a tenth of the rate
Source     Gorishniy, Rubachev, Babenko, NeurIPS 2022; with shift s, linear layer and x beside it
           (PBLD): Holzmüller, Grinsztajn, Steinwart, NeurIPS 2024 (RealMLP)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Call, Shape
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec
from dnn_cli.nn.layer import LAYERS, READS_X, Layer, Listed, Need, ShapeError, Slot, WeightedSpec
from dnn_cli.nn.scratch import Scratch

_TURN = 2.0 * math.pi


@LAYERS.register("periodic")
@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodicSpec(WeightedSpec):
    """Embeds numbers by cosines of learned frequencies."""

    weights: InitializerSpec | None = option(
        "first frequencies; null: normal of deviation 0.1", None
    )
    learning_rate_factor: float = option(
        "multiplies the learning rate of this layer", 0.1, minimum=0.0
    )
    columns: int | None = option(
        "how many columns, from the first on; null: the numbers of the table, or all",
        None,
        minimum=1,
    )
    frequencies: int = option("frequencies a column", 16, minimum=1)
    embedding: int = option("learned numbers a column, beside the number itself", 3, minimum=1)

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """The embedding of vectors of `in_shape`."""
        if len(in_shape) != 1:
            raise ShapeError(f"takes rows of numbers, not examples of shape {in_shape}")
        columns = in_shape[0] if self.columns is None else self.columns
        if columns > in_shape[0]:
            raise ShapeError(f"{columns} columns of {in_shape[0]}", ("columns",))
        many, few = (columns, self.frequencies), (columns, self.embedding)
        frequencies = self.weights or INITIALIZERS.get("normal")(deviation=0.1)  # type: ignore[call-arg]
        even, limit = INITIALIZERS.get("uniform"), 1.0 / math.sqrt(self.frequencies)
        around = even(limit=math.pi)  # type: ignore[call-arg]
        within = even(limit=limit)  # type: ignore[call-arg]
        slots = (
            self.slot("w", many, frequencies, "weight"),
            self.slot("W", (*many, self.embedding), within, "weight"),
            self.slot("s", many, around, "bias"),
            self.slot("b", few, within, "bias"),
        )
        return Periodic(in_shape, slots)


@final
class Periodic(Listed):
    """y = cos(2π x w + s) W + b | x."""

    w: Array
    W: Array
    s: Array
    b: Array
    reads = READS_X

    def __init__(self, in_shape: Shape, slots: tuple[Slot, ...]) -> None:
        self.columns, self.frequencies, self.embedding = slots[1].shape
        self.width = self.columns * self.embedding
        super().__init__(in_shape, (self.width + in_shape[0],))
        self.slots = slots
        many = (self.columns, self.frequencies)
        self.needs = {
            "cos": Need(many, keep=True),
            "sin": Need(many, keep=True),
            "t": Need(many),
            "wave": Need(many),
            "z": Need((self.width,)),
            "sum": Need((self.columns,)),
        }

    def forward_calls(self, x: Array, y: Array, ws: Scratch, train: bool) -> list[Call]:
        """Write the embedding and x."""
        cos, sin, z = ws["cos"], ws["sin"], ws["z"]  # for b into y NumPy takes buffers of 100 KB
        return [
            partial(np.multiply, x[:, : self.columns, None], self.w, out=sin),
            partial(np.multiply, sin, _TURN, out=sin),
            partial(np.add, sin, self.s, out=sin),
            partial(np.cos, sin, out=cos),
            *([partial(np.sin, sin, out=sin)] if train else []),
            partial(np.matmul, cos.swapaxes(0, 1), self.W, out=self._embedded(z)),
            partial(np.add, z, self.b.reshape(-1), out=z),
            partial(np.copyto, y[:, : self.width], z),
            partial(np.copyto, y[:, self.width :], x),
        ]

    def backward_calls(
        self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch
    ) -> list[Call]:
        """Write the gradients of all four slots and dx."""
        t, slopes, grads = ws["t"], self._embedded(dy), ws.grads
        calls: list[Call] = [
            partial(np.matmul, ws["cos"].transpose(1, 2, 0), slopes, out=grads["W"]),
            partial(np.add.reduce, slopes, axis=1, out=grads["b"]),
            partial(np.matmul, slopes, self.W.mT, out=t.swapaxes(0, 1)),
            partial(np.multiply, t, ws["sin"], out=t),
            partial(np.negative, t, out=t),
            partial(np.add.reduce, t, axis=0, out=grads["s"]),
        ]
        if dx is not None:
            numbers, wave = dx[:, : self.columns], ws["wave"]
            calls += [
                partial(np.copyto, dx, dy[:, self.width :]),
                partial(np.multiply, t, self.w, out=wave),
                partial(np.add.reduce, wave, axis=-1, out=ws["sum"]),
                partial(np.multiply, ws["sum"], _TURN, out=ws["sum"]),
                partial(np.add, numbers, ws["sum"], out=numbers),
            ]
        return [
            *calls,
            partial(np.multiply, t, x[:, : self.columns, None], out=t),
            partial(np.add.reduce, t, axis=0, out=grads["w"]),
            partial(np.multiply, grads["w"], _TURN, out=grads["w"]),
        ]

    def operations(self) -> int:
        """Multiply-adds of one example's forward pass."""
        return self.columns * self.frequencies * self.embedding

    def _embedded(self, y: Array) -> Array:
        """The embedding's part of y, column by column: (columns, n, embedding)."""
        return y[:, : self.width].reshape(len(y), self.columns, self.embedding).swapaxes(0, 1)
