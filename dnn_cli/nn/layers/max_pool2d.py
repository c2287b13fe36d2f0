"""Maximum pooling.

Forward    y = the largest pixel of each window: first along the rows, then along the columns
Backward   dx = dy at the pixel that was the largest, the first of equal ones; windows that
           overlap add up
Shapes     x (n, h, w, c)   y (n, oh, ow, c)
Memory     keeps one bit of comparison (a byte) for each pixel but the first of a window; reads
           neither x nor y again, so that large images need not outlive the forward pass
Cost       2 · (kh - 1 + kw - 1) passes; along rows the inner loop runs over w·c numbers, which is
           what makes two passes cheaper than one over kh·kw windows
Why        where images do not come in tiles (`tiles`), forward copies each tap before it compares:
           NumPy copies runs of 32 or 832 numbers out of a larger array at three times the rate at
           which it computes with them
Source     Yamaguchi et al., ICSLP 1990; ties as in Caffe and PyTorch: the first wins (here the
           first column among the first rows)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.execution.tiles import TakesTiles
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.layer import LAYERS, Layer, LayerSpec, Need
from dnn_cli.nn.scratch import Scratch
from dnn_cli.nn.window import Axis, Padding, Window, pair, window


@LAYERS.register("max_pool2d")
@dataclass(frozen=True, slots=True, kw_only=True)
class MaxPool2dSpec(LayerSpec):
    """The largest number of each window."""

    selects: ClassVar[bool] = True

    size: int | tuple[int, int] = option("height and width of a window", 2, minimum=1)
    stride: int | tuple[int, int] | None = option(
        "steps from window to window; null: the size", None, minimum=1
    )
    padding: Padding = option("valid: only whole windows; same: also cut ones", "valid")

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A pooling layer over images of `in_shape`."""
        stride = pair(self.size if self.stride is None else self.stride)
        return MaxPool2d(in_shape, window(in_shape, pair(self.size), stride, self.padding))


@final
class MaxPool2d(TakesTiles):
    """y = max over windows of x."""

    def __init__(self, in_shape: Shape, geometry: Window) -> None:
        rows, columns, channels = geometry.rows, geometry.columns, geometry.channels
        super().__init__(in_shape, (rows.out, columns.out, channels))
        self.window = geometry
        width = geometry.padded[1]
        half = (rows.out, width, channels)  # pooled along the rows only
        self.needs = {
            "half": Need(half),
            "part": Need(half),
            "rest": Need(half),
            "padded": Need(geometry.padded if geometry.pads else ()),
            "later_rows": Need((max(rows.kernel - 1, 1), *half), dtype=np.bool_, keep=True),
            "later_columns": Need(
                (max(columns.kernel - 1, 1), *self.out_shape), dtype=np.bool_, keep=True
            ),
        }

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write the largest numbers; note which they were when training."""
        geometry, half = self.window, ws["half"]
        rows = geometry.row_taps(geometry.pad(x, ws["padded"], -np.inf), self.tiled)
        self._largest(rows, half, ws["later_rows"] if train else None, ws)
        columns = geometry.column_taps(half, self.tiled)
        self._largest(columns, y, ws["later_columns"] if train else None, ws)

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write dx: each number of dy at the place its maximum came from."""
        if dx is None:
            return
        geometry, half = self.window, ws["half"]
        if not _written_whole(geometry.columns):
            half.fill(0.0)
        columns = geometry.column_taps(half, self.tiled)
        _give_back(dy, columns, ws["later_columns"], ws, geometry.columns.disjoint)
        target = ws["padded"] if geometry.pads else dx
        if not _written_whole(geometry.rows):
            target.fill(0.0)
        rows = geometry.row_taps(target, self.tiled)
        _give_back(half, rows, ws["later_rows"], ws, geometry.rows.disjoint)
        if geometry.pads:
            np.copyto(dx, target[geometry.interior])

    def _largest(self, taps: list[Array], out: Array, later: Array | None, ws: Scratch) -> None:
        """The largest of several taps; `later[:, t]` tells where tap t + 1 beats those before."""
        largest, *others = taps
        out = out.reshape(largest.shape)
        if not self.tiled or not others:
            np.copyto(out, largest)
            largest = out
        (part,) = _scratch(ws, out, "part")
        for t, tap in enumerate(others):
            if not self.tiled:
                np.copyto(part, tap)
                tap = part
            if later is not None:
                np.greater(tap, largest, out=later[:, t].reshape(tap.shape))
            np.maximum(largest, tap, out=out)
            largest = out


def _written_whole(axis: Axis) -> bool:
    """Whether `_give_back` writes every pixel along the axis, instead of adding to it."""
    return axis.covers and axis.kernel == 2


def _give_back(dy: Array, taps: list[Array], later: Array, ws: Scratch, disjoint: bool) -> None:
    """Add dy to the tap that was the largest; the others are zero already."""
    dy, later = dy.reshape(taps[0].shape), later.reshape(*later.shape[:2], *taps[0].shape[1:])
    if disjoint and len(taps) == 2:  # the usual pooling: write each pixel once, read none
        np.multiply(dy, later[:, 0], out=taps[1])
        np.subtract(dy, taps[1], out=taps[0])
        return
    part, rest = _scratch(ws, dy, "part", "rest")
    np.copyto(rest, dy)
    for t in range(len(taps) - 1, 0, -1):
        np.multiply(rest, later[:, t - 1], out=part)
        np.add(taps[t], part, out=taps[t])
        np.subtract(rest, part, out=rest)
    np.add(taps[0], rest, out=taps[0])


def _scratch(ws: Scratch, like: Array, *names: str) -> Iterator[Array]:
    """The front of scratch arrays, in the shape of `like`."""
    return (ws[name].reshape(-1)[: like.size].reshape(like.shape) for name in names)
