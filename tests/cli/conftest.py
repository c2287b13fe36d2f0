"""Commands in this process over an application that is not there, and whole processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from dnn_cli.cli.application import run

ROOT = Path(__file__).parents[2]
PLAIN = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "PYTHONPATH": str(ROOT),
    "TERM": "xterm-256color",
    "LANG": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
}


@pytest.fixture
def app(monkeypatch):
    """`app.train.train_run = f` makes `f` what the commands import from the application."""
    made = SimpleNamespace()
    for name in ("train", "evaluate", "predict", "check", "info", "schema", "fetch"):
        module = ModuleType(f"dnn_cli.app.{name}")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        setattr(made, name, module)
    return made


@pytest.fixture
def dnn(capsys):
    """Run a command line in this process: `dnn("train", "x.yaml")` -> code, stdout, stderr."""

    def call(*args):
        code = run(list(args))
        return SimpleNamespace(code=code, **capsys.readouterr()._asdict())

    return call


@pytest.fixture
def process():
    """Run a command line as a process of its own, in a bare environment."""

    def call(*args, python=(), cwd=None, stdin=None, **environment):
        return subprocess.run(
            [sys.executable, *python, "-m", "dnn_cli", *args],
            capture_output=True, text=True, input=stdin, cwd=cwd, timeout=300, check=False,
            env={**PLAIN, **environment},
        )  # fmt: skip

    return call


@pytest.fixture
def environment():
    return dict(PLAIN)
