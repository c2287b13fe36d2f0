"""Macro precision: precision of each class, averaged without weights.

Formula    mean over the classes k of right_k / decided_k
Undefined  0 / 0 is 0 for a class that occurs among the targets or the decisions; a class that
           occurs in neither is left out
Range      0 to 1, higher is better
Tasks      binary (both classes count), multiclass, multilabel (each label counts)
Source     Yang, "An evaluation of statistical approaches to text categorization", 1999
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from dnn_cli.base.task import TaskKind
from dnn_cli.base.types import Array
from dnn_cli.training.metric import CLASSES, METRICS, Direction, Metric
from dnn_cli.training.metrics.precision import precision
from dnn_cli.training.outcome import Outcome, mean_of_defined
from dnn_cli.training.resamples import Resamples
from dnn_cli.training.truth import Truth


@METRICS.register("precision_macro")
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PrecisionMacro(Metric):
    """The mean precision of the classes."""

    better: ClassVar[Direction] = "max"
    tasks: ClassVar[tuple[TaskKind, ...]] = CLASSES

    def value(self, outcome: Outcome) -> float:
        """The mean over the classes that occur."""
        return float(mean_of_defined(precision(outcome.counts)))

    def resampled(self, drawn: Resamples) -> Array | None:
        """From the counts of each resample."""
        return mean_of_defined(precision(drawn.counts))

    def undefined(self, truth: Truth, part: int | None) -> str:
        """Where no class or label occurs nothing can be right."""
        return truth.every(truth.absent)
