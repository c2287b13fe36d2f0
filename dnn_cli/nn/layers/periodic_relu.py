"""Periodic embedding with relu: every number by cosines and sines, a linear layer and relu.

Forward    u_nch = 2π x_nc w_ch     p_c = cos(u_c) | sin(u_c)
           y = max(p_c W_c + b_c, 0) for each of the first columns | x
Backward   g = dy where the embedding is positive:   dW_c = p_cᵀ g_c     db_c = sum_n g_nc
           dp_c = g_c W_cᵀ     du = cos(u) dp's sines - sin(u) dp's cosines; dw and dx from du
           `shared`: dW and db are the sums over the columns
Shapes     x (n, i)   w (columns, frequencies)   W (columns, 2 · frequencies, embedding)
           b (columns, embedding)   y (n, columns · embedding + i); `shared`: W and b of one column
Memory     keeps cos u, sin u and the embedding; scratch of their sizes
Cost       two transcendental functions a column and frequency, and small products
Errors     ShapeError if an example is no vector, or has fewer columns
Why        how far the first frequencies spread (`weights`) decides most: 0.01 to 10 is worth a
           search. x passes beside it, as in every embedding of numbers here. Cosines and sines
           are arrays of their own, since NumPy copies halves of one piece by piece
Source     Gorishniy, Rubachev, Babenko, NeurIPS 2022 (PLR; `shared`: PLR-lite)
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


@LAYERS.register("periodic_relu")
@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodicReluSpec(NumberEmbeddingSpec):
    """Embeds numbers by cosines and sines of learned frequencies, a linear layer and relu."""

    weights: InitializerSpec | None = option(
        "first frequencies; null: normal of deviation 0.01", None
    )
    frequencies: int = option("frequencies a column", 48, minimum=1)
    embedding: int = option("learned numbers a column, beside the number itself", 24, minimum=1)
    shared: bool = option("whether all columns have the same linear layer", False)

    def embed(self, in_shape: Shape, columns: int) -> Layer:
        """The embedding of the first `columns` of vectors of `in_shape`."""
        waves, linear = 2 * self.frequencies, 1 if self.shared else columns
        frequencies = self.weights or INITIALIZERS.get("normal")(deviation=0.01)  # type: ignore[call-arg]
        within = INITIALIZERS.get("uniform")(limit=1.0 / math.sqrt(waves))  # type: ignore[call-arg]
        slots = (
            self.slot("w", (columns, self.frequencies), frequencies, "weight"),
            self.slot("W", (linear, waves, self.embedding), within, "weight"),
            self.slot("b", (linear, self.embedding), within, "bias"),
        )
        return PeriodicRelu(in_shape, slots)


@final
class PeriodicRelu(FrequencyEmbedding):
    """y = max((cos(2π x w) | sin(2π x w)) W + b, 0) | x."""

    W: Array
    b: Array

    def __init__(self, in_shape: Shape, slots: tuple[Slot, ...]) -> None:
        (columns, self.frequencies), (linear, waves, embedding) = slots[0].shape, slots[1].shape
        super().__init__(in_shape, slots, columns, embedding)
        self.shared = linear < columns
        many = (columns, self.frequencies)
        self.needs = {
            "cos": Need(many, keep=True),
            "sin": Need(many, keep=True),
            "z": Need((self.width,), keep=True),
            "t": Need(many),
            "wave": Need(many),
            "g": Need((self.width,)),
            "sum": Need((columns,)),
        }
        if self.shared:
            self.needs["dW"] = Need((columns, waves, embedding), per_example=False)
            self.needs["db"] = Need((columns, embedding), per_example=False)

    def forward_calls(self, x: Array, y: Array, ws: Scratch, train: bool) -> list[Call]:
        """Write the embedding and x."""
        cos, sin, z, more = ws["cos"], ws["sin"], ws["z"], ws["g"]
        spread, (of_cos, of_sin) = z.reshape(len(z), -1, self.embedding), self._halves(self.W)
        return [
            *self.angles(x, sin),
            partial(np.cos, sin, out=cos),
            partial(np.sin, sin, out=sin),
            partial(np.matmul, cos.swapaxes(0, 1), of_cos, out=self.embedded(z)),
            partial(np.matmul, sin.swapaxes(0, 1), of_sin, out=self.embedded(more)),
            partial(np.add, z, more, out=z),
            partial(np.add, spread, self.b, out=spread),
            partial(np.maximum, z, 0.0, out=z),
            partial(np.copyto, y[:, : self.width], z),
            partial(np.copyto, y[:, self.width :], x),
        ]

    def backward_calls(
        self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch
    ) -> list[Call]:
        """Write the gradients of all three slots and dx."""
        cos, sin, g, grads = ws["cos"], ws["sin"], ws["g"], ws.grads
        slopes, du, dsin = self.embedded(g), ws["t"], ws["wave"]
        dW, db = ws.get("dW", grads["W"]), ws.get("db", grads["b"])
        (of_cos, of_sin), (dof_cos, dof_sin) = self._halves(self.W), self._halves(dW)
        calls: list[Call] = [
            partial(np.greater, ws["z"], 0.0, out=g),
            partial(np.multiply, g, dy[:, : self.width], out=g),
            partial(np.matmul, cos.transpose(1, 2, 0), slopes, out=dof_cos),
            partial(np.matmul, sin.transpose(1, 2, 0), slopes, out=dof_sin),
            partial(np.add.reduce, slopes, axis=1, out=db),
        ]
        if self.shared:
            calls += [
                partial(np.add.reduce, dW, axis=0, out=grads["W"][0]),
                partial(np.add.reduce, db, axis=0, out=grads["b"][0]),
            ]
        return [
            *calls,
            partial(np.matmul, slopes, of_cos.mT, out=du.swapaxes(0, 1)),
            partial(np.matmul, slopes, of_sin.mT, out=dsin.swapaxes(0, 1)),
            partial(np.multiply, du, sin, out=du),
            partial(np.multiply, dsin, cos, out=dsin),
            partial(np.subtract, dsin, du, out=du),
            *self.turn_back(x, dy, dx, du, ws),
        ]

    def operations(self) -> int:
        """Multiply-adds of one example's forward pass."""
        return self.columns * 2 * self.frequencies * self.embedding

    def _halves(self, W: Array) -> tuple[Array, Array]:
        """The rows of W for the cosines and those for the sines."""
        return W[:, : self.frequencies], W[:, self.frequencies :]
