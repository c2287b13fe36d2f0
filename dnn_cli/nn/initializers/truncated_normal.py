"""Normal distribution without its tails.

Formula    normal of mean 0 and standard deviation d, redrawn until it lies in [-2 d, 2 d]; what
           remains has standard deviation 0.8796 d
Cost       4.6 % of the numbers are drawn a second time
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Rng
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec

_CUT = 2.0  # deviations


@INITIALIZERS.register("truncated_normal")
@dataclass(frozen=True, slots=True, kw_only=True)
class TruncatedNormalSpec(InitializerSpec):
    """Normal with mean 0, nothing beyond two deviations."""

    deviation: float = option("standard deviation before the tails are cut", 0.05, above=0.0)

    def fill(self, out: Array, rng: Rng) -> None:
        """Draw values of at most 2 `deviation`."""
        drawn = rng.standard_normal(out.shape)
        while (outside := np.abs(drawn) > _CUT).any():
            drawn[outside] = rng.standard_normal(np.count_nonzero(outside))
        out[...] = drawn * self.deviation
