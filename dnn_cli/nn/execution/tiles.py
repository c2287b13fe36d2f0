"""Tiles: the order of pixels between a convolution and the pooling that follows it.

Shapes     an image (h, w, c) lies in tiles of (th, tw) pixels as (th, tw, h / th, w / tw, c): first
           the upper left pixel of every tile, then the one to its right, and so on
Picture    windows A, B, C, D of 2 x 2 pixels, numbered within each:

               A1 A2 B1 B2
               A3 A4 B3 B4    lies as    A1 B1 C1 D1   A2 B2 C2 D2   A3 B3 C3 D3   A4 B4 C4 D4
               C1 C2 D1 D2
               C3 C4 D3 D4    so that the maxima of all windows are those of four long runs

Where      at the first layer that learns, whose output is large and whose input needs no gradient:
           further on, convolutions lose in `dx` what poolings gain
Why        a convolution can put out its pixels in any order, and a pooling that takes them window
           by window computes over all windows of an image at once instead of runs of c numbers.
           128 images of 26 x 26 x 32, windows of 2 x 2, both ways: 5.4 instead of 9.2 ms, of which
           the convolution pays back 1.2 for patches in that order
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from dnn_cli.nn.layer import Layer
from dnn_cli.nn.window import Pair, Window


class PutsOutTiles(Layer):
    """A layer that can put out its images in tiles."""

    tile: Pair = (1, 1)  # pixel by pixel, row by row

    @abstractmethod
    def put_out(self, tile: Pair) -> bool:
        """Put out images in tiles of this size from now on, if that pays; whether it does.

        The size divides the images without remainder.
        """


class TakesTiles(Layer):
    """A layer that can take its images in tiles of its windows; where `tiled`, they come so."""

    window: Window
    tiled: bool = False


def agree_on_tiles(layers: Sequence[Layer]) -> None:
    """Let images go in tiles from the first layer that learns, if it and a later one can.

    Layers between have to be such as treat every pixel alike.
    """
    first = next((k for k, layer in enumerate(layers) if layer.learns), len(layers))
    later = first + 1
    while later < len(layers) and layers[later].pixelwise:
        later += 1
    if later >= len(layers):
        return
    source, target = layers[first], layers[later]
    if isinstance(source, PutsOutTiles) and isinstance(target, TakesTiles):
        tile = target.window.tile
        target.tiled = tile is not None and source.put_out(tile)
