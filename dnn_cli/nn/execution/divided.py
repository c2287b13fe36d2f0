"""Dense layers whose products several ranks divide by the weights, not by the examples.

Forward    each rank makes its columns of y = x W, of all examples
Backward   each rank makes its rows of dW = xᵀ dy and its columns of dx = dy Wᵀ, of all examples
Exchange   x, y, dy and dx of the whole batch lie in memory that all ranks see; the layers around
           have the rank's own examples, in memory of its own, as without division
Cost       four meetings of the ranks and three copies (where no dx is wanted, three and two)
Why        BLAS packs all of W for every product, however few the rows. Halved by examples, the
           products of 784-512-512-10 take 0.69 of their time at 128 rows and 0.86 at 32; halved by
           W 0.55 at both. And a dW that one rank makes whole needs no sum
Source     Dean et al., NIPS 2012 (model parallelism)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, final

import numpy as np

from dnn_cli.base.types import Array
from dnn_cli.nn.chain import Chain
from dnn_cli.nn.execution.arena import Place, shared_zeros
from dnn_cli.nn.layer import Layer
from dnn_cli.nn.layers.dense import Dense
from dnn_cli.nn.network import Network
from dnn_cli.nn.scratch import RankGroup, Scratch

_NARROW = 256  # inputs or outputs, of fewer of which a rank's part makes a slow product


@final
class DividedDense(Layer):
    """What `dense` computes, of batches of up to `rows` examples; made before the ranks part.

    `place` is where its W lies, and `dW` the gradient there, written by all ranks.
    """

    def __init__(self, dense: Dense, rows: int, place: Place, dW: Array) -> None:
        super().__init__(dense.in_shape, dense.out_shape)
        self.dense, self.place, self.dW = dense, place, dW
        self.needs = dense.needs
        self.inputs, self.units = dense.W.shape
        self._x, self._dx = (_shared(rows, self.inputs, dW) for _ in range(2))
        self._y = _shared(rows, self.units, dW)  # and then dy
        self._ones = np.ones(rows, dW.dtype)

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write y = x W + b, of this rank's examples."""
        ranks = _ranks(ws)
        if ranks.alone:
            self.dense.forward(x, y, ws, train)
            return
        batch, own, columns = ranks.whole, ranks.part(ranks.whole), ranks.part(self.units)
        np.copyto(self._x[own], x)
        ranks.meet()
        np.matmul(self._x[:batch], self.dense.W[:, columns], out=self._y[:batch, columns])
        ranks.meet()
        if self.dense.bias:
            np.add(self._y[own], self.dense.b, out=y)
        else:
            np.copyto(y, self._y[own])

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write this rank's rows of dW, and of its examples db and dx."""
        ranks = _ranks(ws)
        if ranks.alone:
            self.dense.backward(x, y, dy, dx, ws)
            return
        batch, own, rows = ranks.whole, ranks.part(ranks.whole), ranks.part(self.inputs)
        np.copyto(self._y[own], dy)
        if self.dense.bias:
            np.matmul(self._ones[: len(dy)], dy, out=ws.grads["b"])
        ranks.meet()
        np.matmul(self._x[:batch, rows].T, self._y[:batch], out=self.dW[rows])
        if dx is not None:
            np.matmul(self._y[:batch], self.dense.W[rows].T, out=self._dx[:batch, rows])
            ranks.meet()
            np.copyto(dx, self._dx[own])

    def operations(self) -> int:
        """Multiply-adds of one example's forward pass: a rank makes a part, of more examples."""
        return self.dense.operations()


Divided: TypeAlias = Mapping[Layer, DividedDense]


def divide(network: Network, rows: int) -> Divided:
    """For each dense layer that is worth it the one that several ranks share in its place."""
    arena = network.arena
    return {
        dense: DividedDense(dense, rows, arena.places[f"{name}.W"], arena.gradient(f"{name}.W"))
        for name, dense in _worthwhile(network.chain, rows)
    }


def exchanged(chain: Chain, rows: int) -> int:
    """How many numbers the layers that `divide` gives keep for all ranks to see."""
    return sum(_exchanged(dense, rows) for _, dense in _worthwhile(chain, rows))


def _worthwhile(chain: Chain, rows: int) -> list[tuple[str, Dense]]:
    """The dense layers to divide: wide, and with more weights to read than numbers to hand over."""
    return [
        (name, layer)
        for name, layer in chain.walk()
        if isinstance(layer, Dense)
        and layer.plain
        and min(*layer.in_shape, *layer.out_shape) >= _NARROW
        and _exchanged(layer, rows) <= 3 * layer.operations()  # W is read for each product
    ]


def _exchanged(dense: Dense, rows: int) -> int:
    return rows * (2 * dense.in_shape[0] + dense.out_shape[0])


def _shared(rows: int, columns: int, like: Array) -> Array:
    return shared_zeros(rows * columns, like.dtype).reshape(rows, columns)


def _ranks(ws: Scratch) -> RankGroup:
    assert ws.ranks is not None  # which is why the layer is divided
    return ws.ranks
