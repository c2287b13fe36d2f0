"""Changes to inputs: of bytes, of JSON, and of what a format's own structure is made of."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

EDGES = (0, 1, 2, 7, 8, 127, 128, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32, 2**53, 2**63)
TEXTS = ("", "a", "\x1b[31m", "\x00", "é", "\u202e", "\ud800", "\U0001f600", "=1+1", "x" * 300)
SCALARS: tuple[Any, ...] = (
    *(None, True, False, -1, -0.0, 0.5, 1e308, 5e-324, 10**400, -(2**63), float("nan")),
    *(float("inf"), *EDGES, *TEXTS),
)


_JSON = rb'{ } [ ] : , " \ \u0000 \ud800 null true false NaN Infinity -0 1e999 0.1 1E400 "a":'
JSON_WORDS = (*_JSON.split(), b"\n", b"1" * 400)


def of_bytes(data: bytes, random: Random, words: Sequence[bytes] = ()) -> bytes:
    """`data` with a few bytes changed, taken out, put in, moved or doubled."""
    found = bytearray(data)
    for _ in range(1 + int(random.expovariate(0.7))):
        random.choice(_BYTE_CHANGES)(found, random, words)
    return bytes(found)


def _flip(data: bytearray, random: Random, words: Sequence[bytes]) -> None:
    if data:
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def _set(data: bytearray, random: Random, words: Sequence[bytes]) -> None:
    if data:
        data[random.randrange(len(data))] = random.choice((0, 1, 0x7F, 0x80, 0xFF, 0x22, 0x0A))


def _number(data: bytearray, random: Random, words: Sequence[bytes]) -> None:
    width, order = random.choice((1, 2, 4, 8)), random.choice(("little", "big"))
    at = random.randrange(len(data) + 1)
    data[at : at + width] = (random.choice(EDGES) % (1 << 8 * width)).to_bytes(width, order)


def _cut(data: bytearray, random: Random, words: Sequence[bytes]) -> None:
    start, stop = _span(data, random)
    del data[start:stop]


def _truncate(data: bytearray, random: Random, words: Sequence[bytes]) -> None:
    del data[random.randrange(len(data) + 1) :]


def _double(data: bytearray, random: Random, words: Sequence[bytes]) -> None:
    start, stop = _span(data, random)
    at = random.randrange(len(data) + 1)
    data[at:at] = data[start:stop] * random.choice((1, 1, 1, 20))


def _put(data: bytearray, random: Random, words: Sequence[bytes]) -> None:
    at = random.randrange(len(data) + 1)
    data[at : at + random.choice((0, 0, 1, 4))] = random.choice(words) if words else b"\0"


_Change = Callable[[bytearray, Random, Sequence[bytes]], None]
_BYTE_CHANGES: tuple[_Change, ...] = (_flip, _set, _number, _cut, _truncate, _double, _put, _put)


def _span(data: bytearray, random: Random) -> tuple[int, int]:
    start = random.randrange(len(data) + 1)
    return start, min(len(data), start + int(random.expovariate(0.1)))


def of_json(value: Any, random: Random) -> Any:
    """A copy of plain JSON with one part replaced, removed, added, renamed or wrapped."""
    root = [copy.deepcopy(value)]
    owner, key = random.choice(list(_parts(root)))
    change = random.randrange(7)
    if change == 0 and owner is not root:
        del owner[key]
    elif change == 1 and isinstance(owner, dict):
        owner[random.choice((*TEXTS, *owner))] = owner.pop(key)
    elif change == 2:
        owner[key] = random.choice(([owner[key]], {"a": owner[key]}, [], {}))
    elif change == 3 and isinstance(owner, list) and owner is not root:
        owner.insert(random.randrange(len(owner) + 1), copy.deepcopy(owner[key]))
    elif change == 4 and isinstance(owner[key], int | float):
        owner[key] += random.choice((-1, 1))
    elif change == 5:
        other, there = random.choice(list(_parts(root)))
        owner[key] = copy.deepcopy(other[there])
    else:
        owner[key] = random.choice(SCALARS)
    return root[0]


def _parts(value: Any) -> Iterator[tuple[Any, Any]]:
    """(owner, key) of every part."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in list(pairs):
        yield value, key
        if isinstance(part, dict | list):
            yield from _parts(part)


def of_json_text(data: bytes, random: Random) -> bytes:
    """JSON with some parts changed, sometimes deep; other text with some bytes changed."""
    try:
        value = json.loads(data)
        for _ in range(random.choice((1, 1, 2, 4))):
            value = of_json(value, random)
        text = json.dumps(value)
    except (ValueError, RecursionError):
        return of_bytes(data, random, JSON_WORDS)
    deep = random.randrange(1500) if random.random() < 0.02 else 0
    return text.replace("[]", "[" * deep + "]" * deep, 1).encode() if deep else text.encode()
