"""Global average pooling: one number a channel.

Forward    y_nc = 1/(h·w) sum_hw x_nhwc
Backward   dx_nhwc = dy_nc / (h·w)
Shapes     x (n, h, w, c)   y (n, c)
Memory     reads nothing in backward
Source     Lin, Chen, Yan, "Network in network", ICLR 2014
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.layer import LAYERS, Layer, LayerSpec, ShapeError
from dnn_cli.nn.scratch import Scratch


@LAYERS.register("global_average_pool")
@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalAveragePoolSpec(LayerSpec):
    """The mean of each channel over the whole image."""

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A layer from images of `in_shape` to one number a channel."""
        if len(in_shape) != 3:
            raise ShapeError(f"takes images (height, width, channels), not examples of {in_shape}")
        return GlobalAveragePool(in_shape)


@final
class GlobalAveragePool(Layer):
    """y = mean of x over its pixels."""

    def __init__(self, in_shape: Shape) -> None:
        super().__init__(in_shape, in_shape[2:])
        self.share = 1.0 / (in_shape[0] * in_shape[1])

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write the means."""
        np.add.reduce(x, axis=(-3, -2), out=y)
        np.multiply(y, self.share, out=y)

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write dx: an equal share of dy to every pixel."""
        if dx is not None:
            np.multiply(dy[..., None, None, :], self.share, out=dx)
