"""Cells of a block of bytes, eight bytes at a time, as 64-bit words.

Word       byte k of a cell, k = 0..7, holds bits 8 k to 8 k + 7: the first byte is the lowest
Cost       5 ns a cell; the same as rows of a sliding window of eight bytes 10 ns. Two words of
           an aligned array and shifts are as fast, and need a copy with room at its end
"""

from __future__ import annotations

import numpy as np

from dnn_cli.base.types import Array

WORD = 8  # bytes


def words(codes: Array, starts: Array) -> Array:
    """The eight bytes from each of `starts` (m,) as words uint64 (m,), zero beyond the end.

    Shapes: codes uint8 (n,) contiguous, starts int64 in 0..n.
    """
    if len(codes) < WORD:
        codes = np.concatenate([codes, np.zeros(WORD - len(codes), np.uint8)])
    last = len(codes) - WORD
    windows: Array = np.ndarray((last + 1,), "<u8", codes, strides=(1,))  # every place of a byte
    at = np.minimum(starts, last)
    return windows[at] >> bits(starts - at)


def bits(lengths: Array) -> Array:
    """Eight times `lengths` int64 (m,), all positive, as what a word may be shifted by."""
    return (lengths << 3).view(np.uint64)
