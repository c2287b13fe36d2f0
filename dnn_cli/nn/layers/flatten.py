"""Flatten: an example of any shape as one vector.

Forward    y_n = the numbers of x_n in C order
Backward   dx = dy in the shape of x
Shapes     x (n, h, w, c) or any other, y (n, h·w·c)
Memory     none: runs in place, where y is the memory of x in another shape
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.types import Array, Shape, size_of
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.layer import LAYERS, Layer, LayerSpec
from dnn_cli.nn.scratch import Scratch


@LAYERS.register("flatten")
@dataclass(frozen=True, slots=True, kw_only=True)
class FlattenSpec(LayerSpec):
    """An example of any shape as one vector."""

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A flatten layer for inputs of any shape."""
        return Flatten(in_shape)


@final
class Flatten(Layer):
    """The same numbers in one row an example."""

    in_place = True
    keeps_values = True

    def __init__(self, in_shape: Shape) -> None:
        super().__init__(in_shape, (size_of(in_shape),))

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write y = x."""
        np.copyto(y, x.reshape(y.shape))

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write dx = dy."""
        if dx is not None:
            np.copyto(dx, dy.reshape(dx.shape))
