"""R07 on a real small disk: a tmpfs that holds one and a half, or two and a half, checkpoints."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from command import dnn
from harness import BLOBS, Log, Outcome, config, exit_code, train, whole

from dnn_cli.runs.checkpoint import read_checkpoint
from dnn_cli.runs.directory import RunDirectory

TEXT = config(BLOBS, "{hidden: [64, 64]}", training="epochs: 3")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """`small_disk(bytes)` mounts a disk of that size."""
    where = tmp_path / "disk"
    where.mkdir()

    def mount(size: int) -> Path:
        words = ["mount", "-t", "tmpfs", "-o", f"size={size // 4096 * 4096}", "tmpfs", str(where)]
        try:
            subprocess.run(words, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            why = getattr(error, "stderr", "") or error
            pytest.skip(f"a tmpfs cannot be mounted here, which takes root: {why}")
        return where

    yield mount
    if os.path.ismount(where):
        subprocess.run(["umount", str(where)], check=True)


@pytest.mark.parametrize("checkpoints", [1.5, 2.5])
def test_R07_a_disk_too_small_for_the_run(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    small_disk: Callable[[int], Path],
    checkpoints: float,
) -> None:
    """It is refused beforehand; and if the disk fills up later, what was called safe stays so."""
    wanted = whole(tmp_path, TEXT)
    size = (tmp_path / "whole" / "checkpoints" / "last.safetensors").stat().st_size
    disk = small_disk(int(checkpoints * size) + 40_000)  # and the small files
    ended = dnn(capsys, "train", tmp_path / "r.yaml", "--run-dir", disk / "run")
    assert ended.code == 6 and "this training needs" in ended.err and not os.listdir(disk)
    run, log = RunDirectory(disk / "run"), Log()
    with monkeypatch.context() as patch:  # as if it had been empty then
        patch.setattr("dnn_cli.app.train.require_space", lambda *_: None)
        assert exit_code(lambda: train(tmp_path / "r.yaml", run.path, log)) == 6
    assert len([s for s in log.said if "No space left on device" in s]) == 2
    assert log.step >= 1 and read_checkpoint(run.last).state["step"] >= log.step
    assert not list(run.path.rglob(".tmp-*")) and not run.summary.exists()
    shutil.copytree(run.path, tmp_path / "roomy")
    assert dnn(capsys, "resume", tmp_path / "roomy").code == 0
    assert Outcome.of(tmp_path / "roomy") == wanted
