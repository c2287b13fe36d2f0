"""Depthwise convolution: filters of their own for each channel.

Forward    y_nxy,cm = b_cm + sum_ij x_n,(s x + d i),(s y + d j),c W_ijcm
Backward   dW_ijcm = sum x dy, db = sum dy, dx = sum over taps of dy W_ijcm, summed over m
Shapes     x (n, h, w, c)   W (kh, kw, c, m)   b (c·m,)   y (n, oh, ow, c·m)
Memory     reads x again in backward; scratch: one product of the size of y
Cost       n·oh·ow·kh·kw·c·m multiply-adds forward, twice that backward, in passes over y
Errors     ShapeError if an example is not an image (h, w, c) or the kernel does not fit
Source     Chollet, "Xception", CVPR 2017
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec
from dnn_cli.nn.layer import LAYERS, READS_X, Layer, Need, Slot, WeightedSpec
from dnn_cli.nn.scratch import Scratch
from dnn_cli.nn.window import Padding, Window, pair, window


@LAYERS.register("depthwise_conv2d")
@dataclass(frozen=True, slots=True, kw_only=True)
class DepthwiseConv2dSpec(WeightedSpec):
    """Learned filters, each of which sees one channel."""

    multiplier: int = option("filters for each channel", 1, minimum=1)
    kernel: int | tuple[int, int] = option("height and width of a filter", 3, minimum=1)
    stride: int | tuple[int, int] = option("steps from window to window", 1, minimum=1)
    padding: Padding = option("valid: only whole windows; same: zeros at the border", "valid")
    dilation: int | tuple[int, int] = option("steps between a filter's pixels", 1, minimum=1)
    bias: bool = option("whether to add a learned b", True)

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A depthwise convolution over images of `in_shape`."""
        geometry = window(
            in_shape, pair(self.kernel), pair(self.stride), self.padding, pair(self.dilation)
        )
        shape = (*pair(self.kernel), geometry.channels, self.multiplier)
        slots = [self.slot("W", shape, self.weights or default, "weight")]
        if self.bias:
            zeros = INITIALIZERS.get("zeros")()
            slots.append(self.slot("b", (geometry.channels * self.multiplier,), zeros, "bias"))
        return DepthwiseConv2d(in_shape, geometry, self.multiplier, tuple(slots))


@final
class DepthwiseConv2d(Layer):
    """y = windows of each channel of x, times its own W, plus b."""

    W: Array
    b: Array
    reads = READS_X

    def __init__(
        self, in_shape: Shape, geometry: Window, multiplier: int, slots: tuple[Slot, ...]
    ) -> None:
        rows, columns, channels = geometry.rows.out, geometry.columns.out, geometry.channels
        super().__init__(in_shape, (rows, columns, channels * multiplier))
        self.slots, self.window, self.bias = slots, geometry, len(slots) == 2
        self.inner = (rows, columns, channels, multiplier)
        self.needs = {
            "product": Need(self.inner),
            "tap": Need((rows, columns, channels)),
            "padded": Need(geometry.padded if geometry.pads else ()),
        }

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write y, tap by tap."""
        source, product = self.window.pad(x, ws["padded"]), ws["product"]
        out = y.reshape(product.shape)
        out[...] = self.b.reshape(self.inner[2:]) if self.bias else 0.0
        for weights, index in self._taps(self.W):
            np.multiply(source[index][..., None], weights, out=product)
            np.add(out, product, out=out)

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write dW, db and dx, tap by tap."""
        source, product = self.window.pad(x, ws["padded"]), ws["product"]
        upstream = dy.reshape(product.shape)
        for gradient, index in self._taps(ws.grads["W"]):
            np.multiply(source[index][..., None], upstream, out=product)
            np.add.reduce(product, axis=(0, 1, 2), out=gradient)
        if self.bias:
            np.add.reduce(dy, axis=(0, 1, 2), out=ws.grads["b"])
        if dx is not None:
            self._spread(upstream, dx, ws)

    def operations(self) -> int:
        """Multiply-adds of one example's forward pass."""
        rows, columns, channels, multiplier = self.inner
        taps = self.window.rows.kernel * self.window.columns.kernel
        return rows * columns * channels * multiplier * taps

    def _taps(self, weights: Array) -> list[tuple[Array, tuple[slice, slice, slice]]]:
        """For each position of the kernel its weights and the pixels that it meets."""
        rows, columns = self.window.rows.taps(), self.window.columns.taps()
        return [
            (weights[i, j], (slice(None), row, column))
            for i, row in enumerate(rows)
            for j, column in enumerate(columns)
        ]

    def _spread(self, upstream: Array, dx: Array, ws: Scratch) -> None:
        target = ws["padded"] if self.window.pads else dx
        target.fill(0.0)
        product, tap = ws["product"], ws["tap"]
        for weights, index in self._taps(self.W):
            np.multiply(upstream, weights, out=product)
            np.add.reduce(product, axis=-1, out=tap)
            met = target[index]
            np.add(met, tap, out=met)
        if self.window.pads:
            np.copyto(dx, target[self.window.interior])
