from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from dnn_cli.base.errors import CheckpointError, LimitError
from dnn_cli.runs.tensors import decode, encode, write_tensors

DTYPES = [
    "f8",
    "f4",
    "f2",
    "i8",
    "i4",
    "i2",
    "i1",
    "u8",
    "u4",
    "u2",
    "u1",
    "?",
    ">f4",
    ">i8",
    ">u2",
]
ORDERS: dict[str, Any] = {
    "c": lambda a: a,
    "fortran": np.asfortranarray,
    "transposed": lambda a: a.T,
    "strided": lambda a: a[::2] if a.ndim else a,
    "reversed": lambda a: a[..., ::-1] if a.ndim else a,
    "broadcast": lambda a: np.broadcast_to(a, (2, *a.shape)),
}


def whole(tensors: dict[str, Any], metadata: dict[str, str] | None = None) -> bytes:
    return b"".join(encode(tensors, metadata or {}))


def same_bits(a: np.ndarray, b: np.ndarray) -> bool:
    alike = (a.shape, a.dtype.newbyteorder("=")) == (b.shape, b.dtype.newbyteorder("="))
    return alike and a.astype(b.dtype).tobytes() == b.tobytes()


any_array = st.sampled_from(DTYPES).flatmap(
    lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0))
)


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
        st.tuples(any_array, st.sampled_from(sorted(ORDERS))),
        max_size=4,
    ),
    st.dictionaries(st.text("ab.\n\x1bé😀", min_size=1), st.text('ab"\\\x00\x7fé😀'), max_size=3),
)
def test_what_is_written_comes_back_bit_for_bit_also_through_the_library(
    drawn: dict[str, Any], metadata: dict[str, str]
) -> None:
    tensors = {name: ORDERS[order](array) for name, (array, order) in drawn.items()}
    data = whole(tensors, metadata)
    ours, facts = decode(data)
    theirs = safetensors.numpy.load(data)
    assert ours.keys() == theirs.keys() == tensors.keys()
    for name, array in tensors.items():
        assert same_bits(array, ours[name])
        assert same_bits(array, theirs[name])
        assert ours[name].flags.c_contiguous and ours[name].flags.aligned
        assert not ours[name].flags.writeable
    assert metadata.items() <= facts.items()
    again = {name: np.asfortranarray(tensors[name]) for name in reversed(tensors)}
    again = {name: array.reshape(tensors[name].shape) for name, array in again.items()}
    assert whole(again, dict(reversed(metadata.items()))) == data


def test_the_library_opens_the_file_and_sees_the_metadata(tmp_path: Path) -> None:
    write_tensors(tmp_path / "a.safetensors", {"W": np.eye(3).T[::-1]}, {"key": "välue"})
    with safetensors.safe_open(tmp_path / "a.safetensors", "np") as opened:
        assert opened.metadata()["key"] == "välue"
        assert same_bits(opened.get_tensor("W"), np.eye(3)[::-1].copy())


def test_a_file_that_the_library_wrote_is_not_ours() -> None:
    with pytest.raises(CheckpointError, match="dnn did not write it"):
        decode(safetensors.numpy.save({"W": np.ones(3)}, {"format": "np"}))


SMALL = whole(
    {"dense.W": np.arange(156, dtype=np.float32).reshape(12, 13), "mask": np.array([True, False])},
    {"dnn.model": '{"a":1}'},
)


def test_K01_every_bit_flip_is_found() -> None:
    assert 900 < len(SMALL) < 1100
    decode(SMALL)
    for position in range(len(SMALL)):
        for bit in range(8):
            flipped = bytearray(SMALL)
            flipped[position] ^= 1 << bit
            with pytest.raises(CheckpointError):
                decode(bytes(flipped))


def test_K01_every_truncation_and_every_extension_is_found() -> None:
    for length in range(len(SMALL)):
        with pytest.raises(CheckpointError):
            decode(SMALL[:length])
    for tail in (b"\0", b" ", SMALL):
        with pytest.raises(CheckpointError):
            decode(SMALL + tail)


def test_K01_an_error_names_the_file_and_the_byte() -> None:
    with pytest.raises(CheckpointError) as found:
        decode(SMALL[:-1], "runs/a-001/\x1b[31mlast")
    (problem,) = found.value.problems
    assert problem.what.startswith("runs/a-001/\\x1b[31mlast is damaged: tensor `mask` is cut off")
    assert problem.where.endswith(f"byte {len(SMALL) - 1}")


def compact(header: dict[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode()


def forge(header: dict[str, Any] | str, payload: bytes = b"", metadata: Any = None) -> bytes:
    """A file with a correct digest, so that only the check under test can refuse it."""
    if isinstance(header, dict):
        facts = {"dnn.format": "1"} if metadata is None else metadata
        plain = compact({**header, "__metadata__": facts})
        if isinstance(facts, dict):
            facts = {**facts, "dnn.sha256": hashlib.sha256(plain + payload).hexdigest()}
        text = compact({**header, "__metadata__": facts})
    else:
        text = header.encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + payload


def entry(begin: Any, end: Any, shape: Any = None, dtype: Any = "U8", **more: Any) -> Any:
    shape = [end - begin] if shape is None else shape
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end], **more}


def test_the_forger_can_make_a_good_file() -> None:
    tensors, _ = decode(forge({"a": entry(0, 3), "b": entry(3, 4)}, b"abcd"))
    assert tensors["b"].tolist() == [ord("d")]


