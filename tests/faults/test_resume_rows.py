"""Checkpoints that do not fit their run, through `dnn resume`: refused, or said and gone on with.

What is damaged is in `test_fallback.py`.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from command import contents, dnn
from harness import CONFIGS, Outcome, resume, stopped, whole

from dnn_cli.runs.directory import RunDirectory

TEXT = CONFIGS["adam"]
Capture = pytest.CaptureFixture[str]


pytestmark = pytest.mark.usefixtures("quick")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("seed=1", "config.seed was 0, is 1"),
        ("training.batch_size=8", "config.training.batch_size was 16, is 8"),
        ("data.source.rows=61", "data.train.rows was"),
        ("model.hidden=[9]", "do not fit the network"),
    ],
)
def test_K10_another_training_is_refused(
    tmp_path: Path, capsys: Capture, change: str, said: str
) -> None:
    run = stopped(tmp_path, TEXT, 8)
    before = contents(run)
    ended = dnn(capsys, "resume", run, change)
    assert ended.code == 5 and said in ended.err
    assert contents(run) == before


def test_K10_what_may_change_is_recorded(tmp_path: Path, capsys: Capture) -> None:
    run = stopped(tmp_path, TEXT, 8)
    assert dnn(capsys, "resume", run, "optimizer.learning_rate=0.02").code == 0
    told = json.loads((run / "environment.json").read_text())["resumed"][0]["changed"]
    assert told == ["config.optimizer.learning_rate was 0.01, is 0.02"]


def test_K11_another_machine_goes_on_and_says_so(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dnn_cli.app.lifecycle import facts

    run, real = stopped(tmp_path, TEXT, 8), facts.machine()
    monkeypatch.setattr(facts, "machine", lambda: {**real, "cpu": "Z80", "numpy": "1.0"})
    ended = dnn(capsys, "resume", run)
    assert ended.code == 0
    for key in ("cpu", "numpy"):
        assert f"not bit-identical to an uninterrupted run: environment.{key} was" in ended.err


def test_K12_the_checkpoint_of_another_run(tmp_path: Path, capsys: Capture) -> None:
    one = stopped(tmp_path, TEXT, 8, "one")
    other = stopped(tmp_path, TEXT.replace("0.01", "0.02"), 8, "other")
    last = RunDirectory(one).last
    shutil.copy(RunDirectory(other).last, last)
    before = contents(one)
    ended = dnn(capsys, "resume", one)
    assert ended.code == 5 and "is not the log this checkpoint was written with" in ended.err
    assert contents(one) == before  # no way back is taken: nothing is damaged
    np.save(tmp_path / "rows.npy", np.zeros((3, 2), np.float32))
    assert dnn(capsys, "predict", tmp_path / "rows.npy", "--model", last).code == 0


def test_K13_a_complete_run(tmp_path: Path, capsys: Capture) -> None:
    wanted, run = whole(tmp_path, TEXT), tmp_path / "whole"
    before = contents(run)
    ended = dnn(capsys, "resume", run)
    assert ended.code == 0 and "already complete at step 15 (epoch 5)" in ended.err
    assert contents(run) == before and Outcome.of(run) == wanted
    ended = dnn(capsys, "resume", run, "training.epochs=6")
    assert ended.code == 0 and "epoch 6/6" in ended.err


def test_K16_no_pointer_is_needed_or_followed(tmp_path: Path, capsys: Capture) -> None:
    """The best epoch is known to `last`; whatever else claims to be it is written anew."""
    wanted, run = whole(tmp_path, TEXT), RunDirectory(stopped(tmp_path, TEXT, 8))
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (run.path / "best.json").write_text('{"best": "../../victim"}')
    run.best.unlink()
    run.best.symlink_to(victim)
    assert dnn(capsys, "resume", run.path).code == 0
    assert Outcome.of(run.path) == wanted and not run.best.is_symlink()
    assert victim.read_bytes() == b"precious"
    other = RunDirectory(stopped(tmp_path, TEXT, 8, "other"))
    other.best.unlink()
    resume(other.path)
    assert Outcome.of(other.path) == wanted
