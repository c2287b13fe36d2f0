"""What every optimizer promises."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dnn_cli.nn.execution import blocks
from dnn_cli.nn.execution.arena import Arena
from dnn_cli.nn.initializer import INITIALIZERS
from dnn_cli.nn.layer import Slot
from dnn_cli.nn.optimizer import OPTIMIZERS, Optimizer, OptimizerSpec

OPTIONS: dict[str, list[dict[str, Any]]] = {
    "sgd": [{"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}],
}
CASES = [
    pytest.param(OPTIMIZERS.get(name)(**options), id="-".join([name, *options]))
    for name in OPTIMIZERS.names()
    for options in [{}, *OPTIONS.get(name, [])]
]
every = pytest.mark.parametrize("spec", CASES)
RATE = 0.01


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.Generator(np.random.Philox(12))


def arena_of(
    factors: tuple[float, float] = (1.0, 1.0),
    decays: tuple[float, float] = (1.0, 1.0),
    dtype: Any = np.float32,
    width: int = 7,
) -> Arena:
    """Two layers with factors of their own and padding between their slots."""
    zeros = INITIALIZERS.get("zeros")()
    slots = []
    for name, factor, decay in zip("ab", factors, decays, strict=True):
        slots.append((f"{name}.W", Slot("W", (30, width), zeros, "weight", factor, decay)))
        slots.append((f"{name}.b", Slot("b", (width,), zeros, "bias", factor, decay)))
    return Arena([*slots, ("a.mean", Slot("mean", (width,), zeros, "state"))], dtype)


def fill(arena: Arena, rng: np.random.Generator) -> None:
    for name in arena.places:
        arena.value(name)[...] = rng.normal(size=arena.value(name).shape)


@every
def test_ranks_that_share_a_step_change_no_bit(
    spec: OptimizerSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = replace(spec, weight_decay=0.1)
    alone = trained(spec, arena_of(width=11))
    monkeypatch.setattr(blocks, "BLOCK", 32)
    arena = arena_of(width=11)
    fill(arena, np.random.Generator(np.random.Philox(3)))
    optimizer = spec.build(arena)
    step = optimizer.step

    def shared(rate: float) -> None:
        for rank in (2, 0, 1):
            before, steps = arena.params.copy(), optimizer.steps
            optimizer.take(blocks.piece_of(arena.learned, rank, 3))
            step(rate)
            assert not np.array_equal(before, arena.params)
            optimizer.steps = steps
        optimizer.steps += 1

    monkeypatch.setattr(optimizer, "step", shared)
    run(optimizer, arena, 5, 4)
    np.testing.assert_array_equal(arena.params, alone.params)


def run(optimizer: Optimizer, arena: Arena, steps: int, seed: int, rate: float = RATE) -> None:
    """Steps with random gradients, a fresh stream for each."""
    for _ in range(steps):
        rng = np.random.Generator(np.random.Philox(key=[seed, optimizer.steps]))
        for name, place in arena.places.items():
            if place.slot.role != "state":
                arena.gradient(name)[...] = rng.normal(size=place.slot.shape)
        optimizer.step(rate)


def trained(spec: OptimizerSpec, arena: Arena, steps: int = 5, rate: float = RATE) -> Arena:
    fill(arena, np.random.Generator(np.random.Philox(3)))
    run(spec.build(arena), arena, steps, 4, rate)
    return arena


@every
def test_descends_a_quadratic(spec: OptimizerSpec, rng: np.random.Generator) -> None:
    arena = arena_of()
    target = rng.normal(size=arena.learned).astype(np.float32)
    curvature = rng.uniform(0.5, 2.0, arena.learned).astype(np.float32)
    p = arena.params[: arena.learned]
    p[...] = target + 0.1 * rng.choice([-1.0, 1.0], arena.learned)

    def value() -> float:
        return float(np.sum(curvature * (p - target) ** 2))

    first, optimizer = value(), replace(spec, weight_decay=0.0).build(arena)
    for _ in range(2000):
        arena.grads[...] = curvature * (p - target)
        optimizer.step(spec.learning_rate)
    assert value() < 0.1 * first


@every
def test_no_gradient_no_decay_no_move(spec: OptimizerSpec, rng: np.random.Generator) -> None:
    arena = arena_of()
    fill(arena, rng)
    before, optimizer = arena.params.copy(), replace(spec, weight_decay=0.0).build(arena)
    for _ in range(5):
        arena.grads[...] = 0.0
        optimizer.step(RATE)
    assert arena.params.tobytes() == before.tobytes()


@every
def test_carried_state_and_padding_stay(spec: OptimizerSpec) -> None:
    arena = arena_of()
    fill(arena, np.random.Generator(np.random.Philox(3)))
    before = arena.params.copy()
    trained(spec, arena, steps=129)  # past the first sweep, and odd: Lion goes to and fro
    slots = np.zeros(len(before), dtype=bool)
    for place in arena:
        slots[place.start : place.stop] = place.slot.role != "state"
    moved = arena.params != before
    assert moved[slots].all()
    assert not moved[~slots].any()
    assert not arena.grads[~slots[: arena.learned]].any()  # nor does it reach the next norm


@every
def test_saved_and_loaded_it_continues_bitwise(
    spec: OptimizerSpec, rng: np.random.Generator
) -> None:
    one, two = arena_of(), arena_of()
    fill(one, rng)
    first = spec.build(one)
    run(first, one, 130, 5)
    two.params[...] = one.params
    second = spec.build(two)
    run(second, two, 140, 6)  # what it did before does not matter
    two.params[...] = one.params
    second.load({name: v.copy() for name, v in first.state.items()}, first.steps)
    run(first, one, 130, 7)
    run(second, two, 130, 7)
    assert second.steps == first.steps == 260
    assert one.params.tobytes() == two.params.tobytes()
    for name, vector in first.state.items():
        assert vector.tobytes() == second.state[name].tobytes()


@every
def test_blocks_do_not_change_the_result(
    spec: OptimizerSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = replace(spec, weight_decay=0.1)
    whole = trained(spec, arena_of()).params
    monkeypatch.setattr(blocks, "BLOCK", 48)
    assert trained(spec, arena_of()).params.tobytes() == whole.tobytes()


@every
def test_a_rate_factor_multiplies_the_rate_of_its_slots(spec: OptimizerSpec) -> None:
    spec = replace(spec, weight_decay=0.1)
    mixed = trained(spec, arena_of(factors=(2.0, 1.0)))
    fast, slow = trained(spec, arena_of(), rate=2 * RATE), trained(spec, arena_of())
    for slot in ("W", "b"):
        assert np.array_equal(mixed.value(f"a.{slot}"), fast.value(f"a.{slot}"))
        assert np.array_equal(mixed.value(f"b.{slot}"), slow.value(f"b.{slot}"))
        assert not np.array_equal(fast.value(f"a.{slot}"), slow.value(f"a.{slot}"))


@every
def test_a_rate_factor_of_zero_freezes(spec: OptimizerSpec) -> None:
    spec = replace(spec, weight_decay=0.1)
    still, moving = trained(spec, arena_of(factors=(0.0, 1.0))), trained(spec, arena_of())
    given = arena_of()
    fill(given, np.random.Generator(np.random.Philox(3)))
    for slot in ("W", "b"):
        assert np.array_equal(still.value(f"a.{slot}"), given.value(f"a.{slot}"))
        assert np.array_equal(still.value(f"b.{slot}"), moving.value(f"b.{slot}"))


@every
def test_a_decay_factor_multiplies_the_decay_of_weights_only(spec: OptimizerSpec) -> None:
    def after(decay: float, *factors: float) -> Arena:
        arena = arena_of(decays=factors) if factors else arena_of()
        return trained(replace(spec, weight_decay=decay), arena)

    free, once, twice, mixed = after(0.0), after(0.1), after(0.2), after(0.1, 2.0, 0.0)
    assert np.array_equal(mixed.value("a.W"), twice.value("a.W"))
    assert np.array_equal(mixed.value("b.W"), free.value("b.W"))
    assert not np.array_equal(once.value("a.W"), free.value("a.W"))
    assert np.array_equal(once.value("a.b"), free.value("a.b"))


@every
def test_decay_alone_shrinks_by_the_rate_times_the_decay(spec: OptimizerSpec) -> None:
    arena = arena_of(dtype=np.float64)
    arena.params[...] = 1.0
    optimizer = replace(spec, weight_decay=0.5).build(arena)
    optimizer.step(0.1)
    optimizer.step(0.2)
    assert arena.value("a.W") == pytest.approx(0.95 * 0.9)
    assert (arena.value("a.b") == 1.0).all()


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_N10_types_stay_and_numbers_stay_finite_after_a_billion_steps(
    spec: OptimizerSpec, dtype: Any
) -> None:
    arena = arena_of(dtype=dtype)
    optimizer = spec.build(arena)
    run(optimizer, arena, 3, 8)
    optimizer.steps = 10**9  # powers of the bias corrections have vanished
    run(optimizer, arena, 1, 8)
    assert np.isfinite(arena.params).all()
    assert arena.params.dtype == arena.grads.dtype == dtype
    assert all(v.dtype == dtype for v in optimizer.state.values())


@every
def test_nothing_is_allocated(spec: OptimizerSpec) -> None:
    def peak(width: int) -> int:
        arena = trained(spec, arena_of(width=width))
        optimizer = replace(spec, weight_decay=0.1).build(arena)
        optimizer.steps = 126
        optimizer.step(RATE)
        tracemalloc.start()
        optimizer.step(RATE)  # the 128th: with the sweep
        optimizer.step(RATE)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(1600) <= peak(400) + 2_000


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_N07_state_of_dead_units_does_not_become_subnormal(spec: OptimizerSpec, dtype: Any) -> None:
    arena = arena_of(dtype=dtype)
    tiny = float(np.finfo(dtype).tiny)
    optimizer = spec.build(arena)
    arena.grads[...] = 1e-3 if dtype is np.float32 else 1e-300
    if dtype is np.float64:  # as if very many steps had passed
        for name in optimizer.state:
            optimizer.state[name][...] = 1e-295
    else:
        optimizer.step(RATE)
    for _ in range(1500):
        arena.grads[...] = 0.0
        optimizer.step(RATE)
        for vector in optimizer.state.values():
            assert not np.any((vector != 0.0) & (np.abs(vector) < tiny))