@pytest.mark.parametrize(
    ("header", "payload", "message"),
    [
        ({"a": entry(0, 3), "b": entry(2, 4)}, b"abcd", "`b` lies wrong"),
        ({"a": entry(0, 2), "b": entry(3, 4)}, b"abcd", "`b` lies wrong"),
        ({"a": entry(2, 4), "b": entry(0, 2)}, b"abcd", "`a` lies wrong"),
        ({"a": entry(0, 4), "b": entry(0, 0, [0])}, b"abcd", "`b` lies wrong"),
        ({"a": entry(0, 1), "b": entry(1, 5, [1], "F32")}, b"abcde", "`b` lies wrong"),
        ({"a": entry(1, 0, [1])}, b"a", "`a` lies wrong"),
        ({"a": entry(0, 4, [2])}, b"abcd", "`a` lies wrong"),
        ({"a": entry(0, 8)}, b"abcd", "`a` is cut off"),
        ({"a": entry(0, 3)}, b"abcd", "after the last tensor"),
        ({}, b"a", "after the last tensor"),
        ({"a": entry(0, 0, [0, 2**62])}, b"", "entry of `a`"),
        ({"a": entry(0, 0, [2**32, 2**32, 0])}, b"", "entry of `a`"),
        ({"a": entry(0, 0, [2**64])}, b"", "entry of `a`"),
        ({"a": entry(0, 1, [1] * 33)}, b"a", "entry of `a`"),
        ({"a": entry(0, 1, [-1, -1])}, b"a", "entry of `a`"),
        ({"a": entry(-1, 0, [1])}, b"a", "entry of `a`"),
        ({"a": entry(0, 1, [1.0])}, b"a", "entry of `a`"),
        ({"a": entry(0, 1, [True])}, b"a", "entry of `a`"),
        ({"a": entry(False, 1, [1])}, b"a", "entry of `a`"),
        ({"a": entry(0, 1, 1)}, b"a", "entry of `a`"),
        ({"a": entry(0, 1, dtype="U7")}, b"a", "entry of `a`"),
        ({"a": entry(0, 1, dtype=["U8"])}, b"a", "entry of `a`"),
        ({"a": entry(0, 1, more=1)}, b"a", "entry of `a`"),
        ({"a": {"dtype": "U8", "shape": [1]}}, b"a", "entry of `a`"),
        ({"a": {**entry(0, 1), "data_offsets": [0, 1, 1]}}, b"a", "entry of `a`"),
        ({"a": None}, b"", "entry of `a`"),
        ({str(number): None for number in range(70_000)}, b"", "70000 tensors"),
        ({"a": entry(0, 1, dtype="BOOL")}, b"\2", "not true or false"),
        ({"é": entry(0, 1)}, b"a", "canonical"),  # escaped, which is not the canonical text
        ({"\ud800": entry(0, 1)}, b"a", "canonical"),
        ('{"__metadata__":{"dnn.format":"1"},"a":{},"a":{}}', b"", "canonical"),
        ('{"__metadata__":{"dnn.format":"1"} }', b"", "canonical"),
        ('{"__metadata__":{"dnn.format":"1","a":"1"}}', b"", "canonical"),
        ('{"__metadata__":{"dnn.format":"1"}}', b"", "SHA-256"),
        ('{"a":NaN}', b"", "metadata"),
        ('{"a":' * 5000, b"", "recursion"),
        ('{"a":' + "[" * 500_000, b"", "recursion"),
        ('{"a":' + "1" * 5000 + "}", b"", "not JSON"),
        ("{}", b"", "metadata"),
        ("{", b"", "not JSON"),
        ('{"a":1}{', b"", "not JSON"),
        (' {"a":1}', b"", "unknown kind"),
    ],
)
def test_K02_K03_malformed_headers_are_refused_by_their_own_check(
    header: Any, payload: bytes, message: str
) -> None:
    with pytest.raises(CheckpointError, match=message):
        decode(forge(header, payload))


@pytest.mark.parametrize("length", [0, 1, len(SMALL), 17 << 20, 2**63, 2**64 - 1])
def test_K02_wrong_header_lengths(length: int) -> None:
    with pytest.raises(CheckpointError, match="header"):
        decode(length.to_bytes(8, "little") + SMALL[8:])


def test_K02_a_header_that_is_there_but_too_long() -> None:
    with pytest.raises(CheckpointError, match="a header of 17825792 bytes"):
        decode((17 << 20).to_bytes(8, "little") + b"{" + b" " * (17 << 20))


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ([], "not a table of text"),
        ({"dnn.format": 1}, "not a table of text"),
        ({}, "dnn did not write it"),
        ({"dnn.format": "one"}, "dnn did not write it"),
        ({"dnn.format": "0"}, "needs dnn >="),
        (
            {"dnn.format": "2", "dnn.version": "9.1\x1b", "dnn.needs": "9.0"},
            r"was written by dnn 9.1\\x1b, needs dnn >= 9.0",
        ),
    ],
)
def test_K06_metadata_of_another_origin_or_version(metadata: Any, message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        decode(forge({}, metadata=metadata))


@pytest.mark.parametrize("array", [np.array(["text"]), np.array([None]), np.zeros(1, complex)])
def test_dtypes_that_cannot_be_stored(array: np.ndarray) -> None:
    with pytest.raises(ValueError, match="cannot be stored"):
        encode({"a": array}, {})
    with pytest.raises(ValueError, match="cannot be stored"):
        encode({"__metadata__": np.ones(1)}, {})


def test_metadata_that_no_reader_would_accept_is_not_written() -> None:
    with pytest.raises(LimitError):
        encode({}, {"labels": "x" * (16 << 20)})


def test_writing_copies_no_array_in_c_order() -> None:
    array = np.zeros(1000, np.float32)
    assert np.shares_memory(np.frombuffer(encode({"a": array}, {})[1], np.uint8), array)
