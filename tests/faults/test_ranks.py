"""A training that several processes share, of which one, or all, are told to go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import CONFIGS, Outcome, heeding, resume, whole

LONG = CONFIGS["ranks"].replace("epochs: 3", "epochs: 60").replace("seconds: 0.0", "seconds: 0.02")
PLAIN = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What the undisturbed run ends with."""
    return whole(tmp_path_factory.mktemp("whole"), LONG)


@contextmanager
def training(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A training on two ranks that has saved, and the process id of its second rank."""
    words = ["-m", "dnn_cli", "train", "r.yaml", "--run-dir", "run"]
    process = subprocess.Popen(
        [sys.executable, *words], cwd=tmp_path, env=PLAIN, stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=heeding,
    )  # fmt: skip
    try:
        while not (tmp_path / "run" / "checkpoints" / "last.safetensors").exists():
            assert process.poll() is None
            time.sleep(0.005)
        task = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        (other,) = map(int, task.read_text().split())
        yield process, other
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_to_all_is_one_to_the_first(
    tmp_path: Path, wanted: Outcome, number: int, code: int
) -> None:
    (tmp_path / "r.yaml").write_text(LONG)
    with training(tmp_path) as (process, other):
        os.killpg(process.pid, number)
        _, told = process.communicate(timeout=60)
        assert process.returncode == code, told
        assert b"continue with: dnn resume run" in told
        assert not Path(f"/proc/{other}").exists()
    resume(tmp_path / "run")
    assert Outcome.of(tmp_path / "run") == wanted


def test_a_rank_that_is_killed_stops_the_run_and_loses_nothing(
    tmp_path: Path, wanted: Outcome
) -> None:
    (tmp_path / "r.yaml").write_text(LONG)
    with training(tmp_path) as (process, other):
        os.kill(other, signal.SIGKILL)
        _, told = process.communicate(timeout=60)
        assert process.returncode == 9, told
        assert b"a process that computed a part of each step is gone" in told
        assert b"dnn resume run" in told and b"Traceback" not in told
    resume(tmp_path / "run")
    assert Outcome.of(tmp_path / "run") == wanted
