"""Balanced accuracy: recall, averaged over the classes.

Formula    mean over the classes k that occur among the targets of right_k / actual_k
Range      0 to 1, higher is better; 1 / K by chance, however unbalanced the classes are
Tasks      binary, multiclass
Source     Brodersen, Ong, Stephan, Buhmann, ICPR 2010
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from dnn_cli.base.task import TaskKind
from dnn_cli.base.types import Array
from dnn_cli.training.metric import METRICS, ONE_CLASS, Direction, Metric
from dnn_cli.training.outcome import Outcome, fraction, mean_of_defined
from dnn_cli.training.resamples import Resamples


@METRICS.register("balanced_accuracy")
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class BalancedAccuracy(Metric):
    """The mean recall of the classes."""

    better: ClassVar[Direction] = "max"
    tasks: ClassVar[tuple[TaskKind, ...]] = ONE_CLASS

    def value(self, outcome: Outcome) -> float:
        """The mean recall of the classes that have examples."""
        counts = outcome.counts
        there = counts.actual > 0
        return float((counts.right[there] / counts.actual[there]).mean())

    def resampled(self, drawn: Resamples) -> Array | None:
        """The same of each resample."""
        counts = drawn.counts
        return mean_of_defined(fraction(counts.right, counts.actual, counts.actual > 0))
