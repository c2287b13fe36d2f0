"""Micro F1: F1 of all decisions pooled.

Formula    2 sum_k right_k / sum_k (decided_k + actual_k)
Undefined  nan if no label is true or decided anywhere
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
from dnn_cli.training.metrics.f1 import f1
from dnn_cli.training.outcome import Outcome
from dnn_cli.training.resamples import Resamples
from dnn_cli.training.truth import Truth


@METRICS.register("f1_micro")
@final
@dataclass(frozen=True, slots=True, kw_only=True)
class F1Micro(Metric):
    """F1 of all decisions pooled."""

    better: ClassVar[Direction] = "max"
    tasks: ClassVar[tuple[TaskKind, ...]] = CLASSES

    def value(self, outcome: Outcome) -> float:
        """As if every decision were about one and the same class."""
        return float(f1(outcome.counts.pooled())[0])

    def resampled(self, drawn: Resamples) -> Array | None:
        """From the pooled counts of each resample."""
        return f1(drawn.counts.pooled())[:, 0]

    def undefined(self, truth: Truth, part: int | None) -> str:
        """Where no label applies anywhere nothing can be right."""
        return truth.every(truth.absent)
