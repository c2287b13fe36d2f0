"""A training that several processes share, of which one, or all, are told to go."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import CONFIGS, Outcome, resume, whole
from pausing import Paused

TEXT = CONFIGS["ranks"]  # 3 epochs of 4 steps
STEP = 6


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What the undisturbed run ends with."""
    return whole(tmp_path_factory.mktemp("whole"), TEXT)


@contextmanager
def training(tmp_path: Path) -> Iterator[tuple[Paused, int]]:
    """A training on two ranks that stands still, and the process id of its second rank."""
    (tmp_path / "r.yaml").write_text(TEXT)
    words = ["train", "r.yaml", "--run-dir", "run"]
    with Paused("step", STEP, *words, cwd=tmp_path, start_new_session=True) as paused:
        paused.stands()
        first = paused.process.pid
        (other,) = map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())
        yield paused, other


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_to_all_is_one_to_the_first(
    tmp_path: Path, wanted: Outcome, number: int, code: int
) -> None:
    with training(tmp_path) as (paused, other):
        os.killpg(paused.process.pid, number)
        ended, told = paused.ended()
        assert ended == code, told
        assert "continue with: dnn resume run" in told
        assert not Path(f"/proc/{other}").exists()
    resume(tmp_path / "run")
    assert Outcome.of(tmp_path / "run") == wanted


def test_a_rank_that_is_killed_stops_the_run_and_loses_nothing(
    tmp_path: Path, wanted: Outcome
) -> None:
    with training(tmp_path) as (paused, other):
        os.kill(other, signal.SIGKILL)
        paused.go_on()
        code, told = paused.ended()
        assert code == 9, told
        assert "a process that computed a part of each step is gone" in told
        assert f"state: the last checkpoint is of step {STEP}" in told
        assert "dnn resume run" in told and "Traceback" not in told
    resume(tmp_path / "run")
    assert Outcome.of(tmp_path / "run") == wanted
