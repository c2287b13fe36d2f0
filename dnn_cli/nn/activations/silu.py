"""Sigmoid linear unit, also called swish.

Forward    y = x σ(x), σ(x) = 1 / (1 + exp(-x))
Backward   dx = dy (σ + y (1 - σ))
Shapes     x, y (n, …)
Memory     keeps the derivative, so that backward reads neither x nor y; may run in place
Source     Elfwing, Uchibe, Doya, Neural Networks 107 (2018)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.layer import LAYERS, Elementwise, Layer, LayerSpec, Need
from dnn_cli.nn.limits import exp_limit
from dnn_cli.nn.scratch import Scratch


@LAYERS.register("silu")
@dataclass(frozen=True, slots=True, kw_only=True)
class SiluSpec(LayerSpec):
    """x times the sigmoid of x."""

    gain: ClassVar[str] = "he"

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A silu for inputs of any shape."""
        return Silu(in_shape)


@final
class Silu(Elementwise):
    """y = x σ(x)."""

    in_place = True

    def __init__(self, in_shape: Shape) -> None:
        super().__init__(in_shape)
        self.needs = {"slope": Need(in_shape, keep=True), "sigmoid": Need(in_shape)}

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write y = x σ(x), and in training the derivative."""
        slope, sigmoid = ws["slope"], ws["sigmoid"]
        np.maximum(x, -exp_limit(y.dtype), out=y)  # below it y is 0 but for 1e-36
        np.negative(y, out=sigmoid)
        np.exp(sigmoid, out=sigmoid)
        np.add(sigmoid, 1.0, out=sigmoid)
        np.divide(1.0, sigmoid, out=sigmoid)
        np.multiply(y, sigmoid, out=y)
        if train:
            np.subtract(1.0, sigmoid, out=slope)
            np.multiply(slope, y, out=slope)
            np.add(slope, sigmoid, out=slope)

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write dx = dy · slope."""
        if dx is not None:
            np.multiply(dy, ws["slope"], out=dx)
