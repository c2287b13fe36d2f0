"""Members: one example becomes k, each scaled by a member's own factors.

Forward    y_nkc = r_kc x_nc, or r_kc x_nkc where there are members already
Backward   dr_kc = sum_n dy_nkc x_nc     dx_nc = sum_k dy_nkc r_kc, or dy_nkc r_kc
Shapes     x (n, c) or (n, k, c)   y (n, k, c)   r (k, c)
Memory     reads x in backward; scratch of the size of y
Errors     ShapeError if an example is neither a vector nor a vector a member
Why        one network of shared weights behind it computes k different functions, whose mean
           predicts better than any of them (TabM-mini): the price is that of k times the rows,
           in products that are as large
Source     Gorishniy, Kotelnikov, Babenko, ICLR 2025 (TabM); Wen, Tran, Ba, ICLR 2020
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec
from dnn_cli.nn.layer import LAYERS, READS_X, Layer, Need, ShapeError, Slot, WeightedSpec
from dnn_cli.nn.scratch import Scratch


@LAYERS.register("member_scale")
@dataclass(frozen=True, slots=True, kw_only=True)
class MemberScaleSpec(WeightedSpec):
    """Makes k members of each example, each with factors of its own."""

    makes_members: ClassVar[bool] = True
    weights: InitializerSpec | None = option("first factors; null: normal of deviation 1", None)
    members: int = option("number of members", minimum=1)

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """The factors for vectors, or for as many vectors as there are members."""
        if len(in_shape) not in (1, 2) or (len(in_shape) == 2 and in_shape[0] != self.members):
            raise ShapeError(
                f"member_scale takes vectors, or one for each of {self.members} members, "
                f"not examples of shape {in_shape}"
            )
        first = self.weights or INITIALIZERS.get("normal")(deviation=1.0)  # type: ignore[call-arg]
        slot = self.slot("r", (self.members, in_shape[-1]), first, "weight")
        return MemberScale(in_shape, slot)


@final
class MemberScale(Layer):
    """y = r x."""

    r: Array
    reads = READS_X

    def __init__(self, in_shape: Shape, slot: Slot) -> None:
        super().__init__(in_shape, slot.shape)
        self.slots = (slot,)
        self.needs = {"t": Need(slot.shape)}

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write y = r x."""
        np.multiply(self._spread(x), self.r, out=y)

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write dr and dx."""
        t = ws["t"]
        np.multiply(dy, self._spread(x), out=t)
        np.add.reduce(t, axis=0, out=ws.grads["r"])
        if dx is not None and len(self.in_shape) == 1:
            np.multiply(dy, self.r, out=t)
            np.add.reduce(t, axis=1, out=dx)
        elif dx is not None:
            np.multiply(dy, self.r, out=dx)

    def _spread(self, x: Array) -> Array:
        return x[:, None, :] if len(self.in_shape) == 1 else x
