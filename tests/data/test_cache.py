"""Fetching data sets: from a folder, and from a server on this machine."""

import gzip
import hashlib
import http.server
import os
import threading
from dataclasses import replace

import pytest

from dnn_cli.base.errors import DataError, FileSystemError, UsageError
from dnn_cli.data import cache, catalogue

CONTENT = {
    "train-images-idx3-ubyte": bytes(range(256)) * 2000,
    "train-labels-idx1-ubyte": b"labels",
    "t10k-images-idx3-ubyte": b"test images" * 99,
    "t10k-labels-idx1-ubyte": b"x",
}


@pytest.fixture(autouse=True)
def small(monkeypatch, tmp_path):
    """MNIST's name for four small files; an empty cache; no mirror but those a test names."""
    files = tuple(
        catalogue.CachedFile(name, len(data), hashlib.sha256(data).hexdigest())
        for name, data in CONTENT.items()
    )
    changed = replace(catalogue.CACHED["mnist"], files=files, mirrors=())
    monkeypatch.setitem(catalogue.CACHED, "mnist", changed)
    monkeypatch.setenv("DNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DNN_DATA_MIRROR", raising=False)
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def folder(tmp_path):
    """A folder with the files, two plain and two packed."""
    made = tmp_path / "at hand"
    made.mkdir()
    for i, (name, data) in enumerate(CONTENT.items()):
        packed = gzip.compress(data)
        (made / (name if i % 2 else f"{name}.gz")).write_bytes(data if i % 2 else packed)
    return made


@pytest.fixture
def server(tmp_path):
    """A web server for a folder; what it was asked for."""
    root = tmp_path / "www"
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, directory=str(root), **options)

        def log_message(self, *_):
            asked.append(self.path)

    for name, data in CONTENT.items():
        (root / "mnist").mkdir(parents=True, exist_ok=True)
        (root / "mnist" / f"{name}.gz").write_bytes(gzip.compress(data))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield root / "mnist", f"http://127.0.0.1:{running.server_port}", asked
        running.shutdown()
        thread.join()


def in_cache() -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(cache.folder_of("mnist").iterdir())}


def test_from_a_folder(folder):
    seen = []
    path = cache.fetch("mnist", from_dir=folder, progress=lambda *step: seen.append(step))
    assert path == cache.folder_of("mnist") and in_cache() == dict(sorted(CONTENT.items()))
    size = len(CONTENT["train-images-idx3-ubyte"])
    first = [step for step in seen if step[0] == "train-images-idx3-ubyte"]
    assert len(first) > 1 and first[-1] == ("train-images-idx3-ubyte", size, size)
    assert [s[1] for s in first] == sorted(s[1] for s in first)
    assert (path / "t10k-labels-idx1-ubyte").stat().st_mode & 0o777 == 0o644


def test_what_is_there_is_kept_and_what_is_damaged_is_replaced(folder):
    path = cache.fetch("mnist", from_dir=folder)
    (path / "t10k-labels-idx1-ubyte").write_bytes(b"y")
    times = {p.name: p.stat().st_mtime_ns for p in path.iterdir()}
    cache.fetch("mnist", from_dir=folder)
    assert in_cache() == dict(sorted(CONTENT.items()))
    changed = [p.name for p in path.iterdir() if p.stat().st_mtime_ns != times[p.name]]
    assert changed == ["t10k-labels-idx1-ubyte"]


def test_a_file_is_missing_in_the_folder(folder):
    (folder / "train-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="holds neither train-labels-idx1-ubyte nor"):
        cache.fetch("mnist", from_dir=folder)
    with pytest.raises(DataError, match="holds neither"):
        cache.fetch("mnist", from_dir=folder / "nowhere")


@pytest.mark.parametrize(
    "wrong", [b"y", b"", b"xx", gzip.compress(b"y", mtime=0), gzip.compress(b"x" * 10**6, mtime=0)]
)
def test_other_bytes_are_refused_and_nothing_is_left(folder, wrong):
    (folder / "t10k-labels-idx1-ubyte").write_bytes(wrong)
    seen = []
    with pytest.raises(DataError, match=r"not the 1 known bytes \(SHA-256\)"):
        cache.fetch("mnist", from_dir=folder, progress=lambda *step: seen.append(step))
    assert all(done <= total for _, done, total in seen)  # it stopped at the first byte too many
    assert set(in_cache()) == set(CONTENT) - {"t10k-labels-idx1-ubyte"}


def test_a_file_is_complete_only_once_it_is_checked(folder):
    name, data = "train-images-idx3-ubyte", CONTENT["train-images-idx3-ubyte"]
    (folder / f"{name}.gz").write_bytes(gzip.compress(data[::-1]))
    seen = []
    with pytest.raises(DataError, match="known bytes"):
        cache.fetch("mnist", from_dir=folder, progress=lambda *step: seen.append(step))
    assert seen and all(file == name and done < total for file, done, total in seen)


@pytest.mark.parametrize("cut", [5, -9, -1])
def test_damaged_gzip_data_are_refused(folder, cut):
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataError, match="cut short"):
        cache.fetch("mnist", from_dir=folder)
    assert in_cache() == {}


