import gzip
from pathlib import Path

import numpy as np
import pytest
from sklearn import datasets

import dnn_cli.data.sources.builtin as builtin
from dnn_cli.base.spec import SpecError
from dnn_cli.data import cache
from dnn_cli.data.sources.builtin import BuiltinSpec

SHIPPED = Path(builtin.__file__).parent.parent / "builtin"


def test_digits_equal_the_known_copy(whole, streamed, same):
    known = datasets.load_digits()
    table = whole(BuiltinSpec(name="digits"))
    assert table.inputs.dtype == np.uint8 and table.inputs.shape == (1797, 8, 8)
    assert np.array_equal(table.inputs, known.images) and table.inputs.max() == 16
    assert np.array_equal(table.targets, known.target)
    same(table, streamed(BuiltinSpec(name="digits", part="all"), 500))


@pytest.mark.parametrize(
    ("name", "load", "target"),
    [("iris", datasets.load_iris, "species"), ("wine", datasets.load_wine, "cultivar")],
)
def test_tables_equal_the_known_copies(whole, streamed, same, name, load, target):
    known = load()
    table = whole(BuiltinSpec(name=name))
    assert np.array_equal(table.inputs, known.data)
    assert table.targets.tolist() == known.target_names[known.target].tolist()
    assert table.target_names == (target,) and target not in table.feature_names
    plain = [
        n.removesuffix(" (cm)").replace(" ", "_").replace("/", "_") for n in known.feature_names
    ]
    assert list(table.feature_names) == plain
    same(table, streamed(BuiltinSpec(name=name), 50))


def test_columns_of_the_tables_can_be_chosen(whole, refused):
    iris = BuiltinSpec(name="iris")
    table = whole(iris, target=("petal_width",), exclude=("species",))
    assert table.inputs.shape == (150, 3) and table.targets.dtype == np.float64
    assert np.array_equal(table.targets, datasets.load_iris().data[:, 3])
    assert "lacks the column `width`" in refused(iris, exclude=("width",))


@pytest.mark.parametrize("name", ["digits", "iris", "wine"])
@pytest.mark.parametrize("part", ["train", "test"])
def test_small_sets_have_no_official_parts(name, part):
    with pytest.raises(SpecError, match=f"has no official {part} part"):
        BuiltinSpec(name=name, part=part)


def test_files_are_small_and_their_origin_is_told():
    files = {p.name for p in SHIPPED.iterdir()}
    assert files == {
        *("ORIGIN.md", "digits-images.idx.gz", "digits-labels.idx.gz", "iris.csv", "wine.csv")
    }
    assert all(p.stat().st_size < 100_000 for p in SHIPPED.iterdir())
    text = (SHIPPED / "ORIGIN.md").read_text()
    assert all(
        word in text
        for word in ("CC BY 4.0", "Alpaydin", "Fisher", "Aeberhard", *files - {"ORIGIN.md"})
    )


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_sets_of_the_cache_have_to_be_fetched(refused, monkeypatch, tmp_path, name):
    monkeypatch.setenv("DNN_CACHE", str(tmp_path))
    message = refused(BuiltinSpec(name=name))
    assert f"dnn data fetch {name}" in message and f"\n{name}\n" in message


@pytest.fixture
def small_mnist(monkeypatch, tmp_path):
    """A cache with a data set of the same form, 5 + 3 images of 2x2."""
    from dataclasses import replace

    from dnn_cli.data import catalogue

    rng = np.random.default_rng(0)
    parts = {}
    files = []
    for part, rows in (("train", 5), ("t10k", 3)):
        images = rng.integers(0, 256, (rows, 2, 2), dtype=np.uint8)
        labels = rng.integers(0, 10, rows, dtype=np.uint8)
        parts[part] = images, labels
        for name, array in (
            (f"{part}-images-idx3-ubyte", images),
            (f"{part}-labels-idx1-ubyte", labels),
        ):
            head = bytes([0, 0, 8, array.ndim])
            head += b"".join(n.to_bytes(4, "big") for n in array.shape)
            (tmp_path / "mnist").mkdir(exist_ok=True)
            (tmp_path / "mnist" / name).write_bytes(head + array.tobytes())
            files.append(catalogue.CachedFile(name, len(head) + array.nbytes, ""))
    monkeypatch.setenv("DNN_CACHE", str(tmp_path))
    changed = replace(catalogue.CACHED["mnist"], files=tuple(files))
    monkeypatch.setitem(catalogue.CACHED, "mnist", changed)
    return parts


@pytest.mark.parametrize(
    ("part", "names"),
    [(None, ["train"]), ("train", ["train"]), ("test", ["t10k"]), ("all", ["train", "t10k"])],
)
def test_parts_of_the_cached_sets(whole, streamed, same, small_mnist, part, names):
    spec = BuiltinSpec(name="mnist", part=part)
    table = whole(spec)
    assert np.array_equal(table.inputs, np.concatenate([small_mnist[n][0] for n in names]))
    assert np.array_equal(table.targets, np.concatenate([small_mnist[n][1] for n in names]))
    assert table.inputs.dtype == np.uint8
    same(table, streamed(spec, 2))


def test_D22_a_cached_file_of_another_size_is_not_used(refused, small_mnist):
    path = cache.folder_of("mnist") / "t10k-labels-idx1-ubyte"
    path.write_bytes(gzip.compress(path.read_bytes()))
    assert "not in the cache" in refused(BuiltinSpec(name="mnist"))
