import io
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
import yaml

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.data.readers import zip_in
from dnn_cli.data.sources.npz import NpzSpec

RNG = np.random.default_rng(0)
X = RNG.normal(size=(9, 4))
Y = np.arange(9)


def npy(array) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()


def archive(path: Path, *members: tuple[str, bytes], pack=zipfile.ZIP_DEFLATED) -> NpzSpec:
    with zipfile.ZipFile(path, "w", pack) as made:
        for name, content in members:
            made.writestr(name, content)
    return NpzSpec(path=path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.npz"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("keys", [("inputs", "targets"), ("x", "y"), ("X", "y")])
def test_default_keys(path, whole, streamed, same, save, order, keys):
    save(path, **{keys[0]: np.asarray(X, order=order), keys[1]: Y, "other": np.zeros(3)})
    with np.load(path) as loaded:  # an independent reader
        expected = loaded[keys[0]]
    table = whole(NpzSpec(path=path))
    assert np.array_equal(table.inputs, expected) and np.array_equal(table.targets, Y)
    same(table, streamed(NpzSpec(path=path), 4))


def test_given_keys(path, whole, refused):
    np.savez(path, x_train=X, y_train=Y, x_test=X[:2])
    spec = NpzSpec(path=path, inputs="x_train", targets="y_train")
    assert np.array_equal(whole(spec).targets, Y)
    assert whole(NpzSpec(path=path, inputs="x_test")).targets is None
    message = refused(NpzSpec(path=path, inputs="x_trian"))
    assert "did you mean `x_train`" in message and "x_test, x_train, y_train" in message
    assert "no array `y` of targets" in refused(NpzSpec(path=path, inputs="x_test", targets="y"))


def test_inputs_alone_and_columns(path, whole):
    np.savez(path, x=X)
    assert whole(NpzSpec(path=path)).targets is None
    assert np.array_equal(whole(NpzSpec(path=path), target=(-1,)).targets, X[:, 3])
    np.savez(path, x=X, y=Y)
    assert np.array_equal(whole(NpzSpec(path=path), target=("y",)).targets, Y)


def test_D11_keys(path, refused):
    np.savez(path, a=X, b=Y)
    message = refused(NpzSpec(path=path))
    assert (
        "no key is one of inputs, x, X" in message
        and "the archive holds a (9, 4), b (9,)" in message
    )
    np.savez(path, x=X, X=X, y=Y)
    assert "several keys" in refused(NpzSpec(path=path))
    assert "it is empty" in refused(archive(path))


def test_D12_lengths_differ(path, refused):
    np.savez(path, x=X, y=Y[:5])
    message = refused(NpzSpec(path=path))
    assert "9 rows of inputs, but 5 of targets" in message and "x.npz[y]" in message


def test_D03_truncated_at_every_length(path, refused):
    archive(path, ("x.npy", npy(X[:2].astype("f2"))), pack=zipfile.ZIP_STORED)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        refused(NpzSpec(path=path))


@pytest.mark.parametrize("pack", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_D10_every_flipped_bit_is_found_or_harmless(path, whole, pack):
    from dnn_cli.base.errors import DnnError

    spec = archive(path, ("x.npy", npy(X[:2].astype("f2"))), pack=pack)
    expected, content = whole(spec).inputs, path.read_bytes()
    found = 0
    for position in range(len(content)):
        changed = bytearray(content)
        changed[position] ^= 1 << (7 * position % 8)
        path.write_bytes(changed)
        try:
            assert np.array_equal(whole(spec).inputs, expected)  # a date, an attribute
        except DnnError:
            found += 1
    assert found > len(content) // 2


def test_D04_bytes_after_the_array(path, refused):
    assert "goes on after its data" in refused(archive(path, ("x.npy", npy(X) + b"\0")))


def test_D10_duplicate_members(path, refused):
    with pytest.warns(UserWarning, match="Duplicate"):
        spec = archive(path, ("x.npy", npy(X)), ("x.npy", npy(X)))
    assert "two members called" in refused(spec)


@pytest.mark.parametrize("name", ["x", "readme.txt", "folder/", "x.npy/", "x.NPY"])
def test_D10_members_that_are_no_arrays(path, refused, name):
    assert "is not a .npy array" in refused(archive(path, ("x.npy", npy(X)), (name, b"")))
    assert "not a .npy file: it begins like text" in refused(archive(path, ("x.npy", b"hello")))


def test_D10_names_are_compared_only(path, whole, tmp_path):
    spec = archive(path, ("x.npy", npy(X)), ("../out.npy", npy(Y)), ("/etc/x.npy", npy(Y)))
    assert whole(spec).rows == 9
    assert not (tmp_path.parent / "out.npy").exists()


@pytest.mark.parametrize("flag", [0x01, 0x40])
def test_D10_encrypted(path, refused, flag):
    archive(path, ("x.npy", npy(X)))
    content = bytearray(path.read_bytes())
    central = content.index(b"PK\x01\x02")
    content[central + 8] |= flag
    path.write_bytes(content)
    assert "encrypted" in refused(NpzSpec(path=path))


def test_D10_checksum(path, refused):
    spec = archive(path, ("x.npy", npy(X)), pack=zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.index(b"NUMPY") + 200] ^= 1
    path.write_bytes(content)
    assert "CRC" in refused(spec)


@pytest.mark.parametrize("pack", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_D10_other_packing(path, refused, pack):
    assert "is packed by method" in refused(archive(path, ("x.npy", npy(X)), pack=pack))


def declare(path: Path, size: int) -> None:
    """Let the table of contents claim that its first member unpacks to `size` bytes."""
    content = bytearray(path.read_bytes())
    struct.pack_into("<L", content, content.index(b"PK\x01\x02") + 24, size)
    path.write_bytes(content)


def test_D10_a_bomb_is_unpacked_no_further_than_it_declares(path, refused):
    honest = npy(X)
    spec = archive(path, ("x.npy", honest + bytes(64 << 20)))
    declare(path, len(honest))
    tracemalloc.start()
    refused(spec)
    assert tracemalloc.get_traced_memory()[1] < 2 << 20
    tracemalloc.stop()


def test_D10_sizes_that_cannot_be(path, refused):
    spec = archive(path, ("x.npy", npy(X)))
    declare(path, 2_000_000_000)
    assert "packed bytes cannot hold" in refused(spec)


def test_D10_an_honest_array_of_zeros_is_read(path, whole):
    np.savez_compressed(path, x=np.zeros((4000, 1000), np.uint8))  # about 1000 : 1
    assert not whole(NpzSpec(path=path)).inputs.any()


def test_D10_overlapping_members(path, refused):
    archive(path, ("y.npy", npy(Y)), pack=zipfile.ZIP_STORED)
    record = path.read_bytes()
    record = record[: record.index(b"PK\x01\x02")]  # y and its header, whole
    outer = np.tile(np.frombuffer(record, np.uint8), (9, 1))
    spec = archive(path, ("x.npy", npy(outer)), ("y.npy", npy(Y)), pack=zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    inner = content.index(record)  # inside x
    struct.pack_into("<L", content, content.rindex(b"PK\x01\x02") + 42, inner)
    path.write_bytes(content)
    assert "overlap" in refused(spec)


def test_D10_many_members(path, refused, monkeypatch):
    names = [(f"{i:050}.npy", b"") for i in range(30)]
    spec = archive(path, ("x.npy", npy(X)), *names)
    monkeypatch.setattr(zip_in, "MAX_DIRECTORY", 2000)
    message = refused(spec)
    assert "its table of contents has" in message and "at most 2,000" in message


@pytest.mark.parametrize(("offset", "length"), [(0, 1 << 40), (1 << 62, 0), (30, 5)])
def test_D10_ZIP64_lies(path, refused, offset, length):
    spec = archive(path, ("x.npy", npy(X)))
    content = path.read_bytes()
    end = content.index(b"PK\x05\x06")
    record = b"PK\x06\x06" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, 1, 1, length, 0)
    locator = b"PK\x06\x07" + struct.pack("<LQL", 0, (offset or end) % 2**64, 1)
    path.write_bytes(content[:end] + record + locator + content[end:])
    refused(spec)


def test_D10_a_comment_is_harmless(path, whole):
    spec = archive(path, ("x.npy", npy(X)))
    with zipfile.ZipFile(path, "a") as made:
        made.comment = b"c" * 65535
    assert whole(spec).rows == 9


def test_D07_no_pickle_inside(path, refused):
    np.savez(path, x=np.array([1, "a"], object))
    assert "never loaded" in refused(NpzSpec(path=path))


def test_no_second_copy(path, whole):
    np.savez_compressed(path, x=np.zeros((20_000, 100)) + np.arange(100.0))
    tracemalloc.start()
    table = whole(NpzSpec(path=path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert table.inputs.nbytes == 16_000_000 and peak < 16_000_000 + (6 << 20)
    assert zlib.crc32(table.inputs[0]) == zlib.crc32(np.arange(100.0))


def test_an_archive_behind_other_bytes_is_none(path, refused, tmp_path):
    np.savez(tmp_path / "x.npz", x=np.ones((2, 2)))
    path.write_bytes(b"PKother" + (tmp_path / "x.npz").read_bytes())
    assert "is not a .npz archive" in refused(NpzSpec(path=path))


LINE = "data: {{source: {{type: npz, path: {path}, inputs: {x}, targets: {y}}}}}"


@pytest.mark.parametrize(
    ("arrays", "x", "y"),
    [
        ({"a": X, "b": Y}, "a", "b"),
        ({"labels": Y, "pictures": RNG.integers(0, 9, (9, 3, 3))}, "pictures", "labels"),
        ({"arr_0": X, "arr_1": Y[:, None]}, "arr_0", "arr_1"),  # np.savez(path, x, y)
        # as Keras keeps MNIST
        ({"x_test": X[:4], "y_test": Y[:4], "x_train": X, "y_train": Y}, "x_train", "y_train"),
        ({"x_test": X[:9], "y_test": Y[:9], "x_train": X, "y_train": Y}, "x_train", "y_train"),
        ({"a b": X, "true": Y}, '"a b"', '"true"'),
        ({'say "x"\\': X, "\x1b[1m\u202e": Y}, r'"say \"x\"\\"', r'"\x1b[1m\u202e"'),
        ({"a": X, "b": X}, "a", "KEY"),
    ],
)
def test_D11_the_line_to_write_is_shown(path, refused, whole, arrays, x, y):
    np.savez(path, **arrays)
    with pytest.raises(DataError) as caught:
        whole(NpzSpec(path=path))
    [problem] = caught.value.problems
    assert problem.fix == LINE.format(path=path, x=x, y=y)
    assert all(f"{safe_text(k)} {v.shape}" in problem.why for k, v in arrays.items())
    if y == "KEY":
        return
    document = yaml.safe_load(problem.fix)["data"]["source"]
    del document["type"]
    assert whole(NpzSpec(**document)).targets is not None  # the advice can be followed


def test_D11_a_model_is_given_no_line_of_a_configuration(path, refused):
    np.savez(path, a=X, b=Y)
    model = {"of_model": True}
    assert "np.savez('data.npz', x=a, y=b)" in refused(NpzSpec(path=path), **model)
    message = refused(NpzSpec(path=path), **model, target_required=False)
    assert "np.savez('data.npz', x=a)" in message and "source" not in message


@pytest.mark.parametrize("key", ["Y", "labels"])
def test_D11_targets_under_another_key(path, key):
    np.savez(path, **{"X": X, key: Y, "other": np.zeros(3)})
    assert NpzSpec(path=path).target_advice((9, 4)) == LINE.format(path=path, x="X", y=key)
    np.savez(path, X=X)
    assert "`data.target: -1`" in NpzSpec(path=path).target_advice((9, 4))
    assert NpzSpec(path=path).target_advice((9, 3, 3)) == LINE.format(path=path, x="X", y="KEY")


def test_the_name_of_a_file_at_hand_is_shown_as_it_is(path, monkeypatch):
    np.savez(path, X=X, Y=Y)
    monkeypatch.chdir(path.parent)
    found = NpzSpec(path=Path("x.npz")).target_advice((9, 4))
    assert found == "data: {source: {type: npz, path: x.npz, inputs: X, targets: Y}}"
    monkeypatch.chdir(path.parent.parent)  # from here: relative, to a YAML file anywhere
    found = NpzSpec(path=Path(path.parent.name, "x.npz")).target_advice((9, 4))
    assert found == LINE.format(path=path, x="X", y="Y")
