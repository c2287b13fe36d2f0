"""Balanced class weights in a run: counted in training, written out, and learned by."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import recall_score

from dnn_cli.app.predict import predict_file
from dnn_cli.app.resume import resume_run
from dnn_cli.app.train import train_run
from dnn_cli.config.load import load_config

CONFIG = (
    "data: {{source: t.csv, target: y, split: {{column: part}}}}\nmodel: {{hidden: [8]}}\n"
    "optimizer: {{type: adam, learning_rate: 1e-2}}\n"
    "training: {{epochs: {epochs}, threads: 1}}\nloss: {loss}\n"
)


def write(folder: Path, loss: str, kinds: str, epochs: int = 8) -> Path:
    """80, 16 and 4 in a hundred of the kinds, in training; all others only in validation."""
    rng = np.random.Generator(np.random.Philox(3))
    names = kinds.split()
    with (folder / "t.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["a", "b", "part", "y"])
        for i in range(500):
            k = 0 if i % 25 < 20 else 1 if i % 25 < 24 or len(names) < 3 else 2
            out.writerow([rng.normal(k), rng.normal(-k), "train", names[k]])
        for i in range(60):
            out.writerow([rng.normal(1), rng.normal(), "valid", names[i % len(names)]])
    (folder / "t.yaml").write_text(CONFIG.format(loss=loss, epochs=epochs))
    return folder / "t.yaml"


def test_balanced_weights_are_those_of_the_training_part(tmp_path: Path) -> None:
    said: list[str] = []
    loss = "{type: softmax_cross_entropy, class_weights: balanced}"
    config = write(tmp_path, loss, "x y z", epochs=2)
    run = Path(train_run(str(config), runs=str(tmp_path / "runs"), say=said.append).run)
    resolved = load_config(str(run / "resolved.yaml")).spec.loss
    expected = {"x": 500 / 3 / 400, "y": 500 / 3 / 80, "z": 500 / 3 / 20}
    assert resolved.class_weights == pytest.approx(expected)
    line = "loss.class_weights: x 0.416667, y 2.08333, z 8.33333 (balanced: from the training part)"
    assert line in said
    more = resume_run(str(run), overrides=["training.epochs=3"])
    assert more.epoch == 3


def test_balance_finds_the_rare_class(tmp_path: Path) -> None:
    found = {}
    for weight in ("balanced", "1"):
        loss = f"{{type: sigmoid_cross_entropy, positive_weight: {weight}}}"
        config = write(tmp_path, loss, "no yes")
        run = train_run(str(config), runs=str(tmp_path / "runs")).run
        out = tmp_path / f"{weight}.csv"
        predict_file(str(tmp_path / "t.csv"), model=run, output=str(out))
        with (tmp_path / "t.csv").open() as table, out.open() as predictions:
            pairs = zip(csv.DictReader(table), csv.DictReader(predictions), strict=True)
            true, given = zip(*((t["y"], p["prediction"]) for t, p in pairs), strict=True)
        found[weight] = recall_score(true, given, pos_label="yes")
    assert found["balanced"] > found["1"] + 0.1
