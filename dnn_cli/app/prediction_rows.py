"""The rows of a prediction: which columns, and what stands in them.

Columns    those that are passed through, exactly as they are written: text in every format
           `file`, where every row came from a file of its own
           classes: `prediction`, and with probabilities `p_<label>` for each class
           labels (multilabel): one 0/1 column a label, or its probability
           values: `prediction`, or one column a target; those that were scaled for training with
           as many digits as the network computes. After them, where there are quantiles, those
           of each target: `q_0.1`, or `q_0.1_<target>`
           intervals and sets after them, see `intervals`
Cost       a label 0.1 µs, a probability 0.4 (one core)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np

from dnn_cli.app.intervals import Bounds
from dnn_cli.app.shortest import shortest
from dnn_cli.base.task import Task
from dnn_cli.base.types import Array
from dnn_cli.training.outcome import decide, points

Labels: TypeAlias = tuple[str, ...] | tuple[int, ...]
Decide: TypeAlias = Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class Written:
    """The cells (n,) of a column: text, or numbers as they are written."""

    cells: Sequence[str]
    text: bool


class Rows:
    """Predictions turned into the values that are written; counts the rows that passed.

    `labels` are the classes as they are written; None: by the names that the task gives them.
    `decimals` are those of each value, where there is no more to say. `decided` makes decisions of
    probabilities; None: see `outcome.decide`.
    `guarded` counts the cells of CSV that were changed to be no formula. `beside` are columns
    passed through, of the rows at hand.
    """

    def __init__(
        self,
        task: Task,
        proba: bool,
        labels: Labels | None = None,
        decimals: tuple[int, ...] = (),
        decided: Decide | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        self.task, self.proba = task, proba
        self.labels = task.labels if labels is None else labels
        self.decimals = decimals
        self._decided = decided or partial(decide, task=task)
        self.bounds = bounds
        self.count = self.guarded = 0
        self.beside: Mapping[str, Sequence[str]] = {}

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return [*self.beside, *self.names]

    @property
    def names(self) -> list[str]:
        """Those of the predictions, and of what bounds them."""
        return [*self._names, *([] if self.bounds is None else self.bounds.names)]

    @property
    def _names(self) -> list[str]:
        task = self.task
        if task.classifies:
            return ["prediction", *([f"p_{c}" for c in task.labels] if self.proba else [])]
        names = task.labels or tuple(str(i) for i in range(task.count))
        if task.kind == "multilabel":
            return [f"p_{name}" if self.proba else name for name in names]
        ends = [""] if task.count == 1 else [f"_{name}" for name in names]
        quantiles = [f"q_{level!r}{end}" for end in ends for level in task.quantiles]
        return [*(f"prediction{end}" for end in ends), *quantiles]

    def written(self, predictions: Array) -> list[Written]:
        """The cells of all columns: numbers as the shortest text that reads back equal."""
        self.count += len(predictions)
        beside = [Written(cells, True) for cells in self.beside.values()]
        return [*beside, *self._written(predictions), *self._bounding(predictions)]

    def _bounding(self, predictions: Array) -> list[Written]:
        if self.bounds is None:
            return []
        if self.task.classifies:
            return [Written(self.bounds.sets(predictions), True)]
        limits = self.bounds.limits(predictions)
        if not self.decimals:
            return [Written(shortest(column), False) for column in limits]
        return [
            Written([repr(round(v, self.decimals[i // 2])) for v in column.tolist()], False)
            for i, column in enumerate(limits)
        ]

    def _written(self, predictions: Array) -> list[Written]:
        if self.task.classifies:
            text = [str(label) for label in self.labels]
            labels = [text[i] for i in self._decided(predictions).tolist()]
            shown = predictions.T if self.proba else ()
            first = Written(labels, isinstance(self.labels[0], str))
            return [first, *(Written(shortest(column), False) for column in shown)]
        if self.task.kind == "multilabel" and not self.proba:
            on = self._decided(predictions).astype(int).T.tolist()
            return [Written(list(map(str, column)), False) for column in on]
        predictions = self._values(predictions)
        if self.decimals:
            decimals = [*self.decimals, *np.repeat(self.decimals, len(self.task.quantiles))]
            both = zip(predictions.T.tolist(), decimals, strict=True)
            return [Written([repr(round(v, n)) for v in column], False) for column, n in both]
        return [Written(shortest(column), False) for column in predictions.T]

    def typed(self, predictions: Array) -> list[Sequence[str] | Array]:
        """The same for a format with types: lists of text, and arrays of numbers."""
        found = self._typed(predictions)
        if self.bounds is None:
            return found
        if self.task.classifies:
            return [*found, self.bounds.sets(predictions)]
        return [*found, *self.bounds.limits(predictions)]

    def _typed(self, predictions: Array) -> list[Sequence[str] | Array]:
        self.count += len(predictions)
        beside: list[Sequence[str] | Array] = list(self.beside.values())
        if self.task.classifies:
            decided = self._decided(predictions)
            if isinstance(self.labels[0], str):
                beside.append([str(self.labels[i]) for i in decided.tolist()])
            else:
                beside.append(np.array(self.labels, np.int64)[decided])
            return [*beside, *(predictions.T if self.proba else ())]
        if self.task.kind == "multilabel" and not self.proba:
            return [*beside, *self._decided(predictions).astype(np.uint8).T]
        return [*beside, *self._values(predictions).T]

    def _values(self, predictions: Array) -> Array:
        """Predictions with those of each target before its quantiles."""
        if not self.task.quantiles:
            return predictions
        return np.concatenate([points(predictions, self.task), predictions], axis=1)

    @property
    def none(self) -> Array:
        """The predictions of no rows."""
        return np.zeros((0, self.task.columns), np.float64 if self.decimals else np.float32)

    def array(self, predictions: Array) -> Array:
        """The same for npy: labels as text or int64, or probabilities, or values as computed."""
        self.count += len(predictions)
        if self.task.classifies and not self.proba:
            text = isinstance(self.labels[0], str)
            labels = np.array(self.labels, dtype=np.str_ if text else np.int64)
            return labels[self._decided(predictions)]
        if self.task.kind == "multilabel" and not self.proba:
            return self._decided(predictions).astype(np.uint8)
        return self._values(predictions)
