"""What embeddings of numbers by learned frequencies have in common: angles, and the way back.

Forward    u_nch = 2π x_nc w_ch for each of the first columns
Backward   dw_ch = 2π sum_n x_nc du_nch     dx_nc = dy's part for x, and 2π sum_h du_nch w_ch
Shapes     x (n, i)   w (columns, frequencies)   u (n, columns, frequencies)
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from dnn_cli.base.types import Array, Call
from dnn_cli.nn.layer import READS_X
from dnn_cli.nn.number_embedding import NumberEmbedding
from dnn_cli.nn.scratch import Scratch

_TURN = 2.0 * math.pi


class FrequencyEmbedding(NumberEmbedding):
    """y = a function of 2π x w | x; scratch `sum` (columns,) and `wave` (columns, frequencies)."""

    w: Array
    reads = READS_X

    def angles(self, x: Array, u: Array) -> list[Call]:
        """What writes u."""
        return [
            partial(np.multiply, x[:, : self.columns, None], self.w, out=u),
            partial(np.multiply, u, _TURN, out=u),
        ]

    def turn_back(
        self, x: Array, dy: Array, dx: Array | None, du: Array, ws: Scratch
    ) -> list[Call]:
        """What writes dw and dx, using up du."""
        dw, calls = ws.grads["w"], list[Call]()
        if dx is not None:
            numbers, wave = dx[:, : self.columns], ws["wave"]
            calls += [
                partial(np.copyto, dx, dy[:, self.width :]),
                partial(np.multiply, du, self.w, out=wave),
                partial(np.add.reduce, wave, axis=-1, out=ws["sum"]),
                partial(np.multiply, ws["sum"], _TURN, out=ws["sum"]),
                partial(np.add, numbers, ws["sum"], out=numbers),
            ]
        return [
            *calls,
            partial(np.multiply, du, x[:, : self.columns, None], out=du),
            partial(np.add.reduce, du, axis=0, out=dw),
            partial(np.multiply, dw, _TURN, out=dw),
        ]
