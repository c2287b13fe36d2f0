"""Residual block: layers and a way around them.

Forward    y = layers(x) + shortcut(x); without a shortcut y = layers(x) + x
Backward   dx = layers' dx + shortcut's dx; without a shortcut dx = layers' dx + dy
Shapes     x (n, …), y the shape that both ways end in
Memory     each way is a chain with buffers of its own; both read x where it lies
Cost       that of the layers, and one addition a pass
Errors     ShapeError if the two ways end in different shapes
Source     He, Zhang, Ren, Sun, CVPR 2016
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.spec import option, require
from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.chain import Chain, build_chain
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.layer import LAYERS, READS_X, Layer, LayerSpec, ShapeError
from dnn_cli.nn.scratch import Scratch


@LAYERS.register("residual")
@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualSpec(LayerSpec):
    """Layers whose output is added to their input, or to a shortcut of other layers."""

    layers: tuple[LayerSpec, ...] = option("the layers to go around")
    shortcut: tuple[LayerSpec, ...] | None = option(
        "layers of the way around, where shapes differ; null: the input itself", None
    )

    def check(self) -> None:
        """Neither way is an empty list."""
        require(bool(self.layers), "needs at least one layer", "layers")
        require(self.shortcut != (), "needs at least one layer, or null", "shortcut")

    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """A residual block for inputs of any shape that its layers take."""
        chains: tuple[Chain, ...]
        main = _chain(self.layers, in_shape, default, "layers")
        chains, around, end, field = (main,), "the input has", in_shape, "layers"
        if self.shortcut is not None:
            chains = (main, _chain(self.shortcut, in_shape, default, "shortcut"))
            around, end, field = "the shortcut ends in", chains[1].out_shape, "shortcut"
        if main.out_shape != end:
            raise ShapeError(
                f"the layers end in shape {main.out_shape}, {around} {end}: they cannot be added",
                (field,),
            )
        return Residual(in_shape, chains)


@final
class Residual(Layer):
    """y = layers(x) + shortcut(x)."""

    reads = READS_X

    def __init__(self, in_shape: Shape, chains: tuple[Chain, ...]) -> None:
        super().__init__(in_shape, chains[0].out_shape)
        self.chains = chains
        self.examplewise = all(layer.examplewise for c in chains for layer in c.layers)

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write y = layers(x) + shortcut(x)."""
        for plan in ws.inner:
            plan.forward(train)
        around = ws.inner[1].y if len(ws.inner) > 1 else x
        np.add(ws.inner[0].y, around, out=y)

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Run both ways backward from dy, and write the sum of their dx."""
        for plan in ws.inner:
            assert plan.dy is not None
            np.copyto(plan.dy, dy)
            plan.backward()
        if dx is not None:
            main = ws.inner[0].dx
            around = ws.inner[1].dx if len(ws.inner) > 1 else dy
            assert main is not None and around is not None
            np.add(main, around, out=dx)


def _chain(
    specs: tuple[LayerSpec, ...], in_shape: Shape, default: InitializerSpec, field: str
) -> Chain:
    try:
        return build_chain(specs, in_shape, default)
    except ShapeError as error:
        raise ShapeError(str(error), (field, *error.path)) from error
