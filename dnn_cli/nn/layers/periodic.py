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
from dnn_cli.nn.frequency_embedding import FrequencyEmbedding
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec
from dnn_cli.nn.layer import LAYERS, Layer, Need, Slot
from dnn_cli.nn.number_embedding import NumberEmbeddingSpec
from dnn_cli.nn.scratch import Scratch


@LAYERS.register("periodic")
@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodicSpec(NumberEmbeddingSpec):
    """Embeds numbers by cosines of learned frequencies."""

    weights: InitializerSpec | None = option(
        "first frequencies; null: normal of deviation 0.1", None
    )
    learning_rate_factor: float = option(
        "multiplies the learning rate of this layer", 0.1, minimum=0.0
    )
    frequencies: int = option("frequencies a column", 16, minimum=1)

    def embed(self, in_shape: Shape, columns: int) -> Layer:
        """The embedding of the first `columns` of vectors of `in_shape`."""
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
class Periodic(FrequencyEmbedding):
    """y = cos(2π x w + s) W + b | x."""

    W: Array
    s: Array
    b: Array

    def __init__(self, in_shape: Shape, slots: tuple[Slot, ...]) -> None:
        columns, self.frequencies, embedding = slots[1].shape
        super().__init__(in_shape, slots, columns, embedding)
        many = (columns, self.frequencies)
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
            *self.angles(x, sin),
            partial(np.add, sin, self.s, out=sin),
            partial(np.cos, sin, out=cos),
            *([partial(np.sin, sin, out=sin)] if train else []),
            partial(np.matmul, cos.swapaxes(0, 1), self.W, out=self.embedded(z)),
            partial(np.add, z, self.b.reshape(-1), out=z),
            partial(np.copyto, y[:, : self.width], z),
            partial(np.copyto, y[:, self.width :], x),
        ]

    def backward_calls(
        self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch
    ) -> list[Call]:
        """Write the gradients of all four slots and dx."""
        t, slopes, grads = ws["t"], self.embedded(dy), ws.grads
        return [
            partial(np.matmul, ws["cos"].transpose(1, 2, 0), slopes, out=grads["W"]),
            partial(np.add.reduce, slopes, axis=1, out=grads["b"]),
            partial(np.matmul, slopes, self.W.mT, out=t.swapaxes(0, 1)),
            partial(np.multiply, t, ws["sin"], out=t),
            partial(np.negative, t, out=t),
            partial(np.add.reduce, t, axis=0, out=grads["s"]),
            *self.turn_back(x, dy, dx, t, ws),
        ]

    def operations(self) -> int:
        """Multiply-adds of one example's forward pass."""
        return self.columns * self.frequencies * self.embedding
