"""Root mean squared error: the typical size of an error, large ones counting more.

Formula    sqrt(1/(n t) sum_nj (p_nj - y_nj)^2): the root of the mean over all targets, not the mean
           of one root a target
Range      0 up, lower is better; in the units of the targets
Tasks      regression, reconstruction; `root_mean_squared_error.<target>` is one target column
Source     Hyndman, Koehler, "Another look at measures of forecast accuracy", 2006
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.task import TaskKind
from dnn_cli.base.types import Array
from dnn_cli.training.metric import METRICS, NUMBERS, Direction, Metric
from dnn_cli.training.metrics.mean_squared_error import resampled_squares, squared_errors
from dnn_cli.training.outcome import Outcome
from dnn_cli.training.resamples import Resamples


@METRICS.register("root_mean_squared_error")
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RootMeanSquaredError(Metric):
    """The square root of the mean squared error."""

    better: ClassVar[Direction] = "min"
    tasks: ClassVar[tuple[TaskKind, ...]] = NUMBERS

    def value(self, outcome: Outcome) -> float:
        """The root of the mean over all examples and targets."""
        return math.sqrt(squared_errors(outcome).mean())

    def parts(self, outcome: Outcome) -> Array | None:
        """Of each target."""
        roots: Array = np.sqrt(squared_errors(outcome))
        return roots

    def resampled(self, drawn: Resamples) -> Array | None:
        """The root of the mean over all examples and targets of each resample."""
        roots: Array = np.sqrt(resampled_squares(drawn))
        return roots
