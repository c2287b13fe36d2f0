"""Residual blocks: sums by hand, shapes that do not fit, names of what lies within."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dnn_cli.base.spec import SpecError
from dnn_cli.nn.layer import LAYERS, LayerSpec, ShapeError
from dnn_cli.nn.model import build_network


def make(name: str, **options: Any) -> LayerSpec:
    return LAYERS.get(name)(**options)


def dense(units: int) -> LayerSpec:
    return make("dense", units=units)


def test_y_is_the_sum_of_both_ways() -> None:
    network = build_network(
        [make("residual", layers=(dense(2), make("relu")), shortcut=(dense(2),))], (3,), np.float64
    )
    network.arena.initialize(0)
    tensors = network.arena.tensors()
    assert {k for k in tensors if k.endswith("W")} == {
        "residual_1.dense_1.W",
        "residual_1.1.dense_1.W",
    }
    x = np.arange(6.0).reshape(2, 3) - 2.0
    plan = network.plan(2, train=False)
    plan.x[...] = x
    main, around = tensors["residual_1.dense_1.W"], tensors["residual_1.1.dense_1.W"]
    np.testing.assert_allclose(plan.forward(False), np.maximum(x @ main, 0.0) + x @ around)


def test_a_block_that_is_not_the_input_again_is_refused_with_both_shapes() -> None:
    with pytest.raises(ShapeError, match=r"layers end in shape \(4,\), the input has \(3,\)"):
        build_network([make("residual", layers=(dense(4),))], (3,))
    with pytest.raises(ShapeError, match=r"\(4,\), the shortcut ends in \(5,\)") as raised:
        build_network([dense(2), make("residual", layers=(dense(4),), shortcut=(dense(5),))], (3,))
    assert raised.value.path == (1, "shortcut")


def test_an_error_inside_a_block_is_located() -> None:
    inner = make("residual", layers=(make("relu"), dense(4)))
    with pytest.raises(ShapeError, match=r"layer 1 \(residual\): layer 2 \(dense\)") as raised:
        build_network([inner], (3, 3, 1))
    assert raised.value.path == (0, "layers", 1)


def test_empty_ways_are_refused() -> None:
    for options in ({"layers": ()}, {"layers": (dense(3),), "shortcut": ()}):
        with pytest.raises(SpecError, match="at least one layer"):
            make("residual", **options)


def test_operations_and_examplewise_look_inside() -> None:
    block = make("residual", layers=(make("residual", layers=(dense(3), make("batch_norm"))),))
    layer = build_network([block], (3,)).chain.layers[0]
    assert layer.operations() == 9
    assert not layer.examplewise


def test_dropout_within_a_block_draws_masks_of_its_own() -> None:
    drop = make("dropout", rate=0.5)
    network = build_network([drop, make("residual", layers=(drop,))], (500,))
    plan = network.plan(4, train=True)
    plan.draw(0, 0)
    outer, inner = plan.steps[0].ws["mask"], plan.steps[1].ws.inner[0].steps[0].ws["mask"]
    assert 0.4 < (outer == inner).mean() < 0.6
