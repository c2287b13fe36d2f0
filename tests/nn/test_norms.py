"""Batch and layer normalisation against PyTorch, and what happens to a batch of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnn_cli.nn.layer import LAYERS, ShapeError
from dnn_cli.nn.model import build_network
from dnn_cli.nn.network import Network

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "layer_constants.json").read_text(encoding="utf-8")
)
OPTIONS = {"batch_norm": {"momentum": 0.2}, "layer_norm": {"epsilon": 1e-3}}


def network_of(name: str, shape: tuple[int, ...], **options: Any) -> Network:
    network = build_network([LAYERS.get(name)(**options)], shape, np.float64)
    network.arena.initialize(0)
    return network


@pytest.mark.parametrize(
    "key", ["batch_norm", "batch_norm images", "layer_norm", "layer_norm images"]
)
def test_training_steps_and_inference_are_those_of_pytorch(key: str) -> None:
    golden, name = GOLDEN[key], key.split()[0]
    shape = np.shape(golden["eval"])
    network = network_of(name, shape[1:], **OPTIONS.get(key, {}))
    tensors = network.arena.tensors()
    for slot, value in zip(("gamma", "beta"), golden["parameters"], strict=True):
        tensors[f"{name}_1.{slot}"][...] = value
    plan = network.plan(shape[0], train=True, wants_dx=True)
    assert plan.dy is not None
    for step in golden["steps"]:
        plan.x[...] = step["x"]
        plan.forward(True)
        plan.dy[...] = step["dy"]
        np.testing.assert_allclose(plan.y, step["y"], rtol=1e-12, atol=1e-12)
        plan.backward()
        np.testing.assert_allclose(plan.dx, step["dx"], rtol=1e-11, atol=1e-12)
        for slot, gradient in zip(("gamma", "beta"), step["grads"], strict=True):
            found = network.arena.gradient(f"{name}_1.{slot}")
            np.testing.assert_allclose(found, gradient, rtol=1e-11, atol=1e-12)
        for slot, buffer in zip(("mean", "variance"), step["buffers"], strict=False):
            np.testing.assert_allclose(tensors[f"{name}_1.{slot}"], buffer, rtol=1e-12)
    np.testing.assert_allclose(plan.forward(False), golden["eval"], rtol=1e-12, atol=1e-12)


def test_N05_a_batch_of_one_is_normalised_by_the_running_statistics() -> None:
    network = network_of("batch_norm", (3,))
    tensors = network.arena.tensors()
    tensors["batch_norm_1.mean"][...] = [1.0, 2.0, 3.0]
    tensors["batch_norm_1.variance"][...] = [4.0, 9.0, 0.25]
    before = network.arena.params.copy()
    plan = network.plan(8, train=True).cut(1)
    plan.x[...] = [[3.0, -1.0, 3.5]]
    np.testing.assert_allclose(plan.forward(True), [[1.0, -1.0, 1.0]], rtol=1e-4)
    np.testing.assert_array_equal(network.arena.params, before)


def test_one_image_of_several_pixels_is_a_batch_of_pixels() -> None:
    network = network_of("batch_norm", (2, 2, 1))
    plan = network.plan(1, train=True)
    plan.x[...] = np.array([1.0, 2.0, 3.0, 4.0]).reshape(1, 2, 2, 1)
    assert plan.forward(True).std() == pytest.approx(1.0, rel=1e-4)


def test_running_statistics_are_carried_and_not_learned() -> None:
    network = network_of("batch_norm", (3,))
    roles = {p.slot.name: p.slot.role for p in network.arena}
    assert roles == {"gamma": "bias", "beta": "bias", "mean": "state", "variance": "state"}
    assert network.parameters == 6


def test_large_offsets_cost_no_precision_worth_naming() -> None:
    """Two passes: a variance from E[x²] - E[x]² would be lost at 10,000 ± 1 in float32."""
    x = 1e4 + np.random.default_rng(0).normal(size=(200, 64))
    for name in ("batch_norm", "layer_norm"):
        outputs = []
        for dtype in (np.float32, np.float64):
            network = build_network([LAYERS.get(name)()], (64,), dtype)
            network.arena.initialize(0)
            plan = network.plan(200, train=True)
            plan.x[...] = x.astype(np.float32)
            outputs.append(plan.forward(True))
        np.testing.assert_allclose(outputs[0], outputs[1], atol=2e-3)


def test_shapes_that_cannot_be_normalised_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"layer 1 \(layer_norm\): .*single feature"):
        network_of("layer_norm", (1,))
    for name in ("batch_norm", "layer_norm", "prelu"):
        with pytest.raises(ShapeError, match="vectors or images"):
            network_of(name, ())
