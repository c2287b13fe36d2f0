"""Scale: a learned factor a feature, in front of layers that mix features.

Forward    y = s x
Backward   ds_c = sum dy x over all axes but the last     dx = dy s
Shapes     x, y (n, …, c)   s (c,)
Memory     reads x in backward; scratch of the size of x
Errors     ShapeError for examples that are single numbers
Why        with a learning rate of its own (RealMLP: six times the others') it learns within few
           steps which features matter
Source     Holzmüller, Grinsztajn, Steinwart, NeurIPS 2024 (RealMLP)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.execution.rows import features, rows
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec
from dnn_cli.nn.layer import LAYERS, READS_X, Elementwise, Layer, Need, Slot, WeightedSpec
from dnn_cli.nn.scratch import Scratch


@LAYERS.register("scale")
@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleSpec(WeightedSpec):
    """A learned factor a feature."""

    weights: InitializerSpec | None = option("first factors; null: 1", None)

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A scale of the last axis."""
        first = self.weights or INITIALIZERS.get("constant")(value=1.0)  # type: ignore[call-arg]
        return Scale(in_shape, self.slot("s", (features(in_shape, "scale"),), first, "weight"))


@final
class Scale(Elementwise):
    """y = s x."""

    s: Array
    reads = READS_X

    def __init__(self, in_shape: Shape, slot: Slot) -> None:
        super().__init__(in_shape)
        self.slots = (slot,)
        self.needs = {"t": Need(in_shape)}

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write y = s x."""
        np.multiply(rows(x, self.in_shape), self.s[..., None, :], out=rows(y, self.in_shape))

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write ds and dx = dy s."""
        t = ws["t"]
        np.multiply(dy, x, out=t)
        np.add.reduce(rows(t, self.in_shape), axis=-2, out=ws.grads["s"])
        if dx is not None:
            np.multiply(rows(dy, self.in_shape), self.s[..., None, :], out=rows(dx, self.in_shape))
