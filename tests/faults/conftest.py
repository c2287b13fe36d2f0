"""The command in this process, in a folder of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from command import Ended, ended

Dnn = Callable[..., Ended]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory: an empty one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def dnn(here: Path, capfd: pytest.CaptureFixture[str]) -> Dnn:
    """Run a command line: `dnn("train", "a.yaml")`; whatever it does, it shows no traceback."""

    def call(*words: str) -> Ended:
        return ended(capfd, *words)

    return call


@pytest.fixture
def table(here: Path) -> Callable[..., Path]:
    """Write a table of points: two inputs and a class that is their order."""

    def write(name: str = "t.csv", rows: int = 40, scale: float = 1.0) -> Path:
        points = np.random.Generator(np.random.Philox(3)).normal(size=(rows, 2)) * scale
        lines = [f"{a:.6g},{b:.6g},{'yes' if a > b else 'no'}" for a, b in points]
        (here / name).write_text("\n".join(["a,b,y", *lines, ""]))
        return here / name

    return write


@pytest.fixture
def config(here: Path) -> Callable[..., str]:
    """Write a configuration, each section given as YAML; returns the name of the file."""

    def write(
        data: str = "{source: t.csv, target: y}",
        model: str = "{hidden: [4]}",
        training: str = "epochs: 2, batch_size: 8",
        optimizer: str = "adam",
        name: str = "a.yaml",
    ) -> str:
        (here / name).write_text(
            f"data: {data}\nmodel: {model}\noptimizer: {optimizer}\n"
            f"training: {{threads: 1, {training}}}\n"
        )
        return name

    return write
