"""He initialisation: keeps the variance of activations through layers of rectifiers.

Formula    normal: standard deviation sqrt(2 / fan_in); uniform: ±sqrt(6 / fan_in)
Source     He, Zhang, Ren, Sun, ICCV 2015
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Rng
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec, fans, scaled


@INITIALIZERS.register("he")
@dataclass(frozen=True, slots=True, kw_only=True)
class HeSpec(InitializerSpec):
    """Variance 2 / fan_in: for relu and its relatives."""

    distribution: Literal["normal", "uniform"] = option("shape of the distribution", "normal")

    def fill(self, out: Array, rng: Rng) -> None:
        """Draw values of variance 2 / fan_in."""
        scaled(out, rng, math.sqrt(2.0 / fans(out.shape)[0]), self.distribution)
