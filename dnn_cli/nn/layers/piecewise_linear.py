"""Piecewise-linear embedding: what every number comes to within bins of its own column.

Bins       of a column with edges b_0 < … < b_T, by a sample of training rows (`bin_edges`):
           e_t = (x - b_t) / (b_{t+1} - b_t), cut to [0, 1], but below in the first bin and above
           in the last: e · V is any function that is linear between the edges
Forward    y = e W for each of the first columns | x as it is
Backward   dW_c = e_cᵀ dy_c     dx = dy's part for x, and e'(x) W dy through the bins
Shapes     x (n, i)   W (columns, bins, embedding)   y (n, columns · embedding + i)
State      start, slope, low, high (columns, bins): bins that a column lacks have slope 0
Memory     keeps e; scratch of twice its size
Cost       4 passes over columns · bins numbers an example, and small products; of 256 rows of 8
           columns and 24 bins 0.1 ms a step
Errors     ShapeError if an example is no vector, or has fewer columns
Why        a network of tables has to learn steep and local functions of single columns, for which
           a plain layer needs many units. x passes beside it, so W may start at 0 (version B of
           the source); a linear part of its own would say the same twice
Source     Gorishniy, Rubachev, Babenko, NeurIPS 2022 (PLE); TabM, ICLR 2025 (version B)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Call, Rng, Shape
from dnn_cli.nn.bin_edges import bin_edges
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec
from dnn_cli.nn.layer import LAYERS, Layer, Need, Slot
from dnn_cli.nn.number_embedding import NumberEmbedding, NumberEmbeddingSpec
from dnn_cli.nn.scratch import Scratch

_NARROW = 1e-5  # of the range of a column, of which no bin is less
_END = 3e38  # in place of infinity, which no file of weights may hold


@LAYERS.register("piecewise_linear")
@dataclass(frozen=True, slots=True, kw_only=True)
class PiecewiseLinearSpec(NumberEmbeddingSpec):
    """Embeds numbers by bins between quantiles of the training rows."""

    weights: InitializerSpec | None = option("first weights of the bins; null: 0", None)
    bins: int = option("bins of a column, at the most", 24, minimum=1)

    def embed(self, in_shape: Shape, columns: int) -> Layer:
        """The embedding of the first `columns` of vectors of `in_shape`."""
        zeros = INITIALIZERS.get("zeros")()
        state = tuple(
            Slot(name, (columns, self.bins), zeros, "state")
            for name in ("start", "slope", "low", "high")
        )
        first = self.weights or zeros
        slot = self.slot("W", (columns, self.bins, self.embedding), first, "weight")
        return PiecewiseLinear(in_shape, (slot, *state))


@final
class PiecewiseLinear(NumberEmbedding):
    """y = e W | x."""

    W: Array
    start: Array
    slope: Array
    low: Array
    high: Array
    observes = True

    def __init__(self, in_shape: Shape, slots: tuple[Slot, ...]) -> None:
        columns, self.bins, embedding = slots[0].shape
        super().__init__(in_shape, slots, columns, embedding)
        bins = (columns, self.bins)
        self.needs = {
            "e": Need(bins, keep=True),
            "within": Need(bins, keep=True),
            "t": Need(bins),
            "sum": Need((self.columns,)),
        }

    def forward_calls(self, x: Array, y: Array, ws: Scratch, train: bool) -> list[Call]:
        """Write e W and x."""
        e, within, numbers = ws["e"], ws["within"], x[:, : self.columns, None]
        calls: list[Call] = [
            partial(np.subtract, numbers, self.start, out=e),
            partial(np.multiply, e, self.slope, out=e),
        ]
        if train:
            t = ws["t"]
            calls += [
                partial(np.greater, e, self.low, out=within),
                partial(np.less, e, self.high, out=t),
                partial(np.multiply, within, t, out=within),
            ]
        return [
            *calls,
            partial(np.maximum, e, self.low, out=e),
            partial(np.minimum, e, self.high, out=e),
            partial(np.matmul, e.swapaxes(0, 1), self.W, out=self.embedded(y)),
            partial(np.copyto, y[:, self.width :], x),
        ]

    def backward_calls(
        self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch
    ) -> list[Call]:
        """Write dW and dx."""
        e, t, slopes = ws["e"], ws["t"], self.embedded(dy)
        calls: list[Call] = [partial(np.matmul, e.transpose(1, 2, 0), slopes, out=ws.grads["W"])]
        if dx is not None:
            numbers = dx[:, : self.columns]
            calls += [
                partial(np.matmul, slopes, self.W.mT, out=t.swapaxes(0, 1)),
                partial(np.multiply, t, ws["within"], out=t),
                partial(np.multiply, t, self.slope, out=t),
                partial(np.copyto, dx, dy[:, self.width :]),
                partial(np.add.reduce, t, axis=-1, out=ws["sum"]),
                partial(np.add, numbers, ws["sum"], out=numbers),
            ]
        return calls

    def observe(self, x: Array, rng: Rng) -> None:
        """Lay the edges where the rows of x are."""
        for column in range(self.columns):
            b = bin_edges(x[:, column], self.bins)
            b = b[np.append(True, np.diff(b) > _NARROW * (b[-1] - b[0]))]
            many = len(b) - 1
            for state in (self.start, self.slope, self.low, self.high):
                state[column] = 0.0
            if many:
                self.start[column, :many] = b[:-1]
                self.slope[column, :many] = 1.0 / np.diff(b)
                self.high[column, :many] = 1.0
                self.low[column, 0], self.high[column, many - 1] = -_END, _END

    def operations(self) -> int:
        """Multiply-adds of one example's forward pass."""
        return self.columns * self.bins * self.embedding
