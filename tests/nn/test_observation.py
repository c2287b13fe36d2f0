"""What layers set from data: bins of a piecewise-linear embedding, first weights and biases."""

from __future__ import annotations

from typing import Any

import numpy as np

from dnn_cli.nn.layer import LAYERS, LayerSpec
from dnn_cli.nn.layers.piecewise_linear import PiecewiseLinear
from dnn_cli.nn.model import build_network
from dnn_cli.nn.network import Network
from dnn_cli.nn.observation import observe

RNG = np.random.default_rng


def make(name: str, **options: Any) -> LayerSpec:
    return LAYERS.get(name)(**options)


def observed(layers: list[LayerSpec], x: np.ndarray) -> Network:
    network = build_network(layers, x.shape[1:], np.float64)
    network.arena.initialize(1)
    observe(network, x, 1)
    return network


def run(network: Network, x: np.ndarray) -> np.ndarray:
    plan = network.plan(len(x), train=False)
    plan.x[...] = x
    return plan.forward(False).copy()


def test_bins_are_those_of_the_published_example() -> None:
    # Edges -1, 0, 0.5, 2: quantiles of as many rows at each.
    network = observed(
        [make("piecewise_linear", bins=3, embedding=3)], np.array([[-1.0], [0.0], [0.5], [2.0]])
    )
    network.arena.value("piecewise_linear_1.W")[0] = np.eye(3)
    found = run(network, np.array([[-2.0], [0.2], [1.7], [5.0]]))
    expected = [[-1, 0, 0, -2], [1, 0.4, 0, 0.2], [1, 1, 0.8, 1.7], [1, 1, 3, 5]]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_any_function_that_is_linear_between_the_edges_can_be_said() -> None:
    x = RNG(0).normal(size=(500, 2))
    network = observed([make("piecewise_linear", bins=10, embedding=1)], x)
    for column in range(2):
        edges = np.quantile(x[:, column], np.linspace(0.0, 1.0, 11))
        values = RNG(column + 5).normal(size=11)
        network.arena.value("piecewise_linear_1.W")[column, :, 0] = np.diff(values)
        found = run(network, x)[:, column] + values[0]
        np.testing.assert_allclose(found, np.interp(x[:, column], edges, values), atol=1e-9)


def test_a_column_of_few_values_has_few_bins_and_a_constant_one_none() -> None:
    x = np.stack([np.repeat([0.0, 1.0], [95, 5]), np.full(100, 7.0)], axis=1)
    network = observed([make("piecewise_linear", bins=10)], x)
    layer = network.chain.layers[0]
    assert isinstance(layer, PiecewiseLinear)
    assert np.count_nonzero(layer.slope[0]) == 1 and not layer.slope[1].any()
    network.arena.value("piecewise_linear_1.W")[...] = 1.0
    assert np.isfinite(run(network, x + 100.0)).all()


def test_outputs_begin_with_deviation_one_and_their_zeros_among_the_rows() -> None:
    x = RNG(0).normal(3.0, 5.0, size=(2000, 6))
    options = {"parametrization": "ntk", "from_data": True}
    network = observed(
        [make("dense", units=40, **options), make("relu"), make("dense", units=30, **options)], x
    )
    W, b = network.arena.value("dense_1.W"), network.arena.value("dense_1.b")
    z = x @ W / np.sqrt(6.0)
    np.testing.assert_allclose(z.std(axis=0), 1.0, rtol=1e-9)
    assert (z.min(axis=0) < -b).all() and (-b < z.max(axis=0)).all()
    np.testing.assert_allclose(run(network, x).std(axis=0), 1.0, rtol=1e-9)


def test_each_member_sees_the_data() -> None:
    x = RNG(0).normal(size=(300, 4))
    options = {"parametrization": "ntk", "from_data": True}
    layers = [
        make("member_scale", members=3),
        make("dense", units=5, **options),
        make("member_dense", units=2, **options),
    ]
    found = run(observed(layers, x), x)
    np.testing.assert_allclose(found.std(axis=0), 1.0, rtol=1e-9)


def test_members_that_share_weights_see_the_data_with_biases_of_their_own() -> None:
    x = RNG(0).normal(size=(300, 4))
    layers = [make("batch_ensemble", units=5, members=3, from_data=True)] * 2
    network = observed(layers, x)
    found, b = run(network, x), network.arena.value("batch_ensemble_2.b")
    z = (found - b).reshape(-1, 5)
    np.testing.assert_allclose(z.std(axis=0), 1.0, rtol=1e-9)
    assert (found.min(axis=0) < 0.0).all() and (found.max(axis=0) > 0.0).all()
    assert not np.isclose(b[0], b[1]).any()


def test_what_is_observed_is_the_same_for_the_same_seed() -> None:
    x = RNG(0).normal(size=(300, 4))
    layers = [make("dense", units=5, from_data=True)]
    one, two = observed(layers, x), observed(layers, x)
    np.testing.assert_array_equal(one.arena.params, two.arena.params)
