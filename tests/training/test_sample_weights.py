"""Weights of examples: as scikit-learn's sample_weight, and as rows that are there so often."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from dnn_cli.base.task import Task, TaskKind
from dnn_cli.data.batches import Batches
from dnn_cli.data.dataset import Dataset
from dnn_cli.data.scaling import Scaling
from dnn_cli.nn.layer import LAYERS, LayerSpec
from dnn_cli.nn.loss import LOSSES, Loss, loss_scratch, weighted_value_and_grad
from dnn_cli.nn.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from dnn_cli.nn.member_loss import fit_to
from dnn_cli.nn.model import build_network
from dnn_cli.training.baselines import constant, linear
from dnn_cli.training.bootstrap import intervals
from dnn_cli.training.class_report import report
from dnn_cli.training.comparison import Comparison
from dnn_cli.training.evaluation import Evaluator
from dnn_cli.training.metric import METRICS, Metric
from dnn_cli.training.metrics import measure, reasons
from dnn_cli.training.threshold import best_thresholds

TASKS: dict[TaskKind, Task] = {
    "binary": Task("binary", 2, ("no", "yes")),
    "multiclass": Task("multiclass", 7, tuple("abcdefg")),
    "multilabel": Task("multilabel", 3, tuple("abc")),
    "regression": Task("regression", 2, ("a", "b")),
    "reconstruction": Task("reconstruction", 4),
}


def outcome(kind: TaskKind, n: int = 80) -> tuple[np.ndarray, np.ndarray, Task, np.ndarray]:
    """Predictions, targets and whole weights, 0 among them."""
    rng, task = np.random.Generator(np.random.Philox(7)), TASKS[kind]
    weights = rng.integers(0, 5, n).astype(np.float64)
    if task.classifies:
        p = rng.dirichlet(np.ones(task.count), n).round(1) + 0.01  # ties
        p = (p / p.sum(axis=1, keepdims=True)).astype(np.float32)
        return p, rng.integers(0, task.count, n), task, weights
    if kind == "multilabel":
        y = (rng.random((n, 3)) < 0.4).astype(np.float32)
        return (rng.integers(0, 9, (n, 3)) / 8).astype(np.float32), y, task, weights
    y = rng.gamma(2.0, size=(n, task.count)) + 0.1
    return (y * rng.gamma(9.0, 1 / 9, y.shape)).astype(np.float32), y, task, weights


@pytest.mark.parametrize("kind", TASKS)
def test_whole_weights_are_rows_that_are_there_so_often(kind: TaskKind) -> None:
    p, y, task, weights = outcome(kind)
    names = [name for name, metric in METRICS.all().items() if kind in metric.tasks]
    labels = task.labels or tuple(map(str, range(task.count)))
    names += [
        f"{name}.{label}"
        for name in list(names)
        if METRICS.get(name)().parts.__func__ is not Metric.parts
        for label in labels
    ]
    often = weights.astype(int)
    repeated = measure(names, np.repeat(p, often, axis=0), np.repeat(y, often, axis=0), task)
    found = measure(names, p, y, task, weights)
    assert found == pytest.approx(repeated, rel=1e-10, abs=1e-12, nan_ok=True)
    scaled = measure(names, p, y, task, weights / weights.mean())
    assert scaled == pytest.approx(repeated, rel=1e-10, abs=1e-12, nan_ok=True)
    plain = measure(names, p, y, task)
    alike = measure(names, p, y, task, np.ones(len(y)))
    assert alike == pytest.approx(plain, rel=1e-10, abs=1e-12, nan_ok=True)
    assert sum(found[name] != pytest.approx(plain[name]) for name in names) > len(names) / 2


def test_binary_metrics_are_scikit_learns() -> None:
    p, y, task, _ = outcome("binary")
    w = np.random.default_rng(1).gamma(1.0, size=len(y))
    decided, s, wide = p.argmax(axis=1), p[:, 1], p.astype(np.float64)
    expected: dict[str, Any] = {
        "accuracy": sk.accuracy_score(y, decided, sample_weight=w),
        "balanced_accuracy": sk.balanced_accuracy_score(y, decided, sample_weight=w),
        "precision": sk.precision_score(y, decided, sample_weight=w),
        "recall": sk.recall_score(y, decided, sample_weight=w),
        "f1": sk.f1_score(y, decided, sample_weight=w),
        "f1_macro": sk.f1_score(y, decided, average="macro", sample_weight=w),
        "precision_micro": sk.precision_score(y, decided, average="micro", sample_weight=w),
        "auc": sk.roc_auc_score(y, s, sample_weight=w),
        "average_precision": sk.average_precision_score(y, s, sample_weight=w),
        "log_loss": sk.log_loss(y, wide / wide.sum(axis=1, keepdims=True), sample_weight=w),
        "brier_score": sk.brier_score_loss(y, s.astype(float), sample_weight=w),
    }
    found = measure(list(expected), p, y, task, w)
    assert found == pytest.approx(expected, rel=1e-6)


def test_metrics_of_numbers_are_scikit_learns() -> None:
    p, y, task, _ = outcome("regression")
    w = np.random.default_rng(1).gamma(1.0, size=len(y))
    wide = p.astype(np.float64)
    square = sk.mean_squared_error(y, wide, sample_weight=w)
    expected: dict[str, Any] = {
        "mean_squared_error": square,
        "root_mean_squared_error": np.sqrt(square),
        "mean_absolute_error": sk.mean_absolute_error(y, wide, sample_weight=w),
        "r2": sk.r2_score(y, wide, sample_weight=w),
        "explained_variance": sk.explained_variance_score(y, wide, sample_weight=w),
        "pinball_loss": sk.mean_pinball_loss(y, wide, sample_weight=w),
        "r2.b": sk.r2_score(y[:, 1], wide[:, 1], sample_weight=w),
        "mean_gamma_deviance.b": sk.mean_gamma_deviance(y[:, 1], wide[:, 1], sample_weight=w),
        "mean_poisson_deviance.a": sk.mean_poisson_deviance(y[:, 0], wide[:, 0], sample_weight=w),
        "mean_tweedie_deviance.a": sk.mean_tweedie_deviance(
            y[:, 0], wide[:, 0], sample_weight=w, power=1.5
        ),
    }
    found = measure(list(expected), p, y, task, w)
    assert found == pytest.approx(expected, rel=1e-9)


def test_rows_of_no_weight_are_not_there() -> None:
    p, y, task, _ = outcome("binary")
    w = (y == 0).astype(np.float64)
    found = measure(["auc", "accuracy"], p, y, task, w)
    assert np.isnan(found["auc"])
    assert reasons(found, y, task, w) == {"auc": "no row is of class yes"}
    p, y, line, _ = outcome("regression")
    one = np.zeros(len(y))
    one[3] = 2.0
    found = measure(["r2"], p, y, line, one)
    assert np.isnan(found["r2"]) and reasons(found, y, line, one)["r2"]


@pytest.mark.parametrize("k", [0, 3, 6])  # members; 6 of 6 examples: no axis may be the other
@pytest.mark.parametrize("name", LOSSES.names())
def test_whole_weights_are_repeated_examples_of_every_loss(name: str, k: int) -> None:
    rng, n = np.random.default_rng(3), 6
    spec, often = LOSSES.get(name)(), np.array([2, 0, 1, 3, 1, 5])
    numbers = "regression" if name in NUMBERS else "multiclass"
    task = (
        Task("multilabel", 3, tuple("abc")) if name == "sigmoid_cross_entropy" else TASKS[numbers]
    )
    width = spec.width(task)
    shape = (k, width) if k else (width,)
    loss: Loss = fit_to(spec.build(task), shape)
    z = rng.normal(size=(n, *shape))
    target = rng.integers(0, task.count, n) if task.classifies else rng.random((n, task.count))
    dz, weights = np.full_like(z, np.nan), often / often.mean()
    scratch = loss_scratch(loss, n, np.float64)
    value = weighted_value_and_grad(loss, z, target, weights, dz, scratch)
    rows = np.repeat(np.arange(n), often)
    each = np.full((len(rows), *shape), np.nan)
    scratch = loss_scratch(loss, len(rows), np.float64)
    expected = loss.value_and_grad(z[rows], target[rows], each, scratch)
    assert value == pytest.approx(expected, rel=1e-12)
    summed = np.zeros_like(z)
    np.add.at(summed, rows, each)
    np.testing.assert_allclose(dz, summed, rtol=1e-11, atol=1e-15)


NUMBERS = {
    *("mean_squared_error", "mean_absolute_error", "huber"),
    *("quantile", "poisson", "gamma", "tweedie"),
}


def data(n: int, weights: np.ndarray | None = None, seed: int = 0) -> Dataset:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4)).astype(np.float32)
    y = (x[:, 0] + rng.logistic(size=n) > 1.0).astype(np.int64)
    return Dataset(x, y, Scaling("none"), TASKS["binary"], weights=weights)


def repeated(one: Dataset, often: np.ndarray) -> Dataset:
    return Dataset(
        np.repeat(one.inputs, often, axis=0),
        np.repeat(one.targets, often),
        Scaling("none"),
        one.task,
    )


def test_the_evaluator_weighs_the_loss_of_the_members_prediction() -> None:
    often = np.random.default_rng(2).integers(0, 4, 40)
    layers: list[LayerSpec] = [
        LAYERS.get("member_scale")(members=5),
        LAYERS.get("member_dense")(units=2),
    ]
    network = build_network(layers, (4,))
    network.arena.initialize(3)
    loss = fit_to(SoftmaxCrossEntropy(2), network.out_shape)
    evaluator = Evaluator(network, loss, TASKS["binary"])
    weighted = data(40, often / often.mean())
    value, p, _ = evaluator.run(weighted)
    assert p.shape == (40, 2)
    expected, _, _ = evaluator.run(repeated(weighted, often))
    assert value == pytest.approx(expected, rel=1e-6)


def test_totals_and_constants_of_weighted_rows() -> None:
    often = np.random.default_rng(2).integers(0, 4, 300)
    one = data(300, often / often.mean())
    many = repeated(one, often)
    scale = many.rows / one.totals().rows
    assert one.totals().rows == pytest.approx(300)
    np.testing.assert_allclose(np.array(one.totals().of) * scale, many.totals().of)
    task = one.task
    np.testing.assert_allclose(constant(one, task, 0), constant(many, task, 0))
    y = np.random.default_rng(4).gamma(1.0, size=(300, 2))
    for answered in (TASKS["regression"], Task("regression", 2, ("a", "b"), (0.1, 0.7))):
        line = Dataset(one.inputs, y, Scaling("none"), TASKS["regression"], weights=one.weights)
        rows = line.take(np.repeat(np.arange(300), often))
        rows.weights = None
        np.testing.assert_allclose(constant(line, answered, 0), constant(rows, answered, 0))


def test_the_linear_model_is_a_weighted_one() -> None:
    rng = np.random.default_rng(6)
    w = rng.gamma(0.5, size=3000)
    one = data(3000, w / w.mean())
    one.targets[rng.random(3000) < 0.3 * (w < 0.3)] = 1  # rows of little weight are of another kind
    found = linear(one, one, LOSSES.get("sigmoid_cross_entropy")(), (), 0, 200_000)
    other = LogisticRegression(C=1e6).fit(one.inputs, one.targets, sample_weight=w)
    plain = LogisticRegression(C=1e6).fit(one.inputs, one.targets)
    expected = other.predict_proba(one.inputs)
    assert found is not None
    near = np.abs(found - expected).mean()
    assert near < 0.25 * np.abs(plain.predict_proba(one.inputs) - expected).mean()


def test_batches_bring_the_weights_of_their_examples() -> None:
    w = np.arange(20) / 9.5
    one = data(20, w)
    one.inputs[:, 0] = w
    for size in (6, "full"):
        batches = Batches(one, size, 5)
        for epoch in (0, 1):
            for index in range(batches.steps):
                x, _ = one.buffers(batches.rows(index))
                batches.fill(epoch, index, x, None)
                found = batches.weights(epoch, index, 0, len(x))
                np.testing.assert_array_equal(x[:, 0], found.astype(np.float32))
    assert Batches(data(20), 6, 5).weights(0, 0, 0, 6) is None


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "f1"])
@pytest.mark.parametrize("kind", ["binary", "multilabel"])
def test_thresholds_of_weighted_rows(metric: Any, kind: TaskKind) -> None:
    p, y, task, weights = outcome(kind)
    often = weights.astype(int)
    expected = best_thresholds(
        metric, np.repeat(p, often, axis=0), np.repeat(y, often, axis=0), task
    )
    assert best_thresholds(metric, p, y, task, weights) == expected


def test_intervals_of_weighted_rows_are_wider_where_few_rows_carry_the_weight() -> None:
    p, y, task, _ = outcome("regression", 400)
    names = ["mean_absolute_error", "r2"]

    def width(w: np.ndarray | None) -> list[float]:
        measured = measure(names, p, y, task, w)
        found = intervals(measured, p, y, task, w)
        assert all(low <= measured[name] <= high for name, (low, high) in found.items())
        return [high - low for low, high in found.values()]

    same = width(None)
    assert width(np.ones(400)) == pytest.approx(same, rel=1e-9)
    few = np.where(np.arange(400) % 8 == 0, 1.0, 0.0)
    wider = width(few)[0] / same[0]
    assert 2.0 < wider < 4.0  # 50 rows instead of 400: the square root of 8
    assert set(intervals({"auc": 0.5}, *outcome("binary")[:3], np.ones(80))) == {"auc"}


def test_a_report_counts_rows_and_weighs_scores() -> None:
    p, y, task, weights = outcome("binary")
    found = report(p, y, task, weights)
    assert found["support"] == report(p, y, task)["support"]
    assert found["f1"]["no"] == measure(["f1.no"], p, y, task, weights)["f1.no"]


def test_the_warning_says_the_weighted_share() -> None:
    task, y = TASKS["binary"], np.array([0, 0, 0, 1])
    same = {"accuracy": 0.5}
    one = Comparison(task, "test", np.array([0.5, 0.5]), same, same, None)
    p = np.tile(np.array([[0.9, 0.1]], np.float32), (4, 1))
    text = one.warning(p, y, "accuracy", "", np.array([1.0, 1.0, 1.0, 3.0]))
    assert "0.5000 is the share of 'no'" in text
