"""Brier score: the squared error of the probabilities.

Formula    binary      1/n sum_n (p_n1 - y_n)^2
           multiclass  1/n sum_n sum_k (p_nk - [k = t(n)])^2
           multilabel  1/(n L) sum_nl (p_nl - y_nl)^2
Range      0 to 1, multiclass 0 to 2; lower is better
Tasks      binary, multiclass, multilabel
Source     Brier, "Verification of forecasts …", Monthly Weather Review, 1950
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.task import TaskKind
from dnn_cli.base.types import Array
from dnn_cli.training.metric import CLASSES, METRICS, Direction, Metric
from dnn_cli.training.outcome import Outcome
from dnn_cli.training.resamples import Resamples


@METRICS.register("brier_score")
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class BrierScore(Metric):
    """The mean squared error of the probabilities."""

    better: ClassVar[Direction] = "min"
    tasks: ClassVar[tuple[TaskKind, ...]] = CLASSES

    def value(self, outcome: Outcome) -> float:
        """The squares of probability minus truth; both columns of a binary task count half."""
        squares = sum(float(np.vdot(d, d)) for d in outcome.residuals())
        return squares / (outcome.rows * _shared(outcome))

    def resampled(self, drawn: Resamples) -> Array | None:
        """The same of each resample."""
        return drawn.mean(drawn.outcome.squares) / _shared(drawn.outcome)


def _shared(outcome: Outcome) -> int:
    return 1 if outcome.task.kind == "multiclass" else outcome.task.count
