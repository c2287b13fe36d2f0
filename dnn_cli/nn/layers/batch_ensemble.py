"""Dense layer of k members that share its weights and have factors and biases of their own.

Forward    y_k = s_k (a (r_k x_k) W) + b_k, or x for every x_k where there are no members yet;
           a = 1, or 1 / sqrt(i) by the parametrisation `ntk`
Backward   z_k = a (r_k x_k) W:   ds_k = sum_n dy_k z_k     db_k = sum_n dy_k     dz_k = dy_k s_k
           dW = a sum_k (r_k x_k)ᵀ dz_k     u_k = a dz_k Wᵀ     dr_k = sum_n u_k x_k
           dx_k = u_k r_k, or the sum of them over the members
Shapes     x (n, i) or (n, k, i)   W (i, j)   r (k, i)   s, b (k, j)   y (n, k, j)
Memory     keeps r x and z; scratch of their sizes
Cost       3 products of n·k·i·j multiply-adds, and 7 passes over the numbers that go in and out
Errors     ShapeError if an example is neither a vector nor a vector a member
Why        the first r is what makes members differ, so it begins at random; every later r, and s,
           begin with 1 and learn
Source     Wen, Tran, Ba, ICLR 2020 (BatchEnsemble); Gorishniy, Kotelnikov, Babenko, ICLR 2025
           (TabM)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Call, Rng, Shape
from dnn_cli.nn.affine import Affine, AffineSpec
from dnn_cli.nn.execution.products import product
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec
from dnn_cli.nn.layer import LAYERS, Layer, Need, ShapeError
from dnn_cli.nn.scratch import Scratch


@LAYERS.register("batch_ensemble")
@dataclass(frozen=True, slots=True, kw_only=True)
class BatchEnsembleSpec(AffineSpec):
    """A dense layer shared by members, each with factors of its own: y_k = s_k (r_k x) W + b_k."""

    makes_members: ClassVar[bool] = True
    members: int = option("number of members", minimum=1)
    factors: InitializerSpec | None = option(
        "first r; null: normal of deviation 1 where it makes the members, else 1", None
    )

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """The layer for vectors, or for as many vectors as there are members."""
        first = len(in_shape) == 1
        if not first and (len(in_shape) != 2 or in_shape[0] != self.members):
            raise ShapeError(
                f"batch_ensemble takes vectors, or one for each of {self.members} members, "
                f"not examples of shape {in_shape}"
            )
        inputs, out_shape = in_shape[-1], (self.members, self.units)
        ones = INITIALIZERS.get("constant")(value=1.0)  # type: ignore[call-arg]
        normal = INITIALIZERS.get("normal")(deviation=1.0)  # type: ignore[call-arg]
        factors = self.factors or (normal if first else ones)
        slots = (
            *self.affine_slots((inputs, self.units), out_shape, default),
            self.slot("r", (self.members, inputs), factors, "weight"),
            self.slot("s", out_shape, ones, "weight"),
        )
        return BatchEnsemble(in_shape, out_shape, slots, self.factor(inputs), self.from_data)


@final
class BatchEnsemble(Affine):
    """y_k = s_k (a (r_k x_k) W) + b_k."""

    r: Array
    s: Array

    def scratch(self) -> dict[str, Need]:
        """r x and z, which backward reads, and as much for their gradients."""
        scaled = (self.out_shape[0], self.in_shape[-1])
        return {
            "rx": Need(scaled, keep=True),
            "z": Need(self.out_shape, keep=True),
            "t": Need(self.out_shape),
            "u": Need(scaled),
            "ux": Need(scaled),
        }

    def forward_calls(self, x: Array, y: Array, ws: Scratch, train: bool) -> list[Call]:
        """Write y = s (a (r x) W) + b."""
        rx, z = ws["rx"], ws["z"]
        calls: list[Call] = [
            *self.prepare(ws),
            partial(np.multiply, self._spread(x), self.r, out=rx),
            product(_rows(rx), self.used(ws), _rows(z)),
            partial(np.multiply, z, self.s, out=y),
        ]
        if self.bias:
            calls.append(partial(np.add, y, self.b, out=y))
        return calls

    def backward_calls(
        self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch
    ) -> list[Call]:
        """Write the gradients of all slots and dx."""
        t, u, ux, grads = ws["t"], ws["u"], ws["ux"], ws.grads
        calls: list[Call] = [
            partial(np.multiply, dy, ws["z"], out=t),
            partial(np.add.reduce, t, axis=0, out=grads["s"]),
            partial(np.multiply, dy, self.s, out=t),
            product(_rows(ws["rx"]).mT, _rows(t), grads["W"]),
            *self.finish(grads["W"]),
            product(_rows(t), self.used(ws).mT, _rows(u)),
            partial(np.multiply, u, self._spread(x), out=ux),
            partial(np.add.reduce, ux, axis=0, out=grads["r"]),
        ]
        if self.bias:
            calls.append(partial(np.add.reduce, dy, axis=0, out=grads["b"]))
        if dx is not None and len(self.in_shape) == 1:
            calls.append(partial(np.multiply, u, self.r, out=u))
            calls.append(partial(np.add.reduce, u, axis=1, out=dx))
        elif dx is not None:
            calls.append(partial(np.multiply, u, self.r, out=dx))
        return calls

    def observe(self, x: Array, rng: Rng) -> None:
        """Give outputs deviation 1 over rows and members, and put their zeros among the rows."""
        self.begin((self._spread(x) * self.r) @ self.W, rng)

    def _spread(self, x: Array) -> Array:
        return x[:, None, :] if len(self.in_shape) == 1 else x


def _rows(a: Array) -> Array:
    """Every member of every example as a row of its own."""
    return a.reshape(-1, a.shape[-1])
