"""Which source a bare path means."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.base.errors import DataError
from dnn_cli.base.spec import SpecError
from dnn_cli.data.source import SourceSpec, source_of
from dnn_cli.data.table import Columns


@pytest.mark.parametrize(
    ("path", "kind", "option"),
    [
        ("a.csv", "csv", "path"),
        ("a.NPY", "npy", "path"),
        ("b/a.npz", "npz", "path"),
        ("t10k-images-idx3-ubyte", "idx", "images"),
        ("t10k-images-idx3-ubyte.gz", "idx", "images"),
        ("t10k-images.idx3-ubyte", "idx", "images"),
        ("T10K-IMAGES-IDX3-UBYTE.GZ", "idx", "images"),
        ("colour-images-idx4-ubyte", "idx", "images"),
        ("digits.idx", "idx", "images"),
        ("digits.idx.gz", "idx", "images"),
        *((f"a{end}", "image_folder", "path") for end in
          (".png", ".jpg", ".JPEG", ".bmp", ".gif", ".webp", ".tif", ".tiff")),
    ],
)  # fmt: skip
def test_names_say_what_files_are(path, kind, option):
    source = source_of(path)
    assert source.spec_name == kind
    assert getattr(source, option) == Path(path)
    assert source.path_option == option


def test_standard_input_is_csv():
    assert source_of("-").spec_name == "csv"


@pytest.mark.parametrize(
    "path", ["a.dat", "a", "a.gz", "a.csv.zip", "idx3-ubytes/a.dat", "a.idx/b"]
)
def test_names_that_say_nothing(path, tmp_path):
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).touch()
    with pytest.raises(DataError, match="cannot tell the type"):
        source_of(str(tmp_path / path))
    with pytest.raises(DataError, match="cannot tell the type"):
        source_of("")


@pytest.mark.parametrize("name", ["a", "a.dat", "b/a", "a\0b", "a.gz"])
def test_a_path_with_nothing_there(name, tmp_path):
    with pytest.raises(DataError, match="no such file or folder") as caught:
        source_of(str(tmp_path / name))
    assert caught.value.problems[0].fix == ""
    with pytest.raises(SpecError, match="no such file or folder"):
        SourceSpec.infer(name, tmp_path)
    (tmp_path / "abc.csv").touch()
    with pytest.raises(DataError) as caught:
        source_of(str(tmp_path / "abc"))
    assert "abc.csv" in caught.value.problems[0].fix


def test_images_with_nothing_there_are_not_said_to_lack_labels(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        source_of(str(tmp_path / "t10k-images-idx3-ubyte"), labelled=True)


@pytest.mark.parametrize("name", ["a", "a.csv", "a.npy", "a.png", "a.txt"])
def test_a_pipe_is_no_file(name, tmp_path):
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match="is a named pipe, not a regular file") as caught:
        next(source_of(str(tmp_path / name)).tables(Columns(target_required=False)))
    assert ("`-`" in caught.value.problems[0].fix) == name.endswith(("csv", "txt"))


@pytest.mark.parametrize("name", ["a.csv", "a.npy", "a.npz", "a.png", "a.idx"])
def test_an_empty_file_is_called_empty(name, tmp_path):
    (tmp_path / name).touch()
    with pytest.raises(DataError, match=r"is empty$"):
        next(source_of(str(tmp_path / name)).tables(Columns(target_required=False)))


def test_a_folder_is_one_of_images(tmp_path):
    (tmp_path / "v1.2").mkdir()
    assert source_of(str(tmp_path / "v1.2")).spec_name == "image_folder"
    assert SourceSpec.infer("v1.2", tmp_path).spec_name == "image_folder"
    assert SourceSpec.infer("v1.2/", tmp_path).spec_name == "image_folder"
    with pytest.raises(SpecError, match="no such file or folder"):
        SourceSpec.infer("v1.2")


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


IMAGES = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
        ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
        ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte"),
        ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte.gz"),
        ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
        ("letters-idx3-ubyte", "letters-idx1-ubyte"),
        ("images-of-images.idx", "images-of-labels.idx"),
    ],
)
def test_labels_beside_idx_images(tmp_path, images, labels):
    pack = {True: gzip.compress, False: bytes}
    (tmp_path / images).write_bytes(pack[images.endswith("gz")](idx(IMAGES)))
    (tmp_path / labels).write_bytes(pack[labels.endswith("gz")](idx(np.uint8([7, 8]))))
    [table] = source_of(str(tmp_path / images), labelled=True).tables(Columns())
    assert table.targets.tolist() == [7, 8]
    [table] = source_of(str(tmp_path / images)).tables(Columns())
    assert table.targets is None


@pytest.mark.parametrize("images", ["t-images-idx3-ubyte.gz", "digits.idx", "t-idx1-ubyte"])
def test_labels_that_are_not_there(tmp_path, images):
    (tmp_path / images).write_bytes(idx(IMAGES))
    with pytest.raises(DataError, match="not beside it") as caught:
        source_of(str(tmp_path / images), labelled=True)
    assert "labels-idx1-ubyte" in caught.value.problems[0].fix


def test_other_files_bring_their_own_labels():
    assert source_of("a.csv", labelled=True) == source_of("a.csv")


def test_a_home_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert source_of("~/a.csv").path == tmp_path / "a.csv"
    assert source_of("./~/a.csv").path == Path("~/a.csv")
    assert source_of("~nobody-of-this-name/a.csv").path == Path("~nobody-of-this-name/a.csv")
    (tmp_path / "pictures").mkdir()
    assert source_of("~/pictures").spec_name == "image_folder"
    for name in ("images", "labels"):
        (tmp_path / f"t10k-{name}-idx{3 if name == 'images' else 1}-ubyte").touch()
    found = source_of("~/t10k-images-idx3-ubyte", labelled=True)
    assert found.labels == tmp_path / "t10k-labels-idx1-ubyte"


@pytest.mark.parametrize(
    "address", ["https://example.org/a.csv", "s3://b/a", "FTP://example.org/", "file:///data/a.csv"]
)
def test_addresses_are_not_read(address):
    with pytest.raises(DataError) as caught:
        source_of(address)
    (problem,) = caught.value.problems
    assert problem.what == f"`{address}` is an address, not a path"
    file = "give the path alone: /data/a.csv"
    assert problem.fix == file if address.startswith("file") else "download" in problem.fix
    with pytest.raises(SpecError, match="is an address"):
        SourceSpec.infer(address)


@pytest.mark.parametrize(
    "path", ["C:/a.csv", "a:b.csv", "x/https://a.csv", ":/a.csv", "1s3://a.csv"]
)
def test_names_that_are_no_addresses(path):
    assert source_of(path).path == Path(path)
