"""Softplus: a smooth relu without a flat side.

Forward    y = log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|))
Backward   dx = dy σ(x) = dy (1 - exp(-y))
Shapes     x, y (n, …)
Memory     reads y in backward; may run in place
Why        initialised by glorot: E[y²] = 0.92 for standard normal x, so a variance of one over
           the inputs keeps the size of activations where relu (E[y²] = 0.5) needs two
Source     Dugas, Bengio, Bélisle, Nadeau, Garcia, NIPS 2000
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.layer import LAYERS, READS_Y, Elementwise, Layer, LayerSpec, Need
from dnn_cli.nn.scratch import Scratch


@LAYERS.register("softplus")
@dataclass(frozen=True, slots=True, kw_only=True)
class SoftplusSpec(LayerSpec):
    """log(1 + exp(x))."""

    gain: ClassVar[str] = "glorot"

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A softplus for inputs of any shape."""
        return Softplus(in_shape)


@final
class Softplus(Elementwise):
    """y = log(1 + exp(x))."""

    reads = READS_Y
    in_place = True

    def __init__(self, in_shape: Shape) -> None:
        super().__init__(in_shape)
        self.needs = {"t": Need(in_shape)}

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write y = max(x, 0) + log(1 + exp(-|x|))."""
        t = ws["t"]
        np.absolute(x, out=t)
        np.negative(t, out=t)
        np.exp(t, out=t)
        np.log1p(t, out=t)
        np.maximum(x, 0.0, out=y)
        np.add(y, t, out=y)

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write dx = dy (1 - exp(-y))."""
        if dx is not None:
            t = ws["t"]
            np.negative(y, out=t)
            np.expm1(t, out=t)
            np.negative(t, out=t)
            np.multiply(dy, t, out=dx)
