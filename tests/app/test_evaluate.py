"""Evaluations: counts that can be made by hand from the predictions, parts, gates."""

import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from dnn_cli.app.evaluate import evaluate_model
from dnn_cli.app.predict import predict_file
from dnn_cli.app.train import train_run
from dnn_cli.base.errors import DataError, UsageError


def write_csv(path: Path, names: tuple[str, ...], rows: np.ndarray) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([names, *rows.round(6).tolist()])


def test_accuracy_is_what_predict_says(table_run: Path, tmp_path: Path) -> None:
    table = table_run.parent.parent / "trees.csv"
    found = evaluate_model(str(table_run), data=str(table))
    predict_file(str(table), model=str(table_run), output=str(tmp_path / "o.csv"))
    with table.open(newline="") as truth, (tmp_path / "o.csv").open(newline="") as guess:
        pairs = list(zip(csv.DictReader(truth), csv.DictReader(guess), strict=True))
    right = sum(t["kind"] == g["prediction"] for t, g in pairs)
    assert found.metrics["accuracy"] == pytest.approx(right / len(pairs), abs=1e-12)
    assert found.rows == len(pairs) == 90
    assert found.split == "data"
    assert sum(map(sum, found.confusion)) == 90
    assert [c.support for c in found.classes] == [30, 30, 30]


@pytest.mark.parametrize(("split", "rows"), [("train", 54), ("valid", 18), ("test", 18)])
def test_the_run_knows_its_own_parts(split: str, rows: int, table_run: Path) -> None:
    assert evaluate_model(str(table_run), split=split).rows == rows


def test_checkpoints_are_models_too(table_run: Path) -> None:
    best = evaluate_model(str(table_run / "checkpoints" / "best.safetensors"))
    assert best.metrics == evaluate_model(str(table_run)).metrics


def test_a_part_that_is_not_there(digits_run: Path) -> None:
    with pytest.raises(DataError):
        evaluate_model(str(digits_run), split="valid")


def test_metrics_have_intervals(table_run: Path) -> None:
    table = str(table_run.parent.parent / "trees.csv")
    found = evaluate_model(str(table_run), data=table, fail_if=["recall.oak<0.1"])
    named = set(found.metrics) - set(found.intervals)
    assert named == {"loss", "calibration_error", "recall.oak"}
    for name, (low, high) in found.intervals.items():
        assert low <= found.metrics[name] <= high and high - low < 0.3, name
    again = evaluate_model(str(table_run), data=table)
    assert again.intervals == found.intervals and not found.targets


def test_several_targets_have_metrics_each(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2))
    y = np.stack([x[:, 0] * 50, rng.normal(size=200), np.full(200, 3.0)], axis=1)
    write_csv(tmp_path / "t.csv", ("a", "b", "near", "=noise", "flat"), np.hstack([x, y]))
    (tmp_path / "t.yaml").write_text(
        "data: {source: t.csv, target: [near, =noise, flat], split: {test: 0.3}}\n"
        "training: {epochs: 20}\n"
    )
    run = train_run(str(tmp_path / "t.yaml"), run_dir=str(tmp_path / "run")).run
    table = str(tmp_path / "t.csv")
    found = evaluate_model(run, data=table)
    assert list(found.targets) == ["near", "=noise", "flat"]
    predict_file(table, model=run, output=str(tmp_path / "p.csv"))
    with (tmp_path / "p.csv").open(newline="") as file:
        p = np.array([row for row in csv.reader(file)][1:], float)
    for column, name in enumerate(["near", "=noise"]):
        wanted = {
            "root_mean_squared_error": root_mean_squared_error(y[:, column], p[:, column]),
            "mean_absolute_error": mean_absolute_error(y[:, column], p[:, column]),
            "r2": r2_score(y[:, column], p[:, column]),
        }
        assert found.targets[name] == pytest.approx(wanted, rel=1e-4), name
    assert found.targets["near"]["r2"] > 0.5 and np.isnan(found.targets["flat"]["r2"])


def test_gates(table_run: Path) -> None:
    assert evaluate_model(str(table_run), fail_if=["accuracy<0.1"]).failed == ()
    failed = evaluate_model(str(table_run), fail_if=["accuracy>0.1", "loss>100"]).failed
    assert len(failed) == 1 and "accuracy" in failed[0].what
    for wrong in ("accuracy", "acuracy<1", "accuracy<x"):
        with pytest.raises(UsageError):
            evaluate_model(str(table_run), fail_if=[wrong])
