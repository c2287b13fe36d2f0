"""Wrong checkpoints and models through the commands: exit code 5, and nothing is touched.

What the reader makes of every bit is tested in `tests/runs`.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from command import REFUSED_WITHIN, contents, dnn
from harness import CONFIGS, Faults, armed, train, write_config

from dnn_cli.runs.directory import RunDirectory
from dnn_cli.runs.tensors import read_tensors, write_tensors

TEXT = CONFIGS["adam"]
Capture = pytest.CaptureFixture[str]


pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    """A run of two features, whole; not to be changed."""
    folder = tmp_path_factory.mktemp("trained")
    train(write_config(folder, TEXT), folder / "run")
    np.save(folder / "rows.npy", np.zeros((3, 2), np.float32))
    return RunDirectory(folder / "run")


def forged(
    run: RunDirectory,
    path: Path,
    tensors: Mapping[str, Any] | None = None,
    describe: Callable[[dict[str, Any]], None] = lambda _: None,
    **metadata: str,
) -> Path:
    """The run's model with other tensors or another description, and a digest that is right."""
    old, facts = read_tensors(run.model)
    description = json.loads(facts["dnn.model"])
    describe(description)
    facts["dnn.model"] = json.dumps(description, sort_keys=True, separators=(",", ":"))
    write_tensors(path, {**old, **(tensors or {})}, {**facts, **metadata})
    return path


def refused(
    capsys: Capture, run: RunDirectory, path: Path, said: str, *, info: bool = True
) -> None:
    """Every command that reads a model ends with 5, says why, and writes nothing."""
    rows, out = run.path.parent / "rows.npy", path.parent / "out.csv"
    before = contents(path.parent)
    for words in (
        ["predict", rows, "--model", path, "-o", out],
        ["evaluate", path, rows],
        *([["info", path]] if info else []),
    ):
        ended = dnn(capsys, *words)
        assert ended.code == 5, (words, ended.err)
        assert said in ended.err and path.name in ended.err
        assert ended.seconds < REFUSED_WITHIN
    assert contents(path.parent) == before


def test_K01_damage_anywhere(tmp_path: Path, capsys: Capture, trained: RunDirectory) -> None:
    content = trained.model.read_bytes()
    path, size = tmp_path / "m.safetensors", len(content)
    for place in np.linspace(0, size - 1, 20).astype(int).tolist():
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        for damaged in (bytes(flipped), content[:place]):
            path.write_bytes(damaged)
            ended = dnn(capsys, "info", path)
            assert ended.code == 5 and "m.safetensors" in ended.err and ended.out == ""
    path.write_bytes(content[:-1])
    refused(capsys, trained, path, f"byte {size - 1}")


def header_of(size: int, text: bytes) -> bytes:
    return size.to_bytes(8, "little") + text


@pytest.mark.parametrize(
    "content",
    [
        header_of(1 << 62, b'{"a":1}'),
        header_of(99, b'{"a":1} '),
        header_of(8, b'{"a":1,}'),
        header_of(40, b'{"a":NaN}' + b" " * 31),
        header_of(10_000, b'{"a":' * 2000),
        header_of(16, b'{"a":1,"a":2}   '),
    ],
)
def test_K02_headers(
    tmp_path: Path, capsys: Capture, trained: RunDirectory, content: bytes
) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    refused(capsys, trained, path, "m.safetensors is damaged")


@pytest.mark.parametrize("offsets", [[0, 5], [4, 8], [8, 4], [0, 1 << 63], [0.0, 4], [-4, 0]])
@pytest.mark.parametrize("shape", [[1], [1 << 40, 1 << 40], [True], [-1]])
def test_K03_offsets_and_shapes(
    tmp_path: Path, capsys: Capture, trained: RunDirectory, offsets: list[Any], shape: list[Any]
) -> None:
    entry = {"data_offsets": offsets, "dtype": "F32", "shape": shape}
    facts = {"dnn.format": "1", "dnn.sha256": "0" * 64}
    text = json.dumps(
        {"__metadata__": facts, "w": entry}, sort_keys=True, separators=(",", ":")
    ).encode()
    text += b" " * (-len(text) % 8)
    path = tmp_path / "m.safetensors"
    path.write_bytes(header_of(len(text), text + bytes(4)))
    refused(capsys, trained, path, "m.safetensors is damaged")


