"""Faults of the process: memory, forks, pipes, an interpreter without a home.

Signals, kills and terminals are in `tests/app/lifecycle/test_signals.py` and
`tests/app/test_crashes.py`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from command import dnn
from harness import CONFIGS, Outcome, resume, stopped, train, whole, write_config
from kills import ended, forked
from pausing import PATIENCE, PLAIN, Paused

from dnn_cli.nn.execution.plan import Plan
from dnn_cli.runs.checkpoint import read_checkpoint
from dnn_cli.runs.directory import RunDirectory

TEXT = CONFIGS["adam"]
Capture = pytest.CaptureFixture[str]


def test_P05_a_process_that_sleeps_for_a_while(tmp_path: Path) -> None:
    wanted = whole(tmp_path, TEXT)
    words = ["train", "r.yaml", "--run-dir", "run"]
    with Paused("step", 8, *words, cwd=tmp_path) as paused:
        paused.stands()
        paused.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, paused.process.pid, os.WSTOPPED)
        time.sleep(0.3)  # by which the clock is ahead when it wakes up
        paused.process.send_signal(signal.SIGCONT)
        paused.go_on()
        assert paused.ended()[0] == 0
    assert Outcome.of(tmp_path / "run") == wanted


@pytest.mark.parametrize("saved", [0, 4])
def test_P06_not_enough_memory_for_a_step(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, saved: int
) -> None:
    wanted, run = whole(tmp_path, TEXT), RunDirectory(tmp_path / "run")
    words: list[str | Path] = ["train", tmp_path / "r.yaml", "--run-dir", run.path]
    if saved:
        words = ["resume", stopped(tmp_path, TEXT, saved)]
    real, calls = Plan.backward, [0]

    def backward(plan: Plan) -> None:
        calls[0] += 1
        if calls[0] == 3:
            np.empty(1 << 60, np.uint8)  # NumPy's own words on what it could not have
        real(plan)

    with monkeypatch.context() as patch:
        patch.setattr(Plan, "backward", backward)
        told = dnn(capsys, *words)
    assert told.code == 9 and "not enough memory to go on training" in told.err
    assert "Unable to allocate" in told.err and f"dnn resume {run.path}" in told.err
    safe = f"the last checkpoint is of step {saved}" if saved else "no checkpoint was written yet"
    assert f"state: {safe}" in told.err
    assert dnn(capsys, "resume", run.path).code == 0
    assert Outcome.of(run.path) == wanted


def test_P07_a_reader_of_predictions_that_leaves(tmp_path: Path) -> None:
    train(write_config(tmp_path, TEXT), tmp_path / "run")
    np.save(tmp_path / "rows.npy", np.zeros((200_000, 2), np.float32))
    words = [sys.executable, "-m", "dnn_cli", "predict", "rows.npy", "--model", "run"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(words, cwd=tmp_path, env=PLAIN, stdout=pipe, stderr=pipe)
    assert process.stdout and process.stderr
    assert process.stdout.readline() == b"prediction\n"
    process.stdout.close()
    told = process.stderr.read()
    process.stderr.close()
    assert (process.wait(PATIENCE), told) == (141, b"")


def test_P08_a_fork_of_a_process_that_has_trained(tmp_path: Path) -> None:
    """Neither threads nor other ranks survive a fork: a child does not wait for them."""
    wanted = whole(tmp_path, CONFIGS["ranks"])
    child = forked(lambda: train(tmp_path / "r.yaml", tmp_path / "run"))
    assert ended(child) == 0
    assert Outcome.of(tmp_path / "run") == wanted


@pytest.mark.parametrize("fault", ["no home", "no working directory", "everything"])
def test_P10_a_process_without_its_surroundings(tmp_path: Path, fault: str) -> None:
    wanted = whole(tmp_path, TEXT)
    (tmp_path / "gone").mkdir()
    environment = dict(PLAIN)
    python = [sys.executable]
    if fault == "everything":
        environment |= {"LC_ALL": "C", "PYTHONHASHSEED": "random", "TERM": "dumb"}
        python += ["-O", "-W", "error"]
    if fault != "no working directory":
        environment |= {"HOME": "/nonexistent"}
    leave = "" if fault == "no home" else "rmdir ../gone;"
    line = f'{leave} exec "$@"'
    words = ["train", str(tmp_path / "r.yaml"), "--run-dir", str(tmp_path / "run")]
    done = subprocess.run(
        ["sh", "-c", line, "sh", *python, "-m", "dnn_cli", *words],
        cwd=tmp_path / "gone", env=environment, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert Outcome.of(tmp_path / "run") == wanted


def test_P11_the_time_budget(tmp_path: Path, capsys: Capture) -> None:
    wanted, run = whole(tmp_path, TEXT), tmp_path / "run"
    told = dnn(capsys, "train", tmp_path / "r.yaml", "training.max_time=1e-9", "--run-dir", run)
    assert told.code == 75 and told.err.endswith(f"continue with: dnn resume {run}\n")
    assert dnn(capsys, "resume", run, "training.max_time=null").code == 0
    found = Outcome.of(run)
    assert (found.model, found.metrics) == (wanted.model, wanted.metrics)


def test_P11_a_budget_for_a_run_under_way(tmp_path: Path, capsys: Capture) -> None:
    run = stopped(tmp_path, TEXT, 8)
    assert dnn(capsys, "resume", run, "training.max_time=1e-9").code == 75
    assert read_checkpoint(RunDirectory(run).last).state["step"] == 8
    assert resume(run, "training.max_time=null").step == 15
