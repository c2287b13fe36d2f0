"""Faults of the run directory and its disk, through the commands: codes 6 and 7, nothing lost."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import tarfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from command import contents, dnn
from harness import (
    CONFIGS,
    Faults,
    Log,
    Outcome,
    armed,
    exit_code,
    patched,
    resume,
    stopped,
    train,
    whole,
    write_config,
)

from dnn_cli.app import resume as resuming
from dnn_cli.app import train as training
from dnn_cli.runs.checkpoint import read_checkpoint
from dnn_cli.runs.directory import RunDirectory
from dnn_cli.runs.disk import disk
from dnn_cli.runs.lock import lock
from dnn_cli.training.events import EpochFinished, Event

TEXT = CONFIGS["adam"]
Capture = pytest.CaptureFixture[str]


pytestmark = pytest.mark.usefixtures("quick")


def test_R01_a_directory_in_use(tmp_path: Path, capsys: Capture) -> None:
    config, run = write_config(tmp_path, TEXT), tmp_path / "run"
    run.mkdir()
    with lock(run, "2026-11-22T10:00:00Z"):
        ended = dnn(capsys, "train", config, "--run-dir", run)
    assert ended.code == 7
    assert f"is in use by process {os.getpid()}, started 2026-11-22T10:00:00Z" in ended.err
    assert os.listdir(run) == ["run.lock"]
    shutil.rmtree(run)
    run = stopped(tmp_path, TEXT, 8)
    before = contents(run)
    with lock(run, "now"):
        assert dnn(capsys, "resume", run).code == 7
    assert contents(run) == before


@pytest.mark.parametrize(
    "note",
    [b"", b"1 2020-01-01", f"{os.getpid()} now\n".encode(), b"\xff" * 99],
    ids=["empty", "old", "own", "bytes"],
)
def test_R02_a_lock_file_alone_holds_nothing(tmp_path: Path, capsys: Capture, note: bytes) -> None:
    run = stopped(tmp_path, TEXT, 8)
    (run / "run.lock").write_bytes(note)
    kept = (run / "run.lock").stat().st_ino
    assert dnn(capsys, "resume", run).code == 0
    assert (run / "run.lock").stat().st_ino == kept


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_R03_a_file_system_without_locks(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def flock(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    run = stopped(tmp_path, TEXT, 8)
    before = contents(run)
    monkeypatch.setattr(disk, "flock", flock)
    for words in (["resume", run], ["train", tmp_path / "r.yaml", "--run-dir", tmp_path / "new"]):
        ended = dnn(capsys, *words)
        assert ended.code == 6 and "this file system has no locks" in ended.err
    assert contents(run) == before


def test_R04_a_directory_that_is_not_ours(tmp_path: Path, capsys: Capture) -> None:
    config = write_config(tmp_path, TEXT)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    before = contents(tmp_path)
    ended = dnn(capsys, "train", config, "--run-dir", tmp_path / "mine")
    assert ended.code == 6 and "is not empty: it holds thesis.tex" in ended.err
    assert dnn(capsys, "resume", tmp_path / "mine").code == 5
    assert contents(tmp_path) == before and os.listdir(tmp_path / "mine") == ["thesis.tex"]


def test_R05_links_are_not_written_through(tmp_path: Path, capsys: Capture) -> None:
    wanted = whole(tmp_path, TEXT)
    victims = tmp_path / "victims"
    victims.mkdir()
    (tmp_path / "link").symlink_to(victims)
    ended = dnn(capsys, "train", tmp_path / "r.yaml", "--run-dir", tmp_path / "link")
    assert ended.code == 6 and "is a symbolic link" in ended.err and not os.listdir(victims)
    run = RunDirectory(stopped(tmp_path, TEXT, 8))
    for name in ("summary.json", "model.safetensors", "environment.json"):
        (victims / name).write_text('{"precious": 1}')
        (run.path / name).unlink(missing_ok=True)
        (run.path / name).symlink_to(victims / name)
    os.link(run.last, victims / "last")
    before = contents(victims)
    assert dnn(capsys, "resume", run.path).code == 0
    assert contents(victims) == before
    assert Outcome.of(run.path) == wanted and not run.model.is_symlink()
    run = RunDirectory(stopped(tmp_path, TEXT, 8, "other"))
    run.checkpoints.rename(tmp_path / "elsewhere")
    run.checkpoints.symlink_to(tmp_path / "elsewhere")
    before = contents(tmp_path / "elsewhere")
    ended = dnn(capsys, "resume", run.path)
    assert ended.code == 6 and "symbolic link" in ended.err
    assert contents(tmp_path / "elsewhere") == before


@pytest.mark.parametrize("how", ["deleted", "renamed", "read-only"])
def test_R06_a_directory_that_is_lost_meanwhile(tmp_path: Path, how: str) -> None:
    wanted, run, log = whole(tmp_path, TEXT), tmp_path / "run", Log()
    faults = Faults(1 << 30, errno.EROFS, persistent=True)

    def disturb(event: Event) -> None:
        if isinstance(event, EpochFinished) and event.epoch == 2:
            if how == "deleted":
                shutil.rmtree(run)
            elif how == "renamed":
                run.rename(tmp_path / "away")
            else:
                faults.at = faults.count + 1

    log.watch = disturb
    with armed(faults):
        assert exit_code(lambda: train(tmp_path / "r.yaml", run, log)) == 6
    assert len([s for s in log.said if "training goes on and tries again" in s]) == 2
    assert all("the last checkpoint is of step 6" in s for s in log.said if "tries again" in s)
    if how == "deleted":
        assert not run.exists()  # nothing is made where a run was taken away
        return
    run = run if how == "read-only" else tmp_path / "away"
    assert read_checkpoint(RunDirectory(run).last).state["step"] == 6
    resume(run)
    assert Outcome.of(run) == wanted


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("call", ["open", "write", "fsync"])
def test_R07_no_room_for_checkpoints(tmp_path: Path, capsys: Capture, call: str, code: int) -> None:
    """From the second save on: the first is whole, nothing is left over, it is no success."""
    wanted, run, asked = whole(tmp_path, TEXT), RunDirectory(tmp_path / "run"), [0]

    def wrap(name: str, real: Any) -> Any:
        def refuse(*args: Any, **options: Any) -> Any:
            new = name != "open" or (str(args[0]).startswith(".tmp") and len(args) > 2)
            if name == call and new and run.last.exists():
                asked[0] += 1
                raise OSError(code, os.strerror(code))
            return None if name == "fsync" else real(*args, **options)

        return refuse

    with patched(wrap):
        ended = exit_code(lambda: train(tmp_path / "r.yaml", run.path))
    assert ended == 6 and asked[0] >= 3
    assert read_checkpoint(run.last).state["step"] == 1
    assert not list(run.path.rglob(".tmp-*"))
    assert dnn(capsys, "resume", run.path).code == 0
    assert Outcome.of(run.path) == wanted


@pytest.mark.parametrize("call", ["write", "fsync", "close", "replace"])
def test_R08_a_disk_that_fails_once(tmp_path: Path, call: str) -> None:
    """The file is written anew from memory; what failed is never synced a second time."""
    wanted, run, log = whole(tmp_path, TEXT), RunDirectory(tmp_path / "run"), Log()
    failed, synced = list[int](), list[int]()

    def wrap(name: str, real: Any) -> Any:
        def once(*args: Any, **options: Any) -> Any:
            inode = os.fstat(args[0]).st_ino if name in ("write", "fsync", "close") else -1
            if name == "fsync":
                synced.append(inode)
            if name == call and not failed and run.previous.exists():
                failed.append(inode)
                if name == "close":
                    real(*args)
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return None if name == "fsync" else real(*args, **options)

        return once

    with patched(wrap):
        assert exit_code(lambda: train(tmp_path / "r.yaml", run.path, log)) == 0
    assert failed
    if call == "fsync":
        at = synced.index(failed[0])
        assert synced[at - 1] != failed[0] != synced[at + 1]
    assert Outcome.of(run.path) == wanted


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE])
def test_R09_no_descriptors_for_a_while(tmp_path: Path, code: int) -> None:
    wanted, log, refusals = whole(tmp_path, TEXT), Log(), [0]

    def wrap(name: str, real: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            if name == "open" and log.step == 4 and refusals[0] < 2:
                refusals[0] += 1
                raise OSError(code, os.strerror(code))
            return None if name == "fsync" else real(*args, **options)

        return call

    before = len(os.listdir("/proc/self/fd"))
    with patched(wrap):
        assert train(tmp_path / "r.yaml", tmp_path / "run", log).exit_code == 0
    assert refusals == [2] and len([s for s in log.said if "tries again" in s]) == 2
    assert len(os.listdir("/proc/self/fd")) == before
    assert Outcome.of(tmp_path / "run") == wanted


@pytest.mark.parametrize("umask", [0o077, 0o027, 0o000])
def test_R10_the_umask_decides_who_may_read(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        train(write_config(tmp_path, TEXT), tmp_path / "run")
    finally:
        os.umask(before)
    modes = {p: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "run").rglob("*")}
    assert {mode for p, mode in modes.items() if p.is_file()} == {0o666 & ~umask}
    assert {mode for p, mode in modes.items() if p.is_dir()} == {0o777 & ~umask}
    assert sum(p.is_file() for p in modes) == 11


def test_R11_clocks_that_jump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No number and no order depends on the time of day; times taken are of another clock."""
    wanted = whole(tmp_path, TEXT)
    years = iter(range(10_000))

    def jumping() -> float:
        return 1.7e9 + (-1) ** next(years) * 3.15e8

    def date() -> str:
        return (datetime.fromtimestamp(jumping(), UTC) + timedelta(hours=1)).isoformat()

    monkeypatch.setattr(time, "time", jumping)
    monkeypatch.setattr(training, "now", date)
    monkeypatch.setattr(resuming, "now", date)
    run = stopped(tmp_path, TEXT, 8)
    for path in run.rglob("*"):
        os.utime(path, (0, 0))
    result = resume(run)
    assert 0.0 <= result.seconds < 1e6 and result.step == 15
    assert Outcome.of(run) == wanted


