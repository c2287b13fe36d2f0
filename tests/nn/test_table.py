"""The expansion of a coded row: against scikit-learn, plain indexing, and codes that lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import OneHotEncoder

from dnn_cli.base.spec import SpecError
from dnn_cli.nn.execution.plan import Plan
from dnn_cli.nn.initializer import INITIALIZERS
from dnn_cli.nn.layer import LAYERS, LayerSpec, ShapeError
from dnn_cli.nn.model import build_network
from dnn_cli.nn.network import Network

# numbers at 0, 1 and 4, one-hot 2, 3, 6 and 8 (of 3, 2, 1 and 8 levels), embedded 5 and 7
LEVELS = (0, 0, 3, 2, 0, 20, 1, 9, 8)
NUMBERS, ONE_HOT, EMBEDDED = (0, 1, 4), (2, 6, 8), (5, 7)
WIDTH = 3 + (3 + 1 + 1 + 8) + 2 * 4


def make(name: str, **options: Any) -> LayerSpec:
    return LAYERS.get(name)(**options)


def laid_out(
    n: int, dtype: Any = np.float64, levels: tuple[int, ...] = LEVELS, **options: Any
) -> tuple[Network, Plan]:
    network = build_network([make("table", levels=levels, **options)], (len(levels),), dtype)
    network.arena.initialize(3)
    return network, network.plan(n, train=True, wants_dx=True)


def rows(n: int, levels: tuple[int, ...] = LEVELS, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    columns = [rng.integers(0, many + 1, n) if many else rng.normal(size=n) for many in levels]
    return np.stack(columns, axis=1).astype(np.float64)


def expanded(x: np.ndarray, **options: Any) -> np.ndarray:
    _, plan = laid_out(len(x), **options)
    plan.x[...] = x
    return plan.forward(True).copy()


def test_numbers_come_first_then_categories_as_scikit_learn_encodes_them() -> None:
    x = rows(400)
    y = expanded(x, embedding=4)
    assert y.shape == (400, WIDTH)
    np.testing.assert_array_equal(y[:, :3], x[:, NUMBERS])
    known = [np.arange(1.0, LEVELS[column] + 1.0) for column in ONE_HOT]
    encoder = OneHotEncoder(categories=known, handle_unknown="ignore", sparse_output=False)
    one_hot = encoder.fit_transform(x[:, ONE_HOT])
    np.testing.assert_array_equal(np.delete(y[:, 3:16], 3, axis=1), one_hot)
    np.testing.assert_array_equal(y[:, 6], np.choose(x[:, 3].astype(int), [0.0, 1.0, -1.0]))


def test_many_levels_are_rows_of_one_table() -> None:
    network, plan = laid_out(50, embedding=4)
    table = network.arena.value("table_1.E")
    assert table.shape == (21 + 10, 4)
    plan.x[...] = x = rows(50)
    y = plan.forward(False)
    np.testing.assert_array_equal(y[:, 16:20], table[:21][x[:, 5].astype(int)])
    np.testing.assert_array_equal(y[:, 20:], table[21:][x[:, 7].astype(int)])


def test_the_gradient_of_a_level_is_the_sum_over_the_rows_that_have_it() -> None:
    network, plan = laid_out(200, embedding=4)
    assert plan.dy is not None and plan.dx is not None
    plan.x[...] = x = rows(200)  # each level many times
    x[:, 5][x[:, 5] == 20] = 19  # but one of them never
    plan.x[...] = x
    rng = np.random.default_rng(1)
    for _ in range(2):  # the second overwrites the first
        plan.forward(True)
        plan.dy[...] = dy = rng.normal(size=(200, WIDTH))
        network.arena.grads.fill(np.nan)
        plan.backward()
    for column, first, at in ((5, 0, 16), (7, 21, 20)):
        for code in range(LEVELS[column] + 1):
            expected = dy[x[:, column] == code, at : at + 4].sum(0)
            found = network.arena.gradient("table_1.E")[first + code]
            np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)
    assert not network.arena.gradient("table_1.E")[20].any()
    np.testing.assert_array_equal(plan.dx[:, NUMBERS], dy[:, :3])
    assert not np.delete(plan.dx, NUMBERS, axis=1).any()


def test_gradients_agree_with_differences_of_float64() -> None:
    network, plan = laid_out(30, embedding=4)
    assert plan.dy is not None
    plan.x[...] = rows(30)
    weights = np.random.default_rng(2).normal(size=(30, WIDTH))
    plan.forward(True)
    plan.dy[...] = 2.0 * weights * plan.y
    plan.backward()
    table, gradient = network.arena.value("table_1.E"), network.arena.gradient("table_1.E").copy()
    estimate = np.empty_like(table)
    for at in np.ndindex(table.shape):
        kept = table[at]
        values = []
        for h in (1e-4, -1e-4):
            table[at] = kept + h
            values.append(float(np.sum(weights * plan.forward(True) ** 2)))
        table[at] = kept
        estimate[at] = (values[0] - values[1]) / 2e-4
    np.testing.assert_allclose(gradient, estimate, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "code", [np.nan, np.inf, -np.inf, -1.0, -0.5, 0.5, 1.5, 21.0, 1e30, -1e30, 2.0**24, 2.0**63]
)
def test_a_code_that_no_level_has_counts_as_0(code: float, dtype: Any) -> None:
    network, plan = laid_out(12, dtype, embedding=4)
    assert plan.dy is not None
    x = rows(12)
    categories = [column for column, many in enumerate(LEVELS) if many]
    for row, column in enumerate(categories * 2):
        x[row, column] = 0.0
    plan.x[...] = x
    y = plan.forward(True).copy()
    plan.dy[...] = dy = np.random.default_rng(1).normal(size=y.shape).astype(dtype)
    plan.backward()
    gradient = network.arena.grads.copy()
    for row, column in enumerate(categories * 2):
        plan.x[row, column] = code
    np.testing.assert_array_equal(plan.forward(True), y)
    plan.dy[...] = dy
    plan.backward()
    np.testing.assert_array_equal(network.arena.grads, gradient)


def test_codes_are_exact_up_to_the_last_that_float32_holds() -> None:
    network = build_network([make("table", levels=(2**24, 2**24), embedding=1)], (2,))
    plan, table = network.plan(4, train=False), network.arena.value("table_1.E")[:, 0]
    plan.x[...] = codes = np.array([[2**24, 2**24], [2**24 - 1, 0], [0, 2**24 - 1], [1, 1]])
    row = codes + np.array([0, 2**24 + 1])
    table[row] = expected = np.arange(8.0).reshape(4, 2)
    np.testing.assert_array_equal(plan.forward(False), expected)


def test_a_row_of_numbers_stays_as_it_is() -> None:
    x = rows(7, (0, 0, 0))
    network, plan = laid_out(7, levels=(0, 0, 0))
    plan.x[...] = x
    np.testing.assert_array_equal(plan.forward(True), x)
    assert network.parameters == 0 and not network.chain.layers[0].learns


def test_what_is_one_hot_is_a_matter_of_options() -> None:
    for options, width, parameters in (
        ({"onehot_max": 0}, 3 + 6 * 8, (4 + 3 + 21 + 2 + 10 + 9) * 8),
        ({"onehot_max": 20}, 3 + 3 + 1 + 20 + 1 + 9 + 8, 0),
        ({"onehot_max": 9, "embedding": 5}, 3 + 3 + 1 + 1 + 9 + 8 + 5, 21 * 5),
    ):
        network, plan = laid_out(2, **options)
        assert (plan.y.shape, network.parameters) == ((2, width), parameters)
        assert network.chain.operations() == 0


def test_embeddings_start_with_deviation_1_or_as_asked() -> None:
    network, _ = laid_out(1, levels=(2000, 0))
    first = network.arena.value("table_1.E")
    assert first.std() == pytest.approx(1.0, abs=0.03) and abs(first.mean()) < 0.03
    zeros = make("table", levels=(30,), weights=INITIALIZERS.get("zeros")())
    network = build_network([zeros, make("dense", units=3), make("relu")], (1,))
    network.arena.initialize(0)
    assert not network.arena.value("table_1.E").any() and network.arena.value("dense_1.W").any()


def test_factors_reach_the_slot() -> None:
    spec = make("table", levels=(30,), learning_rate_factor=0.5, decay_factor=0.25)
    segment, *_ = build_network([spec], (1,)).arena.segments()
    assert (segment.learning_rate_factor, segment.decay_factor) == (0.5, 0.25)


@pytest.mark.parametrize(
    ("levels", "shape", "path", "words"),
    [
        ((0, 3), (3,), ("levels",), "2 columns have levels, the row has 3"),
        ((0, 3), (2, 1, 1), (), r"takes rows of a table, not examples of shape \(2, 1, 1\)"),
        (None, (3,), ("levels",), "the data tell them to the first layer of a network only"),
    ],
)
def test_what_does_not_fit_is_refused(levels: Any, shape: Any, path: Any, words: str) -> None:
    with pytest.raises(ShapeError, match=words) as raised:
        build_network([make("relu"), make("table", levels=levels)], shape)
    assert raised.value.path == (1, *path)


@pytest.mark.parametrize(
    ("many", "words", "path"),
    [
        (-1, "at least 0, found -1", ("levels",)),
        (2**24 + 1, "at most 16777216, .* found 16777217", ("levels", 1)),
    ],
)
def test_numbers_of_levels_that_no_code_reaches_are_refused(
    many: int, words: str, path: tuple[str | int, ...]
) -> None:
    with pytest.raises(SpecError, match=words) as raised:
        make("table", levels=(0, many))
    assert raised.value.path == path
