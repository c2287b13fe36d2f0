"""Intervals against explicit resamples, scipy's bootstrap, and how often they hold the truth."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sk

from dnn_cli.base.random import Purpose, stream
from dnn_cli.base.task import Task, TaskKind
from dnn_cli.training import bootstrap
from dnn_cli.training.bootstrap import intervals
from dnn_cli.training.metric import METRICS
from dnn_cli.training.metrics import full_metrics, measure
from dnn_cli.training.outcome import Outcome
from dnn_cli.training.resamples import Resamples

KINDS: dict[TaskKind, int] = {
    "binary": 2,
    "multiclass": 7,
    "multilabel": 3,
    "regression": 3,
    "reconstruction": 4,
}
BINARY = Task("binary", 2, ("no", "yes"))
LINE = Task("regression", 1, ("price",))


def case(kind: TaskKind, n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, Task]:
    """Predictions better than chance; scores of two digits tie."""
    rng = np.random.default_rng(seed)
    task = Task(kind, KINDS[kind])
    if task.classifies:
        y = rng.integers(0, task.count, n)
        z = rng.normal(size=(n, task.count)).round(1)
        z[np.arange(n), y] += 1.0
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        return p.astype(np.float32), y, task
    if kind == "multilabel":
        y = (rng.random((n, task.count)) < [0.5, 0.2, 0.05]).astype(np.float32)
        return ((rng.random((n, task.count)) + y) / 2).round(2).astype(np.float32), y, task
    y = rng.normal(1000.0, 3.0, size=(n, task.count))
    return (y + rng.normal(0.2, 1.0, size=y.shape)).astype(np.float32), y, task


def drawn(n: int, resamples: int) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of each resample, and how often each row is among them."""
    rows = np.random.default_rng(1).integers(0, n, (resamples, n))
    return rows, np.stack([np.bincount(one, minlength=n) for one in rows]).astype(np.float64)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 3, 40, 400])
def test_every_metric_of_resamples_is_that_of_their_rows(kind: TaskKind, n: int) -> None:
    p, y, task = case(kind, n)
    rows, times = drawn(n, 25)
    names = [name for name, metric in METRICS.all().items() if kind in metric.tasks]
    for name in names:
        found = METRICS.get(name)().resampled(Resamples(Outcome(p, y, task), times))
        if found is None:
            assert name == "calibration_error"
            continue
        wanted = [measure([name], p[one], y[one], task)[name] for one in rows]
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12, err_msg=name)


SCORES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": lambda y, p: sk.accuracy_score(y, p[:, 1] > 0.5),
    "balanced_accuracy": lambda y, p: sk.balanced_accuracy_score(y, p[:, 1] > 0.5),
    "precision": lambda y, p: sk.precision_score(y, p[:, 1] > 0.5),
    "recall": lambda y, p: sk.recall_score(y, p[:, 1] > 0.5),
    "f1": lambda y, p: sk.f1_score(y, p[:, 1] > 0.5),
    "auc": lambda y, p: sk.roc_auc_score(y, p[:, 1]),
    "average_precision": lambda y, p: sk.average_precision_score(y, p[:, 1]),
    "log_loss": lambda y, p: sk.log_loss(y, p[:, 1].astype(np.float64)),
    "brier_score": lambda y, p: sk.brier_score_loss(y, p[:, 1].astype(np.float64)),
}


@pytest.mark.parametrize("name", SCORES)
def test_scikit_learn_agrees_on_each_resample(name: str) -> None:
    p, y, task = case("binary", 300)
    rows, times = drawn(300, 40)
    found = METRICS.get(name)().resampled(Resamples(Outcome(p, y, task), times))
    wanted = [SCORES[name](y[one], p[one]) for one in rows]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_the_interval_is_that_of_explicit_resamples() -> None:
    """The same rows drawn from the same stream, scored one by one by scikit-learn."""
    n = 120
    p, y, task = case("binary", n)
    measured = measure(None, p, y, task)
    found = intervals(measured, p, y, task)
    assert set(found) == {*full_metrics(task)} - {"calibration_error"}
    rows = stream(0, Purpose.BOOTSTRAP).integers(0, n, (1000, n))
    for name in ("accuracy", "f1", "auc", "average_precision"):
        values = [SCORES[name](y[one], p[one]) for one in rows]
        assert found[name] == pytest.approx(np.quantile(values, [0.025, 0.975]), rel=1e-9), name


