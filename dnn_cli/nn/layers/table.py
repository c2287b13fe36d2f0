"""Table: the first layer of a network of tables, which expands a coded row.

Codes      a category of L levels is a whole number: 1..L are levels, 0 is any other. What is none
           of these (larger, negative, a fraction, NaN) counts as 0
Forward    y = all numbers as they are | every category of few levels, one-hot | every other
           one-hot: [x = 1], …, [x = L], nothing for code 0; of two levels [x = 1] - [x = 2]
           other: E_r, r = x + the place of the column's first row in E
Backward   dE_r = sum of dy over the examples that have row r     dx = dy for numbers, 0 for codes
Shapes     x (n, i)   y (n, j)   E (sum of L + 1 over the embedded categories, embedding)
Memory     keeps r; scratch: one copy of what is one-hot and of what is embedded
Cost       256 rows: 6 embedded columns 24 µs forward and 36 backward; the 6 numbers and 8
           categories of Adult, of which 3 are embedded, 28 and 16
Errors     ShapeError if an example is no row of as many columns, or the levels are not known
Source     Guo, Berkhahn, arXiv:1604.06737 (2016); sizes and first values: RealMLP, arXiv:2407.04491
Why        `add.at` takes one column of E at a time: 27 µs; whole rows 180 µs, sorted sums 80 to
           200, the product with a one-hot matrix 90 and more. E has less than 256 columns, because
           the arena pads the rows of wider ones, and `take` would copy all of E at every call
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import final

import numpy as np

from dnn_cli.base.spec import option, require
from dnn_cli.base.types import Array, Call, Shape
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec
from dnn_cli.nn.layer import LAYERS, Layer, Listed, Need, ShapeError, Slot, WeightedSpec
from dnn_cli.nn.scratch import Scratch

_MOST_LEVELS = 2**24  # float32 holds no further code


@LAYERS.register("table")
@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec(WeightedSpec):
    """Expands the categories of a table, few levels one-hot, many as learned embeddings."""

    weights: InitializerSpec | None = option(
        "first values of the embeddings; null: normal of deviation 1", None
    )
    levels: tuple[int, ...] | None = option(
        "known levels of each column, 0 for a number; null: as the data have them", None, minimum=0
    )
    onehot_max: int = option("levels up to which a category is one-hot", 8, minimum=0)
    embedding: int = option("learned numbers a level of any other", 8, minimum=1, maximum=255)

    def check(self) -> None:
        """Every code has to be exact."""
        for column, many in enumerate(self.levels or ()):
            message = f"must be at most {_MOST_LEVELS}, the codes that float32 holds, found {many}"
            require(many <= _MOST_LEVELS, message, "levels", column)

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """The expansion of rows of as many columns as there are levels."""
        if self.levels is None:
            raise ShapeError(
                "`levels: null` takes them from the data, and the data tell them to the first "
                "layer of a network only: put it first, or write the levels",
                ("levels",),
            )
        if len(in_shape) != 1:
            raise ShapeError(f"takes rows of a table, not examples of shape {in_shape}")
        if len(self.levels) != in_shape[0]:
            raise ShapeError(
                f"{len(self.levels)} columns have levels, the row has {in_shape[0]}", ("levels",)
            )
        rows = sum(many + 1 for many in self.levels if many > self.onehot_max)
        first = self.weights or INITIALIZERS.get("normal")(deviation=1.0)  # type: ignore[call-arg]
        slot = self.slot("E", (rows, self.embedding), first, "weight")
        return Table(self.levels, self.onehot_max, self.embedding, (slot,) if rows else ())


@final
class Table(Listed):
    """y = numbers | one-hot | embedded."""

    E: Array

    def __init__(
        self, levels: tuple[int, ...], onehot_max: int, embedding: int, slots: tuple[Slot, ...]
    ) -> None:
        numbers = [column for column, many in enumerate(levels) if not many]
        self.onehot = [column for column, many in enumerate(levels) if 0 < many <= onehot_max]
        self.embedded = [column for column, many in enumerate(levels) if many > onehot_max]
        self.levels, self.slots = levels, slots
        self.numbers = _runs(numbers)
        self.widths = [1 if levels[column] == 2 else levels[column] for column in self.onehot]
        indicators, many = sum(self.widths), (len(self.embedded),)
        end = len(numbers) + indicators
        self.onehot_part, self.embedded_part = slice(len(numbers), end), slice(end, None)  # of y
        super().__init__((len(levels),), (end + len(self.embedded) * embedding,))
        self.needs = {}
        if self.onehot:
            self.needs |= {"codes": Need((indicators,)), "second": Need(())}
        if self.embedded:
            self.needs |= {
                "row": Need(many, dtype=np.intp, keep=True),  # of E
                "code": Need(many),
                "whole": Need(many),
                "wrong": Need(many, dtype=np.bool_),
                "vectors": Need((*many, embedding)),
            }

    def forward_calls(self, x: Array, y: Array, ws: Scratch, train: bool) -> list[Call]:
        """Write numbers, one-hot columns and embeddings."""
        calls: list[Call] = [partial(np.copyto, y[..., to], x[..., at]) for at, to in self.numbers]
        if self.onehot:
            calls += self._encode(x, y[..., self.onehot_part], ws)
        if self.embedded:
            calls += self._find(x, ws)
            vectors = ws["vectors"]
            calls.append(partial(np.take, self.E, ws["row"], axis=0, out=vectors, mode="clip"))
            target = y[..., self.embedded_part]
            calls.append(partial(np.copyto, target, vectors.reshape(target.shape)))
        return calls

    def backward_calls(
        self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch
    ) -> list[Call]:
        """Write dE and dx."""
        calls: list[Call] = []
        if self.embedded:
            dE, vectors, source = ws.grads["E"], ws["vectors"], dy[..., self.embedded_part]
            row, columns = ws["row"].reshape(-1), vectors.reshape(-1, dE.shape[1])
            calls.append(partial(np.copyto, vectors.reshape(source.shape), source))
            calls.append(partial(dE.fill, 0.0))
            calls += [partial(np.add.at, dE[:, k], row, columns[:, k]) for k in range(dE.shape[1])]
        if dx is not None:
            calls.append(partial(dx.fill, 0.0))
            calls += [partial(np.copyto, dx[..., at], dy[..., to]) for at, to in self.numbers]
        return calls

    def _encode(self, x: Array, y: Array, ws: Scratch) -> list[Call]:
        """Write the one-hot columns: each compares the code of its category with one level."""
        columns = np.repeat(self.onehot, self.widths)
        level = np.concatenate([np.arange(1, width + 1, dtype=x.dtype) for width in self.widths])
        codes, second = ws["codes"], ws["second"]
        calls: list[Call] = [
            partial(np.take, x, columns, axis=-1, out=codes, mode="clip"),
            partial(np.equal, codes, level, out=y),
        ]
        place = 0
        for column, width in zip(self.onehot, self.widths, strict=True):
            if self.levels[column] == 2:
                one = y[..., place]
                calls.append(partial(np.equal, x[..., column], 2.0, out=second))
                calls.append(partial(np.subtract, one, second, out=one))
            place += width
        return calls

    def _find(self, x: Array, ws: Scratch) -> list[Call]:
        """Find the row of E for each embedded code, whatever the code is."""
        levels = np.array([self.levels[column] for column in self.embedded])
        start = np.cumsum(levels + 1) - (levels + 1)
        row, code, whole, wrong = ws["row"], ws["code"], ws["whole"], ws["wrong"]
        return [
            partial(np.take, x, np.array(self.embedded), axis=-1, out=code, mode="clip"),
            partial(np.maximum, code, 0.0, out=whole),
            partial(np.minimum, whole, levels.astype(x.dtype), out=whole),
            partial(np.floor, whole, out=whole),
            partial(np.not_equal, whole, code, out=wrong),  # NaN too: it equals nothing
            partial(np.copyto, whole, 0.0, where=wrong),
            partial(np.copyto, row, whole, casting="unsafe"),
            partial(np.add, row, start, out=row),
        ]


def _runs(columns: Sequence[int]) -> list[tuple[slice, slice]]:
    """Runs of neighbouring `columns`: where they are in a row, and where among themselves."""
    breaks = [k for k in range(1, len(columns)) if columns[k] != columns[k - 1] + 1]
    cuts = [0, *breaks, len(columns)] if columns else []
    return [(slice(columns[a], columns[a] + b - a), slice(a, b)) for a, b in pairwise(cuts)]
