"""Hyperbolic tangent.

Forward    y = tanh(x)
Backward   dx = dy (1 - y²)
Shapes     x, y (n, …)
Memory     reads y in backward; may run in place
Source     LeCun, Bottou, Orr, Müller, "Efficient BackProp" (1998)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.layer import LAYERS, READS_Y, Elementwise, Layer, LayerSpec, Need
from dnn_cli.nn.scratch import Scratch


@LAYERS.register("tanh")
@dataclass(frozen=True, slots=True, kw_only=True)
class TanhSpec(LayerSpec):
    """Hyperbolic tangent: from -1 to 1."""

    gain: ClassVar[str] = "glorot"
    monotone: ClassVar[bool] = True

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A tanh for inputs of any shape."""
        return Tanh(in_shape)


@final
class Tanh(Elementwise):
    """y = tanh(x)."""

    reads = READS_Y
    in_place = True

    def __init__(self, in_shape: Shape) -> None:
        super().__init__(in_shape)
        self.needs = {"slope": Need(in_shape)}

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write y = tanh(x)."""
        np.tanh(x, out=y)

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write dx = dy (1 - y²)."""
        if dx is not None:
            slope = ws["slope"]
            np.multiply(y, y, out=slope)
            np.subtract(1.0, slope, out=slope)
            np.multiply(dy, slope, out=dx)
