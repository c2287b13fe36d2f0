"""Probabilities as the shortest decimal numbers that read back equal, in bulk.

Text       that of `repr(float(str(x)))` for x of float32: `0.1`, not `0.10000000149011612`
Formula    x = D / 10^m, where D has the fewest digits, at most 9, such that D / 10^m rounds to x.
           D of k digits is x 10^m rounded; 9 always suffice, and each fewer is tried on the rest
Exact      10^m for m <= 22, D < 2^53 and so D / 10^m, rounded once, are right. A product x 10^m
           near a half, a quotient in the middle between two float32, a power of two (whose
           neighbours are not equally far) and a D that rounds up to 10^k are left to `str`
Cost       a probability 150 ns, where `repr(float(str(x)))` takes 1.6 µs (one core)
"""

from __future__ import annotations

import numpy as np

from dnn_cli.base.types import Array

_DIGITS = 9  # enough for every float32
_LEAST = -12  # exponent of ten of the smallest that is done in bulk: then m <= 20
_TENS = 10.0 ** np.arange(23)  # exact
_BOUNDS = np.array([float(f"1e{e}") for e in range(_LEAST, 1)])
_NEAR_HALF = 1e-6  # the product of nine digits is off by 1e-7 at the most
_HALF, _BELOW = np.uint64(1 << 28), np.uint64((1 << 29) - 1)  # of the bits that float32 lacks
_MANTISSA = np.uint32((1 << 23) - 1)
_NONE = 0xFF  # a byte that is in no UTF-8: what it stands for is nothing
_EXPONENTS = range(_LEAST, 0)
_THREE = np.array([[ord(c) for c in f"{k:03d}"] for k in range(1000)], np.uint8)


def _bytes(texts: list[str], width: int) -> Array:
    rows = [text.encode().ljust(width, bytes([_NONE])) for text in texts]
    return np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), width)


# Before and after the digits, by exponent: 0.00123 and 1.23e-05.
_AHEAD = _bytes([f"0.{'0' * (-e - 1)}" if e >= -4 else "" for e in _EXPONENTS], 5)
_BEHIND = _bytes(["" if e >= -4 else f"e-{-e:02d}" for e in _EXPONENTS], 4)


def shortest(values: Array) -> list[str]:
    """The texts of finite numbers (n,) of float32 or float64; those of float64 are their `repr`."""
    if values.dtype != np.float32:
        return [repr(value) for value in values.tolist()]
    found, texts = np.flatnonzero(_bulk(values)), np.empty(len(values), object)
    digits, counts, exponents, sure = _decimals(values[found])
    texts[found[sure]] = _written(digits[sure], counts[sure], exponents[sure])
    left = np.ones(len(values), bool)
    left[found[sure]] = False
    for value, text in ((0.0, "0.0"), (1.0, "1.0")):
        same = left & (values == value) & ~np.signbit(values)
        texts[same] = text
        left &= ~same
    for at in np.flatnonzero(left).tolist():
        texts[at] = repr(float(str(values[at])))
    return texts.tolist()


def _bulk(values: Array) -> Array:
    """Which of them (n,) lie between the bounds and are no power of two."""
    inside: Array = (values >= _BOUNDS[0]) & (values < 1.0)
    inside &= (values.view(np.uint32) & _MANTISSA) != 0
    return inside


def _decimals(values: Array) -> tuple[Array, Array, Array, Array]:
    """D with zeros behind to nine digits, how many it has, the exponent of the first; and if sure.

    Shapes: all (n,): int64, int64, int64, bool.
    """
    exact = values.astype(np.float64)
    exponents = np.searchsorted(_BOUNDS, exact, side="right") - 1 + _LEAST
    numbers, counts = np.empty(len(values)), np.zeros(len(values), np.int64)
    sure = np.ones(len(values), bool)
    at = np.arange(len(values))
    for count in range(_DIGITS, 0, -1):
        x = exact[at]
        power = _TENS[count - 1 - exponents[at]]
        scaled = x * power
        rounded = np.rint(scaled)
        tried = rounded / power
        equal = tried.astype(np.float32) == values[at]
        doubtful = np.abs(np.abs(scaled - rounded) - 0.5) < _NEAR_HALF
        doubtful |= (tried.view(np.uint64) & _BELOW) == _HALF
        doubtful |= rounded >= _TENS[count]
        sure[at[doubtful]] = False
        at, rounded = at[equal], rounded[equal]
        numbers[at], counts[at] = rounded * _TENS[_DIGITS - count], count
        if not at.size:
            break
    return numbers.astype(np.int64), counts, exponents, sure & (counts > 0)


def _written(digits: Array, counts: Array, exponents: Array) -> list[str]:
    """The texts of D (n,) of nine digits of which `counts` are written."""
    rows = np.full((len(digits), 20), _NONE, np.uint8)
    millions, rest = np.divmod(digits, 10**6)
    thousands, ones = np.divmod(rest, 10**3)
    nine = np.concatenate([_THREE[part] for part in (millions, thousands, ones)], axis=1)
    nine[np.arange(_DIGITS) >= counts[:, None]] = _NONE
    ahead = exponents - _LEAST
    rows[:, :5] = _AHEAD[ahead]
    rows[:, 5] = nine[:, 0]
    rows[:, 6] = np.where((exponents < -4) & (counts > 1), ord("."), _NONE)
    rows[:, 7:15] = nine[:, 1:]
    rows[:, 15:19] = _BEHIND[ahead]
    rows[:, 19] = ord("\n")
    return rows.tobytes().translate(None, bytes([_NONE])).decode().split("\n")[:-1]
