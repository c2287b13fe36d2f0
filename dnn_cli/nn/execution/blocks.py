"""Dividing long vectors: into pieces for ranks, and into blocks that stay in cache.

Cost       Adam on 101,770 parameters: 230 µs in blocks of 16k to 64k floats, 330 in blocks of 4k
           (call overhead). On 669,706 parameters: 1.6 ms in blocks of 64k, 1.8 to 2.1 of 24k.
           One block of 101,770 instead of two, where it fits: 0.98 of a step of 784-128-10
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dnn_cli.nn.execution.ranks import share_of

_CACHE = Path("/sys/devices/system/cpu/cpu0/cache/index2/size")  # the second level, as "2048K"
_LINE = 16  # floats of a cache line


def _cache_bytes() -> int:
    """The size of the second-level cache; 1 MB where it is smaller, or where nothing tells."""
    try:
        return max(1 << 20, int(_CACHE.read_text().strip().removesuffix("K")) * 1024)
    except (OSError, ValueError):
        return 1 << 20


BLOCK = _cache_bytes() // 20  # floats: Adam's four vectors fill four fifths of the cache


def piece_of(count: int, rank: int, ranks: int) -> slice:
    """What is the part of `rank` in a vector of `count` numbers: whole cache lines."""
    first, stop = share_of(-(-count // _LINE), rank, ranks)
    return slice(first * _LINE, stop * _LINE)


def without(piece: slice, taken: Iterable[tuple[int, int]]) -> list[slice]:
    """What is left of `piece` without the runs `taken`, each from a start to before a stop."""
    found, at = list[slice](), piece.start
    for start, stop in sorted(taken):
        if at < min(start, piece.stop):
            found.append(slice(at, min(start, piece.stop)))
        at = max(at, stop)
    return [*found, slice(at, piece.stop)] if at < piece.stop else found


def block_length(count: int) -> int:
    """How many of `count` numbers a block takes: equal parts of up to BLOCK, in cache lines."""
    parts = max(1, -(-count // BLOCK))
    return _LINE * max(1, -(-count // (_LINE * parts)))


def blocks_of(start: int, stop: int) -> list[slice]:
    """What lies from `start` to before `stop` in blocks, of which only the last may be shorter."""
    length = block_length(stop - start)
    return [slice(a, min(a + length, stop)) for a in range(start, stop, length)]
