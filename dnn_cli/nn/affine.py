"""What layers of the form y = a x W + b have in common, with shared weights or a member's own.

Formula    a = 1, or 1 / sqrt(i) of i inputs by the parametrisation `ntk`
Shapes     W (i, j), b (j,); a member's own W (k, i, j), b (k, j)
Memory     a copy of W where a is not 1
Source     `ntk`: Jacot, Gabriel, Hongler, NIPS 2018; first values from data: Holzmüller,
           Grinsztajn, Steinwart, NeurIPS 2024 (RealMLP)
Why        by `ntk` W itself has deviation 1 whatever the width, so that one learning rate of Adam
           fits all widths; a W is made before the products, since it is smaller than x or y
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Call, Rng, Shape, size_of
from dnn_cli.nn.first_values import kinks_among, unit_outputs
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec
from dnn_cli.nn.layer import READS_X, Listed, Need, Slot, WeightedSpec
from dnn_cli.nn.scratch import Scratch

Parametrization: TypeAlias = Literal["standard", "ntk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AffineSpec(WeightedSpec):
    """What YAML says of layers of the form x W + b."""

    units: int = option("number of outputs", minimum=1)
    bias: bool = option("whether to add a learned b", True)
    parametrization: Parametrization = option(
        "ntk: W is divided by the root of the number of inputs when it is used", "standard"
    )
    from_data: bool = option(
        "scale the first W so that outputs have deviation 1 over training rows, and begin with b "
        "that puts their zeros among the rows",
        False,
    )
    bias_learning_rate_factor: float = option(
        "multiplies the learning rate of b alone", 1.0, minimum=0.0
    )

    def affine_slots(self, W: Shape, b: Shape, default: InitializerSpec) -> tuple[Slot, ...]:
        """W and b of these shapes."""
        unit = INITIALIZERS.get("normal")(deviation=1.0)  # type: ignore[call-arg]
        first = self.weights or (default if self.parametrization == "standard" else unit)
        weights = self.slot("W", W, first, "weight")
        if not self.bias:
            return (weights,)
        rate = self.learning_rate_factor * self.bias_learning_rate_factor
        zeros = INITIALIZERS.get("zeros")()
        return (weights, Slot("b", b, zeros, "bias", rate, self.decay_factor))

    def factor(self, inputs: int) -> float:
        """a, for so many inputs."""
        return 1.0 if self.parametrization == "standard" else 1.0 / math.sqrt(inputs)


class Affine(Listed):
    """y = a x W + b, of vectors (i,) or of vectors (k, i) of k members."""

    W: Array
    b: Array
    reads = READS_X

    def __init__(
        self,
        in_shape: Shape,
        out_shape: Shape,
        slots: tuple[Slot, ...],
        factor: float,
        observes: bool,
    ) -> None:
        super().__init__(in_shape, out_shape)
        self.slots, self.factor, self.observes = slots, factor, observes
        self.bias = any(slot.name == "b" for slot in slots)
        self.needs = self.scratch()
        if factor != 1.0:
            shape = next(slot.shape for slot in slots if slot.name == "W")
            self.needs["aW"] = Need(shape, per_example=False, keep=True)

    @abstractmethod
    def scratch(self) -> dict[str, Need]:
        """What the passes need beside a W."""

    def operations(self) -> int:
        """Multiply-adds of one example's forward pass: i·j, for each member."""
        return self.in_shape[-1] * size_of(self.out_shape)

    def used(self, ws: Scratch) -> Array:
        """a W, which `prepare` has made."""
        return ws.get("aW", self.W)

    def prepare(self, ws: Scratch) -> list[Call]:
        """What makes a W, before the products of a forward pass."""
        if self.factor == 1.0:
            return []
        return [partial(np.multiply, self.W, self.factor, out=ws["aW"])]

    def finish(self, dW: Array) -> list[Call]:
        """What turns the gradient of a W into that of W."""
        if self.factor == 1.0:
            return []
        return [partial(np.multiply, dW, self.factor, out=dW)]

    def begin(self, outputs: Array, rng: Rng) -> None:
        """Give outputs deviation 1 and put their zeros among the rows, from x W (n, …, j).

        What shares a column of W, or a number of b, is as many more rows.
        """
        outputs = outputs * self.factor
        unit_outputs(self.W, outputs.reshape(-1, *self.W.shape[:-2], self.W.shape[-1]))
        if self.bias:
            kinks_among(self.b, outputs.reshape(-1, *self.b.shape), rng)
