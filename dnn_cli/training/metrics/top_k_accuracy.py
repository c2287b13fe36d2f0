"""Top-k accuracy, k = 5: the share of examples whose class is among the k most probable.

Formula    1/n sum_n [r_n < k], r_n = the number of classes before the true one when classes are
           ordered by falling probability, equal ones by rising class number
Range      0 to 1, higher is better; always 1 for k classes or fewer
Tasks      multiclass
Source     Krizhevsky, Sutskever, Hinton, "ImageNet classification …", NIPS 2012
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

_K = 5


@METRICS.register("top_k_accuracy")
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TopKAccuracy(Metric):
    """The share of true classes among the five most probable."""

    better: ClassVar[Direction] = "max"
    tasks: ClassVar[tuple[TaskKind, ...]] = ("multiclass",)

    def value(self, outcome: Outcome) -> float:
        """Examples with fewer than k classes before the true one, over all."""
        return np.count_nonzero(_among(outcome)) / outcome.rows

    def resampled(self, drawn: Resamples) -> Array | None:
        """The same of each resample."""
        return drawn.mean(_among(drawn.outcome))


def _among(outcome: Outcome) -> Array:
    """Whose true class is among the k most probable: (n,) bool."""
    truth = outcome.targets[:, None]
    given = np.take_along_axis(outcome.predictions, truth, axis=1)
    before = np.count_nonzero(outcome.predictions > given, axis=1)
    first = np.arange(outcome.task.count) < truth
    before += np.count_nonzero((outcome.predictions == given) & first, axis=1)
    among: Array = before < _K
    return among
