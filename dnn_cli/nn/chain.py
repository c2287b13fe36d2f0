"""A chain: layers one after another, with their names and shapes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from dnn_cli.base.types import Shape
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec
from dnn_cli.nn.layer import Layer, LayerSpec, ShapeError, Slot

_NEUTRAL = "glorot"  # weights that no activation follows


class Chain:
    """Layers one after another.

    `names` number each type on its own (`dense_1`, `relu_1`, `dense_2`), so that inserting a
    dropout layer renames no weights and redraws none.
    """

    def __init__(self, layers: Sequence[Layer], types: Sequence[str], in_shape: Shape) -> None:
        self.layers = tuple(layers)
        self.in_shape = in_shape
        self.out_shape = layers[-1].out_shape if layers else in_shape
        seen: Counter[str] = Counter()
        names = []
        for kind in types:
            seen[kind] += 1
            names.append(f"{kind}_{seen[kind]}")
        self.names = tuple(names)
        self.types = tuple(types)

    def walk(self, prefix: str = "") -> Iterator[tuple[str, Layer]]:
        """Every layer with its dotted name, nested ones after the layer that holds them."""
        for name, layer in zip(self.names, self.layers, strict=True):
            yield prefix + name, layer
            for index, chain in enumerate(layer.chains):
                inner = f"{prefix}{name}." if index == 0 else f"{prefix}{name}.{index}."
                yield from chain.walk(inner)

    def slots(self) -> list[tuple[str, Slot]]:
        """Every parameter declared in the chain, by dotted name."""
        return [(f"{name}.{s.name}", s) for name, layer in self.walk() for s in layer.slots]

    def operations(self) -> int:
        """Multiply-adds of one example's forward pass."""
        return sum(layer.operations() for layer in self.layers)


def build_chain(
    specs: Sequence[LayerSpec], in_shape: Shape, last: InitializerSpec | None = None
) -> Chain:
    """Layers from their specs, each given the shape that comes out of the one before.

    Activations and poolings that can change places do (`execution_order`).

    Weights without an initialiser of their own start by the one that suits the next activation
    in the chain (`LayerSpec.gain`); after the last activation by `last`.

    Raises:
        ShapeError: a layer cannot take its inputs; the message names the layer.
    """
    layers: list[Layer] = []
    shape, order = in_shape, execution_order(specs)
    for index in order:
        spec = specs[index]
        gain = next((s.gain for s in specs[index:] if s.gain), "")
        default = INITIALIZERS.get(gain)() if gain else (last or INITIALIZERS.get(_NEUTRAL)())
        try:
            layer = spec.build(shape, default)
        except ShapeError as error:
            where = f"layer {index + 1} ({spec.spec_name})"
            raise ShapeError(f"{where}: {error}", (index, *error.path)) from error
        layers.append(layer)
        shape = layer.out_shape
    return Chain(layers, [specs[index].spec_name for index in order], in_shape)


def execution_order(specs: Sequence[LayerSpec]) -> list[int]:
    """The positions of the layers in the order in which they run.

    An activation that never falls gives the same numbers before and after a maximum pooling:
    max(f(a), f(b)) = f(max(a, b)). After it there are fewer of them (a quarter, for 2 x 2).
    """
    order = list(range(len(specs)))
    for place in range(len(order) - 1, 0, -1):
        at = place
        while at < len(order) and specs[order[at]].selects and specs[order[at - 1]].monotone:
            order[at - 1], order[at] = order[at], order[at - 1]
            at += 1
    return order
