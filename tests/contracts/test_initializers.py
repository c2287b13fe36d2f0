"""What every initialiser promises, and what each one draws."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from dnn_cli.base.random import Purpose, stream
from dnn_cli.nn.initializer import INITIALIZERS, InitializerSpec, fans
from dnn_cli.nn.layer import LAYERS, LayerSpec
from dnn_cli.nn.model import build_network

SHAPE, KERNEL = (400, 300), (3, 5, 20, 40)  # kernel: fans 15 · 20 and 15 · 40


@dataclass(frozen=True)
class Case:
    deviation: float
    limit: float = math.inf
    options: dict[str, Any] = field(default_factory=dict)
    shape: tuple[int, ...] = SHAPE


def bounded(variance: float, **options: Any) -> Case:
    return Case(math.sqrt(variance), math.sqrt(3 * variance), options | {"distribution": "uniform"})


NORMAL = {"distribution": "normal"}
CASES: dict[str, tuple[Case, ...]] = {
    "constant": (Case(0.0, 0.7, {"value": 0.7}),),
    "glorot": (
        bounded(2 / 700),
        Case(math.sqrt(2 / 700), options=NORMAL),
        Case(math.sqrt(2 / 900), math.sqrt(6 / 900), shape=KERNEL),
    ),
    "he": (Case(math.sqrt(2 / 400)), bounded(2 / 400), Case(math.sqrt(2 / 300), shape=KERNEL)),
    "lecun": (Case(math.sqrt(1 / 400)), bounded(1 / 400), Case(math.sqrt(1 / 300), shape=KERNEL)),
    "normal": (Case(0.05), Case(2.0, options={"deviation": 2.0})),
    # The deviation of a normal cut at 2: 1 - 4 φ(2) / (2 Φ(2) - 1), and its root.
    "truncated_normal": (Case(0.1 * 0.8796257, 0.2, {"deviation": 0.1}),),
    "uniform": (Case(0.3 / math.sqrt(3), 0.3, {"limit": 0.3}),),
    "orthogonal": (Case(math.sqrt(1 / 400)), Case(math.sqrt(1 / 300), shape=KERNEL)),
    "zeros": (Case(0.0, 0.0),),
}
EVERY = [pytest.param(n, c, id=f"{n}{i}") for n, cs in CASES.items() for i, c in enumerate(cs)]
every_initializer = pytest.mark.parametrize(("name", "case"), EVERY)


def make(name: str, case: Case) -> InitializerSpec:
    return INITIALIZERS.get(name)(**case.options)


def drawn(name: str, case: Case, dtype: Any = np.float64, seed: int = 0) -> np.ndarray:
    out = np.full(case.shape, np.nan, dtype)
    make(name, case).fill(out, stream(seed, Purpose.INITIALIZE))
    return out


def test_every_initializer_has_a_case() -> None:
    assert set(INITIALIZERS.names()) == set(CASES)


@every_initializer
def test_deviation_and_bounds(name: str, case: Case) -> None:
    values = drawn(name, case)
    assert values.std() == pytest.approx(case.deviation, rel=0.01, abs=1e-12)
    assert np.abs(values).max() <= case.limit * (1 + 1e-12)
    if case.deviation:
        assert abs(values.mean()) < 5 * case.deviation / math.sqrt(values.size)
        if math.isfinite(case.limit):  # the bound is reached, not merely kept
            assert np.abs(values).max() > 0.99 * case.limit


@every_initializer
def test_a_stream_decides_every_number_and_float32_only_rounds(name: str, case: Case) -> None:
    values = drawn(name, case)
    np.testing.assert_array_equal(drawn(name, case), values)
    np.testing.assert_array_equal(drawn(name, case, np.float32), values.astype(np.float32))
    if case.deviation:
        assert not np.array_equal(drawn(name, case, seed=1), values)


def test_uniform_and_normal_differ_in_shape_and_not_in_variance() -> None:
    for distribution, kurtosis in (("normal", 3.0), ("uniform", 1.8)):
        values = drawn("he", Case(0.0, options={"distribution": distribution}))
        assert (values**4).mean() / (values**2).mean() ** 2 == pytest.approx(kurtosis, rel=0.02)


@pytest.mark.parametrize("shape", [(30, 20), (20, 30), (25, 25), (3, 3, 4, 8), (3, 3, 2, 40)])
def test_orthogonal_keeps_lengths(shape: tuple[int, ...]) -> None:
    matrix = drawn("orthogonal", Case(0.0, options={"gain": 1.5}, shape=shape)).reshape(
        -1, shape[-1]
    )
    tall = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(tall.T @ tall, 2.25 * np.eye(tall.shape[1]), atol=1e-12)


def test_orthogonal_is_uniform_over_rotations() -> None:
    """Without the sign of R's diagonal, LAPACK's Q has a first entry of one sign."""
    shape = Case(0.0, shape=(2, 2))
    first = [drawn("orthogonal", shape, seed=seed)[0, 0] for seed in range(200)]
    assert 60 < sum(v > 0 for v in first) < 140


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((7, 3), (7, 3)), (KERNEL, (300, 600)), ((5,), (5, 5)), ((), (1, 1))],
)
def test_fans(shape: tuple[int, ...], expected: tuple[int, int]) -> None:
    assert fans(shape) == expected


def make_layer(name: str, **options: Any) -> LayerSpec:
    return LAYERS.get(name)(**options)


def tensors(layers: list[LayerSpec], seed: int = 4) -> dict[str, np.ndarray]:
    network = build_network(layers, (6,))
    network.arena.initialize(seed)
    return network.arena.tensors()


def test_first_weights_depend_on_the_seed_and_the_slot_alone() -> None:
    dense = make_layer("dense", units=6)
    plain = tensors([dense, make_layer("relu"), dense])
    extras = [make_layer("dropout", rate=0.5), make_layer("layer_norm"), make_layer("batch_norm")]
    between = tensors([dense, make_layer("relu"), *extras, dense])
    for name, value in plain.items():
        np.testing.assert_array_equal(between[name], value)
    assert not np.array_equal(plain["dense_1.W"], plain["dense_2.W"])
    assert not np.array_equal(tensors([dense, dense], seed=5)["dense_1.W"], plain["dense_1.W"])


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        *(
            (name, 2 / 500)
            for name in ("relu", "leaky_relu", "elu", "gelu", "silu", "mish", "prelu")
        ),
        ("selu", 1 / 500),
        *((name, 2 / 1000) for name in ("tanh", "sigmoid", "hard_sigmoid", "softplus")),
    ],
)
def test_weights_start_as_the_next_activation_asks(activation: str, expected: float) -> None:
    layers = [make_layer("dense", units=500), make_layer("layer_norm"), make_layer(activation)]
    network = build_network([make_layer("dense", units=500), *layers], (3,))
    network.arena.initialize(0)
    assert network.arena.value("dense_2.W").var() == pytest.approx(expected, rel=0.02)
