"""Temperatures against scipy's minimum of scipy's own log-loss."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_expit, log_softmax, softmax

from dnn_cli.base.task import Task
from dnn_cli.nn.loss import LOSSES, Loss, default_loss
from dnn_cli.training.temperature import fit_temperature

BINARY = Task("binary", 2, ("no", "yes"))
THREE = Task("multiclass", 3, ("a", "b", "c"))
LABELS = Task("multilabel", 3, ("a", "b", "c"))


def drawn(task: Task, factor: float, rows: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Outputs that are `factor` times as sure as they should be, and truths."""
    rng = np.random.Generator(np.random.Philox(5))
    if task.kind == "multiclass":
        z = rng.normal(size=(rows, 3)) * 2.0
        chance = softmax(z, axis=1).cumsum(axis=1)
        targets = (rng.random((rows, 1)) > chance).sum(axis=1).clip(0, 2)
    else:
        z = rng.normal(size=(rows, 1 if task.kind == "binary" else 3)) * 2.0
        on = rng.random(z.shape) < expit(z)
        targets = on[:, 0].astype(np.int64) if task.kind == "binary" else on.astype(np.float32)
    return (z * factor).astype(np.float32), targets


def log_loss(z: np.ndarray, targets: np.ndarray, task: Task, temperature: float) -> float:
    z = z.astype(np.float64) / temperature
    if task.kind == "multiclass":
        return float(-log_softmax(z, axis=1)[np.arange(len(z)), targets].mean())
    sign = np.where(targets.reshape(z.shape) > 0.5, 1.0, -1.0)
    return float(-log_expit(sign * z).mean())


def loss_for(task: Task) -> Loss:
    return default_loss(task).build(task)


@pytest.mark.parametrize("factor", [0.3, 1.7, 6.0])
@pytest.mark.parametrize("task", [BINARY, THREE, LABELS], ids=lambda task: task.kind)
def test_it_is_the_minimum(task: Task, factor: float) -> None:
    z, targets = drawn(task, factor)
    found = fit_temperature(z, targets, loss_for(task), task)
    assert found is not None
    best = minimize_scalar(
        lambda log: log_loss(z, targets, task, float(np.exp(log))),
        bounds=(-3, 3), method="bounded", options={"xatol": 1e-10},
    )  # fmt: skip
    assert found.value == pytest.approx(float(np.exp(best.x)), rel=1e-6)
    assert found.after == pytest.approx(float(best.fun), abs=1e-12)
    assert found.before == pytest.approx(log_loss(z, targets, task, 1.0), abs=1e-12)
    assert found.value == pytest.approx(factor, rel=0.1)


def test_rows_that_are_all_right_or_all_wrong_say_nothing() -> None:
    z = np.array([[3.0], [-2.0], [0.5]], np.float32)
    right = np.array([1, 0, 1])
    assert fit_temperature(z, right, loss_for(BINARY), BINARY) is None
    assert fit_temperature(z, 1 - right, loss_for(BINARY), BINARY) is None
    assert fit_temperature(np.zeros((3, 3), np.float32), right, loss_for(THREE), THREE) is None


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_outputs_that_are_not_finite(odd: float) -> None:
    z, targets = drawn(BINARY, 2.0)
    z[7] = odd
    assert fit_temperature(z, targets, loss_for(BINARY), BINARY) is None


def test_outputs_that_are_no_logits() -> None:
    """The squared error of several classes has a sigmoid each: they do not add up to 1."""
    z, targets = drawn(THREE, 2.0)
    squared = LOSSES.get("mean_squared_error")().build(THREE)
    assert fit_temperature(z, targets, squared, THREE) is None
    z, targets = drawn(BINARY, 2.0)
    squared = LOSSES.get("mean_squared_error")().build(BINARY)
    assert fit_temperature(z, targets, squared, BINARY) is not None


def test_numbers_have_none() -> None:
    task = Task("regression", 1, ("y",))
    z = np.zeros((4, 1), np.float32)
    assert fit_temperature(z, z, loss_for(task), task) is None
