"""Mean squared error.

Formula    1/(n t) sum_nj (p_nj - y_nj)^2
Range      0 up, lower is better; in squared units of the targets
Tasks      regression, reconstruction; `mean_squared_error.<target>` is one target column
Numerics   differences and sums in float64, block by block
Source     Hyndman, Koehler, "Another look at measures of forecast accuracy", 2006
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.task import TaskKind
from dnn_cli.base.types import Array
from dnn_cli.training.metric import METRICS, NUMBERS, Direction, Metric
from dnn_cli.training.outcome import Outcome
from dnn_cli.training.resamples import Resamples


def squared_errors(outcome: Outcome) -> Array:
    """The mean squared error of each target column: (t,)."""
    if outcome.weights is not None:
        return outcome.mean(np.concatenate([np.square(d) for d in outcome.residuals()]))
    total = np.zeros(outcome.task.count)
    for d in outcome.residuals():
        total += np.einsum("nj,nj->j", d, d)
    return total / outcome.rows


def resampled_squares(drawn: Resamples) -> Array:
    """The mean squared error over all targets of each resample: (r,)."""
    return drawn.mean(drawn.outcome.squares) / drawn.outcome.task.count


@METRICS.register("mean_squared_error")
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MeanSquaredError(Metric):
    """The mean of the squared differences."""

    better: ClassVar[Direction] = "min"
    tasks: ClassVar[tuple[TaskKind, ...]] = NUMBERS

    def value(self, outcome: Outcome) -> float:
        """The mean over all examples and targets."""
        return float(squared_errors(outcome).mean())

    def parts(self, outcome: Outcome) -> Array | None:
        """Of each target."""
        return squared_errors(outcome)

    def resampled(self, drawn: Resamples) -> Array | None:
        """The mean over all examples and targets of each resample."""
        return resampled_squares(drawn)
