"""Layers and whole networks for tables against PyTorch, from the same weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnn_cli.base.task import Task
from dnn_cli.nn.layer import LAYERS, LayerSpec
from dnn_cli.nn.layers.piecewise_linear import PiecewiseLinear
from dnn_cli.nn.loss import LOSSES, Loss, loss_scratch
from dnn_cli.nn.member_loss import fit_to
from dnn_cli.nn.model import build_network
from dnn_cli.nn.network import Network
from dnn_cli.nn.optimizer import OPTIMIZERS

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "tabular_constants.json").read_text(encoding="utf-8")
)
EDGES = np.array(GOLDEN["edges"])
PRECISIONS = pytest.mark.parametrize(
    ("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 1e-5)]
)


def spec(kind: str, options: dict[str, Any]) -> LayerSpec:
    given = dict(options)
    if "activation" in given:
        given["activation"] = LAYERS.get(given["activation"])()
    return LAYERS.get(kind)(**given)


def named(network: Network, layers: list[dict[str, Any]], part: str) -> dict[str, np.ndarray]:
    """A `part` of each layer by the names that the network has for it."""
    return {
        f"{name}.{slot}": np.array(value)
        for name, layer in zip(network.chain.names, layers, strict=True)
        for slot, value in layer[part].items()
    }


def begin(network: Network, values: dict[str, np.ndarray]) -> None:
    """Set the parameters, and the bins of columns from rows that are their edges."""
    for name, value in values.items():
        network.arena.value(name)[...] = value
    for layer in network.chain.layers:
        if isinstance(layer, PiecewiseLinear):
            layer.observe(EDGES.T.astype(network.arena.params.dtype), np.random.default_rng(0))


def close(found: Any, expected: Any, tolerance: float) -> None:
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * max(scale, 1.0))


@PRECISIONS
@pytest.mark.parametrize("name", GOLDEN["layers"])
def test_outputs_and_gradients_are_pytorchs(name: str, dtype: type, tolerance: float) -> None:
    case = GOLDEN["layers"][name]
    x = np.array(case["x"])
    network = build_network([spec(case["type"], case["options"])], x.shape[1:], dtype)
    begin(network, named(network, [case], "parameters"))
    plan = network.plan(len(x), train=True, wants_dx=True)
    plan.x[...] = x
    close(plan.forward(True), case["y"], tolerance)
    plan.dy[...] = case["dy"]
    plan.backward()
    close(plan.dx, case["dx"], tolerance)
    for key, gradient in named(network, [case], "grads").items():
        close(network.arena.gradient(key), gradient, tolerance)


def loss_of(case: dict[str, Any], out_shape: tuple[int, ...]) -> Loss:
    if case["loss"] == "mean_squared_error":
        return fit_to(LOSSES.get(case["loss"])().build(Task("regression", 1, ("y",))), out_shape)
    smoothed = LOSSES.get(case["loss"])(label_smoothing=0.1)  # type: ignore[call-arg]
    return fit_to(smoothed.build(Task("multiclass", 4, tuple("abcd"))), out_shape)


@PRECISIONS
@pytest.mark.parametrize("name", GOLDEN["networks"])
def test_ten_steps_of_a_network_are_pytorchs(name: str, dtype: type, tolerance: float) -> None:
    case = GOLDEN["networks"][name]
    x, target = np.array(case["x"]), np.array(case["target"])
    layers = [spec(one["type"], one["options"]) for one in case["layers"]]
    network = build_network(layers, x.shape[1:], dtype)
    begin(network, named(network, case["layers"], "before"))
    plan, loss = network.plan(len(x), train=True), loss_of(case, network.out_shape)
    optimizer = OPTIMIZERS.get("adam")(**case["optimizer"]).build(network.arena)
    scratch = loss_scratch(loss, len(x), dtype)
    target = target if target.ndim == 1 else target.astype(dtype)
    plan.x[...] = x
    losses = []
    for share, decay in zip(case["learning_rate_shares"], case["decay_shares"], strict=True):
        losses.append(loss.value_and_grad(plan.forward(True), target, plan.dy, scratch))
        plan.backward()
        optimizer.step(case["optimizer"]["learning_rate"] * share, decay)
    close(losses, case["losses"], tolerance)
    close(plan.forward(False), case["y"], tolerance)
    for key, expected in named(network, case["layers"], "after").items():
        close(network.arena.value(key), expected, tolerance)


def test_every_layer_for_tables_is_covered() -> None:
    covered = {case["type"] for case in GOLDEN["layers"].values()}
    assert covered >= {
        "batch_ensemble",
        "member_dense",
        "member_scale",
        "parametric",
        "periodic",
        "periodic_relu",
        "piecewise_linear",
        "scale",
    }
