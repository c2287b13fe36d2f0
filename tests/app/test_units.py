"""Numbers far from 0, among the inputs and the targets: learned as well as numbers near it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from dnn_cli.cli.application import run

pytestmark = pytest.mark.usefixtures("quick")

RNG = np.random.default_rng(0)
ORDER = RNG.permutation(2000)
TIMES = 1_700_000_000_000 + 10 * ORDER
LATE = (ORDER >= 1000).astype(int)
SPLIT = "split: {valid: 0.2, test: 0.2}"


def train(folder: Path, data: str, *words: str) -> Path:
    (folder / "t.yaml").write_text(f"data: {data}\n")
    made = folder / f"run-{len(list(folder.glob('run-*')))}"
    assert run(["train", str(folder / "t.yaml"), "--run-dir", str(made), *words]) == 0
    return made


def measured(made: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """What the test rows say."""
    capsys.readouterr()
    assert run(["evaluate", str(made), "--json"]) == 0
    metrics: dict[str, float] = json.loads(capsys.readouterr().out)["metrics"]
    return metrics


def sources(folder: Path) -> dict[str, str]:
    rows = "\n".join(f"{t},{y}" for t, y in zip(TIMES, LATE, strict=True))
    (folder / "ms.csv").write_text(f"t,y\n{rows}\n")
    for name, kind in (("wide", np.float64), ("whole", np.int64)):
        np.save(folder / f"{name}.npy", TIMES[:, None].astype(kind))
    np.save(folder / "y.npy", LATE)
    return {
        "csv": f"{{source: ms.csv, target: y, {SPLIT}}}",
        "float64": f"{{source: {{type: npy, path: wide.npy, targets: y.npy}}, {SPLIT}}}",
        "int64": f"{{source: {{type: npy, path: whole.npy, targets: y.npy}}, {SPLIT}}}",
    }


@pytest.mark.parametrize("source", ["csv", "float64", "int64"])
def test_milliseconds_since_1970(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = train(tmp_path, sources(tmp_path)[source])
    assert measured(made, capsys)["accuracy"] >= 0.99
    # The model file predicts the raw numbers, as a line through the standardised ones does.
    (tmp_path / "new.csv").write_text("t\n" + "\n".join(map(str, TIMES[:300])) + "\n")
    np.save(tmp_path / "new.npy", TIMES[:300, None])
    new = tmp_path / ("new.csv" if source == "csv" else "new.npy")
    out = tmp_path / f"{source}.jsonl"
    assert run(["predict", str(new), "--model", str(made), "-o", str(out)]) == 0
    found = [int(json.loads(line)["prediction"]) for line in out.read_text().splitlines()]
    other = make_pipeline(StandardScaler(), LogisticRegression()).fit(TIMES[:, None], LATE)
    assert (np.array(found) == other.predict(TIMES[:300, None])).mean() >= 0.98


def regression(folder: Path, scale: float, offset: float) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(5).normal(size=(1500, 5)).round(6)
    y = x @ [1, 2, -1, 0.5, 0] + np.sin(3 * x[:, 0])
    y = (y - y.mean()) / y.std() * scale + offset
    lines = [",".join(map(repr, [*row, t])) for row, t in zip(x.tolist(), y.tolist(), strict=True)]
    (folder / "table.csv").write_text("a,b,c,d,e,y\n" + "\n".join(lines) + "\n")
    return x, y


DATA = f"{{source: table.csv, target: y, {SPLIT}}}"


@pytest.mark.parametrize(("scale", "offset"), [(90_000, 250_000), (1e-6, 0), (3, 1.7e12)])
def test_targets_in_any_units(
    scale: float, offset: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    regression(tmp_path, 1, 0)
    by_hand = measured(train(tmp_path, DATA), capsys)["r2"]
    _, y = regression(tmp_path, scale, offset)
    made = train(tmp_path, DATA)
    found = measured(made, capsys)
    assert by_hand > 0.9 and abs(found["r2"] - by_hand) < 0.01
    # R² = 1 - RMSE² / variance, in the user's units: of the test rows, so to within a tenth.
    expected = y.std() * np.sqrt(1 - found["r2"])
    assert found["root_mean_squared_error"] == pytest.approx(expected, rel=0.15)


def test_what_a_person_reads_is_in_the_targets_units(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, y = regression(tmp_path, 90_000, 250_000)
    made = train(tmp_path, DATA)
    shown = capsys.readouterr().err
    assert shown.count("target_scale: standard (y ") == 1 and "the loss is of scaled" in shown
    out = tmp_path / "p.csv"
    table = str(tmp_path / "table.csv")
    assert run(["predict", table, "--model", str(made), "-o", str(out)]) == 0
    text = out.read_text().splitlines()[1:]
    predicted = np.array(text, float)
    assert all(len(cell.partition(".")[2]) <= 3 for cell in text)  # 0.005 is what float32 tells
    capsys.readouterr()
    assert run(["evaluate", str(made), table, "--json"]) == 0
    metrics: dict[str, Any] = json.loads(capsys.readouterr().out)["metrics"]
    assert metrics["r2"] == pytest.approx(r2_score(y, predicted), abs=1e-6)
    assert metrics["mean_absolute_error"] == pytest.approx(mean_absolute_error(y, predicted), 1e-6)
    assert metrics["loss"] < 1
    assert run(["evaluate", str(made), table, "--fail-if", "mean_absolute_error>1"]) == 11
    assert run(["evaluate", str(made), table, "--fail-if", "mean_absolute_error>50000"]) == 0


def test_thresholds_are_in_the_targets_units(tmp_path: Path) -> None:
    regression(tmp_path, 90_000, 250_000)
    made = train(tmp_path, DATA, "training.stop_when={valid.root_mean_squared_error: 45000}")
    lines = [json.loads(line) for line in (made / "metrics.jsonl").read_text().splitlines()]
    errors = [line["valid.root_mean_squared_error"] for line in lines]
    assert errors[-1] <= 45_000 < min(errors[:-1]) and len(errors) < 50


def test_none_leaves_them_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    regression(tmp_path, 90_000, 250_000)
    made = train(tmp_path, DATA, "data.target_scale=none", "training.epochs=2")
    assert measured(made, capsys)["loss"] > 1e9
    assert "target_scale: none" in (made / "resolved.yaml").read_text()
