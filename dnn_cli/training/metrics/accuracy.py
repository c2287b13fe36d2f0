"""Accuracy: the share of examples decided rightly.

Formula    1/n sum_n [decision_n = target_n]; multilabel: an example is right if all its labels are
Range      0 to 1, higher is better
Tasks      binary, multiclass, multilabel
Cost       60,000 examples of 10 classes: 1.5 ms, checks of the input included
Source     multilabel: "subset accuracy", Ghamrawi, McCallum, CIKM 2005
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


@METRICS.register("accuracy")
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy(Metric):
    """The share of right decisions."""

    better: ClassVar[Direction] = "max"
    tasks: ClassVar[tuple[TaskKind, ...]] = CLASSES

    def value(self, outcome: Outcome) -> float:
        """Right decisions over all."""
        return np.count_nonzero(_right(outcome)) / outcome.rows

    def resampled(self, drawn: Resamples) -> Array | None:
        """Right decisions over all."""
        return drawn.mean(_right(drawn.outcome))


def _right(outcome: Outcome) -> Array:
    """Which examples are decided rightly: (n,) bool."""
    if outcome.task.classifies:
        right: Array = outcome.decided == outcome.targets
    else:
        right = (outcome.decided == outcome.positive).all(axis=1)
    return right
