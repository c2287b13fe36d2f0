"""Intervals and sets: kept in the model file, predicted with, and measured."""

import csv
import io
import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.app.evaluate import evaluate_model
from dnn_cli.app.predict import predict_file
from dnn_cli.app.resume import resume_run
from dnn_cli.app.train import train_run
from dnn_cli.base.errors import CheckpointError, UsageError
from dnn_cli.runs.model_file import read_model, write_model

Command = Callable[..., subprocess.CompletedProcess[str]]
TEXT = """
data: {{source: table.csv, target: [{target}], split: {split}, task: {task}}}
model: {{hidden: [8]}}
optimizer: {{type: adam, learning_rate: 0.01}}
training: {{epochs: 4}}
"""
PARTS = "{column: part}"
RUNS = {
    "one": TEXT.format(target="y", split=PARTS, task="regression"),
    "two": TEXT.format(target="y, z", split=PARTS, task="regression"),
    "classes": TEXT.format(target="w", split=PARTS, task="multiclass"),
    "labels": TEXT.format(target="u, v", split=PARTS, task="multilabel"),
    "bare": TEXT.format(target="y", split="{test: 0.1}", task="regression"),
}
ROWS = 3000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with a run for each kind of task; `y` is in the thousands, and some rows a test."""
    made = tmp_path_factory.mktemp("bounds")
    rng = np.random.Generator(np.random.Philox(8))
    x = rng.normal(size=(ROWS, 3))
    noisy = x + rng.normal(size=x.shape)
    part = np.array(["train", "valid", "test"])[np.arange(ROWS) % 3]
    lines = ["a,b,c,y,z,u,v,w,part"]
    for row, n, p in zip(x, noisy, part, strict=True):
        cells = [*(f"{v:.5f}" for v in row), f"{5000 + 1000 * n[0]:.2f}", f"{n[1]:.5f}"]
        cells += [str(int(n[0] > 0)), str(int(n[1] > 0)), "pqr"[int(n.argmax())], str(p)]
        lines.append(",".join(cells))
    (made / "table.csv").write_text("\n".join([*lines, ""]))
    for name, text in RUNS.items():
        (made / f"{name}.yaml").write_text(text)
        train_run(str(made / f"{name}.yaml"), runs=str(made / "runs"))
    return made


def table(folder: Path, name: str, level: float | None, format: str = "csv") -> list[dict]:
    stream = io.BytesIO()
    model = str(folder / "runs" / f"{name}-001")
    predict_file(
        str(folder / "table.csv"), model=model, output=stream, interval=level, format=format,
        proba=name == "classes",
    )  # fmt: skip
    text = stream.getvalue().decode()
    if format == "jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return list(csv.DictReader(io.StringIO(text)))


def truth(folder: Path, column: str) -> list[str]:
    text = (folder / "table.csv").read_text()
    return [row[column] for row in csv.DictReader(io.StringIO(text))]


@pytest.mark.parametrize(("name", "column", "suffix"), [("one", "y", ""), ("two", "z", "_z")])
def test_numbers_in_their_own_units(folder: Path, name: str, column: str, suffix: str) -> None:
    rows = table(folder, name, 0.8)
    lower, upper, middle = (
        np.array([float(row[side + suffix]) for row in rows])
        for side in ("lower", "upper", "prediction")
    )
    y = np.array(truth(folder, column), np.float64)
    residuals = np.sort(np.abs(y - middle)[1::3])
    q = residuals[int(np.ceil(1001 * 0.8)) - 1]
    np.testing.assert_allclose(upper - middle, q, rtol=1e-5)
    np.testing.assert_allclose(middle - lower, q, rtol=1e-5)
    within = ((lower <= y) & (y <= upper))[2::3]
    found = evaluate_model(str(folder / "runs" / f"{name}-001"), interval=0.8).coverage[column]
    assert found.coverage == pytest.approx(within.mean(), abs=2e-3)
    assert found.size == pytest.approx(2 * q, rel=1e-5)
    assert within.mean() == pytest.approx(0.8, abs=0.06)  # 4 deviations of 1,000 and 1,000 rows


def test_two_targets_have_two_columns_each(folder: Path) -> None:
    names = ["prediction_y", "prediction_z", "lower_y", "upper_y", "lower_z", "upper_z"]
    assert list(table(folder, "two", 0.9)[0]) == names
    assert list(table(folder, "two", None)[0]) == names[:2]
    typed = table(folder, "two", 0.9, "jsonl")[0]
    assert list(typed) == names and typed["lower_z"] < typed["prediction_z"] < typed["upper_z"]


def test_sets_of_classes(folder: Path) -> None:
    rows = table(folder, "classes", 0.9)
    p = np.array([[float(row[f"p_{one}"]) for one in "pqr"] for row in rows])
    labels = truth(folder, "w")
    given = p[np.arange(ROWS), ["pqr".index(one) for one in labels]]
    least = np.sort(given[1::3])[::-1][int(np.ceil(1001 * 0.9)) - 1]
    wanted = ["|".join(c for c, v in zip("pqr", row, strict=True) if v >= least) for row in p]
    assert sum(a != row["set"] for a, row in zip(wanted, rows, strict=True)) <= 1  # rounding
    within = np.array([one in row["set"] for one, row in zip(labels, rows, strict=True)])[2::3]
    found = evaluate_model(str(folder / "runs" / "classes-001"), interval=0.9).coverage["set"]
    assert found.coverage == pytest.approx(within.mean(), abs=2e-3)
    assert found.coverage == pytest.approx(0.9, abs=0.05)
    assert found.size == pytest.approx(np.mean([len(a.split("|")) for a in wanted[2::3]]), abs=0.01)


@pytest.mark.parametrize(
    ("name", "level", "message"),
    [("labels", 0.9, "is a multilabel model"), ("bare", 0.9, "knows no intervals"),
     ("one", 0.9995, "0.9995 needs 1999 validation rows, the model was trained with 1000")],
)  # fmt: skip
def test_what_cannot_be_had(folder: Path, name: str, level: float, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        table(folder, name, level)
    with pytest.raises(UsageError, match=message):
        evaluate = evaluate_model(str(folder / "runs" / f"{name}-001"), interval=level)
        assert not evaluate.coverage


def test_npy_holds_none(folder: Path) -> None:
    with pytest.raises(UsageError, match="predictions alone"):
        table(folder, "one", 0.9, "npy")


def test_damaged_scores_are_refused(folder: Path, tmp_path: Path) -> None:
    model = read_model(folder / "runs" / "one-001" / "model.safetensors")
    assert model.scores is not None
    path = tmp_path / "m.safetensors"
    for broken in (
        replace(model, scores=model.scores[::-1].copy()),
        replace(model, intervals={"rows": "1000"}),
        replace(model, intervals={}),
    ):
        write_model(path, broken)
        with pytest.raises(CheckpointError, match="scores are damaged"):
            evaluate_model(str(path), data=str(folder / "table.csv"), interval=0.9)
        predict_file(str(folder / "table.csv"), model=str(path), output=io.BytesIO())


def test_an_interrupted_run_ends_with_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    run = train_run(
        str(folder / "one.yaml"), overrides=["training.max_time=1e-9"], runs=str(tmp_path)
    )
    assert run.exit_code == 75
    resume_run(run.run, overrides=["training.max_time=null"])
    again, whole = (
        Path(one) / "model.safetensors" for one in (run.run, folder / "runs" / "one-001")
    )
    assert again.read_bytes() == whole.read_bytes()


def test_the_commands(folder: Path, dnn: Command) -> None:
    run = str(folder / "runs" / "classes-001")
    told = json.loads(dnn("evaluate", run, "--interval", "0.9", "--json").stdout)["coverage"]
    assert set(told["set"]) == {"level", "coverage", "size"}
    assert "classes in it" in dnn("evaluate", run, "--interval", "0.9").stdout
    assert "coverage" not in json.loads(dnn("evaluate", run, "--json").stdout)
    shown = dnn("predict", str(folder / "table.csv"), "--model", run, "--interval", "0.9").stdout
    assert shown.startswith("prediction,set\n")
    for wrong in ("1", "0", "nan", "x"):
        refused = dnn("evaluate", run, f"--interval={wrong}")
        assert refused.returncode == 2 and "is no level" in refused.stderr
