"""A network as a table: one row a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dnn_cli.base.types import Shape, size_of
from dnn_cli.nn.chain import build_chain
from dnn_cli.nn.layer import LayerSpec


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer: shapes and multiply-adds are per example."""

    name: str
    kind: str
    output: Shape
    parameters: int
    multiply_adds: int


def layer_rows(layers: Sequence[LayerSpec], in_shape: Shape) -> tuple[LayerRow, ...]:
    """The layers in the order they run; what is inside a block counts towards it."""
    chain = build_chain(layers, in_shape)
    parameters = {name: 0 for name in chain.names}
    for name, slot in chain.slots():
        if slot.role != "state":
            parameters[name.split(".")[0]] += size_of(slot.shape)
    return tuple(
        LayerRow(name, kind, layer.out_shape, parameters[name], layer.operations())
        for name, kind, layer in zip(chain.names, chain.types, chain.layers, strict=True)
    )