def test_R13_a_disk_that_is_nearly_full(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_config(tmp_path, TEXT)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=3_000_000))
    ended = dnn(capsys, "train", config, "--runs", tmp_path / "runs")
    assert ended.code == 6 and "has 3.0 MB free, this training needs " in ended.err
    assert not (tmp_path / "runs").exists()


def test_R14_names_and_paths_that_are_too_long(tmp_path: Path, capsys: Capture) -> None:
    config = write_config(tmp_path, TEXT)
    for path in (tmp_path / ("x" * 256), tmp_path.joinpath(*["y" * 200] * 25)):
        ended = dnn(capsys, "train", config, "--run-dir", path)
        assert ended.code == 6 and "File name too long" in ended.err
    assert dnn(capsys, "train", config, "--name", "x" * 256, "--runs", tmp_path / "runs").code == 3
    assert not (tmp_path / "runs").exists()


def test_R15_a_run_in_a_tar_file(tmp_path: Path, capsys: Capture) -> None:
    wanted, run = whole(tmp_path, TEXT), stopped(tmp_path, TEXT, 8)
    with tarfile.open(tmp_path / "run.tar", "w") as tar:
        tar.add(run, "run")
    shutil.rmtree(run)
    with tarfile.open(tmp_path / "run.tar") as tar:
        # As an attribute, since the argument is missing before Python 3.11.4.
        tar.extraction_filter = getattr(tarfile, "data_filter", None)
        tar.extractall(tmp_path / "other machine")
    moved = tmp_path / "other machine" / "run"
    for path in moved.rglob("*.safetensors"):
        assert str(tmp_path).encode() not in path.read_bytes()
    assert dnn(capsys, "resume", moved).code == 0
    assert Outcome.of(moved) == wanted


