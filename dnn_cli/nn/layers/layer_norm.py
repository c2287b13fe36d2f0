"""Layer normalisation: every example to mean 0 and variance 1 over its features, then rescaled.

Forward    y = γ u + β,  u = (x - mean) / sqrt(variance + ε), with the mean and the biased variance
           over the last axis (for images: of each pixel over its channels)
Backward   dγ = sum dy u     dβ = sum dy, over all axes but the last
           with g = γ dy: dx = (g - mean(g) - u mean(g u)) / sqrt(variance + ε)
Shapes     x, y (n, i) or (n, h, w, c)   γ, β (i,) or (c,)
Memory     keeps u, so that backward reads neither x nor y; may run in place
Errors     ShapeError if there are fewer than 2 features: one number minus itself is 0
Source     Ba, Kiros, Hinton, arXiv:1607.06450 (2016)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.execution.rows import features, rows
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec
from dnn_cli.nn.layer import LAYERS, Elementwise, Layer, LayerSpec, Need, ShapeError, Slot
from dnn_cli.nn.scratch import Scratch


@LAYERS.register("layer_norm")
@dataclass(frozen=True, slots=True, kw_only=True)
class LayerNormSpec(LayerSpec):
    """Normalises each example over its features."""

    epsilon: float = option("added to the variance", 1e-5, above=0.0)

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A layer norm for vectors or images."""
        shape = (features(in_shape, "layer_norm"),)
        if shape == (1,):
            raise ShapeError("layer_norm over a single feature gives 0 for every example")
        zero, one = INITIALIZERS.get("zeros")(), INITIALIZERS.get("constant")(value=1.0)  # type: ignore[call-arg]
        slots = (Slot("gamma", shape, one, "bias"), Slot("beta", shape, zero, "bias"))
        return LayerNorm(in_shape, slots, self.epsilon)


@final
class LayerNorm(Elementwise):
    """y = γ u + β, u normalised over the features of each example."""

    gamma: Array
    beta: Array
    in_place = True

    def __init__(self, in_shape: Shape, slots: tuple[Slot, ...], epsilon: float) -> None:
        super().__init__(in_shape)
        self.slots = slots
        self.epsilon = epsilon
        column = (*in_shape[:-1], 1)
        self.needs = {
            "u": Need(in_shape, keep=True),
            "inverse": Need(column, keep=True),  # 1 / sqrt(variance + ε)
            "mean": Need(column),
            "along": Need(column),
            "t": Need(in_shape),
            "ones": Need(in_shape[:-1]),
            "share": Need((in_shape[-1], 1), per_example=False),
        }

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write y, and in training keep u."""
        x, y = rows(x, self.in_shape), rows(y, self.in_shape)
        u = rows(ws["u"], self.in_shape) if train else y
        mean, inverse = rows(ws["mean"], self.in_shape), rows(ws["inverse"], self.in_shape)
        np.matmul(x, self._share(ws), out=mean)
        np.subtract(x, mean, out=u)
        np.vecdot(u, u, out=inverse[..., 0])
        np.multiply(inverse, 1.0 / x.shape[-1], out=inverse)
        np.add(inverse, self.epsilon, out=inverse)
        np.sqrt(inverse, out=inverse)
        np.divide(1.0, inverse, out=inverse)
        np.multiply(u, inverse, out=u)
        np.multiply(u, self.gamma[..., None, :], out=y)
        np.add(y, self.beta[..., None, :], out=y)

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write dγ, dβ and dx."""
        dy, u = rows(dy, self.in_shape), rows(ws["u"], self.in_shape)
        np.einsum("...mc,...mc->...c", dy, u, out=ws.grads["gamma"])
        ones = ws["ones"]
        ones.fill(1.0)
        ones = ones.reshape(*dy.shape[:-2], 1, -1)
        np.matmul(ones, dy, out=ws.grads["beta"][..., None, :])
        if dx is None:
            return
        g, t = rows(dx, self.in_shape), rows(ws["t"], self.in_shape)
        mean, along = rows(ws["mean"], self.in_shape), rows(ws["along"], self.in_shape)
        np.multiply(dy, self.gamma[..., None, :], out=g)
        np.matmul(g, self._share(ws), out=mean)
        np.vecdot(g, u, out=along[..., 0])
        np.multiply(along, 1.0 / g.shape[-1], out=along)
        np.multiply(u, along, out=t)
        np.subtract(g, t, out=g)
        np.subtract(g, mean, out=g)
        np.multiply(g, rows(ws["inverse"], self.in_shape), out=g)

    def _share(self, ws: Scratch) -> Array:
        """A column of 1 / c: a product with it is the mean over the features."""
        share = ws["share"]
        share.fill(1.0 / share.shape[-2])
        return share
