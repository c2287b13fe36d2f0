"""Names of metrics: which exist, which suit a task, and which way is better."""

from __future__ import annotations

import numpy as np
import pytest

from dnn_cli.base.errors import UsageError
from dnn_cli.base.spec import SpecError
from dnn_cli.base.task import Task, TaskKind
from dnn_cli.training.gate import parse_condition
from dnn_cli.training.metric import METRICS
from dnn_cli.training.metrics import (
    LOSS,
    bare_name,
    direction,
    find,
    full_metrics,
    full_name,
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


# What others call them, from their documentation: keras.metrics (in `monitor` with `val_` before
# it), logs of PyTorch Lightning and Hugging Face, sklearn.metrics.get_scorer_names(), torchmetrics.
OTHERS = {
    "valid.loss": "val_loss val/loss valid_loss validation_loss eval_loss val.loss VAL_LOSS",
    "train.loss": "train_loss train/loss training_loss training.loss",
    "valid.accuracy": (
        "acc val_acc val_accuracy accuracy_score valid.acc val_binary_accuracy eval_accuracy "
        "val_sparse_categorical_accuracy val_categorical_accuracy"
    ),
    "train.accuracy": "train_acc train_accuracy training/accuracy",
    "valid.mean_squared_error": "mse val_mse valid.mse neg_mean_squared_error",
    "train.mean_squared_error": "train.mse train_mse",
    "valid.root_mean_squared_error": (
        "rmse val_rmse valid.rmse neg_root_mean_squared_error val_root_mean_squared_error"
    ),
    "valid.mean_absolute_error": "mae val_mae valid.mae neg_mean_absolute_error",
    "valid.r2": "r2_score val_r2 R2 val_r2_score",
    "valid.auc": "roc_auc roc_auc_score auroc val_auc AUC val_AUROC",
    "valid.f1": "f1_score val_f1 F1 val_f1_score",
    "valid.precision": "precision_score val_precision",
    "valid.recall": "recall_score val_recall",
    "valid.average_precision": "average_precision_score val_average_precision pr_auc",
    "valid.balanced_accuracy": "balanced_accuracy_score",
    "valid.brier_score": "brier_score_loss neg_brier_score",
    "valid.log_loss": "neg_log_loss val_log_loss binary_crossentropy val_categorical_crossentropy",
    "valid.explained_variance": "explained_variance_score",
    "valid.top_k_accuracy": "top_k_accuracy_score val_top_k_categorical_accuracy",
    "valid.f1.cat": "val_f1_score.cat valid.f1_score.cat",
    "valid.recall.a.B": "val_recall.a.B",
}
PAIRS = [(name, ours) for ours, names in OTHERS.items() for name in names.split()]


@pytest.mark.parametrize(("name", "ours"), PAIRS)
def test_names_of_other_tools_are_understood(name: str, ours: str) -> None:
    assert full_name(name) == ours
    assert bare_name(name) == ours.partition(".")[2]


@pytest.mark.parametrize(("name", "ours"), PAIRS)
def test_they_are_refused_with_the_name_to_write(name: str, ours: str) -> None:
    for spec, path in (
        (lambda: TrainingSpec(monitor=name), ("monitor",)),
        (lambda: EarlyStoppingSpec(metric=name), ("metric",)),
        (lambda: TrainingSpec(stop_when={name: 0.5}), ("stop_when", name)),
    ):
        with pytest.raises(SpecError, match=r"unknown metric|of which data") as caught:
            spec()
        assert caught.value.path == path
        assert ours in caught.value.fix
    bare = ours.partition(".")[2]
    with pytest.raises(SpecError) as caught:
        TrainingSpec(metrics=(name,))
    assert caught.value.path == ("metrics", 0)
    assert caught.value.fix == "leave it out" if bare == LOSS else bare in caught.value.fix
    with pytest.raises(UsageError) as refused:
        parse_condition(f"{name} < 0.5")
    assert bare in refused.value.problems[0].fix


def test_the_name_to_write_is_accepted() -> None:
    for ours in OTHERS:
        assert TrainingSpec(monitor=ours).monitor == ours
        assert parse_condition(f"{ours.partition('.')[2]}<1")


def test_a_metric_without_its_data() -> None:
    with pytest.raises(SpecError, match="loss does not say of which data") as caught:
        TrainingSpec(monitor="loss")
    assert caught.value.fix == "write valid.loss or train.loss"
    with pytest.raises(SpecError, match=r"test\.loss is not measured in training") as caught:
        TrainingSpec(monitor="test.loss")
    assert caught.value.fix == "write valid.loss or train.loss"
    with pytest.raises(SpecError) as caught:
        TrainingSpec(monitor="test_acc")
    assert caught.value.fix == "did you mean `valid.accuracy`?"


@pytest.mark.parametrize("name", ["", "x", "val_", "val_xyzzy", "\x1b[31m", "val_\0", "İ_loss" * 9])
def test_names_that_mean_nothing(name: str) -> None:
    assert full_name(name) is None and bare_name(name) is None
    with pytest.raises(SpecError, match="unknown metric") as caught:
        TrainingSpec(monitor=name)
    assert "one of accuracy" in caught.value.fix and str(caught.value).isprintable()
