"""Targets of one column a class: trained, evaluated and predicted as classes."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.app.evaluate import evaluate_model
from dnn_cli.app.info import model_info
from dnn_cli.app.predict import predict_file
from dnn_cli.app.resume import resume_run
from dnn_cli.app.train import train_run
from dnn_cli.base.errors import DataError

KINDS = ("oak", "elm", "ash")  # not in the order of the alphabet
CODES = np.arange(90) % 3
INPUTS = np.random.Generator(np.random.Philox(5)).normal(CODES[:, None], 0.2, (90, 2))
ONES = np.eye(3, dtype=int)[CODES]
MORE = (
    "model: {hidden: [16]}\ntraining: {epochs: 40, batch_size: 16, threads: 1}\n"
    "optimizer: {type: adam, learning_rate: 0.02}\n"
)


def table(path: Path) -> str:
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["x", *KINDS, "y"])
        out.writerows([x, *ones, y] for (x, y), ones in zip(INPUTS, ONES.tolist(), strict=True))
    return "{source: t.csv, target: [oak, elm, ash]"


def archive(path: Path) -> str:
    np.savez(path, x=INPUTS, y=ONES.astype(np.uint8))
    return "{source: t.npz"


def columns(path: Path) -> str:
    np.save(path, np.concatenate([INPUTS, ONES], axis=1))
    return "{source: t.npy, target: [2, 3, -1]"


@pytest.mark.parametrize(
    ("make", "suffix", "labels"),
    [
        (table, "csv", KINDS),
        (archive, "npz", ("0", "1", "2")),
        (columns, "npy", ("0", "1", "2")),
    ],
)
def test_from_the_table_to_the_prediction(
    tmp_path: Path, make: Callable[[Path], str], suffix: str, labels: tuple[str, ...]
) -> None:
    data = tmp_path / f"t.{suffix}"
    section = make(data)
    (tmp_path / "t.yaml").write_text(f"data: {section}, split: {{test: 0.2}}}}\n{MORE}")
    said: list[str] = []
    run = train_run(str(tmp_path / "t.yaml"), runs=str(tmp_path / "runs"), say=said.append).run
    assert said[0].startswith(f"task: multiclass, classes {', '.join(labels)} (one-hot columns")
    assert "18 test rows (stratified by class" in said[1]
    info = model_info(run)
    assert (info.task, info.labels, info.loss) == ("multiclass", labels, "softmax_cross_entropy")
    predict_file(str(data), model=run, output=str(tmp_path / "o.csv"), proba=True)
    with (tmp_path / "o.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["prediction", *(f"p_{label}" for label in labels)]
    right = sum(row["prediction"] == labels[k] for row, k in zip(rows, CODES, strict=True))
    assert right > 80
    found = evaluate_model(run, data=str(data))
    assert found.metrics["accuracy"] == pytest.approx(right / 90, abs=1e-12)
    assert [(c.label, c.support) for c in found.classes] == [(label, 30) for label in labels]
    assert evaluate_model(run).rows == 18
    assert resume_run(run, overrides=["training.epochs=41"]).epoch == 41  # from resolved.yaml


def test_other_rows_than_one_hot_ones_are_refused_with_their_place(tmp_path: Path) -> None:
    section = table(tmp_path / "t.csv")
    (tmp_path / "t.yaml").write_text(f"data: {section}}}\n{MORE}")
    run = train_run(str(tmp_path / "t.yaml"), runs=str(tmp_path / "runs")).run
    (tmp_path / "new.csv").write_text("x,oak,elm,ash,y\n1,1,0,0,1\n1,1,0,1,1\n1,0,0,0,1\n")
    with pytest.raises(DataError, match="2 of 3 rows of targets are not a single 1") as caught:
        evaluate_model(run, data=str(tmp_path / "new.csv"))
    assert "row 2, row 3" in caught.value.problems[0].where


def test_a_table_without_the_columns_is_predicted_too(tmp_path: Path) -> None:
    section = table(tmp_path / "t.csv")
    (tmp_path / "t.yaml").write_text(f"data: {section}}}\n{MORE}")
    run = train_run(str(tmp_path / "t.yaml"), runs=str(tmp_path / "runs")).run
    (tmp_path / "new.csv").write_text("x,y\n0,0\n1,1\n2,2\n")
    predict_file(str(tmp_path / "new.csv"), model=run, output=str(tmp_path / "o.csv"))
    assert (tmp_path / "o.csv").read_text().split() == ["prediction", *KINDS]


def test_multilabel_takes_the_columns_one_by_one(tmp_path: Path) -> None:
    section = table(tmp_path / "t.csv")
    (tmp_path / "t.yaml").write_text(f"data: {section}, task: multilabel}}\n{MORE}")
    run = train_run(str(tmp_path / "t.yaml"), runs=str(tmp_path / "runs")).run
    assert (model_info(run).task, model_info(run).labels) == ("multilabel", KINDS)