def test_scipy_finds_nearly_the_same() -> None:
    p, y, task = case("regression", 250)
    found = intervals(measure(None, p, y, task), p, y, task)
    errors = np.abs(p - y).mean(axis=1)
    squares = np.square(p - y).mean(axis=1)
    for name, terms, of in (
        ("mean_absolute_error", errors, np.mean),
        ("root_mean_squared_error", squares, lambda a, axis: np.sqrt(a.mean(axis=axis))),
    ):
        other = stats.bootstrap(
            (terms,), of, n_resamples=9999, method="percentile", rng=np.random.default_rng(3)
        ).confidence_interval
        width = other.high - other.low
        assert found[name] == pytest.approx(tuple(other), abs=0.06 * width), name


def test_nineteen_of_twenty_hold_the_truth() -> None:
    """The mean absolute error of errors whose true mean is known: 95 % of 400, give or take 3."""
    rng, held = np.random.default_rng(5), 0
    for _ in range(400):
        errors = rng.exponential(1.0, size=(200, 1))
        y = np.zeros_like(errors)
        low, high = intervals({"mean_absolute_error": errors.mean()}, errors, y, LINE)[
            "mean_absolute_error"
        ]
        held += low <= 1.0 <= high
    assert 0.915 <= held / 400 <= 0.975


def test_equal_predictions_have_equal_intervals() -> None:
    p, y, task = case("multiclass", 90)
    measured = measure(None, p, y, task)
    one, again = (intervals(measured, p, y, task) for _ in range(2))
    assert one == again and all(type(end) is float for pair in one.values() for end in pair)
    assert all(low < measured[name] < high for name, (low, high) in one.items())
    # What else is measured beside a metric changes nothing.
    alone = {"auc": measured["auc"]}
    assert intervals(alone, p, y, task) == {"auc": one["auc"]}


def test_many_rows_cost_no_more_and_say_nearly_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    p, y, task = case("binary", 16_281)
    measured = measure(None, p, y, task)
    began = time.process_time()
    whole = intervals(measured, p, y, task)
    assert time.process_time() - began < 6.0  # 0.9 s on a quiet core
    monkeypatch.setattr(bootstrap, "_ROWS", 4000)
    some = intervals(measured, p, y, task)
    for name, (low, high) in whole.items():
        assert some[name] == pytest.approx((low, high), abs=0.15 * (high - low)), name


def test_what_has_no_interval() -> None:
    p, y, task = case("binary", 50)
    measured = {"loss": 0.4, **measure(["accuracy", "f1.1", "auc"], p, y, task)}
    assert set(intervals(measured, p, y, task)) == {"accuracy", "auc"}
    nobody = y * 0
    measured = measure(["accuracy", "auc"], p, nobody, task)
    assert math.isnan(measured["auc"])
    assert set(intervals(measured, p, nobody, task)) == {"accuracy"}
    assert intervals(measure(None, p[:0], y[:0], task), p[:0], y[:0], task) == {}
    assert intervals({}, p, y, task) == {}


def test_a_rare_class_is_absent_from_some_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    p, y, task = case("binary", 60)
    y = (np.arange(60) == 7).astype(np.int64)
    measured = measure(["auc", "f1", "recall", "average_precision"], p, y, task)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = intervals(measured, p, y, task)
        assert set(found) == set(measured)
        assert all(0.0 <= low <= high <= 1.0 for low, high in found.values())
        monkeypatch.setattr(bootstrap, "_ROWS", 3)  # and from the few rows that stand for all
        assert "auc" not in intervals(measured, p, y, task)


def test_ranks_of_too_many_classes_have_none() -> None:
    n, classes = 600, 500
    p = np.random.default_rng(0).random((n, classes)).astype(np.float32)
    y, task = np.arange(n) % classes, Task("multiclass", classes)
    measured = measure(["accuracy", "auc"], p, y, task)
    assert set(intervals(measured, p, y, task)) == {"accuracy"}
