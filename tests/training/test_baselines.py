"""Baselines against scikit-learn's dummies and linear models, and their bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
)
from sklearn.metrics import accuracy_score, mean_pinball_loss, r2_score, roc_auc_score

from dnn_cli.base.task import Task
from dnn_cli.data.dataset import Dataset
from dnn_cli.data.scaling import Scaling
from dnn_cli.data.target_scaling import fit_target_scaling
from dnn_cli.nn.layer import LayerSpec
from dnn_cli.nn.layers.dense import DenseSpec
from dnn_cli.nn.layers.table import TableSpec
from dnn_cli.nn.loss import LOSSES, default_loss
from dnn_cli.nn.losses.mean_squared_error import MeanSquaredErrorSpec
from dnn_cli.training import baselines
from dnn_cli.training.baselines import constant, linear, sample
from dnn_cli.training.metrics import measure

BINARY = Task("binary", 2, ("no", "yes"))
HIDDEN: tuple[LayerSpec, ...] = (DenseSpec(units=64), DenseSpec(units=1))


def dataset(x: Any, y: np.ndarray | None, task: Task, scaled: bool = False) -> Dataset:
    if task.kind == "regression" and y is not None and scaled:
        scaling = fit_target_scaling("standard", y)
        return Dataset(x.astype(np.float32), scaling.scaled(y), Scaling("none"), task, scaling)
    return Dataset(np.asarray(x), y, Scaling("none"), task)


def rows(n: int, inputs: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, inputs)).astype(np.float32)


def classes(x: np.ndarray, many: int, seed: int = 1) -> np.ndarray:
    """Classes that a linear model tells apart as well as noise lets it."""
    rng = np.random.default_rng(seed)
    z = x @ rng.normal(size=(x.shape[1], many)) + rng.gumbel(size=(len(x), many))
    return z.argmax(axis=1)


def test_the_constant_of_classes_is_their_frequencies() -> None:
    x, y = rows(500, 2), np.random.default_rng(0).choice(3, 500, p=[0.2, 0.7, 0.1])
    task = Task("multiclass", 3)
    answer = constant(dataset(x, y, task), task, 0)
    dummy = DummyClassifier(strategy="prior").fit(x, y)
    np.testing.assert_allclose(answer, dummy.predict_proba(x[:1])[0], rtol=1e-12)
    same = np.broadcast_to(answer, (500, 3))
    assert measure(["accuracy"], same, y, task)["accuracy"] == dummy.score(x, y)
    assert measure(["auc"], same, y, task)["auc"] == 0.5


def test_the_constant_of_numbers_is_their_mean_in_their_units() -> None:
    x, y = rows(300, 2), rows(300, 2, 1).astype(np.float64) * [1e5, 1e-3] + [7e5, 3.0]
    task = Task("regression", 2, ("a", "b"))
    answer = constant(dataset(x, y, task, scaled=True), task, 0)
    np.testing.assert_allclose(answer, DummyRegressor().fit(x, y).predict(x[:1])[0], rtol=1e-6)


def test_the_constant_of_labels_and_of_inputs() -> None:
    y = (np.random.default_rng(0).random((400, 3)) < [0.9, 0.5, 0.1]).astype(np.float32)
    found = constant(dataset(rows(400, 1), y, Task("multilabel", 3)), Task("multilabel", 3), 0)
    np.testing.assert_allclose(found, y.mean(axis=0), rtol=1e-6)
    images = np.random.default_rng(0).integers(0, 255, (1500, 4, 4, 1)).astype(np.uint8)
    found = constant(
        dataset(images, None, Task("reconstruction", 16)), Task("reconstruction", 16), 0
    )
    np.testing.assert_allclose(found, images.reshape(1500, 16).mean(axis=0), rtol=1e-6)


@pytest.mark.parametrize("many", [2, 5])
def test_the_linear_model_of_classes_is_as_good_as_scikit_learns(many: int) -> None:
    x = rows(3000, 8)
    y, task = classes(x, many), Task("binary" if many == 2 else "multiclass", many)
    train, test = dataset(x[:2000], y[:2000], task), dataset(x[2000:], y[2000:], task)
    found = linear(train, test, MeanSquaredErrorSpec(), HIDDEN, 0, 100_000)
    assert found is not None and found.shape == (1000, many)
    other = LogisticRegression().fit(x[:2000], y[:2000])
    right = accuracy_score(y[2000:], found.argmax(axis=1))
    assert right == pytest.approx(other.score(x[2000:], y[2000:]), abs=0.01)
    np.testing.assert_allclose(found, other.predict_proba(x[2000:]), atol=0.06)
    again = linear(train, test, MeanSquaredErrorSpec(), HIDDEN, 0, 100_000)
    np.testing.assert_array_equal(found, again)


def test_the_linear_model_of_numbers_is_least_squares() -> None:
    rng, x = np.random.default_rng(2), rows(1200, 4)
    y = x @ rng.normal(size=(4, 2)) * 1e4 + rng.normal(size=(1200, 2)) * 3e3 + 5e5
    task = Task("regression", 2, ("a", "b"))
    whole = dataset(x, y, task, scaled=True)
    train, test = whole.take(np.arange(900)), whole.take(np.arange(900, 1200))
    found = linear(train, test, MeanSquaredErrorSpec(), HIDDEN, 0, 0)
    other = LinearRegression().fit(x[:900], y[:900]).predict(x[900:])
    assert found is not None
    assert r2_score(y[900:], found) == pytest.approx(r2_score(y[900:], other), abs=0.005)


def test_the_linear_model_expands_categories_as_the_network_does() -> None:
    rng = np.random.default_rng(3)
    codes = np.stack([rng.integers(1, 6, 3000), rng.integers(1, 31, 3000)], axis=1)
    effect = [rng.normal(size=6), rng.normal(size=31) * 2]
    z = effect[0][codes[:, 0]] + effect[1][codes[:, 1]]
    y = (z + rng.logistic(size=3000) > 0).astype(np.int64)
    x = codes.astype(np.float32)
    table = TableSpec(levels=(5, 30))
    train, test = dataset(x[:2000], y[:2000], BINARY), dataset(x[2000:], y[2000:], BINARY)
    found = linear(train, test, MeanSquaredErrorSpec(), (table, *HIDDEN), 0, 100_000)
    assert found is not None
    onehot = np.concatenate([np.eye(6)[codes[:, 0]], np.eye(31)[codes[:, 1]]], axis=1)
    other = LogisticRegression().fit(onehot[:2000], y[:2000]).predict_proba(onehot[2000:])
    best = roc_auc_score(y[2000:], other[:, 1])
    assert roc_auc_score(y[2000:], found[:, 1]) == pytest.approx(best, abs=0.02)
    without = linear(train, test, MeanSquaredErrorSpec(), HIDDEN, 0, 100_000)
    assert without is not None and roc_auc_score(y[2000:], without[:, 1]) < best - 0.1


def test_the_constant_of_quantiles_is_the_quantiles() -> None:
    x, y = rows(301, 2), np.random.default_rng(1).gamma(2.0, size=(301, 2)) * [1.0, 1e4]
    task = LOSSES.get("quantile")(quantiles=(0.1, 0.5)).answered(Task("regression", 2, ("a", "b")))
    answer = constant(dataset(x, y, task, scaled=True), task, 0)
    expected = [np.sort(y[:, j])[k] for j in (0, 1) for k in (30, 150)]  # the 31st and 151st of 301
    np.testing.assert_allclose(answer, expected, rtol=1e-6)


def test_the_linear_model_of_quantiles_is_a_quantile_regression() -> None:
    rng, x = np.random.default_rng(2), rows(2000, 3)
    y = x @ rng.normal(size=(3, 1)) + rng.exponential(size=(2000, 1)) * 10.0
    loss, line = LOSSES.get("quantile")(quantiles=(0.2, 0.9)), Task("regression", 1, ("y",))
    data = dataset(x, y, line, scaled=True)
    found = linear(data, data, loss, HIDDEN, 0, 0)
    assert found is not None and found.shape == (2000, 2)
    for column, level in zip(found.T, (0.2, 0.9), strict=True):
        other = QuantileRegressor(quantile=level, alpha=0.0).fit(x, y[:, 0]).predict(x)
        best = mean_pinball_loss(y[:, 0], other, alpha=level)
        assert mean_pinball_loss(y[:, 0], column, alpha=level) == pytest.approx(best, rel=0.01)


def test_the_linear_model_of_counts_is_a_poisson_regression() -> None:
    rng, x = np.random.default_rng(2), rows(3000, 3)
    y = rng.poisson(np.exp(x @ [0.5, -0.3, 0.0] + 3.0)).astype(np.float64)[:, None]
    line = Task("regression", 1, ("y",))
    scaling = fit_target_scaling("mean", y)
    data = Dataset(x, scaling.scaled(y), Scaling("none"), line, scaling)
    found = linear(data, data, LOSSES.get("poisson")(), HIDDEN, 0, 0)
    other = PoissonRegressor(alpha=0.0).fit(x, y[:, 0]).predict(x)
    assert found is not None
    np.testing.assert_allclose(found[:, 0], other, rtol=0.05)


def test_there_is_none_of_images_wide_rows_and_reconstructions() -> None:
    y = np.arange(20) % 2
    for x, task, targets in (
        (np.zeros((20, 4, 4, 1), np.float32), BINARY, y),
        (np.zeros((20, 5001), np.float32), BINARY, y),
        (np.zeros((20, 3), np.float32), Task("reconstruction", 3), None),
    ):
        data = dataset(x, targets, task)
        assert linear(data, data, MeanSquaredErrorSpec(), HIDDEN, 0, 0) is None


def test_there_is_none_that_diverges() -> None:
    x = rows(100, 3) * np.float32(1e38)
    data = dataset(x, classes(rows(100, 3), 2), BINARY)
    assert linear(data, data, MeanSquaredErrorSpec(), HIDDEN, 0, 0) is None


@pytest.mark.parametrize(
    ("n", "inputs", "seen", "steps"),
    [
        (100, 4, 5_000, 200),  # the least
        (30_000, 14, 6_000_000, 2291),  # a tenth, but whole epochs of 79 batches
        (3000, 5000, 10**9, 204),  # 2^28 over 256 x 5000 inputs, 12 steps an epoch
    ],
)
def test_the_work_is_bounded(n: int, inputs: int, seen: int, steps: int) -> None:
    x = np.broadcast_to(np.float32(0), (n, inputs))
    train = sample(dataset(x, np.arange(n) % 2, BINARY), 0)
    session = baselines._session(train, default_loss(BINARY), HIDDEN, 0, seen)
    assert session.steps == steps


def test_a_sample_is_of_rows_in_order_without_repeats() -> None:
    n = 50_000
    x, y = np.arange(n, dtype=np.float32)[:, None], np.arange(n) % 2
    found = sample(dataset(x, y, BINARY), 7)
    numbers = found.inputs[:, 0]
    assert found.rows == 20_000 and (np.diff(numbers) > 0).all()
    assert found.targets is not None and (found.targets == numbers % 2).all()
    assert (sample(dataset(x, y, BINARY), 7).inputs == found.inputs).all()
    assert (sample(dataset(x, y, BINARY), 8).inputs != found.inputs).any()
    assert 0.49 < (numbers < n / 2).mean() < 0.51
    wide = np.broadcast_to(np.float32(0), (5000, 8192))
    assert sample(dataset(wide, y[:5000], BINARY), 0).rows == 2048
