"""Decimal numbers in bulk: what is read is what float() makes of it, bit for bit."""

import random
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnn_cli.data.readers.decimals import LONGEST, decimals

GRAMMAR = re.compile(rb"([+-]?)(?=\.?[0-9])([0-9]*)(?:(\.)([0-9]*))?")


def exact(cell: bytes) -> bool:
    """Whether a cell is to be read: in the grammar, short enough, and both numbers exact."""
    found = GRAMMAR.fullmatch(cell)
    if not found:
        return False
    _, whole, _, after = found.groups(b"")
    return len(cell) - len(found[1]) <= LONGEST and int(whole + after) < 2**53 and len(after) <= 22


def packed(cells: list[bytes]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A block of the cells, with a separator after all but the last, and their bounds."""
    lengths = np.array([len(cell) for cell in cells], np.int64)
    ends = np.cumsum(lengths + 1) - 1
    return np.frombuffer(b",".join(cells), np.uint8), ends - lengths, ends


def check(cells: list[bytes]) -> None:
    values, read = decimals(*packed(cells))
    assert values.dtype == np.float64
    assert read.dtype == np.bool_
    expected = np.array([float(cell) if exact(cell) else np.nan for cell in cells])
    assert [c for c, r in zip(cells, read, strict=True) if r != exact(c)] == []
    wrong = values.view(np.int64) != expected.view(np.int64)
    wrong &= ~(np.isnan(values) & np.isnan(expected))
    assert [cells[i] for i in np.flatnonzero(wrong)] == []


READ = ["0", "-0", "+0", "-0.0", "7", "007", "-12", "+12", "3.25", "-.5", "5.", "+5.", "0.1", ".1",
        "12345678", "123456789", "1234567.8", "12345678.9", ".12345678", "12345678.", "-1234567.",
        "9007199254740991", "-0.9007199254740991", "900719925474099.1", "0000000000000000.25",
        "000000000000000000000001", "0.0000000000000000000001", "123456789012345678901234"[:15],
        "12345678.12345678", "1234567.12345678", "0.30000000000000004"[:17]]  # fmt: skip


@pytest.mark.parametrize("cell", READ)
def test_read(cell):
    assert exact(cell.encode())
    check([cell.encode()])


LEFT = ["", ".", "-", "+", "-.", "+.", "--1", "+-1", "1-", "1+", "1.2.3", "1..2", "..", "1e5",
        "1E5", "nan", "inf", "NA", "?", " 1", "1 ", "1_000", "0x10", "1,5", "9007199254740992",
        "1/2", "1:2",
        "0.9007199254740992", "18446744073709551616", "0.00000000000000000000001", "1.2345678.9",
        "12345678.1234567.", "12.345678.12345678", "0" * 25, "0" * 1000, "-" + "0" * 25, "1\x00",
        "\x001", "\x00", "é", "1é", "\xff", "٣", "1.2345678x", "x.12345678", "........", "////////",
        "999999999999999999999999", "1.\u00e9", "./", "1./5", ".:1"]  # fmt: skip


@pytest.mark.parametrize("cell", LEFT)
def test_left_to_the_caller(cell):
    assert not exact(cell.encode())
    check([cell.encode()])
    check([b"1.5", cell.encode(), b"-2"])


def test_every_byte_beside_a_digit():
    for cell in (b"%c", b"1%c", b"%c1", b"1%c2", b"1.5%c", b"1234567%c", b"12345678%c9", b"%c%c"):
        check([cell.replace(b"%c", bytes([byte])) for byte in range(256)])


SHAPES = {  # digits before and after the point
    "few": (range(4), range(4)),
    "six": (range(3), range(5, 8)),
    "a word": (range(8), range(8)),
    "two words": (range(12), range(12)),
    "three words": (range(20), range(20)),
    "near 2^53": (range(1, 4), range(13, 16)),
    "zeros": (range(2), range(15, 24)),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_as_float_does(shape):
    draw = random.Random(shape)
    before, after = SHAPES[shape]

    def cell() -> bytes:
        whole = "".join(draw.choices("0123456789", k=draw.choice(before)))
        rest = "".join(draw.choices("0123456789", k=draw.choice(after)))
        if shape == "zeros":
            rest = rest[-draw.randrange(1, 12) :].rjust(len(rest), "0")
        point = "." if rest else draw.choice(["", "", "."])
        return (draw.choice(["", "", "-", "+"]) + whole + point + rest).encode()

    check([cell() for _ in range(40_000)])  # more than one piece


@pytest.mark.parametrize("form", ["%.6g", "%.3f", "%.12f", "%.15g", "%r", "%.0f", "%e"])
def test_as_programs_write(form):
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=20_000) * 10.0 ** rng.integers(-6, 9, 20_000)
    check([(form % float(number)).encode() for number in numbers])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text("0123456789+-.eE, /:x", max_size=28).map(str.encode), min_size=1))
def test_of_any_characters(cells):
    check([cell.replace(b",", b";") for cell in cells])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=20), min_size=1, max_size=20))
def test_of_any_bytes(cells):
    check(cells)


@settings(max_examples=300, deadline=None)
@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=5).map(lambda d: f"{d:f}".encode())
)
def test_one_cell_alone(cell):
    check([cell])


def test_decimal_comma():
    codes, starts, ends = packed([b"-1;5", b"2.5", b";25", b"1;2;3", b"123456789;5"])
    codes = np.where(codes == ord(";"), ord(","), codes).astype(np.uint8)
    values, read = decimals(codes, starts, ends, ord(","))
    assert read.tolist() == [True, False, True, False, True]
    assert values[read].tolist() == [-1.5, 0.25, 123456789.5]


def test_cells_in_any_order_at_any_place():
    codes, starts, ends = packed([b"1", b"22.5", b"-333", b"4.444444444"])
    order = np.array([3, 1, 0, 2, 1])
    values, read = decimals(codes, starts[order], ends[order])
    assert read.all()
    assert values.tolist() == [4.444444444, 22.5, 1, -333, 22.5]
    inside, _ = decimals(np.tile(codes, 2)[3:], starts + len(codes) - 3, ends + len(codes) - 3)
    assert inside.tolist() == [1, 22.5, -333, 4.444444444]


def test_nothing():
    none = np.empty(0, np.int64)
    values, read = decimals(np.empty(0, np.uint8), none, none)
    assert len(values) == len(read) == 0
    values, read = decimals(np.empty(0, np.uint8), np.array([0]), np.array([0]))
    assert np.isnan(values).all()
    assert not read.any()
    _, read = decimals(np.frombuffer(b"-", np.uint8), np.array([0, 1]), np.array([0, 1]))
    assert not read.any()


def test_the_block_may_be_read_only_or_strided():
    codes, starts, ends = packed([b"1.5", b"25", b"123456789.5"])
    assert not codes.flags.writeable
    twice = np.repeat(codes, 2)[::2]
    assert decimals(twice, starts, ends)[0].tolist() == [1.5, 25, 123456789.5]
