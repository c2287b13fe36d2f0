"""Whatever happens to a run, it ends with the bytes of one to which nothing happened."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))

import crash_states
from faults import sweep
from harness import (
    CONFIGS,
    Faults,
    Killed,
    Log,
    Outcome,
    armed,
    die_at_a_save,
    resume,
    stopped,
    train,
    whole,
    write_config,
)

from dnn_cli.app.lifecycle.continuing import read_last
from dnn_cli.app.lifecycle.saving import NORMAL
from dnn_cli.runs.checkpoint import read_checkpoint
from dnn_cli.runs.directory import RunDirectory

FAULTS = Path(__file__).parents[1] / "faults"


pytestmark = pytest.mark.usefixtures("quick")


@pytest.mark.parametrize("name", CONFIGS)
def test_every_kind_of_training_goes_on_as_if_nothing_had_happened(
    tmp_path: Path, name: str
) -> None:
    wanted = whole(tmp_path, CONFIGS[name])
    steps = read_checkpoint(tmp_path / "whole/checkpoints/last.safetensors").state["step"]
    for saves in (1, steps // 2, steps - 1):
        run = stopped(tmp_path, CONFIGS[name], saves, f"at-{saves}")
        resume(run)
        assert Outcome.of(run) == wanted


def test_a_run_maydie_at_a_save_every_step(tmp_path: Path) -> None:
    """Each process takes one step and dies; batch normalisation, dropout, plateaus and all."""
    text = CONFIGS["batch_norm"]
    wanted = whole(tmp_path, text)
    run = stopped(tmp_path, text, 1)
    for _ in range(14):
        log = Log()
        log.watch = die_at_a_save
        with pytest.raises(Killed):
            resume(run, log=log)
    resume(run)
    assert Outcome.of(run) == wanted


def test_P03_a_kill_at_every_system_call(tmp_path: Path) -> None:
    text = CONFIGS["short"]
    path, wanted = write_config(tmp_path, text), whole(tmp_path, text)
    for at in range(1, 1000, 3):  # the others: `python tests/faults/faults.py`
        run, log = tmp_path / f"{at}", Log()
        try:
            with armed(Faults(at, "kill")):
                train(path, run, log)
            break
        except Killed:
            pass
        if not (run / "config.yaml").exists():
            assert log.step < 0
            continue
        found = read_last(RunDirectory(run))
        assert (found.state["step"] if found else -1) >= log.step
        resume(run, pace=NORMAL)
        assert Outcome.of(run) == wanted, at
    assert at > 130


def test_P03_a_kill_at_every_system_call_of_a_resumption(tmp_path: Path) -> None:
    text = CONFIGS["short"]
    wanted = whole(tmp_path, text)
    seed = stopped(tmp_path, text, 2)
    for at in range(1, 1000, 3):
        run = tmp_path / f"{at}"
        shutil.copytree(seed, run)
        try:
            with armed(Faults(at, "kill")):
                resume(run)
            break
        except Killed:
            resume(run, pace=NORMAL)
        assert Outcome.of(run) == wanted, at
    assert at > 90


@pytest.mark.parametrize("persistent", [False, True], ids=["once", "persistent"])
@pytest.mark.parametrize(
    "fault", [errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS, "short"], ids=str
)
def test_R08_a_fault_at_any_system_call(tmp_path: Path, fault: int | str, persistent: bool) -> None:
    """A sample here; `python tests/faults/faults.py` tries them all."""
    tried = sweep(tmp_path, fault, persistent, start=3, stride=13)
    assert tried.runs >= 14
    assert not tried.wrong


def test_an_extension_may_be_killed_too(tmp_path: Path) -> None:
    text = CONFIGS["dropout"]
    wanted = whole(tmp_path, text.replace("epochs: 6", "epochs: 9"))
    seed = tmp_path / "seed"
    train(write_config(tmp_path, text), seed)
    for at in range(1, 1000, 19):
        run = tmp_path / f"{at}"
        shutil.copytree(seed, run)
        try:
            with armed(Faults(at, "kill")):
                resume(run, "training.epochs=9")
            break
        except Killed:
            resume(run, "training.epochs=9")
        assert Outcome.of(run) == wanted
    assert at > 200


def test_P03_power_failures_lose_nothing_that_was_called_safe(tmp_path: Path) -> None:
    for kill_at in (0, 110):
        folder = tmp_path / f"{kill_at}"
        folder.mkdir()
        ops, wanted = crash_states.trace("short", folder, kill_at)
        found = crash_states.explore(crash_states.thinned(ops), folder, wanted, every=60)
        assert found.states > 300 and found.resumed > 2
        assert asdict(found) | {"states": 0, "resumed": 0} == asdict(crash_states.Finding())


@pytest.mark.parametrize("broken", crash_states.BROKEN)
def test_power_failures_reveal_broken_protocols(tmp_path: Path, broken: Any) -> None:
    ops, _ = crash_states.trace("short", tmp_path)
    assert crash_states.explore(crash_states.thinned(broken(ops)), tmp_path, most=1).lost


def test_P03_kill_dash_nine(tmp_path: Path) -> None:
    words = ["--kills=20", "--seed=3", f"--folder={tmp_path}"]
    done = subprocess.run(
        [sys.executable, str(FAULTS / "kills.py"), *words],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "kills 20" in done.stdout and "lost 0, different 0" in done.stdout
