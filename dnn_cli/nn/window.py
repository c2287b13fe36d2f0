"""Windows that slide over images: the geometry that convolution and pooling share.

Formula    along one axis, with kernel k, stride s and dilation d, a window spans r = d (k - 1) + 1
           valid: out = floor((in - r) / s) + 1
           same:  out = ceil(in / s), with max((out - 1) s + r - in, 0) zeros added, the smaller
                  half before
Shapes     images (n, h, w, c); windows (n, oh, ow, kh, kw, c) as a view that copies nothing
Source     Dumoulin, Visin, "A guide to convolution arithmetic for deep learning", 2016
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.layer import ShapeError

Pair: TypeAlias = tuple[int, int]
Padding: TypeAlias = Literal["valid", "same"]


def pair(value: int | Pair) -> Pair:
    """One number for both axes, or one for each."""
    return (value, value) if isinstance(value, int) else value


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a window: lengths in pixels."""

    length: int
    kernel: int
    stride: int
    dilation: int
    before: int  # zeros added in front
    after: int
    out: int

    @property
    def disjoint(self) -> bool:
        """Whether no pixel is in two windows."""
        return self.stride >= self.kernel and self.dilation == 1

    @property
    def covers(self) -> bool:
        """Whether every pixel, those added included, is in exactly one window."""
        whole = self.before + self.length + self.after
        return self.disjoint and self.stride == self.kernel and self.out * self.kernel == whole

    def taps(self) -> list[slice]:
        """For each position of the kernel, the padded pixels that it meets."""
        reach = (self.out - 1) * self.stride + 1
        starts = (k * self.dilation for k in range(self.kernel))
        return [slice(a, a + reach, self.stride) for a in starts]


def axis(length: int, kernel: int, stride: int, dilation: int, padding: Padding) -> Axis:
    """The geometry along one axis.

    Raises:
        ShapeError: the window is larger than the image.
    """
    span = dilation * (kernel - 1) + 1
    if padding == "same":
        out = -(-length // stride)
        total = max((out - 1) * stride + span - length, 0)
        return Axis(length, kernel, stride, dilation, total // 2, total - total // 2, out)
    out = (length - span) // stride + 1
    if out < 1:
        raise ShapeError(
            f"a window of {span} does not fit into {length} pixels; "
            "use a smaller kernel or `padding: same`"
        )
    return Axis(length, kernel, stride, dilation, 0, 0, out)


@dataclass(frozen=True, slots=True)
class Window:
    """The geometry of a layer whose windows slide over images of `channels` channels."""

    rows: Axis
    columns: Axis
    channels: int

    @property
    def padded(self) -> Shape:
        """The shape of one image with its zeros, or as it is if there are none."""
        r, c = self.rows, self.columns
        return (r.before + r.length + r.after, c.before + c.length + c.after, self.channels)

    @property
    def pads(self) -> bool:
        """Whether zeros are added at all."""
        r, c = self.rows, self.columns
        return bool(r.before or r.after or c.before or c.after)

    @property
    def tile(self) -> Pair | None:
        """The size of the windows, if every pixel is in exactly one and none is added."""
        covers = self.rows.covers and self.columns.covers and not self.pads
        return (self.rows.kernel, self.columns.kernel) if covers else None

    @property
    def interior(self) -> tuple[slice, slice, slice]:
        """Where the image lies within the padded one, as an index of (n, h, w)."""
        r, c = self.rows, self.columns
        inside = slice(r.before, r.before + r.length), slice(c.before, c.before + c.length)
        return slice(None), *inside

    def pad(self, x: Array, out: Array, value: float = 0.0) -> Array:
        """`x` with its border of `value`, written into `out`; `x` itself if it has none."""
        if not self.pads:
            return x
        out.fill(value)
        out[self.interior] = x
        return out

    def view(self, padded: Array, tile: Pair = (1, 1)) -> Array:
        """Every window of the padded images: (n, th, tw, oh, ow, kh, kw, c), overlapping in memory.

        Where a tile is (th, tw) windows, oh and ow count tiles: place (i, j) of all tiles first.
        """
        n, h, w, c = padded.strides
        r, k, (th, tw) = self.rows, self.columns, tile
        down, right = h * r.stride, w * k.stride
        return np.ndarray(
            (len(padded), th, tw, r.out // th, k.out // tw, r.kernel, k.kernel, self.channels),
            padded.dtype,
            buffer=padded,
            strides=(n, down, right, th * down, tw * right, h * r.dilation, w * k.dilation, c),
        )

    def row_taps(self, images: Array, tiled: bool) -> list[Array]:
        """For each row of a window the pixels that it meets, of padded or `tiled` images."""
        if tiled:
            return _parts(images, self.rows.kernel)
        return [images[:, tap] for tap in self.rows.taps()]

    def column_taps(self, images: Array, tiled: bool) -> list[Array]:
        """For each column of a window the pixels that it meets, of images one row a window."""
        if tiled:
            return _parts(images, self.columns.kernel)
        return [images[:, :, tap] for tap in self.columns.taps()]


def _parts(images: Array, count: int) -> list[Array]:
    """Every image in equal parts, one after another in its memory: (n, size / count) each."""
    parts = images.reshape(len(images), count, -1)
    return [parts[:, i] for i in range(count)]


def window(
    in_shape: Shape, kernel: Pair, stride: Pair, padding: Padding, dilation: Pair = (1, 1)
) -> Window:
    """The windows over images of `in_shape` (h, w, c).

    Raises:
        ShapeError: the examples are not images, or a window does not fit.
    """
    if len(in_shape) != 3:
        raise ShapeError(f"takes images (height, width, channels), not examples of {in_shape}")
    height, width, channels = in_shape
    rows = axis(height, kernel[0], stride[0], dilation[0], padding)
    columns = axis(width, kernel[1], stride[1], dilation[1], padding)
    return Window(rows, columns, channels)
