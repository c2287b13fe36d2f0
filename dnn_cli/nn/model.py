"""The model section of a configuration, and the network made from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from dnn_cli.base.spec import Spec, option, require
from dnn_cli.base.types import Shape, size_of
from dnn_cli.nn.affine import AffineSpec
from dnn_cli.nn.chain import build_chain
from dnn_cli.nn.execution.tiles import agree_on_tiles
from dnn_cli.nn.initializer import INITIALIZERS
from dnn_cli.nn.layer import LAYERS, LayerSpec, ShapeError
from dnn_cli.nn.layers.table import TableSpec
from dnn_cli.nn.network import Network
from dnn_cli.nn.number_embedding import NumberEmbeddingSpec

# What the output layer takes over from the dense layer before it.
_ALIKE = ("parametrization", "from_data", "bias_learning_rate_factor")


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
    members: int = option(
        "networks trained at once, whose mean predicts; each has weights of its own (layers "
        "shared by members: begin them with member_scale or batch_ensemble)",
        1,
        minimum=1,
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

    def complete(
        self, in_shape: Shape, width: int, gain: str, levels: tuple[int, ...] | None = None
    ) -> tuple[LayerSpec, ...]:
        """Every layer, the output layer of `width` units included.

        `levels` are those of each column of the data, 0 for a number. Where there are categories,
        a `table` expands them first: the one that is written, or one that is put in front.

        Raises:
            ShapeError: a layer cannot take its inputs, the levels of a `table` are not those of the
                data, or `output: none` and the layers end in another width.
        """
        hidden = self.hidden_layers(in_shape)
        front: tuple[LayerSpec, ...] = ()
        try:
            if hidden and isinstance(hidden[0], TableSpec):
                hidden = (_told(hidden[0], levels, size_of(in_shape)), *hidden[1:])
            elif levels is not None and any(levels):
                front = (TableSpec(levels=levels),)
            hidden = _with_columns(hidden, levels)
            # By themselves, so that what is wrong with a layer counts those that are written.
            shape = build_chain(hidden, build_chain(front, in_shape).out_shape).out_shape
        except ShapeError as error:
            path = ("layers", *error.path) if self.layers is not None else ()
            raise ShapeError(str(error), path) from error
        if self.output == "none":
            if shape[-1:] != (width,) or len(shape) > (2 if _has_members(hidden) else 1):
                raise ShapeError(f"the layers end in shape {shape}, the task needs ({width},)")
            return (*front, *self._several(hidden))
        return (*front, *self._several((*hidden, *_output(hidden, shape, width, gain))))

    def _several(self, layers: tuple[LayerSpec, ...]) -> tuple[LayerSpec, ...]:
        """`layers`, once for each member."""
        if self.members == 1:
            return layers
        if _has_members(layers):
            raise ShapeError("the layers make members themselves: leave one of the two out")
        return (_make("members", members=self.members, layers=layers),)


def _output(
    hidden: Sequence[LayerSpec], shape: Shape, width: int, gain: str
) -> tuple[LayerSpec, ...]:
    """The output layer; it begins and learns as the last dense layer before it does."""
    last = next((one for one in reversed(hidden) if isinstance(one, AffineSpec)), None)
    alike = {} if last is None else {name: getattr(last, name) for name in _ALIKE}
    if alike.get("parametrization") != "ntk":
        alike["weights"] = INITIALIZERS.get(gain)()
    if _has_members(hidden):
        return (_make("member_dense", units=width, **alike),)
    between = (LAYERS.get("flatten")(),) if len(shape) > 1 else ()
    return (*between, _make("dense", units=width, **alike))


def _has_members(layers: Sequence[LayerSpec]) -> bool:
    return any(one.makes_members for one in layers)


def _with_columns(
    layers: Sequence[LayerSpec], levels: tuple[int, ...] | None
) -> tuple[LayerSpec, ...]:
    """`layers`, in which embeddings of numbers know how many columns are numbers."""
    if levels is None:
        return tuple(layers)
    numbers = sum(not many for many in levels)
    return tuple(
        replace(one, columns=numbers)
        if isinstance(one, NumberEmbeddingSpec) and one.columns is None
        else one
        for one in layers
        if numbers or not isinstance(one, NumberEmbeddingSpec)
    )


def build_network(layers: Sequence[LayerSpec], in_shape: Shape, dtype: Any = np.float32) -> Network:
    """A network of `layers` for examples of `in_shape`; its parameters are still zero."""
    chain = build_chain(layers, in_shape)
    agree_on_tiles(chain.layers)
    return Network(chain, dtype)


def declared_slots(layers: Sequence[LayerSpec], in_shape: Shape) -> dict[str, Shape]:
    """The shape of every parameter array by name, before anything is allocated."""
    return {name: slot.shape for name, slot in build_chain(layers, in_shape).slots()}


def _told(table: TableSpec, levels: tuple[int, ...] | None, columns: int) -> TableSpec:
    """`table`, the first layer, with the `levels` of the data; without categories all numbers."""
    if table.levels is None:
        return replace(table, levels=levels or (0,) * columns)
    if levels is not None and any(levels):
        _require_same(table.levels, levels)
    return table


def _require_same(written: Sequence[int], found: Sequence[int]) -> None:
    """Raise `ShapeError` at the first difference of levels that are written from those found."""
    where, fix = "layer 1 (table): ", ": leave `levels` out, and they are those of the data"
    if len(written) != len(found):
        message = f"the data have {len(found)} input columns, not {len(written)}"
        raise ShapeError(where + message + fix, (0, "levels"))
    for column, (mine, data) in enumerate(zip(written, found, strict=True)):
        if mine != data:
            message = f"input column {column + 1} is {_kind(data)} in the data, not {_kind(mine)}"
            raise ShapeError(where + message + fix, (0, "levels", column))


def _kind(levels: int) -> str:
    return f"a category ({levels} levels)" if levels else "a number"


def _make(name: str, **options: Any) -> LayerSpec:
    return LAYERS.get(name)(**options)
