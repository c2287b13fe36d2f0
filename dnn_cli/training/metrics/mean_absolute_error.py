"""Mean absolute error: the average size of an error.

Formula    1/(n t) sum_nj |p_nj - y_nj|
Range      0 up, lower is better; in the units of the targets
Tasks      regression, reconstruction; `mean_absolute_error.<target>` is one target column
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


@METRICS.register("mean_absolute_error")
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MeanAbsoluteError(Metric):
    """The mean of the absolute differences."""

    better: ClassVar[Direction] = "min"
    tasks: ClassVar[tuple[TaskKind, ...]] = NUMBERS

    def value(self, outcome: Outcome) -> float:
        """The mean over all examples and targets."""
        return float(_absolute_errors(outcome).mean())

    def parts(self, outcome: Outcome) -> Array | None:
        """Of each target."""
        return _absolute_errors(outcome)

    def resampled(self, drawn: Resamples) -> Array | None:
        """The mean over all examples and targets of each resample."""
        return drawn.mean(drawn.outcome.distances) / drawn.outcome.task.count


def _absolute_errors(outcome: Outcome) -> Array:
    if outcome.weights is not None:
        return outcome.mean(np.concatenate([np.abs(d) for d in outcome.residuals()]))
    total = np.zeros(outcome.task.count)
    for d in outcome.residuals():
        total += np.abs(d, out=d).sum(axis=0)
    return total / outcome.rows
