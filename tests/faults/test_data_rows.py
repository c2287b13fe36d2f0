"""Wrong data through the commands: exit code 4, one message, nothing written, at once.

What each reader makes of them in detail is tested beside the readers, in `tests/data`.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from command import REFUSED_WITHIN, contents, dnn
from harness import Log, resume, train, write_config

from dnn_cli.base.errors import CheckpointError
from dnn_cli.data.readers import memory
from dnn_cli.training.events import EpochFinished, Event

X = np.arange(24, dtype=np.float32).reshape(12, 2)
Y = np.arange(12) % 2
CSV = "a,b,y\n" + "".join(f"{i},{i * i % 7},{i % 2}\n" for i in range(12))
TRAINING = "\nmodel: {hidden: [2]}\ntraining: {epochs: 1, threads: 1}\n"


def npy(folder: Path, x: Any = X, y: Any = Y) -> Path:
    np.save(folder / "y.npy", y)
    np.save(folder / "x.npy", x, allow_pickle=True)
    return folder / "x.npy"


def text(folder: Path, content: str | bytes) -> Path:
    path = folder / "x.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def named(folder: Path, name: str, content: bytes) -> Path:
    npy(folder)
    (folder / name).write_bytes(content)
    return folder / name


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "x.csv")
    return folder / "x.csv"


def cut(folder: Path) -> Path:
    path = npy(folder)
    path.write_bytes(path.read_bytes()[:-1])
    return path


def longer(folder: Path) -> Path:
    path = npy(folder)
    path.write_bytes(path.read_bytes() + b"\0")
    return path


def header(folder: Path, shape: str, descr: str = "'<f4'") -> Path:
    head = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    content = b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head + X.tobytes()
    return named(folder, "x.npy", content)


def zipped(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "x.npz", **arrays)
    return folder / "x.npz"


def damaged_zip(folder: Path) -> Path:
    path = zipped(folder, x=X, y=Y)
    with zipfile.ZipFile(path) as archive:
        begin = archive.getinfo("x.npy").header_offset
    content = bytearray(path.read_bytes())
    content[begin + 180] ^= 1
    path.write_bytes(content)
    return path


def idx(folder: Path, content: bytes) -> Path:
    (folder / "x.idx").write_bytes(content)
    return folder / "x.idx"


class Row(NamedTuple):
    """One wrong input: how it is made, how a configuration names it, what is said of it."""

    make: Callable[[Path], Path]
    data: str
    said: str
    predicted: bool = True  # refused by `dnn predict` too


NPY = "{source: {type: npy, path: x.npy, targets: y.npy}}"
NPZ, TABLE = "{source: x.npz}", "{source: x.csv, target: y}"
ROWS = {
    "D01-pipe": Row(pipe, TABLE, "a named pipe"),
    "D01-missing": Row(lambda folder: folder / "x.csv", TABLE, "no such file"),
    "D02-no-rows": Row(lambda f: text(f, "a,b,y\n"), TABLE, "no rows", predicted=False),
    "D02-empty": Row(lambda f: named(f, "x.npy", b""), NPY, "the file is empty"),
    "D03": Row(cut, NPY, "96 bytes, 95 are there"),
    "D04": Row(longer, NPY, "96 bytes, 97 are there"),
    "D05": Row(lambda f: named(f, "x.npy", b"\x93NUMPY\2\0\xff\xff\xff\xff"), NPY, "header"),
    "D06": Row(lambda f: header(f, "(1000000000000, 2)"), NPY, "(1000000000000, 2)"),
    "D06-wraps": Row(lambda f: header(f, f"({2**63}, 2)"), NPY, "shape"),
    "D07": Row(lambda f: npy(f, np.array([[1, "a"]] * 12, object)), NPY, "object"),
    "D07-text": Row(lambda f: npy(f, X.astype("U9")), NPY, "type"),
    "D09": Row(lambda f: named(f, "x.npy", b"<!DOCTYPE html><html>"), NPY, "an HTML page"),
    "D09-pickle": Row(lambda f: named(f, "x.npy", pickle.dumps(X)), NPY, "pickle"),
    "D10": Row(damaged_zip, NPZ, "x.npy"),
    "D11": Row(lambda f: zipped(f, features=X, y=Y), NPZ, "features"),
    "D12": Row(lambda f: npy(f, X.repeat(2, 1), Y[:-1]), NPY, "12 rows of inputs, but 11"),
    "D13": Row(lambda f: npy(f, np.where(X == 5, np.nan, X)), NPY, "row 3 column 1", False),
    "D14": Row(lambda f: npy(f, X.astype(float) * 1e300), NPY, "too large for float32"),
    "D15-missing": Row(lambda f: npy(f, y=np.where(Y, 1.0, np.nan)), NPY, "targets", False),
    "D15-unseen": Row(
        lambda f: (text(f, CSV), (f / "v.csv").write_text("a,b,y\n1,2,7\n"))[0],
        "{source: x.csv, target: y, valid: v.csv}", "not seen: 7", False,
    ),
    "D16": Row(lambda f: npy(f, y=Y * 0), NPY, "all 12 targets are `0`", False),
    "D17": Row(lambda f: text(f, CSV + "1,2\n"), TABLE, "x.csv:14"),
    "D18": Row(lambda f: text(f, CSV + "1_000,2,1\n"), TABLE, "1_000"),
    "D19": Row(lambda f: text(f, CSV.encode() + b"1,\xe9,1\n"), TABLE, "UTF-8"),
    "D20": Row(lambda f: idx(f, b"\0\0\x08\x03" + b"\xff" * 12 + b"\0"), "{source: x.idx}", "idx"),
    "D21": Row(lambda f: text(f, b"PAR1" + bytes(40) + b"PAR1"), TABLE, "a Parquet file"),
}  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the two columns a and b."""
    folder = tmp_path_factory.mktemp("model")
    text(folder, CSV)
    train(write_config(folder, f"data: {TABLE}{TRAINING}"), folder / "run")
    return folder / "run"


