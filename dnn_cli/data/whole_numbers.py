"""Whole numbers of 64 bits, of which float64 holds those up to 2^53: exact as differences.

Formula    x - base, base a whole number near the column's values: modulo 2^64, which is exact where
           x and base are less than 2^63 apart, and in float64 where they are not
Shapes     x (n, *shape); base int64 or uint64, broadcast over the last axes
Errors     none up to differences of 2^53; beyond, the rounding of float64, 2^-53 of the difference
"""

from __future__ import annotations

import numpy as np

from dnn_cli.base.types import Array

LARGE = 2.0**50  # from here on a base is subtracted: the statistics below keep three bits
_EXACT = 2.0**53
_SAFE = 2.0**62  # rounded differences below are of numbers that are less than 2^63 apart


def base_of(low: Array, high: Array) -> Array | None:
    """What to subtract from whole numbers between `low` and `high`; None: nothing at all.

    The smallest number of each column that is too large for float64 and reaches no further than
    float64 counts from there; 0 of all others.
    """
    if low.dtype.kind not in "iu" or low.dtype.itemsize < 8:
        return None
    far = np.maximum(np.abs(low.astype(np.float64)), np.abs(high.astype(np.float64))) >= LARGE
    near = high.astype(np.float64) - low.astype(np.float64) < _EXACT
    found = np.where(far & near, low, np.zeros_like(low))
    return found if found.any() else None


def differences(values: Array, base: Array | None, out: Array) -> None:
    """Write `values` less `base`, which may be None, to the float64 `out`."""
    if base is None:
        np.copyto(out, values)
        return
    np.subtract(values, base.astype(np.float64), out=out)
    if values.dtype.kind in "iu":
        wrapped = values.astype(np.uint64) - base.astype(np.uint64)
        np.copyto(out, wrapped.view(np.int64), where=np.abs(out) < _SAFE)
