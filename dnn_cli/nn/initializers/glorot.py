"""Glorot initialisation: a compromise between the variances forward and backward.

Formula    normal: standard deviation sqrt(2 / (fan_in + fan_out)); uniform: ±sqrt(6 / (…))
Source     Glorot, Bengio, AISTATS 2010
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Rng
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec, fans, scaled


@INITIALIZERS.register("glorot")
@dataclass(frozen=True, slots=True, kw_only=True)
class GlorotSpec(InitializerSpec):
    """Variance 2 / (fan_in + fan_out): for sigmoid, tanh and outputs."""

    distribution: Literal["normal", "uniform"] = option("shape of the distribution", "uniform")

    def fill(self, out: Array, rng: Rng) -> None:
        """Draw values of variance 2 / (fan_in + fan_out)."""
        scaled(out, rng, math.sqrt(2.0 / sum(fans(out.shape))), self.distribution)
