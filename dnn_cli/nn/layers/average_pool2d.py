"""Average pooling.

Forward    y = the mean over the pixels of each window; added zeros do not count
Backward   dx = dy / (pixels of the window), added over the windows that a pixel is in
Shapes     x (n, h, w, c)   y (n, oh, ow, c)
Memory     reads nothing in backward
Cost       kh + kw passes, first along the rows, then along the columns
Source     LeCun, Bottou, Bengio, Haffner, Proc. IEEE 86 (1998), there with a learned factor
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.execution.tiles import TakesTiles
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.layer import LAYERS, Layer, LayerSpec, Need
from dnn_cli.nn.scratch import Scratch
from dnn_cli.nn.window import Axis, Padding, Window, pair, window


@LAYERS.register("average_pool2d")
@dataclass(frozen=True, slots=True, kw_only=True)
class AveragePool2dSpec(LayerSpec):
    """The mean of each window."""

    size: int | tuple[int, int] = option("height and width of a window", 2, minimum=1)
    stride: int | tuple[int, int] | None = option(
        "steps from window to window; null: the size", None, minimum=1
    )
    padding: Padding = option("valid: only whole windows; same: also cut ones", "valid")

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A pooling layer over images of `in_shape`."""
        stride = pair(self.size if self.stride is None else self.stride)
        return AveragePool2d(in_shape, window(in_shape, pair(self.size), stride, self.padding))


@final
class AveragePool2d(TakesTiles):
    """y = mean over windows of x."""

    def __init__(self, in_shape: Shape, geometry: Window) -> None:
        rows, columns, channels = geometry.rows, geometry.columns, geometry.channels
        super().__init__(in_shape, (rows.out, columns.out, channels))
        self.window = geometry
        self.share = (1.0 / np.outer(_pixels(rows), _pixels(columns)))[:, :, None]
        self.needs = {
            "half": Need((rows.out, geometry.padded[1], channels)),
            "padded": Need(geometry.padded if geometry.pads else ()),
            "scaled": Need(self.out_shape),
        }

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write the means."""
        geometry, half = self.window, ws["half"]
        _sum(geometry.row_taps(geometry.pad(x, ws["padded"]), self.tiled), half)
        _sum(geometry.column_taps(half, self.tiled), y)
        np.multiply(y, self._share(y), out=y)

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write dx: an equal share of dy to every pixel."""
        if dx is None:
            return
        geometry, half, scaled = self.window, ws["half"], ws["scaled"]
        np.multiply(dy, self._share(dy), out=scaled)
        half.fill(0.0)
        _spread(scaled, geometry.column_taps(half, self.tiled))
        target = ws["padded"] if geometry.pads else dx
        target.fill(0.0)
        _spread(half, geometry.row_taps(target, self.tiled))
        if geometry.pads:
            np.copyto(dx, target[geometry.interior])

    def _share(self, like: Array) -> Array:
        if self.share.dtype != like.dtype:
            self.share = self.share.astype(like.dtype)
        return self.share


def _pixels(axis: Axis) -> Array:
    """How many pixels of the image, zeros left out, each window has along one axis."""
    real = np.zeros(axis.before + axis.length + axis.after)
    real[axis.before : axis.before + axis.length] = 1.0
    total: Array = np.sum([real[tap] for tap in axis.taps()], axis=0)
    return total


def _sum(taps: list[Array], out: Array) -> None:
    out = out.reshape(taps[0].shape)
    np.copyto(out, taps[0])
    for tap in taps[1:]:
        np.add(out, tap, out=out)


def _spread(dy: Array, taps: list[Array]) -> None:
    """Add dy to every tap."""
    dy = dy.reshape(taps[0].shape)
    for tap in taps:
        np.add(tap, dy, out=tap)
