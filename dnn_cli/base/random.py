"""Stateless random streams: a number drawn depends on what it is for, never on what came before.

Formula    Philox4x64-10 with key (seed, purpose) and counter (0, 0, a, b)
Why        nothing to save and nothing to replay: a resumed run draws the same numbers because it
           asks for the same purpose, epoch or step, and layer; adding a layer shifts no other's
Cost       7 µs a stream
Source     Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011
"""

from __future__ import annotations

import zlib
from enum import IntEnum

import numpy as np

from dnn_cli.base.types import Rng

_MASK = (1 << 64) - 1


class Purpose(IntEnum):
    """What a stream is for. Numbers are part of the reproducibility promise: never renumber."""

    INITIALIZE = 1  # b: slot
    ORDER = 2  # a: epoch
    DRAW = 3  # a: step, b: layer (dropout masks)
    SPLIT = 4
    SYNTHETIC = 5
    AUGMENT = 6  # a: epoch, b: batch
    CHECK = 7
    BOOTSTRAP = 8
    BASELINE = 9
    OBSERVE = 10  # b: layer (first values that the data decide)


def stream(seed: int, purpose: Purpose, a: int = 0, b: int = 0) -> Rng:
    """A generator for (seed, purpose, a, b); equal arguments give equal numbers."""
    key = np.array([seed & _MASK, int(purpose)], dtype=np.uint64)
    counter = np.array([0, 0, a & _MASK, b & _MASK], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(counter=counter, key=key))


def key_of(name: str) -> int:
    """A stable number for a name, to use as `b`."""
    return zlib.crc32(name.encode())
