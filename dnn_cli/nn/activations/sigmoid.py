"""Logistic sigmoid.

Forward    y = 1 / (1 + exp(-x)), x cut from below where exp(-x) would overflow (y < 2e-38)
Backward   dx = dy y (1 - y)
Shapes     x, y (n, …)
Memory     reads y in backward; may run in place
Source     Rumelhart, Hinton, Williams, Nature 323 (1986)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.layer import LAYERS, READS_Y, Elementwise, Layer, LayerSpec, Need
from dnn_cli.nn.limits import exp_limit
from dnn_cli.nn.scratch import Scratch


@LAYERS.register("sigmoid")
@dataclass(frozen=True, slots=True, kw_only=True)
class SigmoidSpec(LayerSpec):
    """Logistic function: from 0 to 1."""

    gain: ClassVar[str] = "glorot"
    monotone: ClassVar[bool] = True

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A sigmoid for inputs of any shape."""
        return Sigmoid(in_shape)


@final
class Sigmoid(Elementwise):
    """y = 1 / (1 + exp(-x))."""

    reads = READS_Y
    in_place = True

    def __init__(self, in_shape: Shape) -> None:
        super().__init__(in_shape)
        self.needs = {"slope": Need(in_shape)}

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write y = 1 / (1 + exp(-x))."""
        np.maximum(x, -exp_limit(y.dtype), out=y)
        np.negative(y, out=y)
        np.exp(y, out=y)
        np.add(y, 1.0, out=y)
        np.divide(1.0, y, out=y)

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write dx = dy y (1 - y)."""
        if dx is not None:
            slope = ws["slope"]
            np.subtract(1.0, y, out=slope)
            np.multiply(slope, y, out=slope)
            np.multiply(dy, slope, out=dx)
