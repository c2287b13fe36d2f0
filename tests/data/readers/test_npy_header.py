"""The header of a .npy file: its grammar, and everything outside it."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.data.sources.npy import NpySpec


def raw_file(path: Path, header: str | bytes, data: bytes = b"", version=(1, 0)) -> NpySpec:
    body = header.encode() if isinstance(header, str) else header
    width = 2 if version[0] == 1 else 4
    length = len(body).to_bytes(width, "little")
    path.write_bytes(b"\x93NUMPY" + bytes(version) + length + body + data)
    return NpySpec(path=path)


def test_truth_values_are_zero_or_one(tmp_path, whole):
    header = "{'descr': '|b1', 'fortran_order': False, 'shape': (1, 4), }"
    spec = raw_file(tmp_path / "x.npy", header, b"\x00\x01\x02\xff")
    assert whole(spec).inputs.tolist() == [[0, 1, 1, 1]]


@pytest.mark.parametrize("header_end", ["", " ", "}", ", }"])
@pytest.mark.parametrize("quote", ["'", '"'])
def test_header_forms(tmp_path, whole, quote, header_end):
    header = "{'shape': (2, 1), 'fortran_order': False ,'descr':'<f4'".replace("'", quote)
    header += header_end if "}" in header_end else header_end + "}"
    data = np.array([1, 2], "<f4").tobytes()
    assert whole(raw_file(tmp_path / "x.npy", header, data)).inputs.tolist() == [[1], [2]]


GOOD = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }"


@pytest.mark.parametrize(
    ("header", "version"),
    [
        (GOOD, (9, 0)),
        (GOOD, (1, 1)),
        (GOOD.encode() + b"\xff", (1, 0)),
        (GOOD.encode() + b"\xc3\xa4", (3, 0)),
        (GOOD.replace("'shape'", "'descr'"), (1, 0)),
        (GOOD.replace("}", "'descr': '<f4'}"), (1, 0)),
        (GOOD.replace("}", "'more': '<f4'}"), (1, 0)),
        (GOOD.replace("'shape': (1, 2), ", ""), (1, 0)),
        (GOOD.replace("False", "0"), (1, 0)),
        (GOOD.replace("False", "__import__('os').system('true')"), (1, 0)),
        (GOOD.replace("(1, 2)", "(1 + 1, 1)"), (1, 0)),
        (GOOD.replace("(1, 2)", "[1, 2]"), (1, 0)),
        (GOOD.replace("(1, 2)", "(" + "9" * 5000 + ", 2)"), (1, 0)),
        (GOOD.replace("(1, 2)", "-" * 9000 + "1"), (1, 0)),
        (GOOD.replace("(1, 2)", "(" * 5000 + ")" * 5000), (1, 0)),
        (GOOD.replace("(1, 2)", "(1,,2)"), (1, 0)),
        (GOOD.replace("(1, 2)", "(,)"), (1, 0)),
        (GOOD.replace("(1, 2)", "(2)"), (1, 0)),
        (GOOD.replace("(1, 2)", "(1, 02)"), (1, 0)),
        (GOOD.replace("(1, 2)", "'<f4'"), (1, 0)),
        (GOOD.replace("'<f4'", "True"), (1, 0)),
        (GOOD.replace(", 'shape'", " 'shape'"), (1, 0)),
        (GOOD.replace("'<f4'", "'<f4"), (1, 0)),
        (GOOD[:-1], (1, 0)),
        ("", (1, 0)),
        ("{}", (1, 0)),
        ("{,}", (1, 0)),
        ("[1, 2]", (1, 0)),
        ("{" * 60000, (2, 0)),
        (" " * 70000, (2, 0)),
        (GOOD + " " * 70000, (2, 0)),
    ],
)
def test_D05_headers_outside_the_grammar(tmp_path, refused, header, version):
    spec = raw_file(tmp_path / "x.npy", header, np.zeros(2, "<f4").tobytes(), version)
    message = refused(spec)
    assert "header" in message or "version" in message


def test_D05_the_same_header_unbroken_is_read(tmp_path, whole):
    data = np.array([1, 2], "<f4").tobytes()
    assert whole(raw_file(tmp_path / "x.npy", GOOD, data)).inputs.tolist() == [[1, 2]]


def test_D05_a_header_of_4_gib_is_not_read(tmp_path, refused):
    path = tmp_path / "x.npy"
    path.write_bytes(b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + GOOD.encode())
    tracemalloc.start()
    message = refused(NpySpec(path=path))
    assert "header" in message and tracemalloc.get_traced_memory()[1] < 1 << 21
    tracemalloc.stop()


@pytest.mark.parametrize(
    "shape",
    [
        "(9999999999999999999, 1)",
        "(4294967296, 4294967296)",  # 2^64: wraps to 0 in int64
        "(18446744073709551616,)",
        "(-1, 2)",
        "(True, 2)",
        "(0, 1180591620717411303424)",  # no rows of 2^70 numbers
        "(0, 9223372036854775807)",
        "(1, 1, 1, 1, 1, 1, 1, 1, 1)",
        "(1, 3)",
        "(1, 1)",
        "()",
    ],
)
def test_D06_shapes_that_lie(tmp_path, refused, shape):
    tracemalloc.start()
    data = bytes(0 if shape.startswith("(0") else 8)  # the bytes are right: no rows, none there
    refused(raw_file(tmp_path / "x.npy", GOOD.replace("(1, 2)", shape), data))
    assert tracemalloc.get_traced_memory()[1] < 1 << 21
    tracemalloc.stop()


@pytest.mark.parametrize("descr", ["|V0", "|S0", "<U0"])
def test_D06_types_without_bytes(tmp_path, refused, descr):
    header = GOOD.replace("<f4", descr).replace("(1, 2)", "(1000000000000,)")
    raw_file(tmp_path / "y.npy", header)
    np.save(tmp_path / "x.npy", np.zeros((1, 2)))
    spec = NpySpec(path=tmp_path / "x.npy", targets=tmp_path / "y.npy")
    assert "holds the type" in refused(spec)


@pytest.mark.parametrize(
    "descr",
    [
        *("|O", "|V8", "<U4", "|S4", "<M8[s]", "<m8", "<c8", "<c16", "<f16", "<i3", "<f1", "<b2"),
        *("object", "int32", "f4,f4", "*f4", "", "<"),
    ],
)
def test_D07_types_that_are_not_read(tmp_path, refused, descr):
    message = refused(raw_file(tmp_path / "x.npy", GOOD.replace("<f4", descr), bytes(8)))
    assert "float16, float32, float64" in message and "never loaded" in message


def test_D07_structured(tmp_path, refused):
    x = np.zeros(3, [("a", "f4"), ("b", [("c", "f4")])])
    np.save(tmp_path / "x.npy", x)
    assert "fields in fields" in refused(NpySpec(path=tmp_path / "x.npy"))
    np.save(tmp_path / "y.npy", np.zeros(3, [("a", "f4"), ("b", "f4")]))
    spec = NpySpec(path=tmp_path / "x.npy", targets=tmp_path / "y.npy")
    np.save(tmp_path / "x.npy", np.zeros((3, 2)))
    assert "a structured type" in refused(spec)


def test_D07_objects(tmp_path, refused):
    np.save(tmp_path / "x.npy", np.array([[1, "a"]], object), allow_pickle=True)
    assert "`|O`" in refused(NpySpec(path=tmp_path / "x.npy"))


def test_text_that_is_none(tmp_path, refused):
    np.save(tmp_path / "x.npy", np.zeros((1, 4)))
    spec = NpySpec(path=tmp_path / "x.npy", targets=tmp_path / "y.npy")
    head = "{'descr': '%s', 'fortran_order': False, 'shape': (1,), }"
    raw_file(tmp_path / "y.npy", head % "<U1", b"\xff\xff\xff\xff")
    assert "not Unicode" in refused(spec)
    raw_file(tmp_path / "y.npy", head % "<U1", b"\x00\xd8\x00\x00")
    assert "not Unicode" in refused(spec)
    raw_file(tmp_path / "y.npy", head % "|S2", b"\xff\xff")
    assert "not UTF-8" in refused(spec)
