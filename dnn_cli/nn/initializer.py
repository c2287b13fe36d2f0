"""Initialisers: what a parameter is before the first step."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

from dnn_cli.base.registry import Registry
from dnn_cli.base.spec import Spec
from dnn_cli.base.types import Array, Rng, Shape, size_of

INITIALIZERS: Registry[InitializerSpec]


@dataclass(frozen=True, slots=True, kw_only=True)
class InitializerSpec(Spec):
    """A rule for first values. Being a frozen value itself, it needs no object beside it."""

    registry: ClassVar[Registry[InitializerSpec]]

    @abstractmethod
    def fill(self, out: Array, rng: Rng) -> None:
        """Overwrite `out` with first values drawn from `rng` (in float64, then rounded)."""


def fans(shape: Shape) -> tuple[int, int]:
    """(inputs, outputs) of one unit for weights (…, i, j): a kernel's area counts for both."""
    if len(shape) < 2:
        return size_of(shape), size_of(shape)
    area = size_of(shape[:-2])
    return area * shape[-2], area * shape[-1]


def scaled(
    out: Array, rng: Rng, deviation: float, distribution: Literal["normal", "uniform"]
) -> None:
    """Fill `out` with zero-mean values of standard deviation `deviation`."""
    if distribution == "normal":
        out[...] = rng.normal(0.0, deviation, out.shape)
    else:
        limit = math.sqrt(3.0) * deviation
        out[...] = rng.uniform(-limit, limit, out.shape)


INITIALIZERS = Registry("initializer", "dnn_cli.nn.initializers")
InitializerSpec.registry = INITIALIZERS
