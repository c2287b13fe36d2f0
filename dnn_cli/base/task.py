"""What a network is asked to do, in numbers that both the engine and the data understand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

TaskKind: TypeAlias = Literal["binary", "multiclass", "multilabel", "regression", "reconstruction"]
TargetSign: TypeAlias = Literal["any", "not negative", "positive"]  # of numbers to predict


@dataclass(frozen=True, slots=True)
class Task:
    """The kind of task and how many things are to be predicted.

    `count` is the number of classes (binary: 2), of labels, of target columns, or of inputs to
    reconstruct. `labels` are the class or target names as the user wrote them, in the order of
    the network's outputs; empty for reconstruction. Where the loss asks for quantiles of each
    target, `quantiles` are their levels; `metric` is the one that the loss stands for, where it is
    not one of the task's usual ones.
    """

    kind: TaskKind
    count: int
    labels: tuple[str, ...] = ()
    quantiles: tuple[float, ...] = ()
    metric: str = ""

    @property
    def columns(self) -> int:
        """How many numbers a prediction is: a probability a class, or the quantiles of a target."""
        return self.count * max(1, len(self.quantiles))

    @property
    def classifies(self) -> bool:
        """Whether each example has exactly one class."""
        return self.kind in ("binary", "multiclass")

    @property
    def positive(self) -> str | None:
        """Of two classes the one that precision, recall and their kin speak of: class 1."""
        return self.labels[1] if self.kind == "binary" and self.labels else None


@dataclass(frozen=True, slots=True)
class TargetTotals:
    """The targets of the training part, summed up: `of` each class or label its rows.

    Of each number that is predicted `of` is the sum. With weights both are sums of weights.
    """

    rows: float
    of: tuple[float, ...]
