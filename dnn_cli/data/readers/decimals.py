"""Plain decimal numbers in bulk: cells of bytes to float64, as exact as Python's `float`.

Grammar    [+-] digits [. digits], [+-] digits . or [+-] . digits: that of `numerals` without an
           exponent
Formula    value = ± mantissa / 10^places. Where mantissa < 2^53 and places <= 22, both are float64
           numbers, and their quotient is rounded once: correctly
Words      eight characters less 0x30 are one uint64, the last character highest, zero before the
           first. A sum shows the bytes that are no digits, a product where the only one stands;
           what is before it moves up by a byte, and three products add the digits up. A longer
           cell is its last eight characters and those before them
Cost       a cell of 6 significant digits 27 ns, a whole number 20, 13 digits 60 (280, 260 and
           240 MB/s; one core). A grid of the bytes of all cells takes 117, 44 and 109 ns, sums of
           digits times powers along the flat bytes 220, 100 and 330, NumPy's `astype` 195
Source     W. D. Clinger, How to read floating point numbers accurately, 1990 (the exact case)
"""

from __future__ import annotations

import numpy as np

from dnn_cli.base.types import Array
from dnn_cli.data.readers.words import WORD, bits, words

LONGEST = 3 * WORD  # characters of a cell after its sign
_PIECE = 1 << 15  # cells at a time: arrays of 256 KiB. With 4096 the calls double the time
_INEXACT = float(2**53)
_TENS = np.array([1.0, *(10.0**k for k in range(23)), np.nan])  # by places and one more, or by 0
_EACH = 0x0101010101010101
_ONE, _FULL = np.uint64(1), np.uint64(0xFF)
_NOUGHTS = np.uint64(0x30 * _EACH)
_OVER_NINE = np.uint64(0x76 * _EACH)  # plus 0 to 9 leaves the highest bit 0
_HIGHEST = np.uint64(0x80 * _EACH)
_STANDS = np.uint64(0x8070605040302010)  # times 2^(8 k): 8 - k in the highest four bits
_PAIRS, _FOURS = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0000FFFF0000FFFF)
_TO_PAIRS, _TO_FOURS, _TO_ALL = (np.uint64((10**k << 8 * k) + 1) for k in (1, 2, 4))


def decimals(
    codes: Array, starts: Array, ends: Array, decimal: int = ord(".")
) -> tuple[Array, Array]:
    """(values float64 (m,), read bool (m,)) of the cells between `starts` and `ends`.

    What is not in the grammar, has more than 24 characters after its sign, or as many digits that
    the formula is not exact, is not read: its value is nan.

    Shapes: codes uint8 (n,), the bytes in which the cells lie; starts and ends int64 (m,);
        decimal is the byte of the decimal sign.
    """
    codes = np.ascontiguousarray(codes)
    values, read = np.empty(len(starts)), np.empty(len(starts), np.bool_)
    for first in range(0, len(starts), _PIECE):
        piece = slice(first, first + _PIECE)
        values[piece], read[piece] = _signed(codes, starts[piece], ends[piece], decimal)
    return values, read


def _signed(codes: Array, starts: Array, ends: Array, decimal: int) -> tuple[Array, Array]:
    """The same for one piece."""
    lengths = ends - starts
    # of an empty cell it is the byte beyond, if there is one: its length is then 0 or less
    firsts = codes.take(starts, mode="clip") if codes.size else np.zeros(len(starts), np.uint8)
    minus = firsts == ord("-")
    signs = minus | (firsts == ord("+"))
    lengths -= signs
    mantissas, places, read = _unsigned(codes, starts + signs, lengths, decimal)
    read &= lengths > (places == 1)  # one digit at least: neither nothing nor a point alone
    values = mantissas / _TENS.take(places, mode="clip")
    values.view(np.uint64)[:] ^= minus.astype(np.uint64) << np.uint64(63)
    values[~read] = np.nan
    return values, read


def _unsigned(
    codes: Array, starts: Array, lengths: Array, decimal: int
) -> tuple[Array, Array, Array]:
    """Mantissas float64, places and one more (0 without a point), whether it is a number; (m,).

    What is no number has any mantissa and places.
    """
    short = np.minimum(lengths, WORD)
    mantissas, places, read = _short(codes, starts + (lengths - short), short, decimal)
    longer = np.flatnonzero(lengths > WORD)
    if longer.size:
        before = np.minimum(lengths[longer], LONGEST) - WORD
        higher, their_places, good = _unsigned(codes, starts[longer], before, decimal)
        pointed, further = places[longer] > 0, their_places > 0
        whole = higher * np.where(pointed, 1e7, 1e8) + mantissas[longer]  # exact below 2^53
        mantissas[longer] = whole
        places[longer] += np.where(further, their_places + WORD, 0)
        good &= (whole < _INEXACT) & (places[longer] < len(_TENS) - 1)
        read[longer] &= good & ~(pointed & further) & (lengths[longer] <= LONGEST)
    return mantissas, places, read


def _short(codes: Array, starts: Array, lengths: Array, decimal: int) -> tuple[Array, Array, Array]:
    """The same for cells of eight characters at the most."""
    digits = (words(codes, starts) ^ _NOUGHTS) << bits(WORD - lengths)
    other = digits + _OVER_NINE
    other |= digits
    other &= _HIGHEST
    other >>= np.uint64(7)  # 1 in each byte that is no digit: a power of two if there is one
    point = other * np.uint64(decimal ^ 0x30)
    before = np.maximum(other, _ONE) - _ONE  # the bits below the point; none without one
    wrong = (digits & (other * _FULL)) ^ point
    wrong |= other & before
    before &= digits
    digits -= point
    digits += before * _FULL  # times 256, less itself: a byte up, over the point
    digits *= _TO_PAIRS
    digits >>= np.uint64(8)
    digits &= _PAIRS
    digits *= _TO_FOURS
    digits >>= np.uint64(16)
    digits &= _FOURS
    digits *= _TO_ALL
    digits >>= np.uint64(32)
    other *= _STANDS
    other >>= np.uint64(60)
    return digits.view(np.int64).astype(np.float64), other.view(np.int64), wrong == 0
