"""The self-check holds here, and finds what does not hold."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dnn_cli.app import selfcheck as checking
from dnn_cli.app.selfcheck import check_damage, check_derivatives, check_resuming, selfcheck
from dnn_cli.cli.application import run
from dnn_cli.nn.gradcheck import check_gradients


def test_everything_holds_on_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["selfcheck", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [(row["name"], row["passed"]) for row in shown["checks"]] == [
        *(("gradients", True), ("kill and resume", True), ("damage", True))
    ]
    # Each process takes as many steps on every machine, and some of them once more.
    found = re.match(r"killed 3 times \(checkpoints of steps (\d+), (\d+), (\d+)\)",
                     shown["checks"][1]["detail"])  # fmt: skip
    assert found
    assert all(0 < b - a < checking._STEPS for a, b in pairwise([0, *map(int, found.groups())]))
    assert {"dnn", "Python", "NumPy", "BLAS", "threads", "processor"} == set(shown["machine"])


def test_what_does_not_hold_is_a_failed_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> str:
        raise checking.BrokenPromiseError("it is broken")

    for name in ("check_derivatives", "check_resuming", "check_damage"):
        monkeypatch.setattr(checking, name, broken)
    said: list[str] = []
    found = selfcheck(said.append)
    assert not found.passed and {row.detail for row in found.checks} == {"it is broken"}
    assert said == ["gradients …", "kill and resume …", "damage …"]
    assert run(["selfcheck"]) == 1


def test_a_wrong_gradient_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*words: Any) -> Any:
        return replace(check_gradients(*words), tolerance=1e-30)

    monkeypatch.setattr(checking, "check_gradients", wrong)
    with pytest.raises(checking.BrokenPromiseError, match="relative error"):
        check_derivatives()


def test_damage_that_is_accepted_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "whole" / "checkpoints").mkdir(parents=True)
    (tmp_path / "whole" / "checkpoints" / "last.safetensors").write_bytes(b"x" * 100)
    monkeypatch.setattr(checking, "read_checkpoint", lambda _: None)
    with pytest.raises(checking.BrokenPromiseError, match="was accepted"):
        check_damage(tmp_path)


def test_a_training_that_cannot_be_killed_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "_train", lambda *_: None)
    monkeypatch.setattr(checking, "_KILLED", "import sys; sys.exit('survived')")
    with pytest.raises(checking.BrokenPromiseError, match=r"to be killed ended with 1: survived"):
        check_resuming(tmp_path)


def test_a_process_that_hangs_is_found_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    # not one that ends with its input, which waiting for it closes
    process = subprocess.Popen(["sleep", "600"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    monkeypatch.setattr(checking, "_PATIENCE", 0.0)
    with pytest.raises(checking.BrokenPromiseError, match="`sleep` takes longer than 0 s"):
        checking._require_end(process, "`sleep`", 0)
    assert process.returncode == -signal.SIGKILL


def test_a_resumption_that_differs_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(folder: Path, word: str, *words: str) -> None:
        for name in ("whole", "killed"):
            (folder / name / "checkpoints").mkdir(parents=True, exist_ok=True)
            for file in ("model.safetensors", "metrics.jsonl", "checkpoints/last.safetensors"):
                (folder / name / file).write_text(name)

    monkeypatch.setattr(checking, "_train", train)
    monkeypatch.setattr(checking, "_kill_and_resume", lambda *_: iter([7, 9]))
    with pytest.raises(checking.BrokenPromiseError, match=r"model differs .* \[7, 9\]"):
        check_resuming(tmp_path)
