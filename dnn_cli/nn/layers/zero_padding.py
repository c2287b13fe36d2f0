"""Zero padding: a border of zeros around images.

Forward    y = x inside, 0 in the border
Backward   dx = dy inside
Shapes     x (n, h, w, c)   y (n, h + 2a, w + 2b, c)
Memory     reads nothing in backward
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.layer import LAYERS, Layer, LayerSpec, ShapeError
from dnn_cli.nn.scratch import Scratch
from dnn_cli.nn.window import Pair, pair


@LAYERS.register("zero_padding")
@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroPaddingSpec(LayerSpec):
    """A border of zeros."""

    size: int | tuple[int, int] = option(
        "pixels added above and below, and left and right", 1, minimum=0
    )

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A layer that pads images of `in_shape`."""
        if len(in_shape) != 3:
            raise ShapeError(f"takes images (height, width, channels), not examples of {in_shape}")
        return ZeroPadding(in_shape, pair(self.size))


@final
class ZeroPadding(Layer):
    """y = x with a border of zeros."""

    def __init__(self, in_shape: Shape, size: Pair) -> None:
        height, width, channels = in_shape
        super().__init__(in_shape, (height + 2 * size[0], width + 2 * size[1], channels))
        self.inside = (
            slice(None),
            slice(size[0], size[0] + height),
            slice(size[1], size[1] + width),
        )

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write x and its border."""
        y.fill(0.0)
        y[self.inside] = x

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write the inside of dy."""
        if dx is not None:
            np.copyto(dx, dy[self.inside])
