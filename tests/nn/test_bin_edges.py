"""Edges of bins: quantiles of NumPy where values differ, and what is heavy an edge by itself."""

from __future__ import annotations

import numpy as np
import pytest

from dnn_cli.nn.bin_edges import bin_edges

RNG = np.random.default_rng(4)


@pytest.mark.parametrize("bins", [1, 2, 5, 24])
def test_of_different_values_the_quantiles(bins: int) -> None:
    x = RNG.normal(size=1000).astype(np.float32)
    assert np.array_equal(bin_edges(x, bins), np.quantile(x, np.linspace(0, 1, bins + 1)))


def test_a_value_of_most_rows_takes_one_edge() -> None:
    others = np.sort(RNG.uniform(1.0, 9.0, 100))
    x = np.concatenate([np.zeros(900), others])
    edges = bin_edges(x, 24)
    assert len(edges) == 25 and edges[0] == 0.0
    assert np.allclose(edges[1:], np.quantile(others, np.linspace(0, 1, 24)))


def test_values_of_a_few_kinds_are_the_edges() -> None:
    x = RNG.permutation(np.repeat([1.0, 2.0, 5.0, 7.0], [500, 20, 300, 3]))
    assert bin_edges(x, 24).tolist() == [1.0, 2.0, 5.0, 7.0]
    assert bin_edges(np.full(50, 3.0), 24).tolist() == [3.0]


@pytest.mark.parametrize("seed", range(40))
def test_never_more_than_asked_for_and_from_end_to_end(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bins, n = int(rng.integers(1, 30)), int(rng.integers(1, 200))
    x = np.floor(rng.normal(size=n) * rng.choice([0.5, 3.0, 50.0])) * rng.choice([1.0, 0.0], n)
    edges = bin_edges(x, bins)
    assert len(edges) <= bins + 1 and np.all(np.diff(edges) > 0)
    assert edges[0] == x.min() and edges[-1] == x.max()