def test_D08_order_of_bytes_and_axes_changes_nothing(tmp_path: Path) -> None:
    models = []
    for name, x in {"native": X, "foreign": np.asfortranarray(X.astype(">f4"))}.items():
        (tmp_path / name).mkdir()
        npy(tmp_path / name, x)
        config = write_config(tmp_path / name, f"data: {NPY}{TRAINING}")
        assert train(config, tmp_path / name / "run").exit_code == 0
        models.append((tmp_path / name / "run" / "model.safetensors").read_bytes())
    assert models[0] == models[1]


@pytest.mark.parametrize("command", ["check", "train"])
@pytest.mark.parametrize("name", ROWS)
def test_wrong_data_end_a_training_before_it_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, command: str
) -> None:
    row = ROWS[name]
    row.make(tmp_path)
    config = write_config(tmp_path, f"data: {row.data}{TRAINING}")
    before = sorted(tmp_path.iterdir())
    where = ["--runs", tmp_path / "runs"] if command == "train" else []
    ended = dnn(capsys, command, config, *where)
    assert ended.code == 4, ended.err
    assert ended.err.count("error: ") == 1 and row.said in ended.err
    assert "state: nothing was written" in ended.err
    assert not ended.out or (command == "check" and "severe" in ended.out)  # of tables all findings
    assert sorted(tmp_path.iterdir()) == before
    assert ended.seconds < REFUSED_WITHIN


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.predicted])
def test_wrong_data_are_not_predicted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], model: Path, name: str
) -> None:
    path = ROWS[name].make(tmp_path)
    before = sorted(tmp_path.iterdir())
    ended = dnn(capsys, "predict", path, "--model", model, "-o", tmp_path / "out.csv")
    assert ended.code == 4, ended.err
    assert ended.err.count("error: ") == 1 and str(path) in ended.err
    assert sorted(tmp_path.iterdir()) == before
    assert ended.seconds < REFUSED_WITHIN


def test_D16_classes_and_parts_that_are_too_small(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    npy(tmp_path, y=[1] + [0] * 11)
    split = NPY.replace("npy}}", "npy}, split: {valid: 0.25")
    for options, code, said in (
        ("}}", 0, "so all in training: `1` (1 row)"),
        (", stratify: true}}", 4, "too few rows for one in each part: `1` (1 row)"),
        ("}}".replace("}}", ", test: 0.001}}"), 4, "the test part would be empty"),
    ):
        config = write_config(tmp_path, f"data: {split}{options}{TRAINING}")
        ended = dnn(capsys, "check", config)
        assert ended.code == code, ended.err
        assert said in ended.out + ended.err


def test_D16_targets_that_never_change_and_words_that_name_no_part(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = ("train", "Validation", " TEST", "train")
    for y, more, code, said in (
        ("3.5", "", 4, "all 4 targets are `3.5`"),
        ("3.5", ", task: regression", 4, "all 4 targets are `3.5`"),
        ("7", ", task: regression", 4, "all 4 targets are `7`"),
        ("{i}.5", ", split: {{column: part}}", 0, "2 train, 1 valid, 1 test rows"),
        ("{i}.5", ", split: {{column: x}}", 4, "`0` (1 row), `1` (1 row), `2` (1 row)"),
    ):
        rows = (f"{i},{i * i},{y.format(i=i)},{part}" for i, part in enumerate(parts))
        (tmp_path / "t.csv").write_text("\n".join(["x,z,y,part", *rows, ""]))
        exclude = "" if "part" in more else ", exclude: [part]"
        text = f"data: {{source: t.csv, target: y{exclude}{more.format()}}}{TRAINING}"
        ended = dnn(capsys, "check", write_config(tmp_path, text))
        assert ended.code == code and said in ended.out + ended.err, ended.err


def test_D21_a_damaged_parquet_file_and_one_called_otherwise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], model: Path
) -> None:
    (tmp_path / "x.parquet").write_bytes(b"PAR1" + bytes(40) + b"PAR1")
    for source, said in (
        ("x.parquet", "cannot read"),
        ("{type: parquet, path: x.parquet}", "cannot read"),
        ("{type: csv, path: x.parquet}", "a Parquet file"),
        ("{type: jsonl, path: x.parquet}", "JSON"),
        ("{type: arrow, path: x.parquet}", "a Parquet file"),
    ):
        config = write_config(tmp_path, f"data: {{source: {source}, target: y}}{TRAINING}")
        ended = dnn(capsys, "train", config, "--runs", tmp_path / "runs")
        assert ended.code == 4 and said in ended.err, ended.err
    ended = dnn(capsys, "predict", tmp_path / "x.parquet", "--model", model)
    assert ended.code == 4 and "cannot read" in ended.err


