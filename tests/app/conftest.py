"""Small trained runs that several tests read, and a console to call the program with."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.app.train import train_run

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def dnn(tmp_path: Path) -> Run:
    """Run the command in `tmp_path`; returns the finished process with its text."""

    def run(*words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "NO_COLOR": "1"}
        return subprocess.run(
            [sys.executable, "-m", "dnn_cli", *words],
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=300,
            env=environment,
        )

    return run


def write_table(path: Path, rows: int = 90) -> None:
    """Three classes of points with named columns, one column of no use and text labels."""
    rng = np.random.Generator(np.random.Philox(5))
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["height", "width", "noise", "kind"])
        for i in range(rows):
            kind = ("ash", "oak", "yew")[i % 3]
            x, y = rng.normal(3.0 * (i % 3), 0.4), rng.normal(-2.0 * (i % 3), 0.4)
            out.writerow([f"{x:.4f}", f"{y:.4f}", f"{rng.normal():.4f}", kind])


@pytest.fixture(scope="session")
def table_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a CSV table: its directory; the table lies beside it."""
    folder = tmp_path_factory.mktemp("table")
    write_table(folder / "trees.csv")
    (folder / "trees.yaml").write_text(
        "data: {source: trees.csv, target: kind, split: {valid: 0.2, test: 0.2}}\n"
        "model: {hidden: [16]}\n"
        "training: {epochs: 30, batch_size: 16}\n"
        "optimizer: {type: adam, learning_rate: 0.02}\n"
    )
    result = train_run(str(folder / "trees.yaml"), runs=str(folder / "runs"))
    return Path(result.run)


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run on images."""
    folder = tmp_path_factory.mktemp("digits")
    (folder / "digits.yaml").write_text(
        "data: {source: {type: builtin, name: digits}, split: {test: 0.2}}\n"
        "model: {hidden: [32], activation: tanh}\n"
        "training: {epochs: 8, batch_size: 32}\n"
    )
    result = train_run(str(folder / "digits.yaml"), runs=str(folder / "runs"))
    return Path(result.run)
