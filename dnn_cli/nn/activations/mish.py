"""Mish: a smooth relu with a dip below zero.

Forward    y = x tanh(log(1 + exp(x))) = x t,  t = e (e + 2) / (e (e + 2) + 2),  e = exp(x)
Backward   dx = dy (t + 4 x e (e + 1) / (e (e + 2) + 2)²)
Shapes     x, y (n, …)
Memory     keeps the derivative, so that backward reads neither x nor y; may run in place
Why        x is cut at 20 inside t, where t is 1 in float64 already and squares stay finite
Source     Misra, BMVC 2020
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.layer import LAYERS, Elementwise, Layer, LayerSpec, Need
from dnn_cli.nn.scratch import Scratch

_FLAT = 20.0


@LAYERS.register("mish")
@dataclass(frozen=True, slots=True, kw_only=True)
class MishSpec(LayerSpec):
    """x tanh(softplus(x))."""

    gain: ClassVar[str] = "he"

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A mish for inputs of any shape."""
        return Mish(in_shape)


@final
class Mish(Elementwise):
    """y = x tanh(softplus(x))."""

    in_place = True

    def __init__(self, in_shape: Shape) -> None:
        super().__init__(in_shape)
        self.needs = {
            "slope": Need(in_shape, keep=True),
            "e": Need(in_shape),
            "t": Need(in_shape),
            "divisor": Need(in_shape),
        }

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write y = x t, and in training the derivative."""
        slope, e, t, divisor = ws["slope"], ws["e"], ws["t"], ws["divisor"]
        np.minimum(x, _FLAT, out=slope)
        np.exp(slope, out=e)
        np.add(e, 2.0, out=t)
        np.multiply(t, e, out=t)
        np.add(t, 2.0, out=divisor)
        np.divide(t, divisor, out=t)
        np.multiply(x, t, out=y)
        if train:
            np.multiply(slope, e, out=slope)
            np.add(e, 1.0, out=e)
            np.multiply(slope, e, out=slope)
            np.multiply(slope, 4.0, out=slope)
            np.multiply(divisor, divisor, out=divisor)
            np.divide(slope, divisor, out=slope)
            np.add(slope, t, out=slope)

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write dx = dy · slope."""
        if dx is not None:
            np.multiply(dy, ws["slope"], out=dx)
