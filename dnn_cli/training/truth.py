"""What is true of some examples, whatever is predicted: which classes occur, which targets vary.

Some metrics have no value for some truths: an area under the curve needs rows of a class and rows
without it. Here is what may be lacking, in words; which of it a metric needs, the metric says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, final

import numpy as np

from dnn_cli.base.task import Task
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array

Lack: TypeAlias = Callable[[int], str]  # what one class, label or target lacks; "" for nothing

_SHOWN = 3  # lacks that a sentence lists
NOTHING = 2.0**-20  # of the largest value: what scaling in float32 may leave of 0


@final
class Truth:
    """The targets of one part of the data, summed up.

    Rows of no weight are as if they were not there.

    Shapes     targets (n,) class numbers, (n, k) labels or values; None where inputs are their own
    """

    def __init__(self, targets: Array | None, task: Task, weights: Array | None = None) -> None:
        self.task = task
        if targets is not None and weights is not None:
            targets = targets[weights > 0.0]
        self._rows = 0 if targets is None else len(targets)
        self._of: Array = np.zeros(task.count, dtype=np.int64)  # rows of each class or label
        self._constant: Array = np.ones(task.count, dtype=np.bool_)
        self._single = False
        self._least = self._largest = np.zeros(task.count)
        if targets is None or not self._rows:
            return
        if task.classifies:
            self._of = np.bincount(targets, minlength=task.count)
        elif task.kind == "multilabel":
            self._of = np.count_nonzero(targets > 0.5, axis=0)
        else:
            self._least, self._largest = targets.min(axis=0), targets.max(axis=0)
            self._constant = self._least == self._largest
            self._single = targets.dtype == np.float32  # which may have made different ones equal

    def absent(self, number: int) -> str:
        """That a class has no row, or that a label applies to none."""
        if self._of[number]:
            return ""
        return self._said("no row is of class {}", "label {} applies to no row", number)

    def one_sided(self, number: int) -> str:
        """That all rows or none are of a class, or that a label applies to all or none."""
        if self._rows and self._of[number] == self._rows:
            return self._said("every row is of class {}", "label {} applies to every row", number)
        return self.absent(number)

    def constant(self, number: int) -> str:
        """That a target has one value in all rows."""
        if not self._constant[number]:
            return ""
        said = "target {} is the same in every row" + (" in float32" if self._single else "")
        return self._said("", said, number)

    def negative(self, number: int) -> str:
        """That a value of a target is below 0, by more than rounding."""
        if self._least[number] >= -NOTHING * self._largest[number]:
            return ""
        return self._said("", "target {} is below 0 in some row", number)

    def not_positive(self, number: int) -> str:
        """That a value of a target is not above 0."""
        if self._least[number] > NOTHING * self._largest[number]:
            return ""
        return self._said("", "target {} is not above 0 in some row", number)

    def headline(self, lack: Lack, part: int | None) -> str:
        """What a metric lacks for `part`; without it for the positive of two classes, or for all.

        As `outcome.headline` takes its value.
        """
        if part is not None:
            return lack(part)
        return lack(1) if self.task.kind == "binary" else self.every(lack)

    def any_of(self, lack: Lack, part: int | None) -> str:
        """What a metric lacks for `part`; without it what the first lacks that lacks something."""
        parts = range(self.task.count) if part is None else [part]
        return next((said for number in parts if (said := lack(number))), "")

    def every(self, lack: Lack) -> str:
        """What all classes, labels or targets lack: a mean leaves out those that lack something."""
        found = [lack(number) for number in range(self.task.count)]
        if not all(found):
            return ""
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        return "; ".join(found[:_SHOWN]) + more

    def _said(self, of_class: str, of_others: str, number: int) -> str:
        name = self.task.labels[number] if self.task.labels else str(number)
        return (of_class if self.task.classifies else of_others).format(safe_text(name))
