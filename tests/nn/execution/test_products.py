"""Products in blocks: the numbers of the whole product, blocks that BLAS does not copy."""

from __future__ import annotations

from itertools import product as combinations
from typing import Any

import numpy as np
import pytest

from dnn_cli.base.types import Array
from dnn_cli.nn.execution import products
from dnn_cli.nn.execution.products import blocks, product
from dnn_cli.nn.layers.dense import DenseSpec
from dnn_cli.nn.model import build_network

SIZES = (1, 7, 8, 30, 32, 61, 64, 100, 128, 200, 256, 300, 512, 784, 1000, 5408)


@pytest.fixture(autouse=True)
def kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks on every machine."""
    monkeypatch.setattr(products, "_has_kernels", lambda: True)


def draw(*shape: int, seed: int = 0) -> Array:
    """Numbers about zero, in float32."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def test_blocks_divide_the_result_and_stay_within_what_blas_does_not_copy() -> None:
    found = 0
    for m, k, n in combinations(SIZES, repeat=3):
        for a_transposed, b_transposed in ((False, False), (True, False), (False, True)):
            block = blocks(m, k, n, a_transposed, b_transposed)
            if block is None:
                continue
            found += 1
            rows, columns = block
            assert m % rows == 0 and n % columns == 0 and (rows, columns) != (m, n)
            assert rows * k * columns <= 1_000_000 and rows >= 8
            assert not b_transposed or rows * columns <= 1_200
            assert b_transposed or columns % 16 == 0
    assert found > 200


@pytest.mark.parametrize(
    ("m", "k", "n", "a_transposed", "b_transposed"),
    [
        (32, 784, 128, False, False),  # x W of the first layer of 784-128-10
        (256, 784, 128, False, False),
        (784, 32, 128, True, False),  # xᵀ dy
        (784, 128, 512, True, False),
        (64, 512, 512, False, False),
        (64, 256, 256, False, True),  # dy Wᵀ
        (128, 256, 256, False, True),
        (8, 128, 512, False, True),
    ],
)
def test_what_is_common_is_in_blocks(
    m: int, k: int, n: int, a_transposed: bool, b_transposed: bool
) -> None:
    assert blocks(m, k, n, a_transposed, b_transposed) is not None


@pytest.mark.parametrize(
    ("m", "k", "n", "a_transposed", "b_transposed"),
    [
        (128, 128, 10, False, False),  # BLAS copies neither factor
        (128, 784, 512, False, False),  # no cache holds W
        (1000, 784, 128, False, False),  # so many that copying is little
        (97, 784, 128, False, False),  # a prime number of rows
        (64, 784, 300, False, False),  # rows that begin within a cache line
        (784, 256, 128, True, False),  # likewise
        (256, 256, 256, False, True),
        (32, 10, 128, False, True),
        (32, 512, 61, False, True),  # a prime number of columns
    ],
)
def test_what_gains_nothing_is_whole(
    m: int, k: int, n: int, a_transposed: bool, b_transposed: bool
) -> None:
    assert blocks(m, k, n, a_transposed, b_transposed) is None


def test_how_the_factors_lie_decides() -> None:
    x, w, dy = draw(128, 784), draw(784, 128, seed=1), draw(128, 128, seed=2)
    found = {
        name: product(a, b, np.empty((len(a), b.shape[1]), a.dtype)).args[0].shape  # type: ignore[attr-defined]
        for name, a, b in (
            ("x W", x, w),
            ("xᵀ dy", x.T, dy),
            ("xᵀ dy, 256 rows", draw(256, 784).T, draw(256, 128)),
            ("dy Wᵀ", draw(32, 128), w.T),
            ("dy Wᵀ, 128 rows", dy, w.T),
            ("float64", x.astype(np.float64), w),
        )
    }
    assert found == {
        "x W": (16, 1, 8, 784),
        "xᵀ dy": (14, 1, 56, 128),
        "xᵀ dy, 256 rows": (784, 256),
        "dy Wᵀ": (1, 1, 32, 128),
        "dy Wᵀ, 128 rows": (128, 128),
        "float64": (128, 784),
    }


