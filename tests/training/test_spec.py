"""Training options: what is accepted, what is refused, and where the refusal points."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from dnn_cli.base.spec import SpecError
from dnn_cli.base.task import Task
from dnn_cli.training.spec import (
    CheckpointSpec,
    EarlyStoppingSpec,
    PenaltySpec,
    TrainingSpec,
    seconds_of,
)
from dnn_cli.training.truth import Truth

BINARY = Task("binary", 2, ("no", "yes"))
NUMBER = Task("regression", 1, ("price",))
BOTH, NONE = Truth(np.array([0, 1]), BINARY), Truth(np.array([0, 0]), BINARY)
VARIED, FLAT = (Truth(np.array([[1.0], [y]]), NUMBER) for y in (2.0, 1.0))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90.0),
        ("10m", 600.0),
        ("1h30m", 5400.0),
        ("1h1m1s", 3661.0),
        ("0.5h", 1800.0),
        ("1h90s", 3690.0),
        (90, 90.0),
        (0.5, 0.5),
    ],
)
def test_times(text: float | str, seconds: float) -> None:
    assert seconds_of(text) == seconds
    assert TrainingSpec(max_time=text).max_seconds == seconds


@pytest.mark.parametrize(
    "text", ["", "90", "m", "1:30", "30m1h", "1 h", "-5m", "1d", "10M", "1e3s", "0s", "nan", 0, -1]
)
def test_what_is_no_time(text: float | str) -> None:
    with pytest.raises(SpecError) as caught:
        TrainingSpec(max_time=text)
    assert caught.value.path == ("max_time",)


def test_defaults() -> None:
    spec = TrainingSpec()
    assert spec.max_seconds is None and spec.early_stopping is None and spec.threads == "auto"
    assert (spec.epochs, spec.batch_size) == (50, 32)
    assert spec.checkpoint == CheckpointSpec() and spec.penalty == PenaltySpec()
    assert spec.epoch_metrics(BINARY) == ("accuracy",)
    assert TrainingSpec(batch_size="full").batch_size == "full"


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"epochs": 0}, ("epochs",)),
        ({"batch_size": 0}, ("batch_size",)),
        ({"threads": 0}, ("threads",)),
        ({"monitor": "accuracy"}, ("monitor",)),
        ({"monitor": "test.accuracy"}, ("monitor",)),
        ({"monitor": "valid.acuracy"}, ("monitor",)),
        ({"metrics": ("f1", "acuracy")}, ("metrics", 1)),
        ({"metrics": ("valid.f1",)}, ("metrics", 0)),
        ({"metrics": ("loss",)}, ("metrics", 0)),
        ({"stop_when": {"loss": 0.1}}, ("stop_when", "loss")),
        ({"stop_when": {"train.loss": math.nan}}, ("stop_when", "train.loss")),
        (
            {"monitor": "valid.f1", "early_stopping": EarlyStoppingSpec(metric="valid.loss")},
            ("monitor",),
        ),
    ],
)
def test_what_is_refused(options: dict[str, Any], path: tuple[str | int, ...]) -> None:
    with pytest.raises(SpecError) as caught:
        TrainingSpec(**options)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (lambda: EarlyStoppingSpec(patience=0), "patience"),
        (lambda: EarlyStoppingSpec(min_delta=-0.1), "min_delta"),
        (lambda: EarlyStoppingSpec(metric="valid.lss"), "metric"),
        (lambda: CheckpointSpec(every_epochs=0), "every_epochs"),
        (lambda: CheckpointSpec(every_seconds=-1.0), "every_seconds"),
        (lambda: PenaltySpec(l1=-1.0), "l1"),
        (lambda: PenaltySpec(l2=-1.0), "l2"),
    ],
)
def test_nested_bounds(make: Any, path: str) -> None:
    with pytest.raises(SpecError) as caught:
        make()
    assert caught.value.path == (path,)


def test_missing_data_is_named_with_its_fix() -> None:
    with pytest.raises(SpecError, match="does not say of which data") as caught:
        TrainingSpec(monitor="accuracy")
    assert caught.value.fix == "write valid.accuracy or train.accuracy"


EARLY = EarlyStoppingSpec(metric="valid.f1.yes", patience=3, min_delta=0.5)


@pytest.mark.parametrize(
    ("spec", "has_valid", "metric", "mode", "patience"),
    [
        (TrainingSpec(), True, "valid.loss", "min", None),
        (TrainingSpec(), False, "train.loss", "min", None),
        (TrainingSpec(monitor="valid.auc"), True, "valid.auc", "max", None),
        (TrainingSpec(early_stopping=EarlyStoppingSpec(patience=4)), True, "valid.loss", "min", 4),
        (TrainingSpec(early_stopping=EARLY), True, "valid.f1.yes", "max", 3),
        (
            TrainingSpec(monitor="train.loss", early_stopping=EarlyStoppingSpec(mode="max")),
            True,
            "train.loss",
            "max",
            10,
        ),
    ],
)
def test_monitors(
    spec: TrainingSpec, has_valid: bool, metric: str, mode: str, patience: int | None
) -> None:
    monitor = spec.build_monitor(has_valid)
    assert spec.monitored(has_valid) == monitor.metric == metric
    assert (monitor.mode, monitor.patience) == (mode, patience)
    assert monitor.min_delta == (spec.early_stopping.min_delta if spec.early_stopping else 0.0)


def test_what_the_stops_depend_on_is_measured() -> None:
    spec = TrainingSpec(early_stopping=EARLY, stop_when={"train.loss": 0.1, "valid.auc": 0.9})
    assert spec.epoch_metrics(BINARY) == ("accuracy", "f1.yes", "auc")
    named = TrainingSpec(metrics=("auc",), monitor="valid.auc")
    assert named.epoch_metrics(BINARY) == ("auc",)


@pytest.mark.parametrize(
    ("spec", "has_valid", "path"),
    [
        (TrainingSpec(monitor="valid.loss"), False, ("monitor",)),
        (TrainingSpec(early_stopping=EARLY), False, ("early_stopping", "metric")),
        (TrainingSpec(stop_when={"valid.loss": 1.0}), False, ("stop_when", "valid.loss")),
        (TrainingSpec(monitor="train.r2"), True, ("monitor",)),
        (TrainingSpec(monitor="valid.f1.maybe"), True, ("monitor",)),
        (TrainingSpec(metrics=("accuracy", "r2")), True, ("metrics", 1)),
    ],
)
def test_the_task_and_the_data_must_fit(
    spec: TrainingSpec, has_valid: bool, path: tuple[str | int, ...]
) -> None:
    with pytest.raises(SpecError) as caught:
        spec.check_task(BINARY, has_valid)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("spec", "truths", "path", "said"),
    [
        (
            TrainingSpec(monitor="valid.auc"),
            {"train": BOTH, "valid": NONE},
            ("monitor",),
            "valid.auc has no value, whatever is learned: no row is of class yes",
        ),
        (TrainingSpec(monitor="train.auc"), {"train": NONE, "valid": BOTH}, ("monitor",), "train"),
        (
            TrainingSpec(early_stopping=EARLY),
            {"train": BOTH, "valid": NONE},
            ("early_stopping", "metric"),
            "valid.f1.yes has",
        ),
        (
            TrainingSpec(stop_when={"train.accuracy": 1.0, "valid.average_precision": 0.9}),
            {"train": BOTH, "valid": NONE},
            ("stop_when", "valid.average_precision"),
            "valid.average_precision has",
        ),
        (
            TrainingSpec(monitor="valid.r2"),
            {"train": VARIED, "valid": FLAT},
            ("monitor",),
            "target price is the same in every row",
        ),
    ],
)
def test_a_watched_metric_must_have_a_value(
    spec: TrainingSpec, truths: dict[str, Truth], path: tuple[str, ...], said: str
) -> None:
    with pytest.raises(SpecError, match=said) as caught:
        spec.check_defined(truths)
    assert caught.value.path == path
    assert ".loss, or other " in caught.value.fix


def test_other_metrics_without_a_value_are_no_fault_but_told() -> None:
    truths = {"train": BOTH, "valid": NONE, "test": NONE}
    spec = TrainingSpec(metrics=("auc",), monitor="valid.loss", stop_when={"valid.accuracy": 0.9})
    spec.check_defined(truths)
    why = "no row is of class yes"
    assert spec.undefined_metrics(BINARY, truths) == {"valid.auc": why, "test.auc": why}
    assert TrainingSpec().undefined_metrics(BINARY, truths) == {}
    told = TrainingSpec().undefined_metrics(NUMBER, {"train": VARIED, "valid": FLAT})
    assert told == {"valid.r2": "target price is the same in every row"}


def test_fitting_tasks_pass() -> None:
    TrainingSpec(early_stopping=EARLY, metrics=("auc",)).check_task(BINARY, True)
    TrainingSpec(stop_when={"train.loss": 1.0}).check_task(BINARY, False)
    TrainingSpec(monitor="train.accuracy").check_task(BINARY, False)
