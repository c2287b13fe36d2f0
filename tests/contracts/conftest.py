"""A bench on which the contract tests run one layer at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from dnn_cli.nn.execution.plan import Plan
from dnn_cli.nn.gradcheck import shift
from dnn_cli.nn.layer import Layer, LayerSpec
from dnn_cli.nn.model import build_network
from dnn_cli.nn.network import Network
from dnn_cli.nn.scratch import Scratch

WHOLE = 1 << 60  # no blocks: a layer is tried by itself, on the whole batch


@dataclass
class Bench:
    """One layer, laid out for `n` examples, with inputs and an upstream gradient."""

    network: Network
    plan: Plan
    layer: Layer
    ws: Scratch
    x: np.ndarray
    dy: np.ndarray
    codes: list[int]  # the columns of x that hold levels, not numbers

    @property
    def grads(self) -> np.ndarray:
        return self.network.arena.grads

    @property
    def learned(self) -> np.ndarray:
        return self.network.arena.params[: self.network.arena.learned]

    def forward(self, train: bool = True) -> np.ndarray:
        y = np.full((len(self.x), *self.layer.out_shape), np.nan, self.x.dtype)
        self.layer.forward(self.x, y, self.ws, train)
        return y

    @property
    def movable(self) -> np.ndarray:
        """The positions in x of numbers that may change a little: codes may not."""
        moves = np.ones(self.x.shape, np.bool_)
        moves[:, self.codes] = False
        return np.flatnonzero(moves)

    def backward(self, y: np.ndarray) -> np.ndarray:
        dx = np.full_like(self.x, np.nan)
        self.layer.backward(self.x, y, self.dy, dx, self.ws)
        return dx

    def scratches(self) -> Iterator[tuple[Layer, Scratch]]:
        return scratches(self.plan)


def scratches(plan: Plan) -> Iterator[tuple[Layer, Scratch]]:
    """Every layer of `plan` with its scratch, nested ones included."""
    for step in plan.steps:
        yield step.layer, step.ws
        for inner in step.ws.inner:
            yield from scratches(inner)


def poison(plan: Plan, keep: bool = False) -> None:
    """NaN everywhere that a layer may write; with `keep` not in what survives until backward."""
    for layer, ws in scratches(plan):
        for name, array in ws.items():
            if not (keep and layer.needs[name].keep):
                array.fill(np.nan if array.dtype.kind == "f" else 77)
        for gradient in ws.grads.values():
            gradient.fill(np.nan)
        for step in (step for inner in ws.inner for step in inner.steps):
            if not keep and not np.may_share_memory(step.y, plan.x):
                step.y.fill(np.nan)
            for array in (step.dy, step.dx):
                if array is not None:
                    array.fill(np.nan)


def lay_out(
    spec: LayerSpec, shape: tuple[int, ...], n: int = 5, dtype: Any = np.float64, cut: int = 0
) -> Bench:
    """`spec` with parameters off their first values, for `n` examples (of `cut`, if given)."""
    network = build_network([spec], shape, dtype)
    network.arena.initialize(1)
    rng = np.random.default_rng(7)
    shift(network, rng)
    for place in network.arena:  # running statistics
        if place.slot.role == "state":
            network.arena.value(place.name)[...] = rng.uniform(0.5, 1.5, place.slot.shape)
    plan = network.plan(max(n, cut), train=True, wants_dx=True, block_bytes=WHOLE)
    if cut:
        poison(plan)
        plan = plan.cut(n)
    plan.draw(3, 0)
    step = plan.steps[0]
    plan.x[...] = rng.normal(0.0, 1.5, plan.x.shape)
    levels = getattr(spec, "levels", ())
    codes = [column for column, many in enumerate(levels) if many]
    for column in codes:
        plan.x[:, column] = rng.integers(-1, levels[column] + 2, len(plan.x))  # and some beyond
    dy = rng.normal(size=step.y.shape).astype(dtype)
    return Bench(network, plan, step.layer, step.ws, plan.x, dy, codes)


@pytest.fixture(name="bench")
def bench_maker() -> Callable[..., Bench]:
    return lay_out


@pytest.fixture(name="poison")
def poisoner() -> Callable[..., None]:
    return poison
