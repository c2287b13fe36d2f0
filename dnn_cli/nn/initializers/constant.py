"""One value for every number: 1 for scales, or whatever is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Rng
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec


@INITIALIZERS.register("constant")
@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantSpec(InitializerSpec):
    """Every value the same."""

    value: float = option("the value")

    def fill(self, out: Array, rng: Rng) -> None:
        """Write the value everywhere."""
        out[...] = self.value
