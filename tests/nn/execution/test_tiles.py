"""Images that go from convolution to pooling in tiles, against the same layers one by one."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from dnn_cli.nn.execution.tiles import TakesTiles
from dnn_cli.nn.layer import LAYERS, LayerSpec
from dnn_cli.nn.layers.conv2d import Conv2d
from dnn_cli.nn.model import build_network


def make(name: str, **options: Any) -> LayerSpec:
    return LAYERS.get(name)(**options)


CONV = make("conv2d", filters=9)


def draw(*shape: int, key: int) -> np.ndarray:
    return np.random.Generator(np.random.Philox(key=[key, 0])).normal(size=shape)


CASES = {
    "one channel": ((10, 8, 1), [make("conv2d", filters=9), make("max_pool2d")]),
    "many channels": ((10, 8, 9), [make("conv2d", filters=81), make("max_pool2d")]),
    "strided and dilated": (
        (15, 19, 2),
        [make("conv2d", filters=18, stride=(1, 2), dilation=2), make("max_pool2d", size=(1, 4))],
    ),
    "three by three": (
        (9, 6, 2),
        [make("conv2d", filters=18, padding="same"), make("max_pool2d", size=3)],
    ),
    "columns only": (
        (4, 6, 2),
        [make("conv2d", filters=18, padding="same", bias=False), make("max_pool2d", size=(1, 2))],
    ),
    "padding that adds nothing": (
        (8, 8, 2),
        [make("conv2d", filters=18, padding="same"), make("max_pool2d", padding="same")],
    ),
    "mean": (
        (8, 9, 2),
        [make("conv2d", filters=18, padding="same"), make("average_pool2d", size=(2, 3))],
    ),
    "layers between": (
        (8, 6, 2),
        [
            make("conv2d", filters=18, padding="same"),
            make("batch_norm"),
            make("gelu"),
            make("prelu"),
            make("layer_norm"),
            make("max_pool2d"),
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("block_bytes", [1, 1 << 60])
def test_tiles_change_no_number(name: str, block_bytes: int) -> None:
    shape, layers = CASES[name]
    whole = build_network(layers, shape, np.float64)
    conv, pool = whole.chain.layers[0], whole.chain.layers[-1]
    assert isinstance(conv, Conv2d) and isinstance(pool, TakesTiles)
    assert conv.tile == pool.window.tile and pool.tiled
    whole.arena.initialize(3)

    shapes = [shape, *(layer.out_shape for layer in whole.chain.layers)]
    apart = [build_network([s], at, np.float64) for s, at in zip(layers, shapes, strict=False)]
    for single, start in zip(apart, whole.chain.names, strict=True):
        for place in single.arena:
            full = f"{start}.{place.slot.name}"
            single.arena.value(place.name)[...] = whole.arena.value(full)
    assert all(getattr(n.chain.layers[0], "tile", (1, 1)) == (1, 1) for n in apart)

    x = draw(5, *shape, key=1)
    plan = whole.plan(5, train=True, wants_dx=True, block_bytes=block_bytes)
    plans = [n.plan(5, train=True, wants_dx=True) for n in apart]
    plan.x[...] = plans[0].x[...] = x
    y = plan.forward(True)
    for single, above in pairwise(plans):
        above.x[...] = single.forward(True)
    np.testing.assert_allclose(y, plans[-1].forward(True), rtol=1e-12, atol=1e-14)

    dy = draw(*y.shape, key=2)
    assert plan.dy is not None
    plan.dy[...] = dy
    plan.backward()
    for single in reversed(plans):
        assert single.dy is not None and single.dx is not None
        single.dy[...] = dy
        single.backward()
        dy = single.dx
    assert plan.dx is not None
    np.testing.assert_allclose(plan.dx, dy, rtol=1e-10, atol=1e-13)
    for single, start in zip(apart, whole.chain.names, strict=True):
        for place in single.arena:
            if place.slot.role != "state":
                found = whole.arena.gradient(f"{start}.{place.slot.name}")
                wanted = single.arena.gradient(place.name)
                np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "layers"),
    [
        ((9, 8, 1), [CONV, make("max_pool2d")]),  # 7 rows: one left over
        ((8, 8, 1), [CONV, make("max_pool2d", size=3, stride=1)]),
        ((9, 9, 1), [CONV, make("max_pool2d", padding="same")]),
        ((8, 8, 1), [CONV, make("dropout", rate=0.5), make("max_pool2d")]),
        ((8, 8, 1), [make("depthwise_conv2d"), make("max_pool2d")]),
        ((8, 8, 1), [make("conv2d", filters=8), make("max_pool2d")]),  # fewer filters than taps
        ((8, 8, 1), [make("conv2d", filters=9, kernel=1), CONV, make("max_pool2d")]),
        ((8, 8, 1), [make("max_pool2d"), CONV]),
        ((8, 8, 1), [CONV, make("batch_norm")]),
        (
            (8, 8, 1),
            [
                make("residual", layers=(make("conv2d", filters=1, padding="same"),)),
                make("max_pool2d"),
            ],
        ),
    ],
    ids=lambda value: "-".join(s.spec_name for s in value) if isinstance(value, list) else "",
)
def test_rows_where_tiles_do_not_fit(shape: Any, layers: Any) -> None:
    found = build_network(layers, shape).chain.layers
    assert not any(getattr(layer, "tiled", False) for layer in found)
    assert all(getattr(layer, "tile", (1, 1)) == (1, 1) for layer in found)
