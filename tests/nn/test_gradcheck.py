"""The checker finds wrong gradients, forgives kinks, and does not pass on nothing."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import pytest

from dnn_cli.base.task import Task
from dnn_cli.base.types import Call
from dnn_cli.nn.gradcheck import GradientReport, check_gradients, compare, difference
from dnn_cli.nn.layer import LAYERS
from dnn_cli.nn.layers.batch_norm import BatchNorm
from dnn_cli.nn.layers.dense import Dense
from dnn_cli.nn.loss import LOSSES

LOSS = LOSSES.get("softmax_cross_entropy")().build(Task("multiclass", 3, ("a", "b", "c")))


def report_on(*names: str, scale: float = 1.0) -> GradientReport:
    rng = np.random.default_rng(0)
    options: dict[str, dict[str, Any]] = {"dense": {"units": 3}, "dropout": {"rate": 0.4}}
    layers = [LAYERS.get(name)(**options.get(name, {})) for name in names]
    inputs = scale * rng.normal(size=(6, 3))
    return check_gradients(layers, (3,), LOSS, inputs, rng.integers(0, 3, 6), 2)


def test_right_gradients_pass_slot_by_slot() -> None:
    report = report_on("dense", "batch_norm", "relu", "dropout", "dense")
    assert report.passed and report.worst_relative < 1e-7
    assert set(report.per_slot) == {
        "dense_1.W", "dense_1.b", "dense_2.W", "dense_2.b", "batch_norm_1.gamma",
        "batch_norm_1.beta",
    }  # fmt: skip
    assert report.checked == 9 + 3 + 9 + 3 + 3 + 3


@pytest.mark.parametrize("factor", [1.0 + 1e-4, -1.0, 0.0, float("nan"), float("inf")])
def test_a_wrong_gradient_is_found_and_named(
    factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = Dense.backward_calls

    def wrong(self: Dense, x: Any, y: Any, dy: Any, dx: Any, ws: Any) -> list[Call]:
        second = ws.grads["b"][1:2]
        return [*right(self, x, y, dy, dx, ws), partial(np.multiply, second, factor, out=second)]

    monkeypatch.setattr(Dense, "backward_calls", wrong)
    report = report_on("dense")
    assert not report.passed
    assert report.per_slot["dense_1.b"] > 1e-5 > report.tolerance > report.per_slot["dense_1.W"]
    assert report.direction_relative is not None and not report.direction_relative < 1e-6


def test_a_factor_that_starts_at_1_is_not_overlooked(monkeypatch: pytest.MonkeyPatch) -> None:
    right = BatchNorm.backward

    def forgets_gamma(self: BatchNorm, x: Any, y: Any, dy: Any, dx: Any, ws: Any) -> None:
        gamma, self.gamma = self.gamma, np.ones_like(self.gamma)
        right(self, x, y, dy, dx, ws)
        self.gamma = gamma

    monkeypatch.setattr(BatchNorm, "backward", forgets_gamma)
    assert not report_on("dense", "batch_norm", "tanh", "dense").passed


def test_a_gradient_of_exactly_zero_passes() -> None:
    """A bias before batch norm has no effect: its differences are rounding and nothing else."""
    assert report_on("dense", "batch_norm", "dense", scale=100.0).passed


def test_kinks_are_skipped_or_stepped_around() -> None:
    p = np.array([0.3, 3e-5, 0.0, -1e-3])

    def f() -> float:
        return float(np.abs(p) @ [1.0, 2.0, 3.0, 4.0])

    kinks = [difference(f, p, i, 1.0) for i in range(4)]
    assert kinks[2] is None
    for i, slope in ((0, 1.0), (1, 2.0), (3, -4.0)):
        found = kinks[i]
        assert found is not None and found.value == pytest.approx(slope, rel=1e-8)
    gradient = np.array([1.0, 2.0, 77.0, -4.0])
    agreement = compare(f, p, gradient, np.arange(4))
    assert (agreement.checked, agreement.skipped) == (3, 1) and agreement.error < 1e-8
    np.testing.assert_array_equal(p, [0.3, 3e-5, 0.0, -1e-3])


def test_differences_are_exact_to_ten_digits() -> None:
    p = np.array([0.7])
    found = difference(lambda: math.exp(math.sin(3.0 * p[0])), p, 0, 1.0)
    assert found is not None
    exact = 3.0 * math.cos(2.1) * math.exp(math.sin(2.1))
    assert found.value == pytest.approx(exact, rel=1e-10)


def test_nothing_compared_is_not_a_pass() -> None:
    assert not GradientReport({}, None, 1e-6).passed
    assert not check_gradients(
        [LAYERS.get("relu")()], (3,), LOSS, np.ones((2, 3)), np.zeros(2, np.int64)
    ).passed
