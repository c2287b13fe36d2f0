"""Why metrics are undefined: said wherever one is nan, and nowhere else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnn_cli.base.task import Task, TaskKind
from dnn_cli.training.metric import METRICS, Metric
from dnn_cli.training.metrics import measure, reasons, undefined
from dnn_cli.training.truth import Truth

KINDS: tuple[TaskKind, ...] = ("binary", "multiclass", "multilabel", "regression")


def names_of(task: Task) -> list[str]:
    """Every metric of a task, and every part of those that have parts."""
    suited = {name: one for name, one in METRICS.all().items() if task.kind in one.tasks}
    split = [name for name, one in suited.items() if one.parts is not Metric.parts]
    return [*suited, *(f"{name}.{label}" for name in split for label in task.labels)]


def targets_of(task: Task, rng: np.random.Generator, rows: int) -> np.ndarray:
    """Targets of which some classes, labels or differences may be missing."""
    kept = rng.permutation(task.count)[: rng.integers(1, task.count + 1)]
    if task.classifies:
        return rng.choice(kept, rows)
    if task.kind == "multilabel":
        applies = rng.integers(0, 3, task.count)  # to none, to all, to some
        some = rng.random((rows, task.count)) < 0.5
        return np.where(applies == 2, some, applies == 1).astype(np.float32)
    values = rng.normal(size=(rows, task.count)).astype(np.float32)
    values[:, kept] = values[0, kept]
    return values


def perfect(targets: np.ndarray, task: Task) -> np.ndarray:
    if task.classifies:
        return np.eye(task.count, dtype=np.float32)[targets]
    return targets.copy()


def guessed(task: Task, rng: np.random.Generator, rows: int) -> np.ndarray:
    p = rng.random((rows, task.count)).astype(np.float32)
    return p / p.sum(axis=1, keepdims=True) if task.classifies else p


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(KINDS), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_a_reason_is_given_where_there_is_no_value_and_only_there(kind, rows, seed):
    rng = np.random.default_rng(seed)
    count = 2 if kind == "binary" else 3
    task = Task(kind, count, tuple("abc"[:count]))
    targets, names = targets_of(task, rng, rows), names_of(task)
    truth = Truth(targets, task)
    best = measure(names, perfect(targets, task), targets, task)
    for name in names:
        assert bool(undefined(name, truth)) == math.isnan(best[name]), name
    # Of other predictions some are 0 where nothing can be right; where one is nan, that is why.
    found = measure(names, guessed(task, rng, rows), targets, task)
    told = reasons(found, targets, task)
    assert set(told) == {name for name, value in found.items() if math.isnan(value)}
    assert all(told.values())


BINARY = Task("binary", 2, ("ok", "fr\x1baud"))
THREE = Task("multiclass", 3, ("ant", "bee", "cat"))
LABELS = Task("multilabel", 2, ("wet", "cold"))
PRICES = Task("regression", 2, ("low", "high"))
FIVE = Task("multilabel", 5, tuple("abcde"))


@pytest.mark.parametrize(
    ("name", "targets", "task", "why"),
    [
        ("auc", [0, 0], BINARY, r"no row is of class fr\x1baud"),
        ("auc", [1, 1], BINARY, r"every row is of class fr\x1baud"),
        ("auc.ok", [1, 1], BINARY, "no row is of class ok"),
        ("auc", [0, 1], BINARY, ""),
        ("average_precision", [0, 0], BINARY, r"no row is of class fr\x1baud"),
        ("average_precision", [1, 1], BINARY, ""),
        ("recall", [0, 0], BINARY, r"no row is of class fr\x1baud"),
        ("recall_macro", [0, 0], BINARY, ""),
        ("auc", [1, 1], THREE, "no row is of class ant; every row is of class bee; "
                               "no row is of class cat"),
        ("auc", [1, 0], THREE, ""),
        ("f1.cat", [1, 0], THREE, "no row is of class cat"),
        ("auc.wet", [[1, 0], [1, 1]], LABELS, "label wet applies to every row"),
        ("f1.wet", [[0, 0], [0, 1]], LABELS, "label wet applies to no row"),
        ("f1_micro", [[0, 0]] * 2, LABELS, "label wet applies to no row; "
                                           "label cold applies to no row"),
        ("f1", [[0] * 5] * 2, FIVE, "label a applies to no row; label b applies to no row; "
                                    "label c applies to no row and 2 more"),
        ("r2.high", [[1, 7], [2, 7]], PRICES, "target high is the same in every row in float32"),
        ("r2", [[1, 7], [2, 7]], PRICES, ""),
        ("explained_variance", [[1, 7], [1, 7]], PRICES,
         "target low is the same in every row in float32; "
         "target high is the same in every row in float32"),
        ("accuracy", [0, 0], BINARY, ""),
        ("loss", [0, 0], BINARY, ""),
    ],
)  # fmt: skip
def test_reasons(name: str, targets: list, task: Task, why: str) -> None:
    raw = np.array(targets, dtype=np.int64 if task.classifies else np.float32)
    assert undefined(name, Truth(raw, task)) == why


def test_of_no_rows_there_is_nothing_to_say() -> None:
    none = np.zeros(0, dtype=np.int64)
    assert reasons({"auc": math.nan}, none, BINARY) == {"auc": "there are no rows"}
    image = Task("reconstruction", 4)
    assert undefined("root_mean_squared_error", Truth(None, image)) == ""
