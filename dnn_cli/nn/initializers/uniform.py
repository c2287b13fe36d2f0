"""Uniform distribution within a given limit, whatever the shape."""

from __future__ import annotations

from dataclasses import dataclass

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Rng
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec


@INITIALIZERS.register("uniform")
@dataclass(frozen=True, slots=True, kw_only=True)
class UniformSpec(InitializerSpec):
    """Uniform from -limit to limit."""

    limit: float = option("largest absolute value", 0.05, above=0.0)

    def fill(self, out: Array, rng: Rng) -> None:
        """Draw values in [-limit, limit]."""
        out[...] = rng.uniform(-self.limit, self.limit, out.shape)
