import gzip
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.data.readers import bytes_in
from dnn_cli.data.sources.idx import IdxSpec

RNG = np.random.default_rng(0)
CODES = {"u1": 8, "i1": 9, ">i2": 11, ">i4": 12, ">f4": 13, ">f8": 14}


def idx(array: np.ndarray, code: str = "u1") -> bytes:
    """The file format, from its published description."""
    lengths = b"".join(struct.pack(">I", n) for n in array.shape)
    return bytes([0, 0, CODES[code], array.ndim]) + lengths + array.astype(code).tobytes()


IMAGES = RNG.integers(0, 256, (5, 4, 3), dtype=np.uint8)
LABELS = np.array([3, 1, 4, 1, 5], np.uint8)


@pytest.fixture
def spec(tmp_path):
    def make(images: bytes, labels: bytes | None = None) -> IdxSpec:
        (tmp_path / "images").write_bytes(images)
        if labels is not None:
            (tmp_path / "labels").write_bytes(labels)
        path = tmp_path / "labels" if labels is not None else None
        return IdxSpec(images=tmp_path / "images", labels=path)

    return make


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("pack_labels", [bytes, gzip.compress])
def test_bytes_stay_bytes(spec, whole, streamed, same, pack, pack_labels):
    made = spec(pack(idx(IMAGES)), pack_labels(idx(LABELS)))
    table = whole(made)
    assert table.inputs.dtype == np.uint8 and np.array_equal(table.inputs, IMAGES)
    assert np.array_equal(table.targets, LABELS)
    same(table, streamed(made, 2))
    same(whole(spec(pack(idx(IMAGES)))), streamed(spec(pack(idx(IMAGES))), 3))
    assert whole(spec(pack(idx(IMAGES)))).targets is None  # images only: to predict


