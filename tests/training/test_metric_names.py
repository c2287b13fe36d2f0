"""Names of metrics: which exist, which suit a task, and which way is better."""

from __future__ import annotations

import numpy as np
import pytest

from dnn_cli.base.errors import UsageError
from dnn_cli.base.spec import SpecError
from dnn_cli.base.task import Task, TaskKind
from dnn_cli.nn.loss import LOSSES
from dnn_cli.training.gate import parse_condition
from dnn_cli.training.metric import METRICS
from dnn_cli.training.metric_names import _KNOWN_AS
from dnn_cli.training.metrics import (
    direction,
    find,
    full_metrics,
    meant_by,
    measure,
    quick_metrics,
    split_of,
)
from dnn_cli.training.spec import EarlyStoppingSpec, TrainingSpec

KINDS: tuple[TaskKind, ...] = ("binary", "multiclass", "multilabel", "regression", "reconstruction")
BINARY = Task("binary", 2, ("no", "yes"))
P = np.array([[0.2, 0.8], [0.4, 0.6], [0.9, 0.1]], dtype=np.float32)
Y = np.array([1, 0, 1])


@pytest.mark.parametrize("kind", KINDS)
def test_default_sets_suit_their_tasks(kind: TaskKind) -> None:
    for count in (2, 3, 6):
        task = Task(kind, count)
        for name in (*quick_metrics(task), *full_metrics(task)):
            assert find(name, task)[1] is None
        assert set(quick_metrics(task)) <= set(full_metrics(task))


@pytest.mark.parametrize(
    ("name", "task", "message", "fix"),
    [
        ("acuracy", BINARY, "unknown metric `acuracy`", "`accuracy`"),
        ("r2", BINARY, "r2 does not suit a binary task", "regression"),
        ("f1.ys", BINARY, "there is no `ys`", "`f1.yes`"),
        ("f1.", BINARY, "there is no ``", "no, yes"),
        ("accuracy.yes", BINARY, "no value for one class", "accuracy"),
        ("top_k_accuracy", BINARY, "does not suit", "multiclass"),
    ],
)
def test_names_that_do_not_exist(name: str, task: Task, message: str, fix: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        measure([name], P, Y, task)
    assert fix in caught.value.fix and caught.value.path == ()


def test_a_label_may_contain_a_dot() -> None:
    task = Task("binary", 2, ("a.b", "c"))
    assert measure(["recall.a.b"], P, Y, task) == {"recall.a.b": 0.0}


def test_direction_and_split_of_full_names() -> None:
    assert direction("loss") == direction("valid.loss") == direction("train.log_loss") == "min"
    assert direction("valid.f1.cat") == direction("test.r2") == "max"
    assert split_of("valid.f1.test.x") == ("valid", "f1.test.x")
    assert split_of("f1.valid") == ("", "f1.valid")
    with pytest.raises(SpecError, match="unknown metric `los`"):
        direction("valid.los")


def test_every_file_is_one_metric_of_its_name() -> None:
    for name, metric in METRICS.all().items():
        assert metric.__module__.endswith(f".metrics.{name}")
        assert metric.spec_name == name and metric.better in ("min", "max") and metric.tasks


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("val_loss", "valid.loss"), ("val_accuracy", "valid.accuracy"),
        ("val_acc", "valid.accuracy"),
        ("train_loss", "train.loss"), ("valid.mse", "valid.mean_squared_error"),
        ("valid.rmse", "valid.root_mean_squared_error"), ("val_mae", "valid.mean_absolute_error"),
        ("validation_loss", "valid.loss"), ("val_auc", "valid.auc"),
        ("acc", "valid.accuracy"), ("rmse", "valid.root_mean_squared_error"),
        ("roc_auc", "valid.auc"), ("valid.f1_score", "valid.f1"), ("eval_loss", "valid.loss"),
    ],
)  # fmt: skip
def test_names_of_other_tools_are_understood(name: str, meant: str) -> None:
    assert meant_by(name) in (meant, meant.removeprefix("valid."))
    for make in (
        lambda: TrainingSpec(monitor=name),
        lambda: EarlyStoppingSpec(metric=name),
        lambda: TrainingSpec(stop_when={name: 0.5}),
    ):
        with pytest.raises(SpecError, match="unknown metric") as caught:
            make()
        assert caught.value.fix == f"did you mean `{meant}`?"


@pytest.mark.parametrize(
    ("name", "meant"),
    [("acc", "accuracy"), ("val_acc", "accuracy"), ("rmse", "root_mean_squared_error")],
)  # fmt: skip
def test_where_data_are_not_named_the_metric_alone_is_meant(name: str, meant: str) -> None:
    with pytest.raises(SpecError) as caught:
        TrainingSpec(metrics=(name,))
    assert caught.value.fix == f"did you mean `{meant}`?"
    with pytest.raises(UsageError) as refused:
        parse_condition(f"{name}<0.5")
    assert refused.value.problems[0].fix == f"did you mean `{meant}`?"


def test_what_other_tools_are_known_to_say_exists_here() -> None:
    for name, metric in _KNOWN_AS.items():
        assert metric in METRICS.names() and name not in METRICS.names()


def test_a_mistyped_class_gets_its_nearest() -> None:
    task = Task("multiclass", 3, ("setosa", "versicolor", "virginica"))
    for label, fix in (("setossa", "did you mean `setosa`?"), ("x", "the classes are setosa, ")):
        with pytest.raises(SpecError) as caught:
            LOSSES.get("softmax_cross_entropy")(class_weights={label: 2.0}).build(task)
        assert caught.value.fix.startswith(fix)
        assert caught.value.path == ("class_weights", label)