def test_R16_files_of_others(tmp_path: Path, capsys: Capture) -> None:
    wanted, run = whole(tmp_path, TEXT), stopped(tmp_path, TEXT, 8)
    checkpoints = run / "checkpoints"
    ours = checkpoints / ".tmp-123-0123456789abcdef"
    foreign = [
        *(run / ".DS_Store", checkpoints / ".tmp-mine", checkpoints / "step-999.safetensors"),
        *(checkpoints / "last.safetensors~", run / "metrics.jsonl.swp", run / "notes.txt"),
    ]
    for path in (ours, *foreign):
        path.write_bytes(b"whatever")
    assert dnn(capsys, "resume", run).code == 0
    assert not ours.exists() and all(p.read_bytes() == b"whatever" for p in foreign)
    assert Outcome.of(run) == wanted


def test_R17_a_log_that_was_damaged(tmp_path: Path, capsys: Capture) -> None:
    """What the checkpoint knows of must be there; what came later is set aside and made again."""
    wanted, run = whole(tmp_path, TEXT), stopped(tmp_path, TEXT, 8)
    log = run / "metrics.jsonl"
    content = log.read_bytes()
    for damaged in (content[:-9], content.replace(b"1", b"2", 1), b""):
        log.write_bytes(damaged)
        before = contents(run)
        ended = dnn(capsys, "resume", run)
        assert ended.code == 5 and "metrics.jsonl" in ended.err
        assert contents(run) == before
    log.write_bytes(content + b'{"epoch": 3, "step": 9}\n' * 3 + b'{"torn')
    assert dnn(capsys, "resume", run).code == 0
    assert Outcome.of(run) == wanted
    later = (run / "metrics.superseded-001.jsonl").read_bytes()
    assert later == b'{"epoch": 3, "step": 9}\n' * 3 + b'{"torn'
