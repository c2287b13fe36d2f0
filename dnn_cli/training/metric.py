"""The metric contract: a number that says how good predictions are.

A metric is a spec without options, so that one file is one name. Undefined is nan: a metric never
warns and never raises because a class is missing; writers of JSON show nan as null. Why it is
undefined the metric says itself, from the targets alone: so it is known before a training, too.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from dnn_cli.base.registry import Registry
from dnn_cli.base.spec import Spec
from dnn_cli.base.task import TaskKind
from dnn_cli.base.types import Array
from dnn_cli.training.outcome import Outcome
from dnn_cli.training.resamples import Resamples
from dnn_cli.training.truth import Truth

Direction: TypeAlias = Literal["min", "max"]

ONE_CLASS: tuple[TaskKind, ...] = ("binary", "multiclass")
CLASSES: tuple[TaskKind, ...] = ("binary", "multiclass", "multilabel")
NUMBERS: tuple[TaskKind, ...] = ("regression", "reconstruction")

METRICS: Registry[Metric]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(Spec):
    """A formula over an outcome. Being a frozen value itself, it needs no object beside it."""

    registry: ClassVar[Registry[Metric]]
    better: ClassVar[Direction]
    tasks: ClassVar[tuple[TaskKind, ...]]

    @abstractmethod
    def value(self, outcome: Outcome) -> float:
        """The metric of at least one example; nan where it is undefined."""

    def parts(self, outcome: Outcome) -> Array | None:
        """One value a class, label or target, in the order of the outputs; None: it has none."""
        return None

    def resampled(self, drawn: Resamples) -> Array | None:
        """The metric of each resample (r,), nan where undefined; None: it has no interval."""
        return None

    def weighted(self, outcome: Outcome) -> float:
        """The same where examples have weights, which is that of one resample; nan if it has none.

        `value` never sees weights; `parts` does.
        """
        found = self.resampled(Resamples.whole(outcome))
        return float("nan") if found is None else float(found[0])

    def undefined(self, truth: Truth, part: int | None) -> str:
        """Why there is no value (of class, label or target `part`), whatever is predicted.

        Empty if there is one for perfect predictions. A metric that may be nan says why.
        """
        return ""


METRICS = Registry("metric", "dnn_cli.training.metrics")
Metric.registry = METRICS
