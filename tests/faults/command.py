"""The command `dnn` in this process: exit code and texts, and what none of them may show."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from dnn_cli.cli.application import run

# Seconds of processor time, since those of the clock are others' too. Nothing takes 0.5 here; work
# that grows with the square of a hostile input takes minutes, and so on a fast machine too.
REFUSED_WITHIN = 20.0


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str
    seconds: float


def ended(capture: pytest.CaptureFixture[str], *words: str | Path) -> Ended:
    """Run a command line; whatever it does, it shows no traceback."""
    capture.readouterr()
    began = time.process_time()
    code = run([str(word) for word in words])
    seconds = time.process_time() - began
    found = Ended(code, *capture.readouterr(), seconds)
    assert "Traceback" not in found.err, found.err
    return found


def dnn(capture: pytest.CaptureFixture[str], *words: str | Path) -> Ended:
    """Run a command line; no error that we know of may end in a crash report."""
    found = ended(capture, *words)
    assert "internal error" not in found.err
    return found


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file below `folder` but locks, with what it holds."""
    files = (p for p in folder.rglob("*") if p.is_file() and p.name != "run.lock")
    return {path: path.read_bytes() for path in files}
