"""A training whose table lies on disk."""

import pytest

from tests.app.conftest import write_table

CONFIG = """
name: trees
data: {source: trees.csv, target: kind, split: {valid: 0.2, test: 0.2}}
model: {hidden: [16]}
training: {epochs: 6, batch_size: 16}
"""


@pytest.fixture
def trees(tmp_path):
    write_table(tmp_path / "trees.csv")
    (tmp_path / "trees.yaml").write_text(CONFIG)
    return tmp_path


def bytes_of(run):
    return [(run / name).read_bytes() for name in ("model.safetensors", "metrics.jsonl")]


@pytest.mark.parametrize("threads", ["1", "2"])
def test_it_ends_in_the_bytes_of_one_in_memory(trees, dnn, threads):
    for memory in ("ram", "disk"):
        words = (f"data.memory={memory}", f"training.threads={threads}")
        done = dnn("train", "trees.yaml", "--run-dir", memory, *words)
        assert done.returncode == 0, done.stderr
    assert bytes_of(trees / "ram") == bytes_of(trees / "disk")
    found = dnn("evaluate", "disk", "--json")
    assert found.returncode == 0, found.stderr
    assert found.stdout.replace("disk/", "ram/") == dnn("evaluate", "ram", "--json").stdout


def test_it_goes_on_after_a_stop_and_keeps_its_cache(trees, dnn):
    assert dnn("train", "trees.yaml", "--run-dir", "whole").returncode == 0
    words = ("data.memory=disk", "--cache", "kept", "training.epochs=3")
    first = dnn("train", "trees.yaml", "--run-dir", "cut", *words)
    assert first.returncode == 0, first.stderr
    assert "for the next time too" in first.stderr
    kept = {path: path.stat().st_mtime_ns for path in (trees / "kept").rglob("*")}
    on = dnn("resume", "cut", "--set", "training.epochs=6")
    assert on.returncode == 0, on.stderr
    assert kept == {path: path.stat().st_mtime_ns for path in (trees / "kept").rglob("*")}
    assert bytes_of(trees / "whole") == bytes_of(trees / "cut")
