"""Update formulas that PyTorch's constants do not cover, written once more in plain Python."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dnn_cli.base.spec import SpecError
from dnn_cli.nn.execution.arena import Arena
from dnn_cli.nn.initializer import INITIALIZERS
from dnn_cli.nn.layer import Slot
from dnn_cli.nn.optimizer import OPTIMIZERS, Optimizer
from dnn_cli.nn.optimizers.nadam import Nadam

GRADIENTS = np.random.Generator(np.random.Philox(21)).normal(size=(300, 4))
GRADIENTS[40:, 0] = 0.0
GRADIENTS[::7, 1] = 0.0
START = [0.5, -1.0, 2.0, -0.25]


def arena_of(dtype: type = np.float64) -> Arena:
    slot = Slot("W", (4,), INITIALIZERS.get("zeros")(), "weight")
    arena = Arena([("a.W", slot)], dtype)
    arena.value("a.W")[...] = START
    return arena


def run(optimizer: Optimizer, arena: Arena, rate: float) -> np.ndarray:
    for g in GRADIENTS:
        arena.gradient("a.W")[...] = g
        optimizer.step(rate)
    return arena.value("a.W")


def lion(rate: float, decay: float, beta1: float, beta2: float) -> list[float]:
    """Algorithm 2 of Chen et al., one number at a time."""
    found = []
    for k, w in enumerate(START):
        m = 0.0
        for g in GRADIENTS[:, k].tolist():
            c = beta1 * m + (1.0 - beta1) * g
            w = w - rate * ((c > 0.0) - (c < 0.0) + decay * w)
            m = beta2 * m + (1.0 - beta2) * g
        found.append(w)
    return found


def adam(rate: float, beta1: float, beta2: float, epsilon: float) -> list[float]:
    """Algorithm 1 of Kingma and Ba, one number at a time."""
    found = []
    for k, w in enumerate(START):
        m = v = 0.0
        for t, g in enumerate(GRADIENTS[:, k].tolist(), 1):
            m = beta1 * m + (1.0 - beta1) * g
            v = beta2 * v + (1.0 - beta2) * g * g
            w -= rate * (m / (1.0 - beta1**t)) / (math.sqrt(v / (1.0 - beta2**t)) + epsilon)
        found.append(w)
    return found


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize(("beta1", "beta2", "decay"), [(0.9, 0.99, 0.0), (0.95, 0.98, 1.0)])
def test_lion_is_the_papers(
    beta1: float, beta2: float, decay: float, dtype: type, tolerance: float
) -> None:
    arena = arena_of(dtype)
    spec = OPTIMIZERS.get("lion")(beta1=beta1, beta2=beta2, weight_decay=decay)
    found = run(spec.build(arena), arena, 2.0**-9)
    np.testing.assert_allclose(found, lion(2.0**-9, decay, beta1, beta2), rtol=tolerance)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 2e-6)])
@pytest.mark.parametrize(
    ("beta1", "beta2", "epsilon"), [(0.9, 0.999, 1e-8), (0.0, 0.9, 1e-3), (0.5, 0.0, 0.1)]
)
def test_adam_is_the_papers_over_many_steps(
    beta1: float, beta2: float, epsilon: float, dtype: type, tolerance: float
) -> None:
    arena = arena_of(dtype)
    spec = OPTIMIZERS.get("adam")(beta1=beta1, beta2=beta2, epsilon=epsilon)
    found = run(spec.build(arena), arena, 0.01)
    expected = adam(0.01, beta1, beta2, epsilon)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def test_nadams_product_is_the_same_counted_or_caught_up() -> None:
    arena = arena_of()
    counting = OPTIMIZERS.get("nadam")().build(arena)
    for step in range(1, 3000):
        counting.begin(step)
    fresh = OPTIMIZERS.get("nadam")().build(arena)
    assert isinstance(counting, Nadam)
    assert isinstance(fresh, Nadam)
    for step in (3000, 5, 6, 2000, 10**9):
        counting.begin(step)
        fresh.begin(step)
        assert (counting.fresh, counting.mean) == (fresh.fresh, fresh.mean)
    product = math.prod(0.9 * (1.0 - 0.5 * 0.96 ** (t * 0.004)) for t in range(1, 6))
    fresh.begin(5)
    assert fresh.product == pytest.approx(product, rel=1e-15)


def test_defaults_are_pytorchs_keras_or_the_papers() -> None:
    rates = {name: OPTIMIZERS.get(name)().learning_rate for name in OPTIMIZERS.names()}
    assert rates == {
        "adadelta": 1.0,
        "adagrad": 1e-2,
        "adam": 1e-3,
        "adamw": 1e-3,
        "lion": 1e-4,
        "nadam": 2e-3,
        "rmsprop": 1e-2,
        "sgd": 1e-2,
    }
    decays = {name: OPTIMIZERS.get(name)().weight_decay for name in OPTIMIZERS.names()}
    assert decays == dict.fromkeys(decays, 0.0) | {"adamw": 0.01}


def test_nesterov_needs_momentum() -> None:
    with pytest.raises(SpecError, match="needs momentum") as caught:
        OPTIMIZERS.get("sgd")(nesterov=True)
    assert caught.value.path == ("nesterov",)


def test_state_that_does_not_fit_is_named_and_nothing_changes() -> None:
    optimizer = OPTIMIZERS.get("adam")().build(arena_of())
    length = len(optimizer.state["m"])
    with pytest.raises(ValueError, match="optimizer state v is missing"):
        optimizer.load({"m": np.ones(length)}, 3)
    with pytest.raises(ValueError, match=r"optimizer state v has shape \(2,\), expected"):
        optimizer.load({"m": np.ones(length), "v": np.ones(2)}, 3)
    assert optimizer.steps == 0
    assert not optimizer.state["m"].any()


def test_a_share_of_the_decay_is_that_share_of_it() -> None:
    wanted = np.array(START)
    arena = arena_of()
    optimizer = OPTIMIZERS.get("sgd")(weight_decay=0.5).build(arena)
    for share in (1.0, 0.5, 0.0):
        arena.gradient("a.W")[...] = 0.0
        optimizer.step(0.1, share)
        wanted *= 1.0 - 0.1 * 0.5 * share
    np.testing.assert_allclose(arena.value("a.W"), wanted, rtol=1e-12)
