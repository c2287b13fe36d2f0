"""Precision: of the examples decided to be of a class, the share that is.

Formula    of class k: right_k / decided_k
           binary: of class 1, the positive one; otherwise the mean over the classes
           (precision_macro)
Undefined  0 / 0 is 0 for a class that occurs among the targets or the decisions, and nan for one
           that occurs in neither, which the mean leaves out
Range      0 to 1, higher is better
Tasks      binary, multiclass, multilabel; `precision.<label>` is the value of one class or label
Source     van Rijsbergen, "Information Retrieval", 2nd edition, 1979
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from dnn_cli.base.task import TaskKind
from dnn_cli.base.types import Array
from dnn_cli.training.metric import CLASSES, METRICS, Direction, Metric
from dnn_cli.training.outcome import Counts, Outcome, fraction, headline
from dnn_cli.training.resamples import Resamples
from dnn_cli.training.truth import Truth


def precision(counts: Counts) -> Array:
    """Precision of each class: (K,), or (r, K)."""
    return fraction(counts.right, counts.decided, counts.occurring)


@METRICS.register("precision")
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Precision(Metric):
    """Precision of the positive one of two classes, or averaged over several."""

    better: ClassVar[Direction] = "max"
    tasks: ClassVar[tuple[TaskKind, ...]] = CLASSES

    def value(self, outcome: Outcome) -> float:
        """Of class 1 in a binary task, else the mean over the classes."""
        return float(headline(precision(outcome.counts), outcome.task))

    def parts(self, outcome: Outcome) -> Array | None:
        """Of each class or label."""
        return precision(outcome.counts)

    def resampled(self, drawn: Resamples) -> Array | None:
        """From the counts of each resample."""
        return headline(precision(drawn.counts), drawn.outcome.task)

    def undefined(self, truth: Truth, part: int | None) -> str:
        """Of a class that no row has nothing can be right."""
        return truth.headline(truth.absent, part)
