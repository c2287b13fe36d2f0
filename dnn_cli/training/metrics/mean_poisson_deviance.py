"""Mean Poisson deviance: how far predicted means are from counts.

Formula    2/(n t) sum_nj (y log(y / mu) - y + mu), 0 log 0 = 0
Undefined  nan for a target below 0; predictions are floored (`training/deviance.py`)
Range      0 up, lower is better
Tasks      regression; `mean_poisson_deviance.<target>` is one target column
Source     Nelder, Wedderburn, "Generalized linear models", JRSS A 135 (1972)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.types import Array
from dnn_cli.training.deviance import MeanDeviance
from dnn_cli.training.metric import METRICS
from dnn_cli.training.truth import Truth


@METRICS.register("mean_poisson_deviance")
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MeanPoissonDeviance(MeanDeviance):
    """The mean Poisson deviance."""

    def deviances(self, y: Array, mu: Array) -> Array:
        """d(y, mu) of each cell."""
        own = np.where(y > 0.0, y, 1.0)
        return 2.0 * (y * np.log(own / mu) - y + mu)

    def undefined(self, truth: Truth, part: int | None) -> str:
        """A target below 0 has no such deviance."""
        return truth.any_of(truth.negative, part)
