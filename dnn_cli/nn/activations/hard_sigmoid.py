"""Hard sigmoid: the sigmoid in three straight lines.

Forward    y = min(max(x / 6 + ½, 0), 1)
Backward   dx = dy / 6 where 0 < y < 1, else 0
Shapes     x, y (n, …)
Memory     reads y in backward; may run in place
Why        slope 1/6 as in MobileNetV3, PyTorch and Keras 3; Courbariaux et al. and older Keras
           have other slopes
Source     Howard et al., "Searching for MobileNetV3", ICCV 2019
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.layer import LAYERS, READS_Y, Elementwise, Layer, LayerSpec, Need
from dnn_cli.nn.scratch import Scratch


@LAYERS.register("hard_sigmoid")
@dataclass(frozen=True, slots=True, kw_only=True)
class HardSigmoidSpec(LayerSpec):
    """x / 6 + 1/2, cut to [0, 1]."""

    gain: ClassVar[str] = "glorot"
    monotone: ClassVar[bool] = True

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A hard sigmoid for inputs of any shape."""
        return HardSigmoid(in_shape)


@final
class HardSigmoid(Elementwise):
    """y = min(max(x / 6 + ½, 0), 1)."""

    reads = READS_Y
    in_place = True

    def __init__(self, in_shape: Shape) -> None:
        super().__init__(in_shape)
        self.needs = {"off": Need(in_shape), "on": Need(in_shape)}

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write y = min(max(x / 6 + ½, 0), 1)."""
        np.multiply(x, 1.0 / 6.0, out=y)
        np.add(y, 0.5, out=y)
        np.clip(y, 0.0, 1.0, out=y)

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write dx = dy / 6 where y is neither 0 nor 1."""
        if dx is not None:
            off, on = ws["off"], ws["on"]
            np.subtract(1.0, y, out=off)
            np.multiply(off, y, out=off)
            np.greater(off, 0.0, out=on)
            np.multiply(on, 1.0 / 6.0, out=on)
            np.multiply(dy, on, out=dx)
