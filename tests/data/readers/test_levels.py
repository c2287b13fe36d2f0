"""Codes of categories: those that a dictionary gives, in order of first appearance."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnn_cli.data.readers import levels as module
from dnn_cli.data.readers.levels import Levels

Blocks = list[list[bytes]]


def packed(cells: list[bytes]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A block of the cells, with a separator after all but the last, and their bounds."""
    lengths = np.array([len(cell) for cell in cells], np.int64)
    ends = np.cumsum(lengths + 1) - 1
    return np.frombuffer(b",".join(cells), np.uint8), ends - lengths, ends


def check(blocks: Blocks) -> Levels:
    known: dict[bytes, int] = {}
    column = Levels()
    for cells in blocks:
        expected = [known.setdefault(cell, len(known)) for cell in cells]
        codes = column.codes(*packed(cells))
        assert codes.dtype == np.int32
        assert codes.tolist() == expected
        assert column.levels == list(known)
    return column


def drawn(levels: list[bytes], *sizes: int) -> Blocks:
    draw = random.Random(0)
    return [draw.choices(levels, k=size) for size in sizes]


def test_in_order_of_first_appearance():
    check([[b"red", b"blue", b"red"], [b"green", b"blue"], [b"red", b"black", b"green"]])


def test_an_empty_cell_is_a_level():
    check([[b"", b"a", b""], [b"a", b"", b"b"]])
    check([[b""]])


def test_no_cells():
    column = check([[b"a"]])
    none = np.empty(0, np.int64)
    assert column.codes(np.empty(0, np.uint8), none, none).tolist() == []


def test_bytes_are_bytes():
    zeros = [b"\0" * n for n in range(20)]
    ends = [b"a" + zero for zero in zeros] + [zero + b"a" for zero in zeros]
    check(drawn(zeros + ends + [b"a ", b" a", b"A", "é".encode(), b"\xe9", b"e\xcc\x81"], 300, 300))


@pytest.mark.parametrize("length", [1, 7, 8, 9, 15, 16, 17, 24, 1000])
def test_every_byte_counts(length):
    one = bytes(65 + n % 26 for n in range(length))
    others = [one[:n] + b"-" + one[n + 1 :] for n in range(length)]
    check(drawn([one, *others, one[:-1], one + b"-"], 500, 2000))


def test_of_very_different_length():
    draw = random.Random(1)
    levels = [draw.randbytes(draw.choice([0, 1, 3, 8, 20, 100, 1000])) for _ in range(300)]
    check(drawn(levels, 2000, 50, 2000))


def test_few_levels_in_large_blocks():
    check(drawn([b"yes", b"no", b"Never-married", b""], 40_000, 7000))


def test_a_hundred_thousand_levels():
    numbers = [b"%d" % n for n in range(100_000)]
    column = check([numbers[n : n + 30_000] for n in range(0, 100_000, 30_000)])
    assert column.codes(*packed(numbers[::-1])).tolist() == list(range(100_000))[::-1]
    assert len(column._lost) < 100  # the table has nearly all


def test_few_new_levels_in_a_large_block():
    known = [b"%d" % n for n in range(100)]
    check([known * 20, [*known * 100, b"new", *known, b"further", b"new"]])


def with_hash(value: int, length: int) -> bytes:
    """The cell of 8 or 16 bytes, the first of them `first`, that has this hash."""
    mask, inverse = 2**64 - 1, pow(int(module._MIX), -1, 2**64)

    def unmixed(number: int) -> int:
        return (number ^ number >> 32) * inverse & mask

    if length == 8:
        return (unmixed(value) ^ 8 * int(module._LENGTH) & mask).to_bytes(8, "little")
    first = random.Random(value ^ length).getrandbits(64)
    halfway = module._mixed(np.array([first ^ 16 * int(module._LENGTH) & mask], np.uint64))
    last = unmixed(value) ^ int(halfway[0])
    return first.to_bytes(8, "little") + last.to_bytes(8, "little")


def test_levels_that_all_want_the_same_slot():
    levels = [with_hash(n, 8) for n in range(1, 3000)]
    column = check(drawn(levels, 100, 3000, 3000))
    assert len(column._lost) > 2000  # the dictionary has them
    check(drawn([*levels, b"a", b"other", b"than these"], 3000, 3000))


@pytest.mark.parametrize("first", [1, 2**64 - 10])
def test_levels_beside_each_other(first):
    column = check(drawn([with_hash(first + n, 8) for n in range(10)], 300, 300))
    assert not column._lost
    check(drawn([with_hash((first + n - 30) % 2**64, 8) for n in range(40)], 300, 300))


def test_levels_of_the_same_hash():
    word = with_hash(12345, 8)
    pair = with_hash(12345, 16)
    check([[word, pair, word], [pair, word, b"a", pair]])
    check([[pair, word]])
    same = [with_hash(h, length) for h in (0, 1, 2**63) for length in (8, 16)]
    check(drawn([*same, b"", b"a"], 100, 100))


ALIKE = [
    b"",
    b"\0",
    b"\0\0",
    b"a",
    b"a\0",
    b"\0a",
    b"a" * 20,
    b"a" * 19 + b"b",
    b"a" * 8,
    b"b" * 20,
]


@pytest.mark.parametrize("first", ALIKE)
def test_all_of_one_hash(monkeypatch, first):
    monkeypatch.setattr(module, "_mixed", np.zeros_like)
    check([[first], *drawn([*ALIKE, *(b"%d" % n for n in range(300))], 500, 500)])


@pytest.mark.parametrize("bits", [0, 1, 8, 54])
def test_poor_hashes(monkeypatch, bits):
    good = module._mixed
    monkeypatch.setattr(module, "_mixed", lambda x: good(x) >> np.uint64(64 - bits))
    check(drawn([b"%d" % n for n in range(3000)], 100, 5000, 5000))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.binary(max_size=18), min_size=1, max_size=30), max_size=4))
def test_of_any_bytes(blocks):
    check(blocks)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.text("ab\0", max_size=18).map(str.encode), min_size=1), max_size=4))
def test_of_few_characters(blocks):
    check(blocks)
