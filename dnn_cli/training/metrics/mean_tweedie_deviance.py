"""Mean Tweedie deviance of power 1.5: of amounts many of which are 0, such as claims.

Formula    1/(n t) sum_nj 4 (sqrt(y) - sqrt(mu))² / sqrt(mu)
Undefined  nan for a target below 0; predictions are floored (`training/deviance.py`)
Range      0 up, lower is better
Tasks      regression; `mean_tweedie_deviance.<target>` is one target column
Source     Jørgensen, "Exponential dispersion models", JRSS B 49 (1987)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.types import Array
from dnn_cli.training.deviance import MeanDeviance
from dnn_cli.training.metric import METRICS
from dnn_cli.training.truth import Truth


@METRICS.register("mean_tweedie_deviance")
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MeanTweedieDeviance(MeanDeviance):
    """The mean Tweedie deviance of power 1.5."""

    def deviances(self, y: Array, mu: Array) -> Array:
        """d(y, mu) of each cell."""
        found: Array = 4.0 * np.square(np.sqrt(y) - np.sqrt(mu)) / np.sqrt(mu)
        return found

    def undefined(self, truth: Truth, part: int | None) -> str:
        """A target below 0 has no such deviance."""
        return truth.any_of(truth.negative, part)
