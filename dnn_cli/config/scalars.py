"""What a plain (unquoted) scalar means: the YAML 1.2 core schema, minus everything ambiguous.

Formula    null    | Null | NULL | ~ | nothing
           true, false and their two capitalisations
           int     [-+]? (0 | [1-9][0-9]*), within 64 bits
           float   [-+]? (.[0-9]+ | [0-9]+(.[0-9]*)?) ([eE][-+]?[0-9]+)?
           odd     what YAML 1.1 or 1.2 calls a number and people read differently: `010`, `0o10`,
                   `0x1F`, `0b11`, `1_000`, `1:30`, `.nan`, `.inf`, `1e999`
           text    everything else, so `no`, `on` and `2024-01-01` are text
Source     YAML 1.2.2 section 10.3; YAML 1.1 type repository (int, float)
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TypeAlias

LONGEST = 400  # characters of a number; also keeps clear of Python's limit of 4300 digits

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_PREFIXED = re.compile(r"[-+]?0(?:([oO])[0-7]+|([xX])[0-9a-fA-F][0-9a-fA-F_]*|([bB])[01][01_]*)")
_UNDERSCORED = re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?")
_SIXTIES = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_NUMERIC = re.compile(r"[-+.]?[0-9][-+0-9a-fA-FxXoO_.:]*")  # of any length
_NULL = ("", "~", "null", "Null", "NULL")
_TRUE, _FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")


@dataclass(frozen=True, slots=True)
class Odd:
    """A scalar that looks like a number and is refused: `complaint` completes "`text` …"."""

    text: str
    complaint: str
    fix: str = ""


Value: TypeAlias = bool | int | float | str | Odd | None


def plain_value(text: str) -> Value:
    """What the plain scalar `text` means."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    first = text[0]
    if first.isascii() and (first.isdigit() or first in "+-."):
        number = _number(text)
        if number is not None:
            return number
    return text


def _number(text: str) -> int | float | Odd | None:
    """The number that `text` is, why it is none, or None if it does not look like one."""
    if len(text) > LONGEST:
        long = f"is too long for a number ({len(text)} characters)"
        return Odd(text, long) if _NUMERIC.fullmatch(text) else None
    if _INT.fullmatch(text):
        return _integer(text)
    readings = _readings(text)
    if readings is not None:
        return _ambiguous(text, *readings)
    if _NOT_FINITE.fullmatch(text):
        return Odd(text, "is not a finite number")
    return _real(text) if _FLOAT.fullmatch(text) else None


def _integer(text: str) -> int | Odd:
    value = int(text)
    return value if fits_64_bits(value) else Odd(text, "does not fit into 64 bits")


def fits_64_bits(value: int) -> bool:
    """Whether an integer is one that NumPy, JSON readers and file formats can hold."""
    return -(2**63) <= value < 2**63


def _real(text: str) -> float | Odd:
    value = float(text)
    if math.isinf(value):
        return Odd(text, "is too large for a number (the largest is about 1.8e308)")
    if value == 0.0 and re.search("[1-9]", re.split("[eE]", text)[0]):
        return Odd(text, "is too small for a number (the smallest is about 5e-324)", "write 0")
    return value


def _readings(text: str) -> tuple[str, str] | None:
    """What YAML 1.1 and YAML 1.2 read where people may differ; None where all agree."""
    sign, digits = ("-" if text[0] == "-" else ""), text.lstrip("+-").replace("_", "")
    if _LEADING_ZERO.fullmatch(text):
        octal = set(digits) <= set("01234567")
        return sign + str(int(digits, 8)) if octal else "text", sign + str(int(digits))
    if prefixed := _PREFIXED.fullmatch(text):
        base = {"o": 8, "x": 16, "b": 2}[prefixed[prefixed.lastindex or 1].lower()]
        value = sign + str(int(digits[2:], base))
        return {8: ("text", value), 16: (value, value), 2: (value, "text")}[base]
    if _UNDERSCORED.fullmatch(text):
        return sign + digits, "text"
    if _SIXTIES.fullmatch(text):
        total = 0.0
        for part in digits.split(":"):
            total = total * 60 + float(part)
        return f"{sign}{total:.15g}", "text"
    return None


def _ambiguous(text: str, old: str, new: str) -> Odd:
    numbers = dict.fromkeys(value for value in (old, new) if value != "text")
    return Odd(
        text,
        f"is an ambiguous number: YAML 1.1 reads {old}, YAML 1.2 reads {new}",
        f'write {" or ".join(numbers)}, or "{text}" in quotes if it is text',
    )
