"""What every loss promises, for every task that it serves."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from dnn_cli.base.spec import SpecError
from dnn_cli.base.task import Task
from dnn_cli.nn.loss import LOSSES, Loss, cut_scratch, loss_scratch

TASKS = (
    Task("binary", 2, ("no", "yes")),
    Task("multiclass", 4, ("a", "b", "c", "d")),
    Task("multilabel", 4, ("a", "b", "c", "d")),
    Task("regression", 1, ("y",)),
    Task("regression", 3, ("x", "y", "z")),
    Task("reconstruction", 5),
)
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "softmax_cross_entropy": [{"label_smoothing": 0.2}],
    "sigmoid_cross_entropy": [{"label_smoothing": 0.2, "positive_weight": 3.0}],
    "mean_squared_error": [{"activation": a} for a in ("identity", "sigmoid", "tanh")],
    "huber": [{"delta": 0.3}],
    "quantile": [{"quantiles": (0.25,)}],
    "tweedie": [{"power": 1.05}, {"power": 1.9}],
    "focal": [{"gamma": 0.0}, {"gamma": 0.4}, {"gamma": 5.0}],
    "balanced_softmax": [{"shares": {"a": 0.01, "b": 0.9}}, {"shares": {"no": 0.99}}],
}
Case = tuple[Loss, Task, int]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.Generator(np.random.Philox(11))


def cases() -> Iterator[Any]:
    for name in LOSSES.names():
        for options in [{}, *OPTIONS.get(name, [])]:
            for task in TASKS:
                spec = LOSSES.get(name)(**options)
                try:
                    width = spec.width(task)
                    spec.build(task)
                except SpecError:
                    continue
                marks = [name, *map(str, options.values()), task.kind, str(width)]
                yield pytest.param((spec, task, width), id="-".join(marks))


@pytest.fixture(params=cases())
def case(request: pytest.FixtureRequest) -> Case:
    spec, task, width = request.param
    return spec.build(task), task, width


def targets(rng: np.random.Generator, task: Task, n: int, dtype: Any) -> np.ndarray:
    if task.classifies:
        return rng.integers(0, task.count, n)
    if task.kind == "multilabel":
        return rng.integers(0, 2, (n, task.count)).astype(dtype)
    shape = n if task.count == 1 else (n, task.count)
    return rng.random(shape).astype(dtype)


def poisoned(loss: Loss, n: int, dtype: Any) -> dict[str, np.ndarray]:
    scratch = loss_scratch(loss, n, dtype)
    for array in scratch.values():
        array.fill(np.nan)
    return scratch


def test_gradient_is_the_difference_quotient(case: Case, rng: np.random.Generator) -> None:
    loss, task, width = case
    z, target = rng.normal(0.0, 2.0, (7, width)), targets(rng, task, 7, np.float64)
    scratch = poisoned(loss, 7, np.float64)
    dz = np.full_like(z, np.nan)
    value = loss.value_and_grad(z, target, dz, scratch)
    assert type(value) is float
    estimate = np.empty_like(z)
    for at in np.ndindex(z.shape):

        def shifted(h: float, at: tuple[int, ...] = at) -> float:
            moved = z.copy()
            moved[at] += h
            return loss.value(moved, target, scratch)

        coarse, fine = ((shifted(h) - shifted(-h)) / (2 * h) for h in (1e-4, 5e-5))
        estimate[at] = (4 * fine - coarse) / 3
    assert np.linalg.norm(dz - estimate) <= 1e-7 * np.linalg.norm(estimate)
    assert value == pytest.approx(loss.value(z, target, poisoned(loss, 7, np.float64)), rel=1e-15)


def test_N03_huge_outputs_have_finite_losses_and_the_gradients_of_float64(
    case: Case, rng: np.random.Generator
) -> None:
    loss, task, width = case
    sizes = np.array([0.0, 1.0, 30.0, 100.0, 1e4, 1e10, 1e30])
    z = (rng.choice(sizes, (200, width)) * rng.choice([-1.0, 1.0], (200, width))).astype(np.float32)
    target = targets(rng, task, 200, np.float32)
    single, double = np.empty_like(z), np.empty(z.shape)
    scratch = poisoned(loss, 200, np.float32)
    value = loss.value_and_grad(z, target, single, scratch)
    wide = z.astype(np.float64)
    expected = loss.value_and_grad(wide, target, double, poisoned(loss, 200, np.float64))
    assert np.isfinite(value)
    assert value == pytest.approx(expected, rel=1e-5)
    assert value == loss.value(z, target, scratch)
    np.testing.assert_allclose(single, double, rtol=1e-5, atol=1e-6 / z.size)
    loss.activate(z, z)
    assert z.dtype == np.float32
    assert np.isfinite(z).all()


def test_one_object_serves_both_types(case: Case, rng: np.random.Generator) -> None:
    loss, task, width = case
    z, target = rng.normal(size=(4, width)), targets(rng, task, 4, np.float64)
    first, again = np.empty_like(z), np.empty_like(z)
    loss.value_and_grad(z, target, first, poisoned(loss, 4, np.float64))
    narrow = z.astype(np.float32)
    loss.value_and_grad(narrow, target, narrow.copy(), poisoned(loss, 4, np.float32))
    loss.value_and_grad(z, target, again, poisoned(loss, 4, np.float64))
    assert first.tobytes() == again.tobytes()


def test_what_was_not_a_number_stays_visible(case: Case, rng: np.random.Generator) -> None:
    loss, task, width = case
    z, target = np.zeros((3, width)), targets(rng, task, 3, np.float64)
    z[1, 0] = np.nan
    dz = np.empty_like(z)
    assert np.isnan(loss.value_and_grad(z, target, dz, loss_scratch(loss, 3, np.float64)))
    assert np.isnan(dz[1, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_small_batch_in_large_scratch_is_bitwise_the_same(
    case: Case, dtype: Any, rng: np.random.Generator
) -> None:
    loss, task, width = case
    z, target = rng.normal(0.0, 2.0, (5, width)).astype(dtype), targets(rng, task, 5, dtype)
    given = z.copy(), target.copy()
    large, dz = poisoned(loss, 64, dtype), np.full((64, width), np.nan, dtype=dtype)
    value = loss.value_and_grad(z, target, dz[:5], cut_scratch(loss, large, 5))
    expected = np.full_like(z, np.nan)
    assert value == loss.value_and_grad(z, target, expected, poisoned(loss, 5, dtype))
    assert dz[:5].tobytes() == expected.tobytes()
    assert np.isnan(dz[5:]).all()
    assert z.tobytes() == given[0].tobytes()
    assert target.tobytes() == given[1].tobytes()


def test_activation_may_write_over_its_input(case: Case, rng: np.random.Generator) -> None:
    loss, _, width = case
    z = rng.normal(0.0, 3.0, (6, width)).astype(np.float32)
    given, shown = z.copy(), np.full_like(z, np.nan)
    loss.activate(z, shown)
    assert z.tobytes() == given.tobytes()
    loss.activate(z, z)
    assert z.tobytes() == shown.tobytes()


def test_no_allocation_grows_with_the_batch(case: Case, rng: np.random.Generator) -> None:
    loss, task, width = case

    def peak(n: int) -> int:
        z = rng.normal(0.0, 2.0, (n, width)).astype(np.float32)
        target, dz, scratch = targets(rng, task, n, np.float32), np.empty_like(z), None
        scratch = loss_scratch(loss, n)
        loss.value_and_grad(z, target, dz, scratch)
        tracemalloc.start()
        loss.value_and_grad(z, target, dz, scratch)
        loss.value(z, target, scratch)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(65_536) <= peak(16_384) + 2_000


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_is_the_loss_of_each_example_alone(
    case: Case, dtype: Any, rng: np.random.Generator
) -> None:
    loss, task, width = case
    z, target = rng.normal(0.0, 2.0, (9, width)).astype(dtype), targets(rng, task, 9, dtype)
    each = loss.each(z, target, poisoned(loss, 9, dtype))
    assert each.shape == (9,) and each.dtype == np.float64
    alone = [
        loss.value(z[i : i + 1], target[i : i + 1], poisoned(loss, 1, dtype)) for i in range(9)
    ]
    tolerance = 1e-5 if dtype is np.float32 else 1e-12
    np.testing.assert_allclose(each, alone, rtol=tolerance, atol=tolerance / 10)
    assert each.mean() == pytest.approx(
        loss.value(z, target, poisoned(loss, 9, dtype)), rel=tolerance
    )
