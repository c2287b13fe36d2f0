"""Scaled exponential linear unit: keeps activations at mean 0 and variance 1 by itself.

Forward    y = s x where x > 0, else s a (exp(x) - 1)
Backward   dx = s dy where y > 0, else dy (y + s a)
Shapes     x, y (n, …)
Memory     reads y in backward; may run in place
Why        a and s make (mean 0, variance 1) a fixed point for weights of variance 1 / fan_in,
           hence the initialiser lecun
Source     Klambauer, Unterthiner, Mayr, Hochreiter, NIPS 2017
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.layer import LAYERS, READS_Y, Elementwise, Layer, LayerSpec, Need
from dnn_cli.nn.scratch import Scratch

_SCALE = 1.0507009873554804934193349852946
_DEPTH = _SCALE * 1.6732632423543772848170429916717


@LAYERS.register("selu")
@dataclass(frozen=True, slots=True, kw_only=True)
class SeluSpec(LayerSpec):
    """A scaled elu that normalises by itself."""

    gain: ClassVar[str] = "lecun"

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A selu for inputs of any shape."""
        return Selu(in_shape)


@final
class Selu(Elementwise):
    """y = s x where x > 0, else s a (exp(x) - 1)."""

    reads = READS_Y
    in_place = True

    def __init__(self, in_shape: Shape) -> None:
        super().__init__(in_shape)
        self.needs = {"t": Need(in_shape), "off": Need(in_shape)}

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write y = s max(x, 0) + s a (exp(min(x, 0)) - 1)."""
        t = ws["t"]
        np.minimum(x, 0.0, out=t)
        np.expm1(t, out=t)
        np.multiply(t, _DEPTH, out=t)
        np.maximum(x, 0.0, out=y)
        np.multiply(y, _SCALE, out=y)
        np.add(y, t, out=y)

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write dx = dy (s + (y + s a - s) [y <= 0])."""
        if dx is not None:
            t, off = ws["t"], ws["off"]
            np.less_equal(y, 0.0, out=off)
            np.add(y, _DEPTH - _SCALE, out=t)
            np.multiply(t, off, out=t)
            np.add(t, _SCALE, out=t)
            np.multiply(dy, t, out=dx)
