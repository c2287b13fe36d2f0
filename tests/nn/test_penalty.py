"""The penalty on weights: value, gradient, factors, blocks."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from dnn_cli.nn.execution import blocks
from dnn_cli.nn.execution.arena import Arena
from dnn_cli.nn.initializer import INITIALIZERS
from dnn_cli.nn.layer import Slot
from dnn_cli.nn.penalty import Penalty


def arena_of(dtype: Any = np.float64, width: int = 3) -> Arena:
    zeros = INITIALIZERS.get("zeros")()
    slots = []
    for name, decay in (("a", 1.0), ("b", 0.0), ("c", 2.5)):
        slots.append((f"{name}.W", Slot("W", (5, width), zeros, "weight", 1.0, decay)))
        slots.append((f"{name}.b", Slot("b", (width,), zeros, "bias", 1.0, decay)))
    arena = Arena([*slots, ("a.mean", Slot("mean", (3,), zeros, "state"))], dtype)
    rng = np.random.Generator(np.random.Philox(31))
    for name in arena.places:
        arena.value(name)[...] = rng.normal(size=arena.value(name).shape)
    arena.value("a.W")[0, 0] = 0.0
    arena.grads[...] = 1.0
    return arena


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.3, 0.0), (0.0, 0.7), (0.3, 0.7)])
@pytest.mark.parametrize("block", [16, 10_000])
def test_value_and_gradient(
    l1: float, l2: float, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", block)
    arena = arena_of()
    given = arena.params.copy()
    penalty, expected = Penalty(arena, l1, l2), 0.0
    for name, factor in (("a.W", 1.0), ("b.W", 0.0), ("c.W", 2.5)):
        w = arena.value(name)
        expected += factor * (l1 * np.abs(w).sum() + l2 / 2.0 * (w**2).sum())
    assert penalty.value() == pytest.approx(expected, rel=1e-13)
    assert penalty.add_gradient() == pytest.approx(expected, rel=1e-13)
    assert arena.params.tobytes() == given.tobytes()
    for name, place in arena.places.items():
        if place.slot.role == "state":
            continue
        w = arena.value(name)
        factor = place.slot.decay_factor if place.slot.role == "weight" else 0.0
        np.testing.assert_allclose(
            arena.gradient(name), 1.0 + factor * (l1 * np.sign(w) + l2 * w), rtol=1e-14
        )


def test_gradient_is_the_difference_quotient() -> None:
    arena = arena_of()
    penalty = Penalty(arena, 0.3, 0.7)
    arena.grads[...] = 0.0
    penalty.add_gradient()
    direction = np.random.Generator(np.random.Philox(32)).normal(size=arena.learned)
    direction[0] = 0.0  # the weight that is zero, where |w| bends
    p = arena.params[: arena.learned]
    p += 1e-6 * direction
    above = penalty.value()
    p -= 2e-6 * direction
    slope = (above - penalty.value()) / 2e-6
    assert float(arena.grads @ direction) == pytest.approx(slope, rel=1e-7)


def test_float32_stays_and_nothing_is_allocated() -> None:
    def peak(width: int) -> int:
        arena = arena_of(np.float32, width)
        penalty = Penalty(arena, 0.1, 0.1)
        penalty.add_gradient()
        tracemalloc.start()
        penalty.add_gradient()
        penalty.value()
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(40_000) <= peak(10_000) + 2_000
