"""Evaluations: counts that can be made by hand from the predictions, parts, gates."""

import csv
from pathlib import Path

import pytest

from dnn_cli.app.evaluate import evaluate_model
from dnn_cli.app.predict import predict_file
from dnn_cli.base.errors import DataError, UsageError


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


def test_gates(table_run: Path) -> None:
    assert evaluate_model(str(table_run), fail_if=["accuracy<0.1"]).failed == ()
    failed = evaluate_model(str(table_run), fail_if=["accuracy>0.1", "loss>100"]).failed
    assert len(failed) == 1 and "accuracy" in failed[0].what
    for wrong in ("accuracy", "acuracy<1", "accuracy<x"):
        with pytest.raises(UsageError):
            evaluate_model(str(table_run), fail_if=[wrong])
