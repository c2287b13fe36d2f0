"""Whole networks against finite differences: the layers may be right and their memory wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnn_cli.base.task import Task
from dnn_cli.nn.gradcheck import GradientReport, check_gradients
from dnn_cli.nn.layer import LAYERS, LayerSpec
from dnn_cli.nn.loss import LOSSES
from dnn_cli.nn.model import build_network
from dnn_cli.nn.optimizer import OPTIMIZERS

TASK = Task("multiclass", 3, ("a", "b", "c"))


def make(name: str, **options: Any) -> LayerSpec:
    return LAYERS.get(name)(**options)


def dense(units: int) -> LayerSpec:
    return make("dense", units=units)


DROP, NORM = make("dropout", rate=0.3), make("batch_norm")


def check(layers: list[LayerSpec], shape: tuple[int, ...] = (4,), n: int = 6) -> GradientReport:
    rng = np.random.default_rng(1)
    inputs, targets = rng.normal(size=(n, *shape)), rng.integers(0, 3, n)
    loss = LOSSES.get("softmax_cross_entropy")().build(TASK)
    return check_gradients(layers, shape, loss, inputs, targets, components=8, tolerance=1e-7)


NETWORKS = {
    "mixed activations": (
        [dense(5), make("tanh"), dense(4), make("gelu"), dense(5), make("selu"), dense(3)],
        (4,),
    ),
    "in place over layers that read y": (
        [dense(5), make("sigmoid"), DROP, make("tanh"), make("leaky_relu"), NORM, dense(3)],
        (4,),
    ),
    "in place over a flattened layer that reads y": (
        [make("prelu"), make("tanh"), make("flatten"), DROP, make("softplus"), dense(3)],
        (2, 2, 2),
    ),
    "batch norm": ([dense(5), NORM, make("relu"), dense(4), NORM, make("elu"), dense(3)], (4,)),
    "nested residuals": (
        [
            dense(4),
            make("relu"),
            make(
                "residual",
                layers=(
                    make("layer_norm"),
                    dense(4),
                    make("silu"),
                    make("residual", layers=(DROP, dense(4), NORM)),
                ),
            ),
            make("mish"),
            make("residual", layers=(dense(5), make("tanh")), shortcut=(dense(5), NORM)),
            dense(3),
        ],
        (4,),
    ),
    "a residual first": (
        [
            make("residual", layers=(make("flatten"), make("relu")), shortcut=(make("flatten"),)),
            dense(3),
        ],
        (2, 3),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_of_whole_networks(name: str) -> None:
    layers, shape = NETWORKS[name]
    report = check(layers, shape)
    assert report.passed, report
    assert report.direction_relative is not None


NAMES = (
    *("batch_norm", "elu", "flatten", "gelu", "hard_sigmoid", "layer_norm", "leaky_relu", "mish"),
    *("prelu", "relu", "selu", "sigmoid", "silu", "softplus", "tanh"),
)
PIECES = [make(name) for name in NAMES]
pieces = st.sampled_from([*PIECES, DROP, dense(4), make("gelu", approximate="tanh")])
blocks = st.lists(pieces, min_size=1, max_size=3).map(lambda p: make("residual", layers=tuple(p)))


@settings(max_examples=40)
@given(st.lists(pieces | blocks, max_size=5))
def test_gradients_of_any_chain(layers: list[LayerSpec]) -> None:
    report = check([*layers, dense(3)], n=5)
    assert report.worst_relative <= 1e-7, report


@settings(max_examples=25)
@given(st.lists(pieces | blocks, min_size=1, max_size=5))
def test_outputs_do_not_depend_on_what_shares_memory(layers: list[LayerSpec]) -> None:
    """The plan for training shares less memory than the one for inference."""
    network = build_network(layers, (4,), np.float64)
    network.arena.initialize(0)
    x = np.random.default_rng(0).normal(size=(5, 4))
    outputs = []
    for train in (True, False):
        plan = network.plan(7, train=train).cut(5)
        plan.x[...] = x
        outputs.append(plan.forward(False).copy())
    np.testing.assert_array_equal(outputs[0], outputs[1])


def test_rows_of_wide_matrices_are_apart_and_what_lies_between_stays_zero() -> None:
    network = build_network([make("dense", units=256), make("dense", units=3)], (5,))
    network.arena.initialize(1)
    wide, narrow = network.arena.value("dense_1.W"), network.arena.value("dense_2.W")
    assert wide.shape == (5, 256) and wide.strides == (272 * 4, 4)
    assert narrow.strides == (3 * 4, 4)
    assert network.parameters == 5 * 256 + 256 + 256 * 3 + 3
    optimizer = OPTIMIZERS.get("adam")(weight_decay=0.1).build(network.arena)
    plan = network.plan(4, train=True)
    plan.x[...] = 1.0
    plan.forward(True)
    assert plan.dy is not None
    plan.dy[...] = 1.0
    plan.backward()
    optimizer.step(0.1)
    place = network.arena.places["dense_1.W"]
    for vector in (network.arena.params, network.arena.grads, *optimizer.state.values()):
        between = vector[place.start : place.stop].reshape(5, 272)[:, 256:]
        np.testing.assert_array_equal(between, 0.0)
        assert np.abs(place.view(vector)).min() > 0.0
