"""Rooms: memory for one array of every example, or of the examples of one block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dnn_cli.base.types import Array, Shape, size_of
from dnn_cli.nn.execution.arena import aligned_zeros
from dnn_cli.nn.layer import Layer, Need


@dataclass(frozen=True, slots=True)
class Room:
    """Memory for an array: of the `whole` batch, or of one block at a time."""

    array: Array
    whole: bool

    def part(self, start: int, stop: int, shape: Shape) -> Array:
        """The examples from `start` to `stop`, each of `shape`."""
        found = self.array[start:stop] if self.whole else self.array[: stop - start]
        return found.reshape(stop - start, *shape)


def room_in(flat: Array, rows: int, size: int, whole: bool) -> Room:
    """A room for rows of `size` numbers in the front of a longer vector."""
    return Room(flat[: rows * size].reshape(rows, size), whole)


def scratch_rooms(
    layers: Mapping[int, Layer], n: int, block: int | None, dtype: Any
) -> dict[int, dict[str, Room]]:
    """The scratch of a stage for `n` examples in blocks of `block` (None: undivided).

    What is kept until backward has memory of its own, for every example; the rest of every layer
    lies in one block of memory.
    """
    rows = n if block is None else block
    largest = max(sum(_shared_sizes(layer, rows, dtype).values()) for layer in layers.values())
    pool = aligned_zeros(largest, np.uint8)
    found: dict[int, dict[str, Room]] = {}
    for k, layer in layers.items():
        sizes, offset = _shared_sizes(layer, rows, dtype), 0
        found[k] = {}
        for key, need in layer.needs.items():
            kind = _type(need, dtype)
            if need.keep:
                shape = _shape(need, n)
                kept = aligned_zeros(size_of(shape), kind).reshape(shape)
                found[k][key] = Room(kept, True)
                continue
            shape = _shape(need, rows)
            end = offset + size_of(shape) * kind.itemsize
            found[k][key] = Room(pool[offset:end].view(kind).reshape(shape), block is None)
            offset += sizes[key]
    return found


def _shared_sizes(layer: Layer, rows: int, dtype: Any) -> dict[str, int]:
    """Bytes of each scratch array that need not be kept, in whole cache lines."""
    return {
        key: -(-size_of(_shape(need, rows)) * _type(need, dtype).itemsize // 64) * 64
        for key, need in layer.needs.items()
        if not need.keep
    }


def _type(need: Need, dtype: Any) -> np.dtype[Any]:
    kind: np.dtype[Any] = np.dtype(dtype if need.dtype is None else need.dtype)
    return kind


def _shape(need: Need, rows: int) -> Shape:
    return (rows, *need.shape) if need.per_example else need.shape
