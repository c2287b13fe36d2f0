"""An array that grows as rows arrive, and is never copied whole.

It is reserved once for the rows expected; pages that are not written stay with the system. More
rows than expected move it by `realloc`, which remaps a large block instead of copying it.
"""

from __future__ import annotations

import numpy as np

from dnn_cli.base.types import Array, Shape, size_of
from dnn_cli.data.readers.memory import require_memory


class GrowingArray:
    """Rows of `shape` and `dtype`, appended block by block."""

    def __init__(
        self, shape: Shape, dtype: np.dtype[np.generic], expected: int, origin: str
    ) -> None:
        self._row_bytes = size_of(shape) * dtype.itemsize
        self._origin = origin
        self.rows = 0
        require_memory(expected * self._row_bytes, origin)
        self._array = np.empty((max(1, expected), *shape), dtype)

    def append(self, block: Array) -> None:
        """Add the rows of `block` (n, *shape)."""
        end = self.rows + len(block)
        if end > len(self._array):
            room = end + end // 8
            require_memory((room - len(self._array)) * self._row_bytes, self._origin)
            self._array.resize((room, *self._array.shape[1:]), refcheck=False)
        self._array[self.rows : end] = block
        self.rows = end

    def finish(self) -> Array:
        """The array of all rows, cut to size; nothing may be appended afterwards."""
        self._array.resize((self.rows, *self._array.shape[1:]), refcheck=False)
        return self._array
