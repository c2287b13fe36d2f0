"""The model section of a configuration, and the network made from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from dnn_cli.base.spec import Spec, option, require
from dnn_cli.base.types import Shape
from dnn_cli.nn.chain import build_chain
from dnn_cli.nn.execution.tiles import agree_on_tiles
from dnn_cli.nn.initializer import INITIALIZERS
from dnn_cli.nn.layer import LAYERS, LayerSpec, ShapeError
from dnn_cli.nn.network import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec(Spec):
    """The hidden layers: a list, or the short form. The output layer comes from the task."""

    layers: tuple[LayerSpec, ...] | None = option("the hidden layers in order", None)
    hidden: tuple[int, ...] | None = option(
        "short form: units of each dense layer", None, minimum=1
    )
    activation: LayerSpec | None = option("short form: after each dense layer; null: relu", None)
    dropout: float = option(
        "short form: dropout rate after each activation", 0.0, minimum=0.0, below=1.0
    )
    output: Literal["dense", "none"] = option(
        "dense: add the output layer that the task and the loss need; none: the layers end in it",
        "dense",
    )

    def check(self) -> None:
        """One form or the other."""
        if self.layers is not None:
            message = "belongs to the short form and cannot stand beside `layers`"
            require(self.hidden is None, message, "hidden")
            require(self.activation is None, message, "activation")
            require(self.dropout == 0.0, message, "dropout")

    def hidden_layers(self, in_shape: Shape) -> tuple[LayerSpec, ...]:
        """Every layer before the output, the short form written out."""
        if self.layers is not None:
            return self.layers
        activation = self.activation or LAYERS.get("relu")()
        found: list[LayerSpec] = [LAYERS.get("flatten")()] if len(in_shape) > 1 else []
        for units in self.hidden if self.hidden is not None else (64,):
            found += [_make("dense", units=units), activation]
            if self.dropout:
                found.append(_make("dropout", rate=self.dropout))
        return tuple(found)

    def complete(self, in_shape: Shape, width: int, gain: str) -> tuple[LayerSpec, ...]:
        """Every layer, the output layer of `width` units included.

        Raises:
            ShapeError: a layer cannot take its inputs, or `output: none` and the layers end in
                another width.
        """
        hidden = self.hidden_layers(in_shape)
        try:
            shape = build_chain(hidden, in_shape).out_shape
        except ShapeError as error:
            path = ("layers", *error.path) if self.layers is not None else ()
            raise ShapeError(str(error), path) from error
        if self.output == "none":
            if shape != (width,):
                raise ShapeError(f"the layers end in shape {shape}, the task needs ({width},)")
            return hidden
        between = (LAYERS.get("flatten")(),) if len(shape) > 1 else ()
        return (*hidden, *between, _make("dense", units=width, weights=INITIALIZERS.get(gain)()))


def build_network(layers: Sequence[LayerSpec], in_shape: Shape, dtype: Any = np.float32) -> Network:
    """A network of `layers` for examples of `in_shape`; its parameters are still zero."""
    chain = build_chain(layers, in_shape)
    agree_on_tiles(chain.layers)
    return Network(chain, dtype)


def declared_slots(layers: Sequence[LayerSpec], in_shape: Shape) -> dict[str, Shape]:
    """The shape of every parameter array by name, before anything is allocated."""
    return {name: slot.shape for name, slot in build_chain(layers, in_shape).slots()}


def _make(name: str, **options: Any) -> LayerSpec:
    return LAYERS.get(name)(**options)