@pytest.mark.parametrize("code", [c for c in CODES if c != "u1"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_other_types_become_float32(spec, whole, streamed, same, code, pack):
    x = (RNG.normal(size=(7, 2, 2)) * 100).astype(code)
    table = whole(spec(pack(idx(x, code))))
    assert table.inputs.dtype == np.float32
    assert np.array_equal(table.inputs, x.astype(np.float32))
    same(table, streamed(spec(pack(idx(x, code))), 3))


def test_the_name_does_not_matter(tmp_path, whole):
    (tmp_path / "plain.gz").write_bytes(idx(IMAGES))
    assert whole(IdxSpec(images=tmp_path / "plain.gz")).rows == 5


def test_D02_D25_no_rows(spec, whole, streamed):
    made = spec(idx(IMAGES[:0]), idx(LABELS[:0]))
    assert whole(made).inputs.shape == (0, 4, 3) == streamed(made, 2).inputs.shape


def test_D02_no_columns(spec, refused):
    assert "no columns" in refused(spec(idx(np.zeros((3, 0), np.uint8))))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_D03_truncated_at_every_length(spec, refused, pack):
    content = pack(idx(IMAGES[:2]))
    for length in range(len(content)):
        message = refused(spec(content[:length]))
        assert "cut short" in message or length < 4 or pack is gzip.compress, message


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_D03_truncated_labels(spec, refused, pack):
    content = pack(idx(LABELS))
    for length in range(len(content)):
        refused(spec(idx(IMAGES), content[:length]))


@pytest.mark.parametrize("extra", [b"\0", b"more bytes" * 99])
def test_D04_trailing_bytes(spec, refused, extra):
    assert "goes on after its data" in refused(spec(idx(IMAGES) + extra))
    assert "goes on after its data" in refused(spec(gzip.compress(idx(IMAGES) + extra)))


@pytest.mark.parametrize(
    "extra", [b"\0", gzip.compress(b"", mtime=0), gzip.compress(b"x", mtime=0), b"x" * 300_000]
)
@pytest.mark.parametrize("chunk", [1, 1 << 18])
def test_D20_bytes_after_the_gzip_member(spec, refused, monkeypatch, extra, chunk):
    monkeypatch.setattr(bytes_in, "CHUNK", chunk)  # of 1: the member ends where a read ends
    assert "after the end of its gzip data" in refused(spec(gzip.compress(idx(IMAGES)) + extra))


@pytest.mark.parametrize(
    "head", ["00000700", "00000a01", "00000f01", "01000801", "00010801", "ffffffff"]
)
def test_D20_magic_and_type(spec, refused, head):
    assert "not an IDX file" in refused(spec(bytes.fromhex(head) + bytes(8)))


@pytest.mark.parametrize(("rank", "data"), [(0, b"\0"), (255, bytes(1020)), (9, bytes(37))])
def test_D20_rank(spec, refused, rank, data):
    assert f"declares {rank} dimensions" in refused(spec(bytes([0, 0, 8, rank]) + data))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    "shape", [(65536, 65536), (2**31, 2, 2**31), (2**32 - 1,) * 4, (1, 2**32 - 1), (0, 2**32 - 1)]
)
def test_D20_products_that_wrap_or_lie(spec, refused, pack, shape):
    head = bytes([0, 0, 8, len(shape)]) + b"".join(struct.pack(">I", n) for n in shape)
    tracemalloc.start()
    refused(spec(pack(head)))
    assert tracemalloc.get_traced_memory()[1] < 1 << 21
    tracemalloc.stop()


def test_D20_a_bomb_is_unpacked_no_further_than_it_declares(spec, refused):
    bomb = zlib.compressobj(9, wbits=31)
    packed = bomb.compress(idx(IMAGES) + bytes(64 << 20)) + bomb.flush()
    tracemalloc.start()
    assert "goes on after its data" in refused(spec(packed))
    assert tracemalloc.get_traced_memory()[1] < 2 << 20
    tracemalloc.stop()


def test_D20_gzip_checksum(spec, refused):
    packed = bytearray(gzip.compress(idx(IMAGES)))
    packed[-5] ^= 1  # CRC
    assert "gzip data are damaged" in refused(spec(bytes(packed)))
    packed[-5] ^= 1
    packed[-1] ^= 1  # length
    assert "gzip data are damaged" in refused(spec(bytes(packed)))


def test_D20_images_and_labels_exchanged(spec, refused):
    assert "exchange `images` and `labels`" in refused(spec(idx(LABELS), idx(IMAGES)))


def test_D12_lengths_differ(spec, refused):
    message = refused(spec(idx(IMAGES), idx(LABELS[:4])))
    assert "5 rows of inputs, but 4 of targets" in message
    assert "(5, 4, 3)" in message and "(4,)" in message


def test_D14_overflow_of_float32(spec, refused):
    assert "too large for float32" in refused(spec(idx(np.full((2, 2), 1e39), ">f8")))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_no_second_copy(tmp_path: Path, whole, pack):
    x = RNG.integers(0, 256, (20_000, 20, 20), dtype=np.uint8)
    (tmp_path / "x").write_bytes(pack(idx(x)) if pack is bytes else gzip.compress(idx(x), 1))
    tracemalloc.start()
    table = whole(IdxSpec(images=tmp_path / "x"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert table.inputs.nbytes == 8_000_000 and peak < 8_000_000 + (2 << 20)


def test_no_rows_do_not_hide_what_follows(spec, refused):
    assert "goes on after its data" in refused(spec(gzip.compress(idx(IMAGES[:0], ">f4") + b"\0")))


@pytest.mark.parametrize("beside", [True, False])
def test_the_line_that_names_the_labels(tmp_path, beside):
    images, labels = tmp_path / "train-images-idx3-ubyte", tmp_path / "train-labels-idx1-ubyte.gz"
    if beside:
        labels.write_bytes(b"")
    name = str(labels) if beside else str(labels)[:-3]
    line = f"data: {{source: {{type: idx, images: {images}, labels: {name}}}}}"
    assert IdxSpec(images=images).target_advice((3, 28, 28)) == line
