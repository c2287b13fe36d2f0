"""Activations against PyTorch, and far outside of the usual range."""

from __future__ import annotations

import json
import pkgutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnn_cli.base.spec import SpecError
from dnn_cli.nn import activations
from dnn_cli.nn.layer import LAYERS
from dnn_cli.nn.model import build_network

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "layer_constants.json").read_text(encoding="utf-8")
)
NAMES = [info.name for info in pkgutil.iter_modules(activations.__path__)]


def run(name: str, x: np.ndarray, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    """y and dy/dx, one number an example."""
    network = build_network([LAYERS.get(name)(**options)], (1,), x.dtype)
    network.arena.initialize(0)
    plan = network.plan(len(x), train=True, wants_dx=True)
    plan.x[:, 0] = x
    y = plan.forward(True)[:, 0].copy()
    assert plan.dy is not None and plan.dx is not None
    plan.dy.fill(1.0)
    plan.backward()
    return y, plan.dx[:, 0]


def test_every_activation_has_constants() -> None:
    assert {key.split()[0] for key in GOLDEN["activations"]} == set(NAMES)


@pytest.mark.parametrize("key", GOLDEN["activations"])
def test_values_and_derivatives_are_those_of_pytorch(key: str) -> None:
    case = GOLDEN["activations"][key]
    for dtype, tolerance in ((np.float64, 1e-14), (np.float32, 5e-7)):
        x = np.array(GOLDEN["x"], dtype)
        y, slope = run(key.split()[0], x, **case["options"])
        # Beside the relative error: 1 + erf(x) and 1 - y² lose digits that only y's scale bounds.
        np.testing.assert_allclose(y, case["y"], rtol=tolerance, atol=2 * tolerance)
        np.testing.assert_allclose(slope, case["slope"], rtol=tolerance, atol=8 * tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("key", GOLDEN["activations"])
def test_N03_extreme_inputs_give_finite_numbers(key: str, dtype: Any) -> None:
    powers = np.logspace(-44, 30, 149)
    x = np.concatenate([-powers, powers, [0.0, -0.0]]).astype(dtype)
    y, slope = run(key.split()[0], x, **GOLDEN["activations"][key]["options"])
    assert np.isfinite(y).all() and np.isfinite(slope).all()
    assert np.abs(y).max() <= 1.06e30 and np.abs(slope).max() <= 2.0
    ends = {"tanh": (-1, 1), "sigmoid": (0, 1), "hard_sigmoid": (0, 1)}
    if key in ends:
        assert (y.min(), y.max()) == pytest.approx(ends[key], abs=1e-37)
    elif key in ("gelu", "gelu tanh", "silu", "mish", "relu", "softplus"):
        far = x < -1e3
        np.testing.assert_allclose(y[far], 0.0, atol=1e-34)
        np.testing.assert_allclose(y[x > 1e3], x[x > 1e3], rtol=1e-6)
        np.testing.assert_allclose(slope[far], 0.0, atol=1e-34)
        np.testing.assert_allclose(slope[x > 1e3], 1.0)


def test_nan_stays_nan() -> None:
    for name in NAMES:
        assert np.isnan(run(name, np.array([np.nan, 1.0], np.float32))[0][0]), name


def test_gelu_keeps_its_digits_in_the_tail() -> None:
    """x Φ(x) by the tail's own series: 1 + erf(x / √2) has no digit left at -8.5."""
    y, _ = run("gelu", np.array([-8.5]))
    assert y[0] == pytest.approx(-8.5 * 9.4795348222e-18, rel=1e-9)


def test_selu_has_a_fixed_point_at_mean_0_and_variance_1() -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(300)
    weights /= weights.sum()
    y, _ = run("selu", nodes)
    assert weights @ y == pytest.approx(0.0, abs=1e-3)
    assert weights @ y**2 == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("leaky_relu", {"slope": -0.1}),
        ("leaky_relu", {"slope": 1.5}),
        ("elu", {"alpha": 0.0}),
        ("prelu", {"slope": float("nan")}),
    ],
)
def test_options_out_of_range_are_refused(name: str, options: dict[str, float]) -> None:
    with pytest.raises(SpecError):
        LAYERS.get(name)(**options)