def test_products_are_those_of_float64() -> None:
    tried = 0
    for m, k, n in combinations((8, 30, 32, 64, 100, 128, 256, 784), repeat=3):
        x, w, dy = draw(m, k), draw(k, n, seed=1), draw(m, n, seed=2)
        for a, b in ((x, w), (x.T, dy), (dy, w.T)):
            out = np.full((len(a), b.shape[1]), np.nan, np.float32)
            call = product(a, b, out)
            tried += call.args[0].ndim == 4  # type: ignore[attr-defined]
            call()
            exact = a.astype(np.float64) @ b.astype(np.float64)
            np.testing.assert_allclose(out, exact, atol=1e-5 * np.sqrt(a.shape[1]) * 4)
    assert tried > 100


def test_a_product_can_be_of_parts_of_arrays_and_is_made_again_from_what_lies_there() -> None:
    x, w, y = draw(70, 800), draw(800, 300, seed=1), np.zeros((70, 300), np.float32)
    call = product(x[3:67, 8:792], w[5:789, 16:144], y[2:66, 100:228])
    assert call.args[0].ndim == 4  # type: ignore[attr-defined]
    call()
    w *= 2
    call()
    exact = np.zeros((70, 300))
    exact[2:66, 100:228] = x[3:67, 8:792].astype(float) @ w[5:789, 16:144].astype(float)
    np.testing.assert_allclose(y, exact, atol=1e-3)
    assert np.all(y[exact == 0] == 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_stacks_of_products(dtype: type) -> None:
    x, w = draw(3, 32, 784).astype(dtype), draw(3, 784, 128, seed=1).astype(dtype)
    y = np.empty((3, 32, 128), dtype)
    product(x, w, y)()
    np.testing.assert_allclose(y, x.astype(float) @ w.astype(float), atol=1e-3)


@pytest.mark.parametrize("bias", [True, False])
def test_a_network_in_blocks_has_the_gradient_of_float64(bias: bool) -> None:
    """Against a plan of float64, which has no blocks; 48 rows are a batch cut short."""
    layers = [DenseSpec(units=u, bias=bias) for u in (256, 128, 16)]
    results = []
    for dtype in (np.float32, np.float64):
        network = build_network(layers, (784,), dtype)
        network.arena.initialize(3)
        plan = network.plan(64, train=True, wants_dx=True)
        found: list[Array] = []
        for rows in (64, 48):
            part = plan.cut(rows)
            assert part.dy is not None and part.dx is not None
            part.x[...], part.dy[...] = draw(rows, 784), draw(rows, 16, seed=1)
            found.append(part.forward(True).copy())
            part.dy[...] = draw(rows, 16, seed=1)
            part.backward()
            tensors = network.arena.tensors(network.arena.grads)
            found += [part.dx.copy(), *(g.copy() for g in tensors.values())]
        results.append(found)
    for single, double in zip(*results, strict=True):
        np.testing.assert_allclose(single, double, atol=3e-6 * np.abs(double).max())


@pytest.mark.parametrize(
    ("blas", "baseline", "found", "expected"),
    [
        ("scipy-openblas", ["X86_V2"], ["X86_V3", "X86_V4"], True),
        ("openblas", ["SSE", "SSE2"], ["AVX2", "AVX512F", "AVX512_SKX"], True),
        ("openblas64", ["X86_V4"], [], True),
        ("scipy-openblas", ["X86_V2"], ["X86_V3"], False),
        ("mkl-sdl", ["X86_V2"], ["X86_V4"], False),
        ("accelerate", ["NEON"], ["ASIMDHP"], False),
    ],
)
def test_blocks_only_for_a_blas_and_a_processor_that_gain(
    blas: str,
    baseline: list[str],
    found: list[str],
    expected: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    told: dict[str, Any] = {
        "Build Dependencies": {"blas": {"name": blas}},
        "SIMD Extensions": {"baseline": baseline, "found": found},
    }
    monkeypatch.setattr(np, "show_config", lambda mode: told)
    assert products._has_kernels.__wrapped__() is expected
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(products, "can_fork", lambda: False)
        assert products._has_kernels.__wrapped__() is False
    monkeypatch.setattr(np, "show_config", lambda mode: {})  # a build that tells nothing
    assert products._has_kernels.__wrapped__() is False
