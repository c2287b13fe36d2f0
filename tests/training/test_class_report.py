"""The class report against scikit-learn's confusion matrices and the metrics themselves."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.base.task import Task
from dnn_cli.training.class_report import by_target, flatten, report
from dnn_cli.training.metrics import measure

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "metric_constants.json").read_text(encoding="utf-8")
)["cases"]


@pytest.mark.parametrize("name", list(GOLDEN))
def test_reports_of_the_golden_cases(name: str) -> None:
    kind, expected = GOLDEN[name]["kind"], GOLDEN[name]["expected"]
    p = np.array(GOLDEN[name]["predictions"], dtype=np.float32)
    of_classes = kind in ("binary", "multiclass")
    y = np.array(GOLDEN[name]["targets"], dtype=np.int64 if of_classes else np.float32)
    labels = tuple(f"c{k}" for k in range(p.shape[1]))
    task = Task(kind, len(labels), labels)
    found = report(p, y, task)
    flat = flatten(found)
    np.testing.assert_equal(flat, measure(list(flat), p, y, task))
    assert len(flat) == 3 * len(labels) and found["labels"] == list(labels)
    if kind == "regression":
        return
    matrix = expected["confusion_matrix"]
    assert found["confusion_matrix"] == (
        matrix if of_classes else dict(zip(labels, matrix, strict=True))
    )
    support = np.bincount(y, minlength=len(labels)) if of_classes else y.sum(axis=0)
    assert list(found["support"].values()) == support.tolist()


def test_a_report_by_hand() -> None:
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.6, 0.3, 0.1]], dtype=np.float32)
    task = Task("multiclass", 3, ("cat", "dog", "eel"))
    found = report(p, np.array([0, 1, 1]), task)
    assert found["confusion_matrix"] == [[1, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert found["support"] == {"cat": 1, "dog": 2, "eel": 0}
    assert found["precision"]["cat"] == 0.5 and found["recall"]["dog"] == 0.5
    assert math.isnan(found["f1"]["eel"])
    assert json.loads(json.dumps(found["confusion_matrix"])) == found["confusion_matrix"]


def test_each_of_several_targets_has_its_own_metrics() -> None:
    p = np.array([[1.0, 0.0], [3.0, 0.0], [5.0, 3.0]], dtype=np.float32)
    y = np.array([[2.0, 1.0], [4.0, 1.0], [6.0, 1.0]], dtype=np.float32)
    found = by_target(p, y, Task("regression", 2, ("a", "b")))
    error = {"root_mean_squared_error": 1.0, "mean_absolute_error": 1.0, "r2": 1 - 3 / 8}
    assert found["a"] == pytest.approx(error)
    assert found["b"]["root_mean_squared_error"] == pytest.approx(math.sqrt(2))
    assert math.isnan(found["b"]["r2"])
    assert by_target(p[:, :1], y[:, :1], Task("regression", 1, ("a",))) == {}
    assert by_target(p, np.array([0, 1, 1]), Task("binary", 2)) == {}


def test_nothing_to_report() -> None:
    x = np.zeros((2, 3), dtype=np.float32)
    assert report(x, x, Task("reconstruction", 3)) == {}
    assert report(x[:0, :2], np.zeros(0, dtype=np.int64), Task("binary", 2)) == {}
