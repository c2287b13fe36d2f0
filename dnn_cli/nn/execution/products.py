"""Products of matrices, in blocks where BLAS multiplies those faster than the whole.

Formula    out = a b
Shapes     a (m, k)   b (k, n)   out (m, n); with more axes, stacks of such products
Why        OpenBLAS first copies both factors into an order of its own: with few rows that takes as
           long as the product. Its kernels for AVX-512 do without up to 10⁶ multiply-adds, and
           where b is transposed up to 1,200 results. One `matmul` of stacks of blocks is many
           such products. Its time over that of the whole, for x W, xᵀ dy and dy Wᵀ of 256 x 256:
           0.63, 0.69, 0.59 with 32 rows, 0.81, 0.91, 0.91 with 128. Rows that begin within a
           cache line gain little: 1.06, 0.92, 0.96 of 400 x 120 with 64
Threads    only where processes share the work: elsewhere BLAS divides large products itself
Source     OpenBLAS 0.3.31: interface/gemm.c, kernel/x86_64/sgemm_small_kernel_permit_skylakex.c
"""

from __future__ import annotations

from functools import cache, partial

import numpy as np

from dnn_cli.base.types import Array, Call
from dnn_cli.nn.execution.ranks import can_fork

_OPERATIONS = 1_000_000  # multiply-adds up to which no factor is copied ...
_RESULTS = 1_200  # ... and results, where b is transposed
_LINE = 16  # float32 in a cache line
_COLUMNS = 128  # of a block at most
_ROWS = 32  # of a block at most, where b is transposed
_FEWEST = 8  # rows of a block, of fewer of which calls take what is gained
_LEAST = 256  # results of a block, likewise
# Past these blocks gain nothing, or less than a second thread of BLAS. x W reads W for each block:
_HELD = 210_000  # numbers of W; with up to _FEW rows of x ...
_NEAR = 1 << 18  # ... so many
_FEW = 64
_MANY = 256  # rows of x
_SUMMED = 128  # rows of x in xᵀ dy
_SHARE = 2  # columns of dy for each of its rows, at least, in dy Wᵀ


def product(a: Array, b: Array, out: Array) -> Call:
    """What to call to write out = a b, as often as wanted."""
    block = None
    if out.ndim == 2 and out.dtype == np.float32 and _has_kernels():
        block = blocks(*a.shape, b.shape[1], _transposed(a), _transposed(b))
    if block is None:
        return partial(np.matmul, a, b, out=out)
    (m, k), n, (rows, columns) = a.shape, b.shape[1], block
    return partial(  # an axis made two is a view, of whatever strides
        np.matmul,
        a.reshape(m // rows, 1, rows, k),
        b.reshape(k, n // columns, columns).swapaxes(0, 1),
        out=out.reshape(m // rows, rows, n // columns, columns).swapaxes(1, 2),
    )


@cache
def blocks(
    m: int, k: int, n: int, a_transposed: bool, b_transposed: bool
) -> tuple[int, int] | None:
    """How many rows and columns of the result make a block; None if all of them do."""
    small = m * k * n <= _OPERATIONS
    if b_transposed:
        if _SHARE * m > k or (small and m * n <= _RESULTS):
            return None
        rows = _divisor(m, _ROWS)
        columns = _divisor(n, min(_RESULTS // rows, _OPERATIONS // (rows * k)))
        return (rows, columns) if rows >= _FEWEST and rows * columns >= _LEAST else None
    large = k > _SUMMED if a_transposed else k * n > (_NEAR if m <= _FEW else _HELD) or m > _MANY
    if small or large:
        return None
    for columns in range(_COLUMNS, _LINE, -_LINE):
        if n % columns == 0:
            rows = _divisor(m, _OPERATIONS // (k * columns))
            if rows >= _FEWEST:
                return rows, columns
    return None


def _transposed(a: Array) -> bool:
    return a.strides[0] < a.strides[1]


def _divisor(n: int, most: int) -> int:
    """The largest divisor of `n` up to `most`, or 1."""
    return next((d for d in range(min(n, most), 1, -1) if n % d == 0), 1)


@cache
def _has_kernels() -> bool:
    """Whether products go to an OpenBLAS that has, and here uses, kernels for AVX-512."""
    built = np.show_config(mode="dicts")
    blas = built.get("Build Dependencies", {}).get("blas", {}).get("name", "")
    simd = built.get("SIMD Extensions", {})
    found = {*simd.get("baseline", ()), *simd.get("found", ())}
    return can_fork() and "openblas" in blas and not found.isdisjoint({"X86_V4", "AVX512_SKX"})
