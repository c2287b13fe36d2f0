"""The few types that every floor speaks.

They are names for annotations only: what they stand for is imported by whoever checks types, and
a command that draws nothing does not pay for `numpy.random` (the two take 40 ms).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[Any]"
Rng: TypeAlias = "np.random.Generator"
Shape: TypeAlias = tuple[int, ...]
Call: TypeAlias = "Callable[[], object]"


def size_of(shape: Shape) -> int:
    """The number of elements of `shape`, in Python integers (no overflow)."""
    product = 1
    for length in shape:
        product *= int(length)
    return product
