"""Parametric activation: how much of an activation there is, is learned a feature.

Forward    y = x + a_c (f(x) - x),  f another activation
Backward   da_c = sum dy (f(x) - x) over all axes but the last
           dx = dy (1 - a_c) + f's dx for the gradient a_c dy
Shapes     x, y (n, …, c)   a (c,)
Memory     f is a chain of its own; keeps f(x) - x
Source     Holzmüller, Grinsztajn, Steinwart, NeurIPS 2024 (RealMLP)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.chain import Chain, build_chain
from dnn_cli.nn.execution.rows import features, rows
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec
from dnn_cli.nn.layer import LAYERS, READS_X, Layer, LayerSpec, Need, ShapeError, Slot, WeightedSpec
from dnn_cli.nn.scratch import Scratch


@LAYERS.register("parametric")
@dataclass(frozen=True, slots=True, kw_only=True)
class ParametricSpec(WeightedSpec):
    """An activation of which a share is learned, one a feature."""

    weights: InitializerSpec | None = option("first shares; null: 1", None)
    activation: LayerSpec = option("the activation, such as selu")

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """The activation for vectors, of members too, or images."""
        first = self.weights or INITIALIZERS.get("constant")(value=1.0)  # type: ignore[call-arg]
        try:
            inner = build_chain((self.activation,), in_shape, default)
        except ShapeError as error:
            raise ShapeError(str(error), ("activation", *error.path[1:])) from error
        if inner.out_shape != in_shape:
            raise ShapeError("the activation must keep the shape", ("activation",))
        slot = self.slot("a", (features(in_shape, "parametric"),), first, "weight")
        return Parametric(in_shape, slot, inner)


@final
class Parametric(Layer):
    """y = x + a (f(x) - x)."""

    a: Array
    reads = READS_X

    def __init__(self, in_shape: Shape, slot: Slot, inner: Chain) -> None:
        super().__init__(in_shape, in_shape)
        self.slots, self.chains = (slot,), (inner,)
        self.examplewise = all(layer.examplewise for layer in inner.layers)
        self.needs = {"change": Need(in_shape, keep=True), "t": Need(in_shape)}

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write y = x + a (f(x) - x)."""
        change = ws["change"]
        np.subtract(ws.inner[0].forward(train), x, out=change)
        np.multiply(self._rows(change), self.a[..., None, :], out=self._rows(y))
        np.add(y, x, out=y)

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write da and dx."""
        t, inner = ws["t"], ws.inner[0]
        np.multiply(dy, ws["change"], out=t)
        np.add.reduce(self._rows(t), axis=-2, out=ws.grads["a"])
        if dx is not None:
            assert inner.dy is not None and inner.dx is not None
            np.multiply(self._rows(dy), self.a[..., None, :], out=self._rows(inner.dy))
            np.subtract(dy, inner.dy, out=t)
            inner.backward()
            np.add(t, inner.dx, out=dx)

    def _rows(self, a: Array) -> Array:
        return rows(a, self.in_shape)
