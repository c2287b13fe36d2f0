"""LeCun initialisation: sums of standardised inputs have variance 1.

Formula    normal: standard deviation sqrt(1 / fan_in); uniform: ±sqrt(3 / fan_in)
Source     LeCun, Bottou, Orr, Müller, "Efficient BackProp" (1998)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Rng
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec, fans, scaled


@INITIALIZERS.register("lecun")
@dataclass(frozen=True, slots=True, kw_only=True)
class LecunSpec(InitializerSpec):
    """Variance 1 / fan_in: for selu."""

    distribution: Literal["normal", "uniform"] = option("shape of the distribution", "normal")

    def fill(self, out: Array, rng: Rng) -> None:
        """Draw values of variance 1 / fan_in."""
        scaled(out, rng, math.sqrt(1.0 / fans(out.shape)[0]), self.distribution)
