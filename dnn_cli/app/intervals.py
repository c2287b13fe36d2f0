"""Intervals and sets beside predictions, from the scores that a model file keeps.

Columns    numbers: `lower`, `upper`, of several targets `lower_<target>`, `upper_<target>`, in the
           order of the targets; classes: `set`, their labels joined by `|`, empty if none is in it
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dnn_cli.app.models import Model
from dnn_cli.base.errors import CheckpointError, UsageError
from dnn_cli.base.task import Task
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.runs.model_file import ModelFile
from dnn_cli.training.conformal import Scores, fits, quantile, serves, sets_of


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """What stands beside predictions: `q` is a number of classes (), of t targets (t,)."""

    task: Task
    q: Array

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        if self.task.classifies:
            return ["set"]
        if self.task.count == 1:
            return ["lower", "upper"]
        labels = self.task.labels or tuple(str(i) for i in range(self.task.count))
        return [f"{side}_{label}" for label in labels for side in ("lower", "upper")]

    def sets(self, predictions: Array) -> list[str]:
        """The set of each row, of probabilities (n, K)."""
        labels = self.task.labels
        within = sets_of(predictions, self.q)
        return ["|".join([labels[i] for i in np.flatnonzero(row).tolist()]) for row in within]

    def limits(self, predictions: Array) -> Sequence[Array]:
        """The limits (n,) of each target, of values (n, t): lower and upper in turn."""
        q = self.q.astype(predictions.dtype)
        both = np.stack([predictions - q, predictions + q], axis=-1)
        return list(both.reshape(len(predictions), -1).T)


def bounds_of(model: Model, level: float) -> Bounds:
    """The bounds of a `level` between 0 and 1.

    Raises:
        UsageError: the model has no scores, or too few for this level.
        CheckpointError: they are damaged.
    """
    return Bounds(model.task, quantile(scores_in(model), level))


def scores_in(model: Model) -> Scores:
    """The scores that the model file keeps.

    Raises:
        UsageError: it keeps none.
        CheckpointError: they are damaged.
    """
    shown = safe_text(model.path)
    if not serves(model.task):
        raise UsageError(
            f"{shown} is a {model.task.kind} model",
            why="an interval is of numbers, and a set of classes",
            fix="leave --interval out",
        )
    found = stored_scores(model.file, model.task)
    if found is None:
        raise UsageError(
            f"{shown} knows no intervals",
            why="they come from validation rows at the end of a training, and it had none, or an "
            "earlier version of dnn",
            fix="train with data.split.valid, and name the model file of the run, no checkpoint",
        )
    return found


def stored_scores(file: ModelFile, task: Task) -> Scores | None:
    """The scores in a model file, which nobody vouches for; None if there are none.

    Raises:
        CheckpointError: they cannot be those of such a task.
    """
    if file.scores is None:
        return None
    rows = file.intervals.get("rows")
    if type(rows) is not int or not fits(found := Scores(rows, file.scores), task):
        raise CheckpointError("the model's scores are damaged: `intervals` cannot be so")
    return found
