"""Trainings with losses of quantiles, counts, amounts and rare classes, to their predictions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss, mean_tweedie_deviance

from dnn_cli.app.evaluate import evaluate_model
from dnn_cli.app.predict import predict_file
from dnn_cli.app.resume import resume_run
from dnn_cli.app.train import train_run
from dnn_cli.base.errors import ConfigError, DataError
from dnn_cli.runs.model_file import read_model

TEXT = """
data: {{source: table.csv, target: [{target}], features: [x, w], split: {{column: part}}{more}}}
model: {{hidden: [16], members: {members}}}
loss: {loss}
optimizer: {{type: adam, learning_rate: 0.01}}
training: {{epochs: {epochs}, threads: 1}}
"""
N = 600


def table(folder: Path) -> dict[str, np.ndarray]:
    rng = np.random.Generator(np.random.Philox(4))
    x, w = rng.normal(size=N).round(4), rng.normal(size=N).round(4)
    counts = rng.poisson(np.exp(0.8 * x + 0.5))
    cost = np.array([rng.gamma(2.0, 300.0, k).sum() for k in counts]).round(2)
    amount = (rng.gamma(2.0, 250.0, N) * np.exp(0.8 * x)).round(2) + 0.01
    part = np.array(["train", "train", "train", "valid", "test"])[np.arange(N) % 5]
    found = {
        "x": x,
        "w": w,
        "n": counts,
        "cost": cost,
        "amount": amount,
        "part": part,
        "low": -cost,
    }
    found["rare"] = np.array(["no", "yes"])[(x + rng.normal(size=N) > 2.0).astype(int)]
    lines = [",".join(map(str, row)) for row in zip(*found.values(), strict=True)]
    (folder / "table.csv").write_text("\n".join([",".join(found), *lines, ""]))
    return found


def train(folder: Path, loss: str, target: str, epochs: int = 12, members: int = 1, more: str = ""):
    text = TEXT.format(loss=loss, target=target, epochs=epochs, members=members, more=more)
    (folder / "c.yaml").write_text(text)
    said: list[str] = []
    result = train_run(str(folder / "c.yaml"), runs=str(folder / "runs"), say=said.append)
    return Path(result.run), said


def predictions(folder: Path, run: Path, format: str = "csv") -> Any:
    out = folder / f"p.{format}"
    predict_file(str(folder / "table.csv"), model=str(run), output=str(out), force=True)
    if format == "npy":
        return np.load(out)
    return np.genfromtxt(out, delimiter=",", names=True, deletechars="")


def test_quantiles_are_columns_in_order_and_the_middle_one_is_the_prediction(
    tmp_path: Path,
) -> None:
    y = table(tmp_path)["cost"]
    run, said = train(tmp_path, "{type: quantile, quantiles: [0.1, 0.45, 0.9]}", "cost", members=3)
    found = predictions(tmp_path, run)
    assert found.dtype.names == ("prediction", "q_0.1", "q_0.45", "q_0.9")
    assert (found["prediction"] == found["q_0.45"]).all()
    assert (found["q_0.1"] <= found["q_0.45"]).all() and (found["q_0.45"] <= found["q_0.9"]).all()
    test = np.arange(N) % 5 == 4
    costs = [mean_pinball_loss(y[test], found[f"q_{a}"][test], alpha=a) for a in (0.1, 0.45, 0.9)]
    result = evaluate_model(str(run))
    assert result.metrics["pinball_loss"] == pytest.approx(np.mean(costs), rel=1e-6)
    assert "pinball_loss" in result.intervals
    summary = json.loads((run / "summary.json").read_text())
    constant = summary["baselines"]["constant"]["test.pinball_loss"]
    train_rows = y[np.isin(np.arange(N) % 5, [0, 1, 2])]
    expected = [
        mean_pinball_loss(y[test], np.full(test.sum(), np.quantile(train_rows, a)), alpha=a)
        for a in (0.1, 0.45, 0.9)
    ]
    assert constant == pytest.approx(np.mean(expected), rel=0.01)
    assert summary["test_metrics"]["pinball_loss"] < constant
    assert "linear" in summary["baselines"]
    assert any("always the same quantiles pinball_loss" in line for line in said)
    array = predictions(tmp_path, run, "npy")
    assert array.shape == (N, 4)
    np.testing.assert_allclose(array[:, 3], found["q_0.9"], rtol=1e-4, atol=0.01)


def test_quantiles_of_two_targets(tmp_path: Path) -> None:
    table(tmp_path)
    run, _ = train(tmp_path, "{type: quantile, quantiles: [0.2, 0.8]}", "cost, amount")
    found = predictions(tmp_path, run)
    names = ("prediction_cost", "prediction_amount", "q_0.2_cost", "q_0.8_cost")
    assert found.dtype.names == (*names, "q_0.2_amount", "q_0.8_amount")
    result = evaluate_model(str(run))
    assert set(result.targets) == {"cost", "amount"}


@pytest.mark.parametrize("members", [1, 3])
@pytest.mark.parametrize(
    ("loss", "target", "power"),
    [("poisson", "n", 1.0), ("gamma", "amount", 2.0), ("tweedie", "cost", 1.5)],
)
def test_means_of_amounts_are_in_their_units_and_better_than_the_mean(
    loss: str, target: str, power: float, members: int, tmp_path: Path
) -> None:
    y = table(tmp_path)[target]
    more = ", task: regression"
    run, said = train(tmp_path, loss, target, 40 if target == "n" else 25, members, more)
    assert any(line.startswith("target_scale: mean (") for line in said)
    assert "target_scale: mean" in (run / "resolved.yaml").read_text()
    found = predictions(tmp_path, run)["prediction"]
    test = np.arange(N) % 5 == 4
    metrics = evaluate_model(str(run)).metrics
    expected = mean_tweedie_deviance(y[test], found[test], power=power)
    name = f"mean_{loss}_deviance"
    assert metrics[name] == pytest.approx(expected, rel=1e-5)
    mean = y[~test].mean()
    scale = mean ** (2.0 - power)  # of a deviance, beside that of the scaled targets
    assert metrics["loss"] * 2.0 == pytest.approx(expected / scale, rel=0.05)
    summary = json.loads((run / "summary.json").read_text())
    assert metrics[name] < 0.8 * summary["baselines"]["constant"][f"test.{name}"]


def test_what_the_sign_of_a_target_forbids_is_said_with_its_row(tmp_path: Path) -> None:
    table(tmp_path)
    with pytest.raises(DataError, match="not above 0, such as 0") as caught:
        train(tmp_path, "gamma", "cost")
    assert "row" in caught.value.problems[0].where
    with pytest.raises(DataError, match=r"below 0, such as -"):
        train(tmp_path, "poisson", "low", more=", task: regression")
    with pytest.raises(ConfigError, match="poisson needs numbers to predict") as refused:
        train(tmp_path, "poisson", "rare")
    assert refused.value.problems[0].fix == "set data.task: regression"
    with pytest.raises(ConfigError, match="takes away their sign"):
        train(tmp_path, "tweedie", "cost", more=", target_scale: standard")
    run, _ = train(tmp_path, "gamma", "amount", 1)
    lines = (tmp_path / "table.csv").read_text().splitlines()
    cells = lines[3].split(",")
    cells[4] = "-1"
    (tmp_path / "new.csv").write_text("\n".join([*lines[:3], ",".join(cells), ""]))
    with pytest.raises(DataError, match="not above 0, such as -1"):
        evaluate_model(str(run), data=str(tmp_path / "new.csv"))


@pytest.mark.parametrize("loss", ["balanced_softmax", "focal"])
def test_rare_classes(loss: str, tmp_path: Path) -> None:
    y = table(tmp_path)["rare"]
    run, said = train(tmp_path, loss, "rare")
    metrics = evaluate_model(str(run)).metrics
    assert metrics["auc"] > 0.75
    if loss == "focal":
        return
    rows = np.isin(np.arange(N) % 5, [0, 1, 2])
    share = (y[rows] == "yes").mean()
    stored = read_model(run / "model.safetensors").loss
    assert stored["shares"]["yes"] == pytest.approx(share)
    assert any(line.startswith("loss.shares: no 0.") for line in said)
    plain, _ = train(tmp_path, "auto", "rare")
    assert metrics["balanced_accuracy"] > evaluate_model(str(plain)).metrics["balanced_accuracy"]


@pytest.mark.parametrize("loss", ["quantile", "poisson", "tweedie"])
def test_a_resumed_run_ends_as_one_that_was_not_stopped(loss: str, tmp_path: Path) -> None:
    table(tmp_path)
    whole, _ = train(tmp_path, loss, "cost", 6)
    half, _ = train(tmp_path, loss, "cost", 3)
    resume_run(str(half), overrides=["training.epochs=6"])
    names = ("model.safetensors", "metrics.jsonl")
    assert [(whole / n).read_bytes() for n in names] == [(half / n).read_bytes() for n in names]
