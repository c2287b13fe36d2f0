"""Micro recall: recall of all decisions pooled.

Formula    sum_k right_k / sum_k actual_k
Undefined  0 if nothing is true although something is decided; nan if no label is either
Range      0 to 1, higher is better; with one class an example it equals accuracy
Tasks      binary, multiclass, multilabel
Source     Yang, "An evaluation of statistical approaches to text categorization", 1999
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from dnn_cli.base.task import TaskKind
from dnn_cli.base.types import Array
from dnn_cli.training.metric import CLASSES, METRICS, Direction, Metric
from dnn_cli.training.metrics.recall import recall
from dnn_cli.training.outcome import Outcome
from dnn_cli.training.resamples import Resamples
from dnn_cli.training.truth import Truth


@METRICS.register("recall_micro")
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RecallMicro(Metric):
    """Recall of all decisions pooled."""

    better: ClassVar[Direction] = "max"
    tasks: ClassVar[tuple[TaskKind, ...]] = CLASSES

    def value(self, outcome: Outcome) -> float:
        """As if every decision were about one and the same class."""
        return float(recall(outcome.counts.pooled())[0])

    def resampled(self, drawn: Resamples) -> Array | None:
        """From the pooled counts of each resample."""
        return recall(drawn.counts.pooled())[:, 0]

    def undefined(self, truth: Truth, part: int | None) -> str:
        """Where no label applies anywhere nothing can be right."""
        return truth.every(truth.absent)
