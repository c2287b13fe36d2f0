"""Log loss: what the probabilities cost in surprise (cross-entropy).

Formula    one class   -1/n sum_n log max(p_n,t(n), e)
           multilabel  -1/(n L) sum_nl [y log max(p, e) + (1 - y) log max(1 - p, e)]
           with e = 2^-23, so that a certain mistake costs 15.9 and not infinity
Range      0 up, lower is better; natural logarithm
Tasks      binary, multiclass, multilabel
Source     Good, "Rational decisions", Journal of the Royal Statistical Society B, 1952
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

_FLOOR = 2.0**-23  # the spacing of float32 at 1: no smaller 1 - p can be shown


@METRICS.register("log_loss")
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LogLoss(Metric):
    """Minus the mean log probability of the truth."""

    better: ClassVar[Direction] = "min"
    tasks: ClassVar[tuple[TaskKind, ...]] = CLASSES

    def value(self, outcome: Outcome) -> float:
        """Minus the mean log probability of the truth, floored."""
        return float(_surprise(outcome).mean())

    def resampled(self, drawn: Resamples) -> Array | None:
        """The same of each resample."""
        surprise = _surprise(drawn.outcome)
        return drawn.mean(surprise.reshape(len(surprise), -1).mean(axis=1))


def _surprise(outcome: Outcome) -> Array:
    """Minus the log probability of the truth, floored: (n,), of labels (n, L)."""
    if outcome.task.classifies:
        given = outcome.probability_of_truth
    else:
        wide = outcome.predictions.astype(np.float64)
        given = np.where(outcome.positive, wide, 1.0 - wide)
    return -np.log(np.maximum(given, _FLOOR))
