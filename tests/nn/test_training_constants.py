"""Whole trainings, step by step, against PyTorch: network, loss, penalty, clipping, optimizer."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnn_cli.nn.clipping import clip_norm, clip_value
from dnn_cli.nn.layer import LAYERS
from dnn_cli.nn.loss import loss_scratch
from dnn_cli.nn.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from dnn_cli.nn.model import build_network
from dnn_cli.nn.optimizer import OPTIMIZERS
from dnn_cli.nn.penalty import Penalty

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "training_constants.json").read_text(encoding="utf-8")
)["cases"]
SIZES = (20, 16, 12, 3)


def draw() -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """The lines of make_training_constants.py."""
    rng = np.random.Generator(np.random.Philox(2024))
    parameters = []
    for i, j in pairwise(SIZES):
        parameters.append((rng.random((i, j)) - 0.5) * 2.0 * np.sqrt(6.0 / i))
        parameters.append((rng.random(j) - 0.5) * 0.2)
    inputs = (rng.random((32, SIZES[0])) - 0.5) * 3.0
    return parameters, inputs, (rng.random(32) * SIZES[-1]).astype(np.int64)


def train(case: dict[str, Any], dtype: type) -> list[float]:
    dense, relu = LAYERS.get("dense"), LAYERS.get("relu")
    layers = [dense(units=16), relu(), dense(units=12), relu(), dense(units=3)]
    network = build_network(layers, (20,), dtype)
    parameters, inputs, targets = draw()
    names = [f"dense_{k}.{slot}" for k in (1, 2, 3) for slot in "Wb"]
    network.load(dict(zip(names, parameters, strict=True)))
    options = dict(case["optimizer"])
    spec = OPTIMIZERS.get(options.pop("type"))(**options)
    arena, loss, plan = network.arena, SoftmaxCrossEntropy(3), network.plan(32, train=True)
    optimizer, penalty = spec.build(arena), Penalty(arena, **case["penalty"])
    scratch = loss_scratch(loss, 32, dtype)
    plan.x[...] = inputs
    losses = []
    for _ in range(10):
        losses.append(loss.value_and_grad(plan.forward(True), targets, plan.dy, scratch))
        plan.backward()
        penalty.add_gradient()
        if spec.clip_value:
            clip_value(arena.grads, spec.clip_value)
        if spec.clip_norm:
            clip_norm(arena.grads, spec.clip_norm)
        optimizer.step(spec.learning_rate)
    return losses


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 1e-5)])
@pytest.mark.parametrize("name", GOLDEN)
def test_losses_of_ten_steps_are_pytorchs(name: str, dtype: type, tolerance: float) -> None:
    found = train(GOLDEN[name], dtype)
    np.testing.assert_allclose(found, GOLDEN[name]["losses"], rtol=tolerance)


def test_every_optimizer_that_pytorch_has_is_covered() -> None:
    covered = {case["optimizer"]["type"] for case in GOLDEN.values()}
    assert covered | {"lion"} == set(OPTIMIZERS.names())
