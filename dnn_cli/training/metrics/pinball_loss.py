"""Pinball loss: how far predicted quantiles are from the true ones.

Formula    1/(n t q) sum_njq max(a_q e, (a_q - 1) e), e = y_nj - p_njq, for the levels a_q that are
           predicted; a network that predicts no quantiles is measured as their median, a = 0.5
Range      0 up, lower is better; in the units of the targets
Tasks      regression; `pinball_loss.<target>` is one target column
Source     Koenker, Bassett, "Regression quantiles", Econometrica 46 (1978)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.task import TaskKind
from dnn_cli.base.types import Array
from dnn_cli.training.metric import METRICS, Direction, Metric
from dnn_cli.training.outcome import Outcome
from dnn_cli.training.resamples import Resamples


@METRICS.register("pinball_loss")
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PinballLoss(Metric):
    """The mean pinball loss of the quantiles that are predicted."""

    better: ClassVar[Direction] = "min"
    tasks: ClassVar[tuple[TaskKind, ...]] = ("regression",)

    def value(self, outcome: Outcome) -> float:
        """The mean over all examples, targets and quantiles."""
        return float(_costs(outcome).mean())

    def parts(self, outcome: Outcome) -> Array | None:
        """Of each target."""
        return outcome.mean(_costs(outcome))

    def resampled(self, drawn: Resamples) -> Array | None:
        """The mean over all examples, targets and quantiles of each resample."""
        return drawn.mean(_costs(drawn.outcome).mean(axis=1))


def _costs(outcome: Outcome) -> Array:
    """The mean over the quantiles of each cell: (n, t)."""
    below = outcome.targets[:, :, None] - outcome.quantiles.astype(np.float64)
    costs: Array = np.maximum(outcome.levels * below, (outcome.levels - 1.0) * below).mean(axis=2)
    return costs
