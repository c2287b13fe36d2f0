"""Dropout: training with random inputs switched off.

Forward    y = x m / (1 - rate), m_ni = 1 with probability 1 - rate, else 0; y = x when not training
Backward   dx = dy m / (1 - rate)
Shapes     x, y (n, …), mask of the same shape
Memory     keeps the mask, already divided by 1 - rate; may run in place. Drawing allocates a fixed
           32 KB: NumPy's bit generators cannot fill a given array with bits
Cost       16 random bits and two multiplications a number. 65,536 numbers: 0.13 ms, about as long
           as single bytes by `Generator.bytes` (0.11); float32 numbers take 0.30
Why        the rate is rounded to 1/65,536 (by single bytes it would be 1/256, and 0.001 would
           mean no dropout at all); the scale uses the rounded share, so that E[y] = x exactly
Source     Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov, JMLR 15 (2014)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.spec import option, require
from dnn_cli.base.types import Array, Rng, Shape, size_of
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.layer import LAYERS, Elementwise, Layer, LayerSpec, Need
from dnn_cli.nn.schedule import Progress, ScheduleSpec
from dnn_cli.nn.scratch import Scratch

_LEVELS = 65_536  # what 16 random bits can tell apart
_CHUNK = 16_384  # numbers drawn at once
_BLOCK = 16  # numbers that Philox makes at once, and can go past without making them


@LAYERS.register("dropout")
@dataclass(frozen=True, slots=True, kw_only=True)
class DropoutSpec(LayerSpec):
    """Drops each number with probability `rate` in training, and scales up the others."""

    rate: float = option("share of the numbers that is dropped", minimum=0.0, below=1.0)
    schedule: ScheduleSpec | None = option("how the rate changes; null: constant", None)

    def check(self) -> None:
        """A schedule that every process can follow."""
        require(
            self.schedule is None or not self.schedule.reads_metrics,
            "must be a schedule of progress alone, since the rate is no learning rate",
            "schedule",
            fix="write such as flat_cos",
        )

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A dropout layer for inputs of any shape."""
        return Dropout(in_shape, self.rate, self.schedule)


@final
class Dropout(Elementwise):
    """y = x · mask."""

    in_place = True
    pixelwise = False  # masks are drawn by place
    random = True

    def __init__(self, in_shape: Shape, rate: float, schedule: ScheduleSpec | None = None) -> None:
        super().__init__(in_shape)
        self.rate, self.scheduled = rate, schedule is not None
        self._first, self._share = rate, schedule.build() if schedule else None
        self.needs = {"mask": Need(in_shape, keep=True)}

    def follow(self, progress: Progress) -> None:
        """Let the rate be that at `progress`."""
        if self._share is not None:
            self.rate = self._first * self._share(progress)

    def draw(self, ws: Scratch, rng: Rng, first: int) -> None:
        """A new mask of 0 and 1 / (1 - rate)."""
        dropped = min(round(self.rate * _LEVELS), _LEVELS - 1)
        scale = _LEVELS / (_LEVELS - dropped)
        mask = ws["mask"].reshape(-1)
        blocks, ahead = divmod(first * size_of(self.in_shape), _BLOCK)
        rng.bit_generator.advance(blocks)  # type: ignore[attr-defined]
        start = 0
        while start < mask.size:
            chunk = mask[start : start + _CHUNK - ahead]
            np.greater_equal(_bits(rng, ahead, chunk.size), dropped, out=chunk)
            np.multiply(chunk, scale, out=chunk)
            start, ahead = start + chunk.size, 0

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write y = x · mask in training, y = x otherwise."""
        if train:
            np.multiply(x, ws["mask"], out=y)
        elif y is not x:
            np.copyto(y, x)

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write dx = dy · mask."""
        if dx is not None:
            np.multiply(dy, ws["mask"], out=dx)


def _bits(rng: Rng, ahead: int, count: int) -> Array:
    """`count` random numbers of 16 bits, those after the next `ahead`."""
    words = rng.bit_generator.random_raw(-(-(ahead + count) // 4))  # of 64 bits
    return words.view(np.uint16)[ahead : ahead + count]
