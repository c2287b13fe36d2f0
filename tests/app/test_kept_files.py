"""Outputs that are there already: written over where that is asked for, and some of them never."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from dnn_cli.app.predict import predict_file
from dnn_cli.base.errors import FileSystemError


@pytest.fixture
def folder(table_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory: a copy of a run, `run`, and rows for it, `rows.csv`."""
    shutil.copytree(table_run, tmp_path / "run")
    shutil.copy(table_run.parent.parent / "trees.csv", tmp_path / "rows.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def predict(output: str, force: bool = True, input: str = "rows.csv", **options: str) -> None:
    predict_file(input, **{"model": "run", "output": output, "force": force, **options})  # type: ignore[arg-type]


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_T10_an_output_is_written_over_with_force_and_at_once(folder: Path) -> None:
    predict("fresh.csv", force=False)
    (folder / "o.csv").write_text("mine" * 10_000)
    before = os.stat("o.csv").st_ino
    with pytest.raises(FileSystemError) as caught:
        predict("o.csv", force=False)
    assert "--force" in caught.value.problems[0].fix
    assert (folder / "o.csv").read_text() == "mine" * 10_000
    predict("o.csv")
    assert (folder / "o.csv").read_bytes() == (folder / "fresh.csv").read_bytes()
    assert os.stat("o.csv").st_ino != before  # another file in its place: never half of each
    assert not list(folder.glob(".tmp-*"))


def test_T10_a_failure_with_force_leaves_what_was_there(folder: Path) -> None:
    (folder / "o.csv").write_text("mine")
    (folder / "bad.csv").write_text("height,width,noise\n" + "1,2,3\n" * 5000 + "1,x,2\n")
    with pytest.raises(Exception, match="x"):
        predict("o.csv", input="bad.csv")
    assert (folder / "o.csv").read_text() == "mine"
    assert not list(folder.glob(".tmp-*"))


def test_T10_a_link_is_written_through(folder: Path) -> None:
    (folder / "real.csv").write_text("mine")
    (folder / "link.csv").symlink_to("real.csv")
    predict("link.csv")
    assert (folder / "link.csv").is_symlink()
    assert (folder / "real.csv").read_text().startswith("prediction\n")


OTHER_NAMES: dict[str, Callable[[Path], str]] = {
    "itself": str,
    "dots": lambda path: f"run/../{path}",
    "absolute": lambda path: str(path.absolute()),
    "symbolic link": lambda path: _linked(path, os.symlink),
    "hard link": lambda path: _linked(path, os.link),
    "folder link": lambda path: _through(path),
}
KEPT = [
    *("rows.csv", "run/model.safetensors", "run/checkpoints/last.safetensors"),
    *("run/checkpoints/best.safetensors", "run/config.yaml", "run/resolved.yaml"),
    *("run/environment.json", "run/metrics.jsonl", "run/timing.jsonl", "run/summary.json"),
]


def _linked(path: Path, link: Callable[[Path, str], None]) -> str:
    link(path.absolute(), "other.csv")
    return "other.csv"


def _through(path: Path) -> str:
    os.symlink(path.parent.absolute(), "there")
    return f"there/{path.name}"


@pytest.mark.parametrize("name", OTHER_NAMES)
@pytest.mark.parametrize("kept", KEPT)
def test_T10_what_is_needed_is_never_written_over(folder: Path, kept: str, name: str) -> None:
    output = OTHER_NAMES[name](Path(kept))
    before = everything(folder)
    kind = {"format": "csv"} if Path(output).suffix == ".safetensors" else {"format": "jsonl"}
    if Path(output).suffix == ".csv":
        kind = {}
    for force in (False, True):
        with pytest.raises(FileSystemError, match="never written over") as caught:
            predict(output, force=force, **kind)
        assert "--force" not in caught.value.problems[0].fix
    assert everything(folder) == before


@pytest.mark.parametrize(
    "name", ["diverged.json", "run.lock", "checkpoints/previous.safetensors", "summary.json"]
)
def test_T10_a_name_that_a_run_will_need_is_not_taken(folder: Path, name: str) -> None:
    (folder / "run" / name).unlink(missing_ok=True)
    with pytest.raises(FileSystemError, match="never written over"):
        predict(f"run/{name}", force=False, format="jsonl")
    assert not (folder / "run" / name).exists()


def test_T10_the_model_of_another_run_and_a_bare_model(folder: Path) -> None:
    shutil.copytree("run", "second")
    with pytest.raises(FileSystemError, match="never written over"):
        predict("second/model.safetensors", format="csv")
    shutil.copy("run/model.safetensors", "m.safetensors")
    with pytest.raises(FileSystemError, match="is the model"):
        predict("m.safetensors", format="csv", model="m.safetensors")


def test_T10_a_place_of_ones_own_in_a_run_is_free(folder: Path) -> None:
    (folder / "run" / "predictions").mkdir()
    for output in ("run/predictions/o.csv", "run/o.csv"):
        for _ in range(2):
            predict(output)
    assert (folder / "run" / "o.csv").is_file()
    (folder / "config.yaml").write_text("mine: 1")  # a folder that is no run
    (folder / "metrics.jsonl").write_text("mine")
    predict("metrics.jsonl")


def test_T10_standard_input_has_a_file_too(folder: Path) -> None:
    with open("rows.csv", "rb") as rows:
        saved = os.dup(0)
        os.dup2(rows.fileno(), 0)
        try:
            with pytest.raises(FileSystemError, match="is the input"):
                predict("rows.csv", input="-")
        finally:
            os.dup2(saved, 0)
            os.close(saved)


def test_T10_the_images_of_a_folder_are_the_input(
    digits_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = pytest.importorskip("PIL.Image")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    for name in ("a.png", "b.PNG"):
        image.new("L", (8, 8)).save(f"pictures/{name}")
    before = everything(tmp_path)
    for output in ("pictures/a.png", "pictures/b.PNG"):
        with pytest.raises(FileSystemError, match="is the input"):
            predict(output, input="pictures", model=str(digits_run), format="csv")
    assert everything(tmp_path) == before
    predict("o.csv", input="pictures", model=str(digits_run))


def test_T10_no_file_can_take_the_place_of_a_device(folder: Path) -> None:
    for device in ("/dev/null", "/dev/full"):
        with pytest.raises(FileSystemError, match="no regular file"):
            predict(device, format="csv")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
