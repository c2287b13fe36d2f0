"""A temperature found at training, kept in the model file, and used wherever it predicts."""

import io
import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, logit, softmax
from sklearn.metrics import log_loss

from dnn_cli.app.evaluate import evaluate_model
from dnn_cli.app.info import model_info
from dnn_cli.app.predict import predict_file
from dnn_cli.app.resume import resume_run
from dnn_cli.app.train import train_run
from dnn_cli.base.errors import CheckpointError
from dnn_cli.runs.model_file import read_model, write_model

Command = Callable[..., subprocess.CompletedProcess[str]]
TEXT = """
data: {{source: table.csv, target: [{target}], split: {{column: part}}}}
model: {{hidden: [64], members: {members}}}
optimizer: {{type: adam, learning_rate: 0.02}}
training: {{epochs: 30, monitor: train.loss}}
evaluation: {{calibrate: {calibrate}}}
"""
KINDS = {"two": "y", "three": "w", "labels": "y, z"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs that learned noise by heart, so that they are too sure; each with a plain twin."""
    made = tmp_path_factory.mktemp("sure")
    rng = np.random.Generator(np.random.Philox(3))
    x = rng.normal(size=(400, 4))
    noisy = x + rng.normal(size=x.shape)
    part = np.where(np.arange(400) % 2 == 0, "valid", "train")
    lines = ["a,b,c,d,y,z,w,part"]
    for row, n, p in zip(x, noisy, part, strict=True):
        cells = [*(f"{v:.5f}" for v in row), str(int(n[0] > 0)), str(int(n[1] > 0))]
        lines.append(",".join([*cells, "pqr"[int(n[:3].argmax())], p]))
    (made / "table.csv").write_text("\n".join([*lines, ""]))
    for name, target in KINDS.items():
        for members in (1, 2):
            for calibrate in ("true", "false"):
                text = TEXT.format(target=target, members=members, calibrate=calibrate)
                stem = f"{name}{members}{calibrate[0]}"
                (made / f"{stem}.yaml").write_text(text)
                train_run(str(made / f"{stem}.yaml"), runs=str(made / "runs"))
    return made


def predicted(folder: Path, stem: str, proba: bool = True) -> list[list[str]]:
    stream = io.BytesIO()
    model = str(folder / "runs" / f"{stem}-001")
    predict_file(str(folder / "table.csv"), model=model, output=stream, proba=proba)
    return [line.split(",") for line in stream.getvalue().decode().splitlines()[1:]]


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_predictions_are_those_of_divided_outputs(folder: Path, kind: str, members: int) -> None:
    """Of members too: what is divided are outputs that stand for the mean probability."""
    first = 0 if kind == "labels" else 1
    plain, scaled = (
        np.array([row[first:] for row in predicted(folder, f"{kind}{members}{one}")], np.float64)
        for one in "ft"
    )
    t = model_info(str(folder / "runs" / f"{kind}{members}t-001")).temperature
    assert t > 1.2
    wanted = softmax(np.log(plain) / t, axis=1)
    if kind != "three":
        wanted = expit(logit(plain) / t)
    shown = plain < 1.0  # what float32 has rounded to 1 stands for no output
    np.testing.assert_allclose(scaled[shown], wanted[shown], atol=2e-4)
    decided = [predicted(folder, f"{kind}{members}{one}", proba=False) for one in "ft"]
    assert decided[0] == decided[1]


def test_log_loss_is_lower_and_the_loss_that_of_training(folder: Path) -> None:
    found = {
        one: evaluate_model(str(folder / "runs" / f"three1{one}-001"), split="valid").metrics
        for one in "ft"
    }
    assert found["t"]["log_loss"] < found["f"]["log_loss"] - 0.05
    assert found["t"]["calibration_error"] < found["f"]["calibration_error"]
    assert found["t"]["loss"] == found["f"]["loss"]
    assert found["t"]["accuracy"] == found["f"]["accuracy"]
    rows = np.array([row[1:] for row in predicted(folder, "three1t")], np.float64)[::2]
    rows /= rows.sum(axis=1, keepdims=True)  # of float32 they add up to 1 within rounding
    cells = (folder / "table.csv").read_text().splitlines()[1::2]
    truth = [line.split(",")[6] for line in cells]
    assert found["t"]["log_loss"] == pytest.approx(log_loss(truth, rows), rel=1e-5)


def test_it_is_said_and_kept(folder: Path, tmp_path: Path) -> None:
    said: list[str] = []
    train_run(str(folder / "two1t.yaml"), runs=str(tmp_path), say=said.append)
    line = next(line for line in said if line.startswith("temperature: "))
    summary = json.loads((tmp_path / "two1t-001" / "summary.json").read_text())
    assert f"{summary['temperature']:.4g}, log-loss of the validation rows " in line
    valid = evaluate_model(str(tmp_path / "two1t-001"), split="valid").metrics["log_loss"]
    assert line.endswith(f" -> {valid:.4f}")
    (one,) = (tmp_path / "two1t-001").glob("model.safetensors")
    assert one.read_bytes() == (folder / "runs/two1t-001/model.safetensors").read_bytes()
    plain = read_model(folder / "runs/two1f-001/model.safetensors")
    assert plain.calibration == {}


def test_an_interrupted_run_ends_with_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    run = train_run(
        str(folder / "two1t.yaml"), overrides=["training.max_time=1e-9"], runs=str(tmp_path)
    )
    assert run.exit_code == 75
    resume_run(run.run, overrides=["training.max_time=null"])
    again = read_model(Path(run.run) / "model.safetensors")
    whole = read_model(folder / "runs" / "two1t-001" / "model.safetensors")
    assert again.calibration == whole.calibration != {}


@pytest.mark.parametrize(
    "stored",
    [{"temperature": 0.0}, {"temperature": 1e9}, {"temperature": 2}, {"temperature": "2"},
     {"value": 2.0}, {"temperature": 2.0, "more": 1}],
)  # fmt: skip
def test_a_damaged_one_is_refused(stored: dict[str, object], folder: Path, tmp_path: Path) -> None:
    model = read_model(folder / "runs" / "two1t-001" / "model.safetensors")
    path = tmp_path / "m.safetensors"
    write_model(path, replace(model, calibration=stored))
    with pytest.raises(CheckpointError, match="temperature is damaged"):
        predict_file(str(folder / "table.csv"), model=str(path), output=io.BytesIO())
    with pytest.raises(CheckpointError, match="temperature is damaged"):
        model_info(str(path))


def test_info(folder: Path, dnn: Command) -> None:
    run = str(folder / "runs" / "two1t-001")
    told = json.loads(dnn("info", run, "--json").stdout)["temperature"]
    assert f"temperature  {told:.4g}" in dnn("info", run).stdout
    assert "temperature" not in dnn("info", str(folder / "runs" / "two1f-001")).stdout
