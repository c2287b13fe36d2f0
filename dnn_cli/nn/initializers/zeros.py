"""Zeros: the start of every bias."""

from __future__ import annotations

from dataclasses import dataclass

from dnn_cli.base.types import Array, Rng
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec


@INITIALIZERS.register("zeros")
@dataclass(frozen=True, slots=True, kw_only=True)
class ZerosSpec(InitializerSpec):
    """Every value 0."""

    def fill(self, out: Array, rng: Rng) -> None:
        """Write zeros."""
        out[...] = 0.0
