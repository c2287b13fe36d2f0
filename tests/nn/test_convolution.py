"""Convolution and pooling against PyTorch, geometry by hand, and blocks against wholes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnn_cli.base.task import Task
from dnn_cli.nn.execution.spans import spans
from dnn_cli.nn.layer import LAYERS, LayerSpec, ShapeError
from dnn_cli.nn.loss import LOSSES, loss_scratch
from dnn_cli.nn.model import build_network
from dnn_cli.nn.network import Network

GOLDEN = Path(__file__).parent.parent / "golden" / "convolution_constants.json"
CONSTANTS: dict[str, dict[str, dict[str, Any]]] = json.loads(GOLDEN.read_text())["cases"]


def make(name: str, **options: Any) -> LayerSpec:
    return LAYERS.get(name)(**options)


def draw(*shape: int, key: int) -> np.ndarray:
    return np.random.Generator(np.random.Philox(key=[key, 0])).normal(size=shape)


SPECS = {
    "conv2d valid": make("conv2d", filters=4),
    "conv2d strided": make("conv2d", filters=4, stride=2),
    "conv2d dilated": make("conv2d", filters=4, dilation=2),
    "conv2d same": make("conv2d", filters=4, padding="same"),
    "depthwise": make("depthwise_conv2d", multiplier=2),
    "max 2": make("max_pool2d"),
    "max 3 by 2": make("max_pool2d", size=3, stride=2),
    "average 2": make("average_pool2d"),
}


def same(found: np.ndarray, wanted: dict[str, Any]) -> None:
    assert list(found.shape) == wanted["shape"]
    np.testing.assert_allclose(found.ravel()[:12], wanted["first"], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found.sum(), wanted["sum"], rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(np.sqrt((found**2).sum()), wanted["norm"], rtol=1e-10)


@pytest.mark.parametrize("name", SPECS)
def test_equal_to_torch(name: str) -> None:
    wanted, spec = CONSTANTS[name], SPECS[name]
    network = build_network([spec], (7, 6, 3), np.float64)
    places = {p.slot.name: p.name for p in network.arena}
    if "W" in places:
        key, shape = (2, (3, 3, 3, 4)) if "conv2d" in name else (4, (3, 3, 3, 2))
        network.arena.value(places["W"])[...] = draw(*shape, key=key)
        network.arena.value(places["b"])[...] = draw(shape[2] * 2 if key == 4 else 4, key=3)
    plan = network.plan(2, train=True, wants_dx=True)
    plan.x[...] = draw(2, 7, 6, 3, key=1)
    y = plan.forward(True)
    same(y, wanted["y"])
    assert plan.dy is not None and plan.dx is not None
    plan.dy[...] = draw(*y.shape, key=5)
    plan.backward()
    same(plan.dx, wanted["dx"])
    for slot, full in places.items():
        same(network.arena.gradient(full), wanted[f"d{slot}"])


@pytest.mark.parametrize(
    ("options", "shape", "expected"),
    [
        ({"filters": 1}, (28, 28, 1), (26, 26, 1)),
        ({"filters": 1, "padding": "same"}, (28, 28, 1), (28, 28, 1)),
        ({"filters": 1, "stride": 2, "padding": "same"}, (27, 28, 1), (14, 14, 1)),
        ({"filters": 2, "kernel": (5, 1), "stride": (2, 3)}, (11, 10, 2), (4, 4, 2)),
        ({"filters": 1, "dilation": 3}, (7, 9, 1), (1, 3, 1)),
    ],
)
def test_geometry(options: dict[str, Any], shape: Any, expected: Any) -> None:
    assert build_network([make("conv2d", **options)], shape).out_shape == expected


@pytest.mark.parametrize(
    ("layers", "shape", "words"),
    [
        ([make("conv2d", filters=1, kernel=5)], (4, 8, 1), "layer 1 (conv2d): a window of 5"),
        ([make("conv2d", filters=1)], (8, 8), "layer 1 (conv2d): takes images"),
        (
            [make("max_pool2d"), make("max_pool2d", size=4)],
            (6, 6, 1),
            "layer 2 (max_pool2d): a window of 4 does not fit into 3",
        ),
        ([make("global_average_pool")], (4,), "takes images"),
    ],
)
def test_impossible_shapes_name_the_layer(layers: Any, shape: Any, words: str) -> None:
    with pytest.raises(ShapeError) as caught:
        build_network(layers, shape)
    assert words in str(caught.value)


def test_equal_pixels_share_nothing() -> None:
    plan = build_network([make("max_pool2d")], (2, 2, 1), np.float64).plan(
        1, train=True, wants_dx=True
    )
    plan.x[...] = 3.0
    plan.forward(True)
    assert plan.dy is not None and plan.dx is not None
    plan.dy[...] = 5.0
    plan.backward()
    assert plan.dx.ravel().tolist() == [5.0, 0.0, 0.0, 0.0]


CNN = [
    make("conv2d", filters=4, padding="same"),
    make("dropout", rate=0.3),
    make("relu"),
    make("conv2d", filters=9),
    make("tanh"),
    make("max_pool2d"),
    make("flatten"),
    make("dense", units=5),
]
RESIDUAL = [
    make("conv2d", filters=3, padding="same"),
    make(
        "residual",
        layers=(
            make("conv2d", filters=3, padding="same"),
            make("batch_norm"),
            make("relu"),
            make("conv2d", filters=3, padding="same"),
        ),
    ),
    make("relu"),
    make(
        "residual",
        layers=(make("conv2d", filters=4, stride=2, padding="same"), make("relu")),
        shortcut=(make("conv2d", filters=4, kernel=1, stride=2, padding="same"),),
    ),
    make("global_average_pool"),
    make("dense", units=5),
]
LOSS = LOSSES.get("softmax_cross_entropy")().build(Task("multiclass", 5))


def gradients(network: Network, n: int, m: int, **options: Any) -> tuple[float, bytes, bytes]:
    """Loss, gradients and outputs of `m` examples in a plan for `n`."""
    x, targets = draw(n, 10, 8, 2, key=6), np.arange(n) % 5
    plan = network.plan(n, train=True, **options).cut(m)
    plan.x[...] = x[:m]
    plan.draw(1, 2)
    z = plan.forward(True)
    assert plan.dy is not None
    scratch = loss_scratch(LOSS, m, network.arena.params.dtype)
    value = LOSS.value_and_grad(z, targets[:m], plan.dy, scratch)
    plan.backward()
    return value, network.arena.grads.tobytes(), z.tobytes()


@pytest.mark.parametrize("layers", [CNN, RESIDUAL], ids=["cnn", "residual"])
@pytest.mark.parametrize("m", [13, 7, 1])
def test_blocks_equal_the_whole(layers: Any, m: int) -> None:
    network = build_network(layers, (10, 8, 2), np.float64)
    network.arena.initialize(4)
    whole = gradients(network, 13, m, block_bytes=1 << 60)
    for bytes_ in (30_000, 1):
        blocks = gradients(network, 13, m, block_bytes=bytes_)
        assert blocks[0] == pytest.approx(whole[0], rel=1e-12)
        a, b = np.frombuffer(blocks[1]), np.frombuffer(whole[1])
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-14)


def test_a_stage_is_blocked_only_where_it_pays() -> None:
    chain = build_network(CNN, (10, 8, 2)).chain
    assert [s.blocked for s in spans(chain, 64, 4, 20_000)] == [True, False]
    assert [s.blocked for s in spans(chain, 64, 4, 1 << 40)] == [False]
    dense = build_network([make("dense", units=4)], (6,)).chain
    assert [s.blocked for s in spans(dense, 1 << 10, 4, 1)] == [False]


def test_an_activation_that_never_falls_runs_after_the_pooling() -> None:
    layers = [make(n) for n in ("relu", "tanh", "max_pool2d", "gelu", "max_pool2d", "flatten")]
    chain = build_network(layers, (8, 8, 1)).chain
    assert chain.names == (
        *("max_pool2d_1", "relu_1", "tanh_1"),
        *("gelu_1", "max_pool2d_2", "flatten_1"),
    )
    x = draw(3, 8, 8, 1, key=8)
    swapped = build_network(layers[:3], (8, 8, 1), np.float64).plan(3, train=False)
    apart = build_network(layers[:1], (8, 8, 1), np.float64).plan(3, train=False)
    swapped.x[...] = apart.x[...] = x
    activated = np.tanh(apart.forward(False))
    pooled = activated.reshape(3, 4, 2, 4, 2, 1).max(axis=(2, 4))
    np.testing.assert_allclose(swapped.forward(False), pooled, rtol=1e-15)