def test_from_a_mirror(server):
    _, url, asked = server
    cache.fetch("mnist", mirror=f"{url}/mnist/")
    assert in_cache() == dict(sorted(CONTENT.items())) and len(asked) == 4
    cache.fetch("mnist", mirror=f"{url}/mnist")
    assert len(asked) == 4  # all there


def test_from_the_mirror_of_the_environment(server, monkeypatch):
    _, url, asked = server
    monkeypatch.setenv("DNN_DATA_MIRROR", f"{url}/")
    cache.fetch("mnist")
    assert asked[0] == "/mnist/train-images-idx3-ubyte.gz" and cache.is_fetched("mnist")


def test_the_next_mirror_is_asked(server, monkeypatch):
    root, url, asked = server
    (root.parent / "bad").mkdir()
    for name in CONTENT:
        (root.parent / "bad" / f"{name}.gz").write_bytes(gzip.compress(b"something else"))
    known = replace(catalogue.CACHED["mnist"], mirrors=(f"{url}/bad", f"{url}/mnist"))
    monkeypatch.setitem(catalogue.CACHED, "mnist", known)
    cache.fetch("mnist", mirror=f"{url}/missing")
    assert in_cache() == dict(sorted(CONTENT.items()))
    folders = [
        path.split("/")[1] for path in asked if "train-images" in path and "HTTP" not in path
    ]
    assert list(dict.fromkeys(folders)) == ["missing", "bad", "mnist"]


def test_no_mirror_has_it(server):
    _, url, _ = server
    with pytest.raises(DataError, match="cannot download train-images-idx3-ubyte") as caught:
        cache.fetch("mnist", mirror=f"{url}/missing")
    [problem] = caught.value.problems
    assert "404" in problem.why and "--from FOLDER" in problem.fix
    with pytest.raises(DataError) as caught:  # nobody listens
        cache.fetch("mnist", mirror="http://127.0.0.1:9/")
    assert "refused" in caught.value.problems[0].why
    assert not cache.is_fetched("mnist")


def test_an_answer_that_ends_early(server):
    root, url, _ = server
    packed = root / "train-images-idx3-ubyte.gz"
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(DataError) as caught:
        cache.fetch("mnist", mirror=f"{url}/mnist")
    assert "cut short" in caught.value.problems[0].why


@pytest.mark.parametrize("url", ["file:///etc", "ftp://127.0.0.1/", "/srv/data", "data:,x"])
def test_only_web_addresses(url, monkeypatch):
    with pytest.raises(UsageError, match="no http or https"):
        cache.fetch("mnist", mirror=url)
    monkeypatch.setenv("DNN_DATA_MIRROR", url)
    with pytest.raises(UsageError, match="no http or https"):
        cache.fetch("mnist")


def test_names(folder):
    with pytest.raises(UsageError, match="unknown data set `minst`") as caught:
        cache.fetch("minst")
    assert "did you mean `mnist`" in caught.value.problems[0].fix
    with pytest.raises(UsageError, match="`iris` comes with dnn"):
        cache.fetch("iris")
    with pytest.raises(UsageError, match="exclude each other"):
        cache.fetch("mnist", mirror="http://127.0.0.1", from_dir=folder)


def test_a_cache_that_cannot_be_written(folder, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DNN_CACHE", str(tmp_path / "file"))
    with pytest.raises(FileSystemError, match="cannot write to the cache") as caught:
        cache.fetch("mnist", from_dir=folder)
    assert "DNN_CACHE" in caught.value.problems[0].fix


def test_a_full_disk_leaves_nothing_behind(folder, monkeypatch):
    def full(_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(cache.os, "fsync", full)
    with pytest.raises(FileSystemError, match="No space left"):
        cache.fetch("mnist", from_dir=folder)
    assert in_cache() == {}


def test_status(folder):
    listed = {one.name: one for one in cache.status()}
    assert list(listed) == ["digits", "fashion_mnist", "iris", "mnist", "wine"]
    assert listed["iris"].state == "shipped" and "CC BY 4.0" in listed["iris"].licence
    assert listed["mnist"].state == "not fetched" and "CC BY-SA 3.0" in listed["mnist"].licence
    assert "MIT" in listed["fashion_mnist"].licence
    cache.fetch("mnist", from_dir=folder)
    assert {one.name: one.state for one in cache.status()}["mnist"] == "fetched"


def test_the_place_of_the_cache(monkeypatch, tmp_path):
    assert cache.folder_of("mnist") == tmp_path / "cache" / "mnist"
    monkeypatch.delenv("DNN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.folder_of("mnist") == tmp_path / "dnn" / "mnist"


def test_checksums_are_of_the_right_form():
    for name in ("mnist", "fashion_mnist"):
        one = catalogue.CACHED[name]
        assert len({f.sha256 for f in one.files}) == len(one.files) == 4
        assert all(len(f.sha256) == 64 for f in one.files)
    assert all(m.startswith("https://") for m in catalogue.CACHED["fashion_mnist"].mirrors)
    assert catalogue.CACHED["fashion_mnist"].files[0].size == 47_040_016
