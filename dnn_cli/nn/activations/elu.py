"""Exponential linear unit.

Forward    y = x where x > 0, else a (exp(x) - 1)
Backward   dx = dy where y > 0, else dy (y + a)
Shapes     x, y (n, …)
Memory     reads y in backward; may run in place
Source     Clevert, Unterthiner, Hochreiter, ICLR 2016
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


@LAYERS.register("elu")
@dataclass(frozen=True, slots=True, kw_only=True)
class EluSpec(LayerSpec):
    """x where it is positive, else an exponential down to a negative plateau."""

    gain: ClassVar[str] = "he"

    alpha: float = option("depth of the plateau", 1.0, above=0.0)

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """An elu for inputs of any shape."""
        return Elu(in_shape, self.alpha)


@final
class Elu(Elementwise):
    """y = x where x > 0, else a (exp(x) - 1)."""

    reads = READS_Y
    in_place = True

    def __init__(self, in_shape: Shape, alpha: float) -> None:
        super().__init__(in_shape)
        self.alpha = alpha
        self.needs = {"t": Need(in_shape), "off": Need(in_shape)}

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write y = max(x, 0) + a (exp(min(x, 0)) - 1)."""
        t = ws["t"]
        np.minimum(x, 0.0, out=t)
        np.expm1(t, out=t)
        np.multiply(t, self.alpha, out=t)
        np.maximum(x, 0.0, out=y)
        np.add(y, t, out=y)

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write dx = dy (1 + (y + a - 1) [y <= 0])."""
        if dx is not None:
            t, off = ws["t"], ws["off"]
            np.less_equal(y, 0.0, out=off)
            np.add(y, self.alpha - 1.0, out=t)
            np.multiply(t, off, out=t)
            np.add(t, 1.0, out=t)
            np.multiply(dy, t, out=dx)
