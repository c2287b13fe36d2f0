"""Wrong images through the commands: exit code 4, all of them named, nothing written."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from command import contents, dnn
from harness import resume, train, write_config

from dnn_cli.base.errors import CheckpointError

TRAINING = "\nmodel: {hidden: [2]}\ntraining: {epochs: 2, batch_size: 4, threads: 1}\n"
FOLDER = f"data: {{source: set}}{TRAINING}"


def images(folder: Path, *names: str) -> Path:
    """Grey images of 8x8 pixels, every one another; the folder `set` of them."""
    for i, name in enumerate(names):
        path = folder / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), 20 * i, np.uint8)).save(path)
    return folder / "set"


BOTH = tuple(f"{kind}/{i}.png" for kind in "ab" for i in range(4))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    images(folder, *BOTH)
    train(write_config(folder, FOLDER), folder / "run")
    return folder / "run"


@pytest.mark.parametrize("command", ["check", "train", "predict", "evaluate"])
def test_I01_damaged_images_are_named_in_one_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], model: Path, command: str
) -> None:
    root = images(tmp_path, *BOTH)
    for name in ("a/1.png", "a/3.png", "b/0.png"):
        (root / name).write_bytes((root / name).read_bytes()[:-20])
    config = write_config(tmp_path, FOLDER)
    arguments = {
        "check": (config,),
        "train": (config, "--runs", tmp_path / "runs"),
        "predict": (root, "--model", model, "-o", tmp_path / "out.csv"),
        "evaluate": (model, root),
    }[command]
    before = contents(tmp_path)
    ended = dnn(capsys, command, *arguments)
    assert ended.code == 4 and "3 errors (exit 4)" in ended.err, ended.err
    for name in ("a/1.png", "a/3.png", "b/0.png"):
        assert f"--> {root / name}" in ended.err
    assert ended.err.count("error: ") == 3 and contents(tmp_path) == before


ROWS = {
    "I02-empty-class": (("a/1.png", "b/2.png"), "c/", "folders of classes without images: c"),
    "I02-nothing": ((), "a/", "folders of classes without images: a"),
    "I03-unknown-class": (
        ("train/a/1.png", "train/b/2.png", "val/c/3.png"), "", "lacks: c",
    ),
    "I03-twice": (("train/a/1.png", "val/a/2.png", "valid/a/3.png"), "", "mean the same part"),
    "I03-no-classes": (("train/1.png", "test/2.png"), "", "holds no folders of classes"),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_I02_I03_folders_that_cannot_be_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    files, empty, said = ROWS[name]
    root = images(tmp_path, *files)
    (root / empty).mkdir(parents=True, exist_ok=True)
    config = write_config(tmp_path, FOLDER)
    ended = dnn(capsys, "train", config, "--runs", tmp_path / "runs")
    assert ended.code == 4 and said in ended.err, ended.err
    assert ended.err.count("error: ") == 1 and not (tmp_path / "runs").exists()


def test_I04_channels_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], model: Path
) -> None:
    """Refused with a way to turn them that works, in `train` and in `predict`."""
    x = np.random.default_rng(0).integers(0, 256, (8, 3, 9, 8), dtype=np.uint8)
    y = np.arange(8) % 2
    config = write_config(tmp_path, f"data: {{source: x.npz}}{TRAINING}")
    np.savez(tmp_path / "x.npz", x=x, y=y)
    ended = dnn(capsys, "train", config, "--run-dir", tmp_path / "no")
    assert ended.code == 4 and "np.transpose(x, (0, 2, 3, 1))" in ended.err, ended.err
    np.savez(tmp_path / "x.npz", x=np.transpose(x, (0, 2, 3, 1)), y=y)
    assert dnn(capsys, "train", config, "--run-dir", tmp_path / "run").code == 0
    np.save(tmp_path / "new.npy", x)
    ended = dnn(capsys, "predict", tmp_path / "new.npy", "--model", tmp_path / "run")
    assert ended.code == 4 and "np.transpose(x, (0, 2, 3, 1))" in ended.err, ended.err
    np.save(tmp_path / "new.npy", np.transpose(x, (0, 2, 3, 1)))
    assert dnn(capsys, "predict", tmp_path / "new.npy", "--model", tmp_path / "run").code == 0


def test_I05_another_order_of_files_is_other_data(tmp_path: Path) -> None:
    root = images(tmp_path, *BOTH)
    config = write_config(tmp_path, FOLDER.replace("set}", "set, split: {valid: 0.25}}"))
    train(config, tmp_path / "run")
    (root / "a" / "0.png").rename(root / "a" / "10.png")  # after 3, where 0 was before 1
    with pytest.raises(CheckpointError) as caught:
        resume(tmp_path / "run", "training.epochs=3")
    assert caught.value.exit_code == 5 and "data.train.inputs" in str(caught.value)
