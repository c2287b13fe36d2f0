"""The layer contract: what a layer declares, and the two passes it computes.

A layer allocates nothing. It declares its parameters (slots), the scratch it needs, what its
backward pass reads and whether it may run in place; the network decides who shares memory.

Layers within a layer are a protocol here (`LayerChain`), and so is what a layer meets when it runs
(`scratch.py`): `chain.py` and `execution` import this file, and not the other way round.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, Protocol

from dnn_cli.base.registry import Registry
from dnn_cli.base.spec import Spec, option
from dnn_cli.base.types import Array, Call, Rng, Shape
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.schedule import Progress
from dnn_cli.nn.scratch import Scratch

Role = Literal["weight", "bias", "state"]
NOTHING: frozenset[str] = frozenset()
READS_X: frozenset[str] = frozenset({"x"})
READS_Y: frozenset[str] = frozenset({"y"})


@dataclass(frozen=True, slots=True)
class Slot:
    """A parameter array, declared, not allocated.

    `role` weight: learned and decayed; bias: learned; state: carried along (running means).
    The factors multiply the learning rate and the weight decay of this slot alone.
    """

    name: str
    shape: Shape
    init: InitializerSpec
    role: Role
    learning_rate_factor: float = 1.0
    decay_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Need:
    """A scratch array. `shape` is per example unless `per_example` is False.

    `dtype` None means the network's own. `keep` arrays survive from forward to backward; the
    others share one block of memory with the scratch of every other layer.
    """

    shape: Shape
    dtype: Any = None
    per_example: bool = True
    keep: bool = False


class Layer(ABC):
    """A differentiable function of a batch. Subclasses are final.

    Each slot is bound as an attribute of its name (`self.W`), a view of the network's vector.
    """

    slots: tuple[Slot, ...] = ()
    needs: Mapping[str, Need] = {}
    reads: ClassVar[frozenset[str]] = NOTHING  # what backward reads: "x", "y" or neither
    in_place: ClassVar[bool] = False  # forward may get y is x, backward dx is dy
    keeps_values: ClassVar[bool] = False  # in place, it changes the shape and no number
    examplewise: bool = True  # an example's output does not depend on its neighbours
    pixelwise: ClassVar[bool] = False  # treats each pixel of an image alike, wherever it lies
    random: ClassVar[bool] = False  # `draw` runs before each training forward
    scheduled: bool = False  # `follow` runs before each `draw`
    observes: bool = False  # `observe` runs once, before training
    chains: tuple[LayerChain, ...] = ()  # nested chains, given plans of their own in `ws.inner`

    def __init__(self, in_shape: Shape, out_shape: Shape) -> None:
        self.in_shape = in_shape
        self.out_shape = out_shape

    @abstractmethod
    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Write all of `y`."""

    @abstractmethod
    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Overwrite `ws.grads` and, unless it is None (nothing below learns), all of `dx`."""

    def forward_calls(self, x: Array, y: Array, ws: Scratch, train: bool) -> list[Call]:
        """What a plan calls for `forward` on these arrays, made once."""
        return [partial(self.forward, x, y, ws, train)]

    def backward_calls(
        self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch
    ) -> list[Call]:
        """What a plan calls for `backward` on these arrays, made once."""
        return [partial(self.backward, x, y, dy, dx, ws)]

    def draw(self, ws: Scratch, rng: Rng, first: int) -> None:  # noqa: B027 - most draw nothing
        """Fill random scratch for this step; only called where `random` is true.

        The scratch begins with example `first` of the batch: whoever fills it in pieces gets the
        same numbers as whoever fills it at once.
        """

    def follow(self, progress: Progress) -> None:  # noqa: B027 - most never change
        """Be what the layer is at `progress`: where a number of it follows a schedule."""

    def observe(self, x: Array, rng: Rng) -> None:  # noqa: B027 - most begin without data
        """Set what training rows decide, from a sample x (n, *in_shape); see `observation`."""

    @property
    def learns(self) -> bool:
        """Whether the layer or a layer within it has learned parameters."""
        inner = (slot for chain in self.chains for _, slot in chain.slots())
        return any(slot.role != "state" for slot in (*self.slots, *inner))

    def operations(self) -> int:
        """Multiply-adds of one example's forward pass."""
        return sum(chain.operations() for chain in self.chains)


class LayerChain(Protocol):
    """Layers one after another, as a layer may hold some: `chain.Chain`."""

    layers: tuple[Layer, ...]
    names: tuple[str, ...]
    in_shape: Shape
    out_shape: Shape

    def walk(self, prefix: str = "") -> Iterator[tuple[str, Layer]]:
        """Every layer with its dotted name, nested ones after the layer that holds them."""

    def slots(self) -> list[tuple[str, Slot]]:
        """Every parameter declared in the chain, by dotted name."""

    def operations(self) -> int:
        """Multiply-adds of one example's forward pass."""


class Listed(Layer):
    """A layer whose passes are lists of calls of NumPy, which a plan makes without asking it."""

    @abstractmethod
    def forward_calls(self, x: Array, y: Array, ws: Scratch, train: bool) -> list[Call]:
        """What writes all of `y`."""

    @abstractmethod
    def backward_calls(
        self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch
    ) -> list[Call]:
        """What overwrites `ws.grads` and, unless it is None, all of `dx`."""

    def forward(self, x: Array, y: Array, ws: Scratch, train: bool) -> None:
        """Make the calls."""
        for call in self.forward_calls(x, y, ws, train):
            call()

    def backward(self, x: Array, y: Array, dy: Array, dx: Array | None, ws: Scratch) -> None:
        """Make the calls."""
        for call in self.backward_calls(x, y, dy, dx, ws):
            call()


LAYERS: Registry[LayerSpec]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSpec(Spec):
    """What YAML says of a layer."""

    registry: ClassVar[Registry[LayerSpec]]
    gain: ClassVar[str] = ""  # an activation's fitting initialiser: "he", "glorot", "lecun"
    monotone: ClassVar[bool] = False  # a function of each number that never falls
    selects: ClassVar[bool] = False  # puts out some of its inputs, the largest of each window
    makes_members: ClassVar[bool] = False  # of each example it makes k

    @abstractmethod
    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """The layer for inputs of `in_shape`; weights start by `default` unless the spec says.

        Raises:
            ShapeError: the layer cannot take such inputs.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightedSpec(LayerSpec):
    """A layer with weights of its own."""

    weights: InitializerSpec | None = option("first weights; null: what suits the activation", None)
    learning_rate_factor: float = option(
        "multiplies the learning rate of this layer", 1.0, minimum=0.0
    )
    decay_factor: float = option("multiplies the weight decay of this layer", 1.0, minimum=0.0)

    def slot(self, name: str, shape: Shape, init: InitializerSpec, role: Role) -> Slot:
        """A slot with this layer's factors."""
        return Slot(name, shape, init, role, self.learning_rate_factor, self.decay_factor)


class ShapeError(ValueError):
    """A layer cannot take inputs of this shape; `path` leads to it from the list of layers."""

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.path = path


class Elementwise(Layer):
    """A function of each number, or pixel, on its own: the output has the shape of the input."""

    pixelwise = True

    def __init__(self, in_shape: Shape) -> None:
        super().__init__(in_shape, in_shape)


LAYERS = Registry("layer", "dnn_cli.nn.layers", "dnn_cli.nn.activations")
LayerSpec.registry = LAYERS
