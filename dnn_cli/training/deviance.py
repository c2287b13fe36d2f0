"""Mean deviances: how far means are from amounts whose spread grows with their size.

Formula    1/(n t) sum_nj d_p(y_nj, mu_nj), with the variance growing like mu^p
           p = 1  2 (y log(y / mu) - y + mu);  p = 2  2 (log(mu / y) + y / mu - 1)
           else   2 (y^(2-p) / ((1-p)(2-p)) - y mu^(1-p) / (1-p) + mu^(2-p) / (2-p))
Floor      a prediction below 2^-40 of the largest target counts as that: a network without a
           logarithmic output may predict 0 and less, which would cost infinitely much
Undefined  nan for targets below 0, and for p = 2 not above 0; what rounding left of 0 is 0
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dnn_cli.base.task import TaskKind
from dnn_cli.base.types import Array
from dnn_cli.training.metric import Direction, Metric
from dnn_cli.training.outcome import Outcome
from dnn_cli.training.resamples import Resamples
from dnn_cli.training.truth import NOTHING, Truth

_FLOOR = 2.0**-40


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanDeviance(Metric):
    """The mean deviance of one power. Subclasses are final."""

    better: ClassVar[Direction] = "min"
    tasks: ClassVar[tuple[TaskKind, ...]] = ("regression",)

    @abstractmethod
    def deviances(self, y: Array, mu: Array) -> Array:
        """d(y, mu) of each cell, both float64 and mu above 0."""

    def value(self, outcome: Outcome) -> float:
        """The mean over all examples and targets."""
        return float(self._each(outcome).mean())

    def parts(self, outcome: Outcome) -> Array | None:
        """Of each target."""
        return outcome.mean(self._each(outcome))

    def resampled(self, drawn: Resamples) -> Array | None:
        """The mean over all examples and targets of each resample."""
        return drawn.mean(self._each(drawn.outcome).mean(axis=1))

    def _each(self, outcome: Outcome) -> Array:
        """The deviance of each cell (n, t); nan in the columns of targets that have none."""
        y = outcome.targets.astype(np.float64)
        truth = Truth(y, outcome.task)
        lacking = [bool(self.undefined(truth, number)) for number in range(outcome.task.count)]
        y[:, lacking] = np.nan
        np.putmask(y, y <= NOTHING * y.max(axis=0), np.maximum(y, 0.0))
        floor = _FLOOR * y.max(axis=0)
        return self.deviances(y, np.maximum(outcome.predictions, np.maximum(floor, 1e-300)))
