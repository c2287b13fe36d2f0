"""K08, K09: the checkpoint before the last one, for when the last one is damaged or gone."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import (
    CONFIGS,
    Faults,
    Killed,
    Log,
    Outcome,
    armed,
    config,
    damage_bit,
    damage_cut,
    exit_code,
    resume,
    stopped,
    train,
    whole,
    write_config,
)

from dnn_cli.base.errors import CheckpointError
from dnn_cli.cli.application import run as dnn
from dnn_cli.runs.checkpoint import read_checkpoint
from dnn_cli.runs.directory import RunDirectory
from dnn_cli.runs.disk import disk

TEXT = CONFIGS["dropout"]


pytestmark = pytest.mark.usefixtures("quick")


def damage_empty(path: Path) -> None:
    path.write_bytes(b"")


def damage_zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


DAMAGES = [damage_cut, damage_bit, damage_empty, damage_zeros]


def step_of(path: Path) -> int:
    return int(read_checkpoint(path).state["step"])


def test_K08_the_checkpoint_before_is_kept(tmp_path: Path) -> None:
    run = RunDirectory(stopped(tmp_path, TEXT, 1))
    assert not run.previous.exists()
    run = RunDirectory(stopped(tmp_path, TEXT, 8, "later"))
    assert (step_of(run.previous), step_of(run.last)) == (7, 8)
    resume(run.path)
    assert (step_of(run.previous), step_of(run.last)) == (17, 18)


@pytest.mark.parametrize("damage", DAMAGES)
def test_K08_a_damaged_last_one_is_kept_and_the_one_before_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None]
) -> None:
    wanted = whole(tmp_path, TEXT)
    run = RunDirectory(stopped(tmp_path, TEXT, 8))
    damage(run.last)
    bad = run.last.read_bytes()
    assert dnn(["resume", str(run.path)]) == 0
    told = capsys.readouterr().err
    assert "last.safetensors is " in told
    assert (
        "it is kept as last-001.corrupt; the run goes on from the save before it, of step 7" in told
    )
    assert (run.checkpoints / "last-001.corrupt").read_bytes() == bad
    assert Outcome.of(run.path) == wanted


def test_K08_at_the_end_of_an_epoch_the_log_is_cut_back(tmp_path: Path) -> None:
    text = config(training="epochs: 6").replace("seconds: 0.0", "seconds: 0.0, every_epochs: 2")
    wanted = whole(tmp_path, text)
    run = RunDirectory(stopped(tmp_path, text, 9))
    assert (step_of(run.previous), step_of(run.last)) == (10, 11)
    shutil.copy(run.previous, tmp_path / "early")
    for name in ("one", "two"):  # also twice in a row: names of damaged files are not reused
        damage_bit(run.last)
        if name == "two":
            shutil.copy(tmp_path / "early", run.previous)
        resume(run.path)
        assert Outcome.of(run.path) == wanted
    assert sorted(p.name for p in run.checkpoints.glob("*.corrupt")) == [
        *("last-001.corrupt", "last-002.corrupt")
    ]


def test_K08_a_last_one_that_is_gone(tmp_path: Path) -> None:
    wanted = whole(tmp_path, TEXT)
    run, log = RunDirectory(stopped(tmp_path, TEXT, 8)), Log()
    run.last.unlink()
    resume(run.path, log=log)
    assert "last.safetensors is not there" in log.said[0] and "of step 7" in log.said[0]
    assert Outcome.of(run.path) == wanted
    assert list(run.checkpoints.glob("*.corrupt")) == []


def test_K08_a_disk_that_cannot_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = whole(tmp_path, TEXT)
    run, log, real = RunDirectory(stopped(tmp_path, TEXT, 8)), Log(), disk.pread
    broken = run.last.stat().st_ino

    def pread(descriptor: int, *words: Any) -> bytes:
        if os.fstat(descriptor).st_ino == broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return bytes(real(descriptor, *words))

    monkeypatch.setattr(disk, "pread", pread)
    resume(run.path, log=log)
    assert "Input/output error" in log.said[0] and "of step 7" in log.said[0]
    assert Outcome.of(run.path) == wanted


def test_K08_a_complete_run_is_completed_again(tmp_path: Path) -> None:
    run, log = RunDirectory(tmp_path / "run"), Log()
    train(write_config(tmp_path, TEXT), run.path)
    wanted = Outcome.of(run.path)
    damage_bit(run.last)
    assert resume(run.path, log=log).exit_code == 0
    assert "of step 17" in log.said[0] and Outcome.of(run.path) == wanted


def test_K08_a_sound_last_one_beside_damaged_others(tmp_path: Path) -> None:
    wanted = whole(tmp_path, TEXT)
    run, log = RunDirectory(stopped(tmp_path, TEXT, 8)), Log()
    damage_bit(run.previous)
    damage_bit(run.best)
    resume(run.path, log=log)
    assert log.said[0] == "resuming at step 8 (epoch 3)"
    assert Outcome.of(run.path) == wanted


def test_K08_no_choice_is_made_where_nothing_is_damaged(tmp_path: Path) -> None:
    """A checkpoint that is another one, or of a newer version, is a question for the user."""
    run = RunDirectory(stopped(tmp_path, TEXT, 8))
    shutil.copy(run.best, run.last)
    before = {p: p.read_bytes() for p in run.checkpoints.iterdir()}
    with pytest.raises(CheckpointError) as found:
        resume(run.path)
    told = [p.what for p in found.value.problems]
    assert "holds the best model, but no training" in told[0]
    assert "previous.safetensors is sound: the save before, of step 7" in told[1]
    assert f"mv {run.previous} {run.last}" in found.value.problems[1].fix
    assert {p: p.read_bytes() for p in run.checkpoints.iterdir()} == before


def test_K08_a_path_that_was_given_is_never_replaced_by_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = RunDirectory(stopped(tmp_path, TEXT, 8))
    damage_bit(run.last)
    before = {p: p.read_bytes() for p in run.checkpoints.iterdir()}
    for command in ("evaluate", "info"):
        assert dnn([command, str(run.last)]) == 5
        assert "last.safetensors is damaged" in capsys.readouterr().err
    assert {p: p.read_bytes() for p in run.checkpoints.iterdir()} == before


@pytest.mark.parametrize("damage", DAMAGES)
def test_K09_all_damaged_is_no_fresh_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], None]
) -> None:
    run = RunDirectory(stopped(tmp_path, TEXT, 8))
    for path in (run.last, run.previous, run.best):
        damage(path)
    before = {p: p.read_bytes() for p in run.path.rglob("*") if p.is_file() and p.suffix != ".lock"}
    assert dnn(["resume", str(run.path)]) == 5
    told = capsys.readouterr().err
    assert all(
        f"checkpoints/{name}.safetensors is " in told for name in ("last", "previous", "best")
    )
    assert "state: nothing was changed" in told
    assert {p: p.read_bytes() for p in before} == before


@pytest.mark.parametrize("fault", ["kill", errno.EIO])
def test_K08_falling_back_may_fail_anywhere(tmp_path: Path, fault: int | str) -> None:
    """Wherever it is killed or refused meanwhile, the next process finds the same checkpoint."""
    wanted = whole(tmp_path, CONFIGS["short"])
    seed = stopped(tmp_path, CONFIGS["short"], 3)
    damage_bit(RunDirectory(seed).last)
    bad = RunDirectory(seed).last.read_bytes()
    for at in range(13, 44, 2 if fault == "kill" else 3):  # from the first read to the log's
        run = tmp_path / f"{at}"
        shutil.copytree(seed, run)
        with armed(Faults(at, fault)) as faults, suppress(Killed):
            assert exit_code(lambda: resume(run)) in (0, 5, 6)  # noqa: B023
        assert faults.count >= at
        resume(run)
        assert Outcome.of(run) == wanted, at
        assert (run / "checkpoints" / "last-001.corrupt").read_bytes() == bad
