"""Parametric rectified linear unit: a leaky relu that learns its slopes, one a feature.

Forward    y = max(x, 0) + a_c min(x, 0)
Backward   da_c = sum dy min(x, 0) over all axes but the last
           dx = dy where x > 0, else a_c dy
Shapes     x, y (n, i) or (n, h, w, c)   slope a (i,) or (c,)
Memory     reads x in backward, because a learned slope may turn negative and hide the sign of x
Errors     ShapeError for examples that are single numbers
Why        the slopes are not decayed: decay would pull them to 0, towards relu
Source     He, Zhang, Ren, Sun, ICCV 2015
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.execution.rows import features, rows
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec
from dnn_cli.nn.layer import LAYERS, READS_X, Elementwise, Layer, LayerSpec, Need, Slot
from dnn_cli.nn.scratch import Scratch


@LAYERS.register("prelu")
@dataclass(frozen=True, slots=True, kw_only=True)
class PreluSpec(LayerSpec):
    """A leaky relu that learns one slope a feature."""

    gain: ClassVar[str] = "he"

    slope: float = option("first factor on negative inputs", 0.25)

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A prelu for vectors or images."""
        constant = INITIALIZERS.get("constant")(value=self.slope)  # type: ignore[call-arg]
        return Prelu(in_shape, Slot("slope", (features(in_shape, "prelu"),), constant, "bias"))


@final
class Prelu(Elementwise):
    """y = max(x, 0) + a min(x, 0)."""

    slope: Array
    reads = READS_X

    def __init__(self, in_shape: Shape, slope: Slot) -> None:
        super().__init__(in_shape)
        self.slots = (slope,)
        self.needs = {"t": Need(in_shape), "drop": Need((1, in_shape[-1]), per_example=False)}

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write y = max(x, 0) + a min(x, 0)."""
        t = ws["t"]
        np.minimum(x, 0.0, out=t)
        t_rows = rows(t, self.in_shape)
        np.multiply(t_rows, self.slope[..., None, :], out=t_rows)
        np.maximum(x, 0.0, out=y)
        np.add(y, t, out=y)

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Write da and dx = dy (1 + (a - 1) [x <= 0])."""
        t = ws["t"]
        t_rows = rows(t, self.in_shape)
        np.minimum(x, 0.0, out=t)
        np.einsum("...mc,...mc->...c", rows(dy, self.in_shape), t_rows, out=ws.grads["slope"])
        if dx is not None:
            np.subtract(self.slope[..., None, :], 1.0, out=ws["drop"])
            np.less_equal(x, 0.0, out=t)
            np.multiply(t_rows, ws["drop"], out=t_rows)
            np.add(t, 1.0, out=t)
            np.multiply(dy, t, out=dx)
