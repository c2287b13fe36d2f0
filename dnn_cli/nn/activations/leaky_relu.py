"""Leaky rectified linear unit.

Forward    y = x where x > 0, else a x
Backward   dx = dy where y > 0, else a dy
Shapes     x, y (n, …)
Memory     reads y in backward; may run in place
Source     Maas, Hannun, Ng, ICML workshop 2013
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.layer import LAYERS, READS_Y, Elementwise, Layer, LayerSpec, Need
from dnn_cli.nn.scratch import Scratch


@LAYERS.register("leaky_relu")
@dataclass(frozen=True, slots=True, kw_only=True)
class LeakyReluSpec(LayerSpec):
    """x where it is positive, else a small multiple of x."""

    gain: ClassVar[str] = "he"

    slope: float = option("factor on negative inputs", 0.01, minimum=0.0, maximum=1.0)

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A leaky relu for inputs of any shape."""
        return LeakyRelu(in_shape, self.slope)


@final
class LeakyRelu(Elementwise):
    """y = max(x, a x), for 0 <= a <= 1."""

    reads = READS_Y
    in_place = True

    def __init__(self, in_shape: Shape, slope: float) -> None:
        super().__init__(in_shape)
        self.slope = slope
        self.needs = {"t": Need(in_shape)}

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write y = max(x, a x)."""
        np.multiply(x, self.slope, out=ws["t"])
        np.maximum(x, ws["t"], out=y)

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write dx = dy where y > 0, else a dy; y has the sign of x."""
        if dx is not None:
            np.greater(y, 0.0, out=ws["t"])
            np.maximum(ws["t"], self.slope, out=ws["t"])
            np.multiply(dy, ws["t"], out=dx)
