"""Who shares memory with whom, and what is left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dnn_cli.nn.execution.plan import Plan
from dnn_cli.nn.layer import LAYERS, LayerSpec
from dnn_cli.nn.model import build_network


def make(name: str, **options: Any) -> LayerSpec:
    return LAYERS.get(name)(**options)


DENSE, DROP = make("dense", units=4), make("dropout", rate=0.5)


def plan_of(*layers: LayerSpec, shape: tuple[int, ...] = (4,), train: bool = True) -> Plan:
    return build_network(layers, shape).plan(3, train=train)


def in_place(plan: Plan) -> list[bool]:
    return [np.may_share_memory(s.x, s.y) for s in plan.steps]


@pytest.mark.parametrize(
    ("layers", "train", "expected"),
    [
        ("dense relu", True, [False, True]),
        ("dense relu dropout", True, [False, True, False]),  # relu reads its y again
        ("dense relu dropout", False, [False, True, True]),
        ("dense gelu dropout silu", True, [False, True, True, True]),
        ("dense prelu relu", True, [False, False, True]),
        ("relu dropout", True, [False, False]),  # the input belongs to the caller
        ("dropout tanh", True, [False, True]),
        ("flatten relu dense", True, [True, False, False]),  # ... in any shape
        ("flatten relu dense", False, [True, False, False]),
        ("dense tanh flatten dropout", True, [False, True, True, False]),
        ("dense flatten dropout", True, [False, True, True]),
    ],
)
def test_layers_run_in_place_where_nobody_needs_the_numbers(
    layers: str, train: bool, expected: list[bool]
) -> None:
    made = {"dense": DENSE, "dropout": DROP}
    plan = plan_of(*(made.get(n) or make(n) for n in layers.split()), train=train)
    assert in_place(plan) == expected


@pytest.mark.parametrize("before", [(), ("conv2d", "max_pool2d"), ("conv2d", "relu")])
@pytest.mark.parametrize("block_bytes", [64, 1 << 30])
@pytest.mark.parametrize("wants_dx", [False, True])
def test_flatten_is_the_same_memory_in_another_shape(
    before: tuple[str, ...], block_bytes: int, wants_dx: bool
) -> None:
    """That is why a plan makes no call of it."""
    options = {"conv2d": {"filters": 2, "padding": "same"}}
    layers = [make(name, **options.get(name, {})) for name in before]
    network = build_network([*layers, make("flatten"), make("dropout", rate=0.5), DENSE], (4, 4, 3))
    plan = network.plan(5, train=True, wants_dx=wants_dx, block_bytes=block_bytes)
    for step in plan.steps:
        if step.name == "flatten_1":
            assert step.y.ctypes.data == step.x.ctypes.data
            assert step.dy is not None
            assert (step.dx is None) == (not before and not wants_dx)
            assert step.dx is None or step.dx.ctypes.data == step.dy.ctypes.data


def test_the_input_survives_a_step() -> None:
    block = make("residual", layers=(make("flatten"), make("relu")), shortcut=(make("flatten"),))
    for first in (make("flatten"), make("relu"), make("batch_norm"), block):
        plan = plan_of(first, make("flatten"), make("leaky_relu"), DENSE, shape=(2, 2))
        plan.x[...] = x = np.arange(-6.0, 6.0).reshape(3, 2, 2)
        plan.forward(True)
        plan.backward()
        np.testing.assert_array_equal(plan.x, x)


def test_no_dx_is_computed_below_the_first_layer_that_learns() -> None:
    plan = plan_of(make("flatten"), DROP, DENSE, make("relu"), DENSE, shape=(2, 2))
    assert [s.dx is None for s in plan.steps] == [True, True, True, False, False]
    assert plan.dx is None
    block = make("residual", layers=(make("tanh"), DENSE))
    inner = plan_of(make("relu"), block, DENSE).steps[1].ws.inner[0]
    assert [s.dx is None for s in inner.steps] == [True, True]
    wanted = build_network([make("relu"), DENSE], (4,)).plan(3, train=True, wants_dx=True)
    assert [s.dx is None for s in wanted.steps] == [False, False]


def test_a_plan_for_inference_has_no_gradients() -> None:
    plan = plan_of(DENSE, make("relu"), train=False)
    assert plan.dy is None and all(s.dx is None and not s.ws.grads for s in plan.steps)


def test_cuts_are_slices_made_once() -> None:
    plan = plan_of(DENSE, make("residual", layers=(DROP, DENSE)))
    cut = plan.cut(2)
    assert plan.cut(2) is cut and plan.cut(3) is plan
    inner = cut.steps[1].ws.inner[0]
    for small, large in ((cut.x, plan.x), (cut.y, plan.y), (inner.x, plan.steps[0].y)):
        assert len(small) == 2 and np.may_share_memory(small, large)