@pytest.mark.parametrize("change", ["cut", "grown", "replaced", "gone"])
def test_D22_data_that_change_during_a_training(tmp_path: Path, change: str) -> None:
    """They lie in memory: this training does not notice, the next process refuses to go on."""
    config = write_config(tmp_path, f"data: {NPY}{TRAINING}".replace("epochs: 1", "epochs: 4"))
    npy(tmp_path)
    train(config, tmp_path / "whole")
    path = tmp_path / "x.npy"

    def disturb(event: Event) -> None:
        if isinstance(event, EpochFinished) and event.epoch == 1:
            if change == "cut":
                os.truncate(path, 40)
            elif change == "grown":
                path.write_bytes(path.read_bytes() + bytes(999))
            elif change == "replaced":
                np.save(path, X * X)
            else:
                path.unlink()

    assert train(config, tmp_path / "run", Log(watch=disturb)).exit_code == 0
    model = (tmp_path / "run" / "model.safetensors").read_bytes()
    assert model == (tmp_path / "whole" / "model.safetensors").read_bytes()
    if change == "replaced":
        before = contents(tmp_path / "run")
        with pytest.raises(CheckpointError, match=r"data\.train\.inputs was \w{12}, is \w{12}"):
            resume(tmp_path / "run", "training.epochs=5")
        assert contents(tmp_path / "run") == before


def test_D23_data_larger_than_the_memory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    npy(tmp_path, np.zeros((5000, 3), np.float32), np.arange(5000) % 2)
    config = write_config(tmp_path, f"data: {NPY}{TRAINING}")
    monkeypatch.setattr(memory, "available_memory", lambda: 10_000)
    monkeypatch.setattr(memory, "LITTLE", 0)
    ended = dnn(capsys, "train", config, "--runs", tmp_path / "runs")
    assert ended.code == 9 and "9.8 KiB are available" in ended.err
    assert not (tmp_path / "runs").exists()


def test_D24_rows_of_the_training_among_those_of_the_test(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text(tmp_path, CSV)
    (tmp_path / "t.csv").write_text("".join(CSV.splitlines(keepends=True)[:4]) + "70,70,0\n")
    for test, count in (("t.csv", "3 of 4"), ("x.csv", "12 of 12")):
        data = f"{{source: x.csv, target: y, test: {test}}}"
        ended = dnn(capsys, "check", write_config(tmp_path, f"data: {data}{TRAINING}"))
        assert ended.code == 0
        assert f"{count} test rows have the same inputs as a training row" in ended.err + ended.out


def test_D25_what_a_model_is_given_to_predict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], model: Path
) -> None:
    table, array = tmp_path / "p.csv", tmp_path / "p.npy"
    for content, code, lines in (
        ("b,other,a\n1,x,2\n", 0, 2),  # columns are found by name
        ("a,b\n", 0, 1),
        ("a\n1\n", 4, 0),
    ):
        table.write_text(content)
        ended = dnn(capsys, "predict", table, "--model", model)
        assert (ended.code, len(ended.out.splitlines())) == (code, lines), ended.err
    for shape, code in (((3, 2), 0), ((0, 2), 0), ((2,), 4), ((3, 3), 4), ((3, 2, 2), 4)):
        np.save(array, np.zeros(shape, np.float64))
        ended = dnn(capsys, "predict", array, "--model", model)
        assert ended.code == code, (shape, ended.err)
        assert len(ended.out.splitlines()) == (0 if code else shape[0] + 1)
