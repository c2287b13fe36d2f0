"""The few types that every floor speaks."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Shape: TypeAlias = tuple[int, ...]
Rng: TypeAlias = np.random.Generator


def size_of(shape: Shape) -> int:
    """The number of elements of `shape`, in Python integers (no overflow)."""
    product = 1
    for length in shape:
        product *= int(length)
    return product
