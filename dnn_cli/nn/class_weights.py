"""Factors on the losses of classes, as a configuration says them, and as arrays.

Formula    balanced: w_c = n / (K n_c), with n training rows, n_c of them of class c: all classes
           then count the same altogether, and a row counts 1 on average
Absent     a class without training rows has 1
Source     King, Zeng, "Logistic regression in rare events data", Political Analysis 9 (2001); the
           formula is scikit-learn's
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import numpy as np

from dnn_cli.base.spec import SpecError, require
from dnn_cli.base.task import TargetTotals, Task
from dnn_cli.base.text import did_you_mean, safe_text
from dnn_cli.base.types import Array

BALANCED = "balanced"
ClassWeights: TypeAlias = dict[str, float] | Literal["balanced"]


def balanced_weights(task: Task, totals: TargetTotals) -> dict[str, float]:
    """The factor of each class of `task`."""
    each = totals.rows / task.count
    pairs = zip(task.labels, totals.of, strict=True)
    return {label: each / rows if rows else 1.0 for label, rows in pairs}


def balanced_positives(totals: TargetTotals) -> list[float]:
    """For each label the rows without it over those with it."""
    return [(totals.rows - rows) / rows if 0 < rows < totals.rows else 1.0 for rows in totals.of]


def factors_of(given: Mapping[str, float] | str | None, task: Task, option: str) -> Array | None:
    """The factors in the order of the labels, float64; 1 for those not named. None: all are 1.

    Raises:
        SpecError: a name is no label, or `balanced` has not become figures.
    """
    require(given != BALANCED, "`balanced` needs the training part", option)
    if not given or isinstance(given, str):
        return None
    for label in given:
        if label not in task.labels:
            noun = "class" if task.classifies else "label"
            raise SpecError(
                f"there is no {noun} `{safe_text(label)}`",
                (option, label),
                fix=did_you_mean(label, task.labels),
            )
    return np.array([given.get(label, 1.0) for label in task.labels])
