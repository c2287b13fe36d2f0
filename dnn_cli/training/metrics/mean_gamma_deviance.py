"""Mean Gamma deviance: how far predicted means are from amounts, by their ratio.

Formula    2/(n t) sum_nj (log(mu / y) + y / mu - 1)
Undefined  nan for a target of 0 or less; predictions are floored (`training/deviance.py`)
Range      0 up, lower is better; free of units
Tasks      regression; `mean_gamma_deviance.<target>` is one target column
Source     McCullagh, Nelder, "Generalized Linear Models", 2nd edition, 1989, chapter 8
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.types import Array
from dnn_cli.training.deviance import MeanDeviance
from dnn_cli.training.metric import METRICS
from dnn_cli.training.truth import Truth


@METRICS.register("mean_gamma_deviance")
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MeanGammaDeviance(MeanDeviance):
    """The mean Gamma deviance."""

    def deviances(self, y: Array, mu: Array) -> Array:
        """d(y, mu) of each cell."""
        return 2.0 * (np.log(mu / y) + y / mu - 1.0)

    def undefined(self, truth: Truth, part: int | None) -> str:
        """A target of 0 or less has no such deviance."""
        return truth.any_of(truth.not_positive, part)
