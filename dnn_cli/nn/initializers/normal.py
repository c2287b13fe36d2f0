"""Normal distribution of a given deviation, whatever the shape."""

from __future__ import annotations

from dataclasses import dataclass

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Rng
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec, scaled


@INITIALIZERS.register("normal")
@dataclass(frozen=True, slots=True, kw_only=True)
class NormalSpec(InitializerSpec):
    """Normal with mean 0."""

    deviation: float = option("standard deviation", 0.05, above=0.0)

    def fill(self, out: Array, rng: Rng) -> None:
        """Draw values of standard deviation `deviation`."""
        scaled(out, rng, self.deviation, "normal")
