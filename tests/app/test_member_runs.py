"""Trainings of several members, from the configuration to predictions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.app.evaluate import evaluate_model
from dnn_cli.app.models import load_model
from dnn_cli.app.predict import predict_file
from dnn_cli.app.train import train_run

TABM = """
data: {source: {type: synthetic, kind: moons, rows: 300}, split: {valid: 0.2, test: 0.2}}
model:
  layers:
    - {type: piecewise_linear, bins: 8, embedding: 3}
    - scale
    - {type: member_scale, members: 4}
    - {type: dense, units: 32, parametrization: ntk, from_data: true}
    - {type: parametric, activation: selu}
    - {type: dropout, rate: 0.15, schedule: flat_cos}
loss: softmax_cross_entropy
optimizer:
  {type: adam, learning_rate: 0.04, weight_decay: 0.02, schedule: coslog4, decay_schedule: flat_cos}
training: {epochs: 20, batch_size: 32, threads: 1}
"""


def test_the_prediction_is_the_mean_of_the_members_probabilities(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(TABM)
    train_run(str(tmp_path / "c.yaml"), run_dir=str(tmp_path / "r"))
    model = load_model(tmp_path / "r" / "model.safetensors")
    x = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    out = tmp_path / "p.npy"
    predict_file(str(tmp_path / "x.npy"), model=str(tmp_path / "r"), output=str(out), proba=True)
    scaled = model.schema.scaling
    plan = model.network.plan(50, train=False)
    if scaled is not None:
        scaled.apply(x, plan.x)
    z = plan.forward(False).astype(np.float64)
    assert z.shape == (50, 4, 2)
    p = np.exp(z - z.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(np.load(out), p.mean(axis=1), atol=1e-6)
    assert evaluate_model(str(tmp_path / "r")).metrics["accuracy"] > 0.9


def test_two_ranks_learn_what_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dnn_cli.app.lifecycle.threads.WORTH", 0)
    monkeypatch.setattr("dnn_cli.app.lifecycle.threads.usable_cores", lambda: 2)
    losses = []
    for threads in (1, 2):
        (tmp_path / "c.yaml").write_text(TABM.replace("threads: 1", f"threads: {threads}"))
        run = tmp_path / f"r{threads}"
        train_run(str(tmp_path / "c.yaml"), run_dir=str(run))
        rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        losses.append([row["train.loss"] for row in rows if "train.loss" in row][:3])
    assert len(losses[0]) == 3
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-3)
