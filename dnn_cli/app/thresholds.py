"""The threshold of a decision: asked for, or kept in the model file since its training."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

import numpy as np

from dnn_cli.app.models import Model
from dnn_cli.base.errors import CheckpointError, UsageError
from dnn_cli.base.task import Task
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.training.threshold import METRICS, decide_at

Threshold: TypeAlias = float | Literal["auto"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Thresholds chosen on the validation rows: of the positive class, or one for each label."""

    metric: str
    values: tuple[float, ...]


def decider(
    model: Model, threshold: Threshold | None, proba: bool
) -> Callable[[Array], Array] | None:
    """What makes decisions of the model's probabilities; None for the usual way.

    Raises:
        UsageError: nothing is decided between two, or the threshold is none.
        CheckpointError: the model's own threshold is damaged.
    """
    if threshold is None:
        return None
    task = model.task
    if task.kind not in ("binary", "multilabel"):
        raise UsageError(
            f"a threshold decides between two, and this is a {task.kind} model",
            fix="leave --threshold out",
        )
    if task.kind == "multilabel" and proba:
        raise UsageError(
            "with --proba the columns of a multilabel model are probabilities, and nothing is "
            "decided",
            fix="leave out --proba, or --threshold",
        )
    values = (threshold,) * (1 if task.kind == "binary" else task.count)
    if threshold == "auto":
        chosen = chosen_of(model.file.threshold, task)
        if chosen is None:
            raise UsageError(
                f"{safe_text(model.path)} has no threshold of its own",
                why="none was chosen when it was trained",
                fix="train with `evaluation: {threshold: f1}`, or give a number: --threshold 0.3",
            )
        values = chosen.values
    return partial(decide_at, task=task, thresholds=np.array(values, np.float32))


def chosen_of(stored: Mapping[str, Any], task: Task) -> Chosen | None:
    """The thresholds in a model file, which nobody vouches for; None if there are none.

    Raises:
        CheckpointError: they cannot be those of such a task.
    """
    if not stored:
        return None
    metric, values = stored.get("metric"), stored.get("values")
    count = {"binary": 1, "multilabel": task.count}.get(task.kind)
    if (
        set(stored) != {"metric", "values"}
        or not isinstance(metric, str)
        or metric not in METRICS
        or not isinstance(values, list)
        or len(values) != count
        or not all(type(value) in (int, float) for value in values)
        or not all(math.isfinite(value) and 0.0 <= value <= 1.0 for value in values)
    ):
        raise CheckpointError("the model's threshold is damaged: `threshold` cannot be so")
    return Chosen(metric, tuple(float(value) for value in values))
