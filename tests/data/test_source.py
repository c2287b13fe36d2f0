"""Which source a bare path means."""

import gzip
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
    "path", ["a.dat", "a", "", "a.gz", "a.csv.zip", "idx3-ubytes/a.dat", "a.idx/b", "a\0b"]
)
def test_names_that_say_nothing(path):
    with pytest.raises(DataError, match="cannot tell the type"):
        source_of(path)


def test_a_folder_is_one_of_images(tmp_path):
    (tmp_path / "v1.2").mkdir()
    assert source_of(str(tmp_path / "v1.2")).spec_name == "image_folder"
    assert SourceSpec.infer("v1.2", tmp_path).spec_name == "image_folder"
    assert SourceSpec.infer("v1.2/", tmp_path).spec_name == "image_folder"
    with pytest.raises(SpecError, match="it is no folder"):
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
