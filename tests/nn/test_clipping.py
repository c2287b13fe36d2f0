"""Limits on the gradient."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest

from dnn_cli.base.types import Array
from dnn_cli.nn.clipping import clip_norm, clip_value


def test_a_long_gradient_keeps_its_direction() -> None:
    g = np.array([3.0, 0.0, -4.0], dtype=np.float32)
    clip_norm(g, 1.0)
    np.testing.assert_allclose(g, [0.6, 0.0, -0.8], rtol=1e-6)


@pytest.mark.parametrize("limit", [5.0, 5.1])
def test_a_gradient_within_the_limit_is_left_alone(limit: float) -> None:
    g = np.array([3.0, 0.0, -4.0])
    clip_norm(g, limit)
    assert g.tolist() == [3.0, 0.0, -4.0]
    clip_norm(zero := np.zeros(3), 1.0)
    assert not zero.any()


def test_each_component_is_cut_alone() -> None:
    g = np.array([3.0, 0.25, -4.0], dtype=np.float32)
    clip_value(g, 0.5)
    assert g.tolist() == [0.5, 0.25, -0.5]


def test_what_is_not_a_number_stays_visible() -> None:
    for clip in (clip_norm, clip_value):
        g = np.array([np.nan, 7.0])
        clip(g, 1.0)
        assert np.isnan(g[0])


@pytest.mark.parametrize("clip", [clip_norm, clip_value])
def test_nothing_is_allocated_and_the_type_stays(clip: Callable[[Array, float], None]) -> None:
    g = np.ones(300_000, dtype=np.float32)
    clip(g, 0.9)
    g[...] = 1.0
    tracemalloc.start()
    clip(g, 0.5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000
    assert g.dtype == np.float32
    assert g[0] < 1.0
