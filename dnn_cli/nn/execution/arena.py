"""The arena: all parameters of a network in one vector, all gradients in a second.

Order      weights | biases | carried state, so that "decayed" and "learned" are prefixes
Why        an optimizer, a norm, a checkpoint is one operation on a vector; allocating flat and
           handing out views needs no copying later
Rows       of wide matrices take an odd number of cache lines. With an even one, x W of 64 rows by
           784 x 512 takes 0.98 ms instead of 0.76, by 784 x 256 0.48 instead of 0.39; narrower
           matrices gain nothing
Sharing    both vectors lie in memory that forked processes share: see `ranks`
Alignment  each slot starts on a 64-byte boundary; the padding is zero and stays zero, because
           its gradients are zero
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dnn_cli.base.random import Purpose, key_of, stream
from dnn_cli.base.types import Array, Shape, size_of
from dnn_cli.nn.layer import Slot

_ALIGN = 64  # bytes: a cache line, and the widest vector register
_WIDE = 256  # columns from which it matters how many cache lines a row takes
_ORDER = {"weight": 0, "bias": 1, "state": 2}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a slot lies in the vector."""

    name: str  # dotted path, e.g. "dense_1.W"
    slot: Slot
    start: int
    stop: int

    def view(self, vector: Array) -> Array:
        """The slot's array in a vector like that of the parameters."""
        piece, shape = vector[self.start : self.stop], self.slot.shape
        if piece.size == size_of(shape):
            return piece.reshape(shape)
        return piece.reshape(shape[0], -1)[:, : shape[1]]


@dataclass(frozen=True, slots=True)
class Segment:
    """A run of the vector whose slots share their factors and their decay."""

    start: int
    stop: int
    learning_rate_factor: float
    decay_factor: float  # 0 for biases


class Arena:
    """Parameters and gradients of a network.

    Shapes     params (p,), grads (learned,); learned <= p
    """

    def __init__(self, slots: Sequence[tuple[str, Slot]], dtype: Any) -> None:
        step = _ALIGN // np.dtype(dtype).itemsize
        self.places: dict[str, Place] = {}
        ends = {"weight": 0, "bias": 0, "state": 0}
        position = 0
        for role in _ORDER:
            for name, slot in slots:
                if slot.role == role:
                    stop = position + _room(slot.shape, step)
                    self.places[name] = Place(name, slot, position, stop)
                    position = -(-stop // step) * step
            ends[role] = position
        self.decayed, self.learned = ends["weight"], ends["bias"]
        self.params = shared_zeros(position, dtype)
        self.grads = shared_zeros(self.learned, dtype)

    def value(self, name: str) -> Array:
        """The parameters of one slot, as a view."""
        return self.places[name].view(self.params)

    def gradient(self, name: str) -> Array:
        """The gradient of one learned slot, as a view."""
        return self.places[name].view(self.grads)

    def tensors(self, vector: Array | None = None) -> dict[str, Array]:
        """Every slot by name, as views of `vector` (the parameters by default)."""
        source = self.params if vector is None else vector
        return {
            name: place.view(source)
            for name, place in self.places.items()
            if place.stop <= len(source)
        }

    def initialize(self, seed: int) -> None:
        """Fill every slot by its initialiser, from a stream of its own name."""
        for name, place in self.places.items():
            rng = stream(seed, Purpose.INITIALIZE, 0, key_of(name))
            place.slot.init.fill(self.value(name), rng)

    def segments(self) -> list[Segment]:
        """The learned vector cut where learning-rate or decay factors change."""
        found: list[Segment] = []
        for place in sorted(self.places.values(), key=lambda p: p.start):
            slot = place.slot
            if slot.role == "state":
                continue
            decay = slot.decay_factor if slot.role == "weight" else 0.0
            last = found[-1] if found else None
            if last and (last.learning_rate_factor, last.decay_factor) == (
                slot.learning_rate_factor,
                decay,
            ):
                start = found.pop().start
            else:
                start = place.start
            found.append(Segment(start, place.stop, slot.learning_rate_factor, decay))
        return found

    def __iter__(self) -> Iterator[Place]:
        return iter(self.places.values())


def _room(shape: Shape, line: int) -> int:
    """Numbers that an array takes, `line` of which fill a cache line."""
    if len(shape) != 2 or shape[1] < _WIDE or shape[1] % (2 * line):
        return size_of(shape)
    return shape[0] * (shape[1] + line)


def aligned_zeros(count: int, dtype: Any) -> Array:
    """Zeros whose first byte lies on a cache line (NumPy promises 16 bytes only)."""
    itemsize = np.dtype(dtype).itemsize
    raw = np.zeros(count * itemsize + _ALIGN, dtype=np.uint8)
    offset = -raw.ctypes.data % _ALIGN
    return raw[offset : offset + count * itemsize].view(dtype)


def shared_zeros(count: int, dtype: Any) -> Array:
    """Zeros at the start of a page that processes forked from this one share with it.

    Raises:
        MemoryError: there is not so much.
    """
    size = count * np.dtype(dtype).itemsize
    try:
        shared = mmap.mmap(-1, max(size, 1))
    except OSError as error:
        raise MemoryError(f"{size} bytes that processes can share") from error
    return np.frombuffer(shared, dtype=dtype, count=count)