def test_K04_weights_of_another_network(
    tmp_path: Path, capsys: Capture, trained: RunDirectory
) -> None:
    path = tmp_path / "m.safetensors"
    wrong = {"dense_1.W": np.zeros((2, 9), np.float32), "dense_9.b": np.zeros(1, np.float32)}
    forged(trained, path, wrong)
    refused(capsys, trained, path, "dense_1.W: the file has (2, 9), the network needs (2, 8)",
            info=False)  # fmt: skip

    def wider(description: dict[str, Any]) -> None:
        description["layers"][0]["units"] = 10**9  # nothing is allocated for it

    forged(trained, path, describe=wider)
    refused(capsys, trained, path, "dense_1.W: the file has (2, 8), the network needs", info=False)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_K05_weights_that_are_not_finite(
    tmp_path: Path, capsys: Capture, trained: RunDirectory, value: float
) -> None:
    weights = np.array(read_tensors(trained.model)[0]["dense_1.W"])
    weights[1, 3] = value
    path = forged(trained, tmp_path / "m.safetensors", {"dense_1.W": weights})
    refused(capsys, trained, path, "1 of 16 numbers in `dense_1.W` are not finite", info=False)
    assert dnn(capsys, "info", path).code == 0  # to look at it is allowed


def test_K06_newer_versions(tmp_path: Path, capsys: Capture, trained: RunDirectory) -> None:
    path = tmp_path / "m.safetensors"
    content = trained.model.read_bytes()
    path.write_bytes(content.replace(b'"dnn.format":"1"', b'"dnn.format":"2"'))
    refused(capsys, trained, path, "needs dnn >= ")

    def newer(description: dict[str, Any]) -> None:
        description |= {"format": 2, "needs": "7.0"}

    forged(trained, path, describe=newer)
    refused(capsys, trained, path, "needs dnn >= 7.0")


class Bomb:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return (self.canary.touch, ())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\x89HDF\r\n\x1a\n" + bytes(20), "HDF5"),
        (b"PK\3\4" + bytes(26) + b"archive/data.pkl" + bytes(99), "PyTorch"),
        (b"\x93NUMPY\1\0v\0{", "NumPy array"),
        ("bomb", "pickle"),
    ],
)
def test_K07_files_of_other_programs(
    tmp_path: Path, capsys: Capture, trained: RunDirectory, content: bytes | str, said: str
) -> None:
    canary = tmp_path.parent / f"{tmp_path.name}-canary"
    bomb = pickle.dumps(Bomb(canary))
    path = tmp_path / "m.safetensors"
    path.write_bytes(bomb if isinstance(content, str) else content)
    refused(capsys, trained, path, said)
    assert not canary.exists()
    pickle.loads(bomb)  # it is live
    assert canary.exists()


def test_K07_what_is_no_file(tmp_path: Path, capsys: Capture, trained: RunDirectory) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    for name, said in (
        ("pipe", "not a regular file"),
        ("loop", "symbolic links"),
        ("folder", "there is no run in"),
        ("absent", "No such file"),
    ):
        refused(capsys, trained, tmp_path / name, said)
    (tmp_path / "link").symlink_to(trained.model)
    assert dnn(capsys, "info", tmp_path / "link").code == 0


HOSTILE = "\x1b]0;owned\x07[/red]<script>alert(1)</script>\u202e\r\n" + "x" * (1 << 20)


def test_K14_text_in_a_model_file_cannot_act(
    tmp_path: Path, capsys: Capture, trained: RunDirectory
) -> None:
    def hostile(description: dict[str, Any]) -> None:
        description["name"] = HOSTILE
        description["versions"]["dnn"] = HOSTILE
        description["schema"]["classes"] = [HOSTILE, "b"]
        description["schema"]["task"]["labels"] = [HOSTILE, "b"]
        description["schema"]["features"] = [HOSTILE, "y"]

    path = forged(trained, tmp_path / "m.safetensors", describe=hostile)
    rows = trained.path.parent / "rows.npy"
    for words in (
        ["info", path],
        ["predict", rows, "--model", path, "--proba"],
        ["evaluate", path, rows],
        ["resume", tmp_path],
    ):
        ended = dnn(capsys, *words)
        assert ended.code in (0, 4, 5)
        # Predictions are data, in the bytes of the labels, wherever they are sent.
        shown = ended.err if words[0] == "predict" else ended.out + ended.err
        assert not set(shown) & set("\x1b\x07\u202e\r")
        if words[0] == "info":
            assert ended.code == 0 and "<script>" in shown and len(shown) < 10_000
    ended = dnn(capsys, "info", path, "--json")
    assert json.loads(ended.out)["name"] == HOSTILE and "\x1b" not in ended.out


def test_K15_reading_leaves_a_run_as_it_is(
    tmp_path: Path, capsys: Capture, trained: RunDirectory
) -> None:
    def state() -> dict[str, Any]:
        return {
            str(p): (p.stat().st_mtime_ns, p.stat().st_ino, p.stat().st_size)
            for p in (trained.path, *trained.path.rglob("*"))
        }

    before, rows = state(), trained.path.parent / "rows.npy"
    with armed(Faults()) as faults:
        for model in (trained.path, trained.model, trained.last, trained.best):
            assert dnn(capsys, "info", model).code == 0
            assert dnn(capsys, "evaluate", model).code == 0
            assert dnn(capsys, "predict", rows, "--model", model).code == 0
    assert faults.count and state() == before
