"""Rectified linear unit.

Forward    y = max(x, 0)
Backward   dx = dy where y > 0, else 0 (the derivative at 0 is taken as 0)
Shapes     x, y (n, …)
Memory     reads y in backward; may run in place
Source     Nair, Hinton, ICML 2010
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.types import Array, Call, Shape
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.layer import LAYERS, READS_Y, Elementwise, Layer, LayerSpec, Listed, Need
from dnn_cli.nn.scratch import Scratch


@LAYERS.register("relu")
@dataclass(frozen=True, slots=True, kw_only=True)
class ReluSpec(LayerSpec):
    """max(x, 0)."""

    gain: ClassVar[str] = "he"
    monotone: ClassVar[bool] = True

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A relu for inputs of any shape."""
        return Relu(in_shape)


@final
class Relu(Elementwise, Listed):
    """y = max(x, 0)."""

    reads = READS_Y
    in_place = True

    def __init__(self, in_shape: Shape) -> None:
        super().__init__(in_shape)
        self.needs = {"on": Need(in_shape)}

    def forward_calls(self, x: Array, y: Array, ws: Scratch, train: bool) -> list[Call]:
        """Write y = max(x, 0)."""
        return [partial(np.maximum, x, np.zeros((), x.dtype), out=y)]

    def backward_calls(
        self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch
    ) -> list[Call]:
        """Write dx = dy where y > 0, else 0."""
        if dx is None:
            return []
        on = ws["on"]  # `greater` of 128 x 128 takes 9 µs; `sign` takes 20
        return [
            partial(np.greater, y, np.zeros((), y.dtype), out=on),
            partial(np.multiply, dy, on, out=dx),
        ]
