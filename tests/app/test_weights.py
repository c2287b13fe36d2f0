"""A column of weights, from the configuration to an evaluation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.utils.class_weight import compute_class_weight

from dnn_cli.app.evaluate import evaluate_model
from dnn_cli.app.predict import predict_file
from dnn_cli.app.resume import resume_run
from dnn_cli.app.train import train_run
from dnn_cli.base.errors import ConfigError, DataError
from dnn_cli.runs.model_file import read_model

TEXT = """
data: {{source: {source}, {data}, scale: none}}
model: {{hidden: [8]{model}}}
loss: {loss}
optimizer: {{type: adam, learning_rate: {rate}}}
training: {{epochs: {epochs}, batch_size: {batch}, threads: {threads}, metrics: [accuracy, auc]}}
evaluation: {{threshold: f1}}
"""
COLUMNS = "target: y, weight: w, split: {column: part}"
N = 240


def rows(often: bool = False) -> dict[str, np.ndarray]:
    """A table whose weights are whole numbers; `often`: rows so often, without weights."""
    rng = np.random.Generator(np.random.Philox(8))
    x = rng.normal(size=(N, 2)).round(3)
    y = (x[:, 0] + rng.logistic(size=N) > 0.8).astype(int)
    w = rng.integers(0, 4, N)
    part = np.array(["train", "train", "valid", "test"])[np.arange(N) % 4]
    found = {"a": x[:, 0], "b": x[:, 1], "y": y, "w": w, "part": part}
    return {k: np.repeat(v, w) for k, v in found.items()} if often else found


def write(path: Path, table: dict[str, np.ndarray], comma: bool = False) -> None:
    lines = [";".join(map(str, row)) for row in zip(*table.values(), strict=True)]
    text = "\n".join([";".join(table), *lines, ""])
    path.write_text(text.replace(".", ",") if comma else text.replace(";", ","))


def train(
    folder: Path, source: str = "t.csv", say: list[str] | None = None, **changed: Any
) -> Path:
    usual = {
        "data": COLUMNS,
        "model": "",
        "loss": "auto",
        "epochs": 8,
        "batch": 16,
        "rate": 0.02,
        "threads": 1,
    }
    (folder / "c.yaml").write_text(TEXT.format(source=source, **{**usual, **changed}))
    lines = [] if say is None else say
    return Path(train_run(str(folder / "c.yaml"), runs=str(folder / "runs"), say=lines.append).run)


def epochs(run: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in one.items() if k.startswith(("train", "valid"))} for one in lines]


@pytest.mark.parametrize("model", ["", ", members: 3"])
def test_a_run_with_weights_is_one_of_rows_that_are_there_so_often(
    model: str, tmp_path: Path
) -> None:
    write(tmp_path / "t.csv", rows())
    weighted = train(tmp_path, batch="full", model=model)
    write(tmp_path / "often.csv", rows(often=True))
    data = COLUMNS.replace("weight: w", "exclude: [w]")
    often = train(tmp_path, "often.csv", data=data, batch="full", model=model)
    for one, other in zip(epochs(weighted), epochs(often), strict=True):
        assert one == pytest.approx(other, rel=2e-4)
    mine, theirs = (json.loads((run / "summary.json").read_text()) for run in (weighted, often))
    assert mine["best_epoch"] == theirs["best_epoch"]
    assert mine["test_metrics"] == pytest.approx(theirs["test_metrics"], rel=2e-4)
    constant = mine["baselines"]["constant"]
    assert constant == pytest.approx(theirs["baselines"]["constant"], rel=1e-9)
    stored = [read_model(run / "model.safetensors") for run in (weighted, often)]
    for name, array in stored[0].tensors.items():
        np.testing.assert_allclose(array, stored[1].tensors[name], rtol=2e-3, atol=2e-4)
    (kept,), (other_kept,) = (one.threshold["values"] for one in stored)
    assert kept == pytest.approx(other_kept, abs=1e-3)
    found, expected = (evaluate_model(str(run)).metrics for run in (weighted, often))
    assert found == pytest.approx(expected, rel=5e-4)


def test_metrics_of_shuffled_training_rows_have_the_weights_of_these_rows(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", rows())
    run = train(tmp_path, rate=0.0, epochs=3)  # nothing is learned: each epoch measures the same
    expected = evaluate_model(str(run), split="train").metrics
    for one in epochs(run):
        assert one["train.auc"] == pytest.approx(expected["auc"], rel=1e-6)
        assert one["train.accuracy"] == pytest.approx(expected["accuracy"], rel=1e-9)
        assert one["train.loss"] == pytest.approx(expected["loss"], rel=1e-5)


def test_an_evaluation_weighs_where_it_can_and_says_where_not(tmp_path: Path) -> None:
    table = rows()
    write(tmp_path / "t.csv", table)
    run = train(tmp_path)
    assert read_model(run / "model.safetensors").schema["weight"] == "w"
    out = tmp_path / "p.csv"
    without = {name: column for name, column in table.items() if name not in ("w", "y", "part")}
    write(tmp_path / "new.csv", without)
    predict_file(str(tmp_path / "new.csv"), model=str(run), output=str(out), proba=True)
    p = np.genfromtxt(out, delimiter=",", names=True)["p_1"]
    said: list[str] = []
    found = evaluate_model(str(run), data=str(tmp_path / "t.csv"), say=said.append)
    expected = roc_auc_score(table["y"], p, sample_weight=table["w"])
    assert found.metrics["auc"] == pytest.approx(expected, rel=1e-9)
    expected = log_loss(table["y"], p, sample_weight=table["w"])
    assert found.metrics["log_loss"] == pytest.approx(expected, rel=1e-5)
    assert not said
    write(tmp_path / "plain.csv", {k: v for k, v in table.items() if k != "w"})
    found = evaluate_model(str(run), data=str(tmp_path / "plain.csv"), say=said.append)
    assert found.metrics["auc"] == pytest.approx(roc_auc_score(table["y"], p), rel=1e-9)
    assert said == ["there is no column w, the weight in training: all rows count alike"]


@pytest.mark.parametrize("loss", ["{type: softmax_cross_entropy, class_weights: balanced}"])
def test_balanced_class_weights_are_of_weighted_rows(loss: str, tmp_path: Path) -> None:
    table = rows()
    write(tmp_path / "t.csv", table)
    run = train(tmp_path, loss=loss)
    there = table["part"] == "train"
    expected = compute_class_weight(
        "balanced",
        classes=np.array([0, 1]),
        y=np.repeat(table["y"][there], table["w"][there]),
    )
    stored = read_model(run / "model.safetensors").loss["class_weights"]
    assert list(stored.values()) == pytest.approx(expected.tolist())


@pytest.mark.parametrize("model", ["", ", members: 4"])
def test_two_ranks_learn_what_one_does(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnn_cli.app.lifecycle.threads.WORTH", 0)
    monkeypatch.setattr("dnn_cli.app.lifecycle.threads.usable_cores", lambda: 2)
    write(tmp_path / "t.csv", rows())
    one, two = (train(tmp_path, threads=threads, model=model, batch=7) for threads in (1, 2))
    for mine, theirs in zip(epochs(one), epochs(two), strict=True):
        assert mine == pytest.approx(theirs, rel=1e-3)


def test_a_resumed_run_ends_as_one_that_was_not_stopped(tmp_path: Path) -> None:
    write(tmp_path / "t.csv", rows())
    whole, half = train(tmp_path), train(tmp_path, epochs=3)
    resume_run(str(half), overrides=["training.epochs=8"])
    names = ("model.safetensors", "metrics.jsonl")
    assert [(whole / n).read_bytes() for n in names] == [(half / n).read_bytes() for n in names]
    table = rows()
    table["w"] = table["w"][::-1]
    write(tmp_path / "t.csv", table)
    with pytest.raises(Exception, match="weights"):
        resume_run(str(half), overrides=["training.epochs=9"])


def test_weights_of_a_file_with_decimal_commas_and_of_an_npz(tmp_path: Path) -> None:
    table = rows()
    write(tmp_path / "t.csv", table)
    expected = epochs(train(tmp_path))
    table["w"] = table["w"] / 8
    write(tmp_path / "t.csv", table, comma=True)
    assert epochs(train(tmp_path)) == expected
    x = np.stack([table["a"], table["b"]], axis=1)
    np.savez(tmp_path / "t.npz", x=x, y=table["y"], w=table["w"])
    run = train(tmp_path, "t.npz", data="weight: w, split: {valid: 0.2, test: 0.2}")
    found = evaluate_model(str(run), data=str(tmp_path / "t.npz")).metrics
    np.savez(tmp_path / "plain.npz", x=x, y=table["y"])
    assert found != evaluate_model(str(run), data=str(tmp_path / "plain.npz")).metrics


@pytest.mark.parametrize(
    ("cell", "told"),
    [("", "missing"), ("-1", "`-1`"), ("nan", "missing"), ("many", "`many`"), ("inf", "`inf`")],
)
def test_a_cell_that_is_no_weight_is_named(cell: str, told: str, tmp_path: Path) -> None:
    table = rows()
    table["w"] = table["w"].astype(str).astype(object)
    table["w"][[4, 90]] = cell
    write(tmp_path / "t.csv", table)
    with pytest.raises(
        DataError, match=f"2 of 240 weights in `w` .* the first is {told}"
    ) as caught:
        train(tmp_path)
    assert "row 5, row 91" in caught.value.problems[0].where


def test_what_cannot_be_weights_is_refused(tmp_path: Path) -> None:
    table = rows()
    table["w"] = np.where(table["part"] == "valid", 0, table["w"])
    write(tmp_path / "t.csv", table)
    with pytest.raises(DataError, match="all 60 weights in `w` are 0"):
        train(tmp_path)
    with pytest.raises(DataError, match="lacks the column `v`"):
        train(tmp_path, data="target: y, weight: v")
    for data, told in (
        ("target: w, weight: w", "also the weight"),
        ("target: y, features: [a, w], weight: w", "also the weight"),
        ("target: y, weight: part, split: {column: part}", "also splits"),
        ("target: y, weight: w, columns: {w: number}", "no input"),
    ):
        with pytest.raises(ConfigError, match=told):
            train(tmp_path, data=data)
    write(tmp_path / "t.csv", rows())
    write(tmp_path / "v.csv", {k: v for k, v in rows().items() if k not in ("w", "part")})
    with pytest.raises(DataError, match="there is no column `w` of weights"):
        train(tmp_path, data="target: y, weight: w, exclude: [part], valid: v.csv")
    np.save(tmp_path / "x.npy", np.arange(40.0).reshape(20, 2))
    with pytest.raises(DataError, match="there is no column `w` of weights"):
        train(tmp_path, "x.npy", data="target: 1, weight: w")
