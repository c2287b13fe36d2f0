"""Rooms: memory for one array of every example, or of the examples of one block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dnn_cli.base.types import Array, Shape


@dataclass(frozen=True, slots=True)
class Room:
    """Memory for an array: `arrays` holds one whole array, or one a lane."""

    arrays: tuple[Array, ...]
    whole: bool

    def part(self, lane: int, start: int, stop: int, shape: Shape) -> Array:
        """The examples from `start` to `stop`, each of `shape`."""
        found = self.arrays[0][start:stop] if self.whole else self.arrays[lane][: stop - start]
        return found.reshape(stop - start, *shape)


def room_in(flats: Sequence[Array], rows: int, size: int, whole: bool) -> Room:
    """A room for rows of `size` numbers in the front of longer vectors."""
    return Room(tuple(flat[: rows * size].reshape(rows, size) for flat in flats), whole)
