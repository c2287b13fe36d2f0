"""Metrics against scikit-learn's constants, hand-worked examples and plain double loops."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss, mean_tweedie_deviance, r2_score

from dnn_cli.base.errors import DivergedError
from dnn_cli.base.task import Task, TaskKind
from dnn_cli.training.metric import METRICS
from dnn_cli.training.metrics import direction, measure, quick_metrics, reasons
from dnn_cli.training.metrics.auc import area
from dnn_cli.training.outcome import decide, largest

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "metric_constants.json").read_text(encoding="utf-8")
)["cases"]
KINDS: tuple[TaskKind, ...] = (
    "binary",
    "multiclass",
    "multilabel",
    "regression",
    "reconstruction",
)
BINARY = Task("binary", 2, ("no", "yes"))
THREE = Task("multiclass", 3, ("cat", "dog", "eel"))
LABELS = Task("multilabel", 2, ("wet", "cold"))
LINE = Task("regression", 1, ("price",))


def rows(*values: Any) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def classes(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def case(name: str) -> tuple[np.ndarray, np.ndarray, Task]:
    kind, p = GOLDEN[name]["kind"], rows(*GOLDEN[name]["predictions"])
    of_classes = kind in ("binary", "multiclass")
    targets = np.array(GOLDEN[name]["targets"], dtype=np.int64 if of_classes else np.float32)
    return p, targets, Task(kind, p.shape[1], tuple(f"c{k}" for k in range(p.shape[1])))


def golden_values() -> list[tuple[str, str]]:
    return [(c, n) for c in GOLDEN for n in GOLDEN[c]["expected"] if n != "confusion_matrix"]


@pytest.mark.parametrize(("name", "metric"), golden_values())
def test_scikit_learn_agrees(name: str, metric: str) -> None:
    p, targets, task = case(name)
    expected = GOLDEN[name]["expected"][metric]
    names = [f"{metric}{label}" for label in task.labels] if metric.endswith(".") else [metric]
    expected = expected if isinstance(expected, list) else [expected]
    wanted = [math.nan if value is None else value for value in expected]
    found = list(measure(names, p, targets, task).values())
    # scikit-learn takes logarithms in float32; the rest agrees to the last digits of float64.
    rel = 1e-6 if metric == "log_loss" else 1e-12
    rel = 2e-7 if metric == "brier_score" and "untied" in name else rel  # rows it has rescaled
    assert found == pytest.approx(wanted, rel=rel, abs=1e-14, nan_ok=True)


def test_every_metric_has_a_scikit_learn_constant() -> None:
    covered = {metric for _, metric in golden_values()}
    assert set(METRICS.names()) <= covered


# Hand-worked: four examples, class 1 decided for the first three, true for the first, third, last.
P_HAND = rows([0.2, 0.8], [0.4, 0.6], [0.3, 0.7], [0.9, 0.1])
Y_HAND = classes(1, 0, 1, 1)
HAND = [
    ("accuracy", 2 / 4),
    ("precision", 2 / 3),
    ("recall", 2 / 3),
    ("f1", 2 / 3),
    ("f1.no", 0.0),
    ("precision.no", 0.0),
    ("f1_macro", 1 / 3),
    ("f1_micro", 1 / 2),
    ("balanced_accuracy", (0 + 2 / 3) / 2),
    ("auc", 2 / 3),  # 0.8 and 0.7 beat 0.6, 0.1 does not
    ("average_precision", (1 + 1 + 3 / 4) / 3),  # order 0.8 yes, 0.7 yes, 0.6 no, 0.1 yes
    ("log_loss", -(math.log(0.8) + math.log(0.4) + math.log(0.7) + math.log(0.1)) / 4),
    ("brier_score", (0.04 + 0.36 + 0.09 + 0.81) / 4),
    # Bins of 1/15: 0.8 in (11, 12], 0.6 in (8, 9], 0.7 in (10, 11], 0.9 in (13, 14]: all alone.
    ("calibration_error", (0.2 + 0.6 + 0.3 + 0.9) / 4),
]


@pytest.mark.parametrize(("name", "expected"), HAND)
def test_hand_worked_binary(name: str, expected: float) -> None:
    assert measure([name], P_HAND, Y_HAND, BINARY)[name] == pytest.approx(expected, rel=3e-7)


def test_hand_worked_regression() -> None:
    p, y = rows([1.0, 0.0], [3.0, 0.0], [5.0, 3.0]), rows([2.0, 1.0], [4.0, 1.0], [6.0, 1.0])
    task = Task("regression", 2, ("a", "b"))
    names = ["mean_squared_error", "root_mean_squared_error.b", "mean_absolute_error", "r2"]
    found = measure([*names, "r2.a", "r2.b", "explained_variance"], p, y, task)
    assert found["mean_squared_error"] == pytest.approx((3 + 1 + 1 + 4) / 6)
    assert found["root_mean_squared_error.b"] == pytest.approx(math.sqrt(2))
    assert found["mean_absolute_error"] == pytest.approx(7 / 6)
    assert found["r2.a"] == pytest.approx(1 - 3 / 8)
    assert math.isnan(found["r2.b"])  # one value only
    assert found["r2"] == pytest.approx(1 - 3 / 8)  # b is left out
    assert found["explained_variance"] == pytest.approx(1.0)  # a is off by a constant


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_target_is_undefined_even_where_its_mean_rounds(dtype: type) -> None:
    y = np.full((30, 1), 0.1, dtype=dtype)
    assert dtype is np.float32 or y.mean(axis=0) != y[0]
    found = measure(["r2", "explained_variance"], y + dtype(0.5), y, LINE)
    assert all(math.isnan(value) for value in found.values())


def test_hand_worked_top_k() -> None:
    task = Task("multiclass", 7)
    p = rows([0.4, 0.2, 0.1, 0.1, 0.1, 0.06, 0.04], [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.4])
    assert measure(["top_k_accuracy"], p, classes(4, 3), task) == {"top_k_accuracy": 1.0}
    # Of equals the lower class number comes first, so class 4 is the sixth in the second row.
    assert measure(["top_k_accuracy"], p, classes(5, 4), task) == {"top_k_accuracy": 0.0}
    assert measure(["top_k_accuracy"], p, classes(0, 6), task) == {"top_k_accuracy": 1.0}


def test_hand_worked_multiclass_brier_and_log_loss() -> None:
    p, y = rows([0.5, 0.25, 0.25], [0.0, 1.0, 0.0]), classes(0, 2)
    found = measure(["brier_score", "log_loss"], p, y, THREE)
    assert found["brier_score"] == pytest.approx((0.25 + 2 * 0.0625 + 2.0) / 2)
    assert found["log_loss"] == pytest.approx((math.log(2) + 23 * math.log(2)) / 2)


def test_accuracy_of_labels_asks_for_all_of_an_example() -> None:
    p, y = rows([0.9, 0.1], [0.9, 0.9], [0.5, 0.6]), rows([1, 0], [1, 0], [0, 1])
    found = measure(["accuracy", "f1_micro"], p, y, LABELS)
    assert found == pytest.approx({"accuracy": 2 / 3, "f1_micro": 2 * 3 / (4 + 3)})


@pytest.mark.parametrize("seed", range(4))
def test_auc_counts_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 6, 30).astype(np.float32)
    positive = rng.random(30) < 0.4
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[positive] for b in scores[~positive]]
    assert area(scores, positive) == pytest.approx(np.mean(pairs), rel=1e-14)
    assert area(-scores, positive) == pytest.approx(1 - np.mean(pairs), rel=1e-14)


@pytest.mark.parametrize("n", [0, 1, 4095, 4096, 4097, 10_000])
@pytest.mark.parametrize("k", [1, 2, 3, 10, 16, 17, 300])
def test_largest_is_the_first_of_equals(n: int, k: int) -> None:
    tied = np.random.default_rng(k).integers(-3, 3, (n, k)).astype(np.float32)
    np.testing.assert_array_equal(largest(tied), tied.argmax(axis=1))
    np.testing.assert_array_equal(largest(tied[:, ::-1]), tied[:, ::-1].argmax(axis=1))


def test_decisions_at_one_half_are_no() -> None:
    assert decide(rows([0.5, 0.5], [0.4, 0.6]), BINARY).tolist() == [0, 1]
    assert decide(rows([0.5, 0.6]), LABELS).tolist() == [[False, True]]
    assert decide(rows([0.3]), LINE).tolist() == rows([0.3]).tolist()


def random_case(kind: TaskKind, n: int, good: bool) -> tuple[np.ndarray, np.ndarray, Task]:
    rng = np.random.default_rng(5)
    task = Task(kind, {"binary": 2, "multiclass": 7}.get(kind, 3))
    if task.classifies:
        y = rng.integers(0, task.count, n)
        p = np.eye(task.count, dtype=np.float32)[y] if good else rng.random((n, task.count))
        p = p.astype(np.float32) / p.sum(axis=1, keepdims=True, dtype=np.float32)
        return p, y, task
    if kind == "multilabel":
        y = (rng.random((n, 3)) < 0.5).astype(np.float32)
    else:
        y = rng.normal(size=(n, 3)).astype(np.float32)
    return (y.copy() if good else rng.random((n, 3)).astype(np.float32)), y, task


@pytest.mark.parametrize("kind", KINDS)
def test_perfect_predictions_are_best_in_the_documented_direction(kind: TaskKind) -> None:
    names = [n for n, metric in METRICS.all().items() if kind in metric.tasks]
    cases = [random_case(kind, 60, good) for good in (True, False)]
    if kind == "regression":  # of amounts, which deviances need
        cases = [(np.exp(p), np.exp(y), task) for p, y, task in cases]
    perfect, poor = (measure(names, *one) for one in cases)
    for name in names:
        best = 0.0 if direction(name) == "min" else 1.0
        assert perfect[name] == pytest.approx(best, abs=1e-12), name
        assert type(poor[name]) is float
        assert (poor[name] > best) == (direction(name) == "min"), name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_examples_neither_warn_nor_fail(kind: TaskKind, n: int) -> None:
    p, y, task = random_case(kind, n, good=False)
    names = [m for m, metric in METRICS.all().items() if kind in metric.tasks]
    found = measure(names, p, y, task)
    assert list(found) == names
    assert n or all(math.isnan(value) for value in found.values())


def test_quantiles_are_measured_as_scikit_learn_does_and_the_middle_one_as_values() -> None:
    rng, levels = np.random.default_rng(3), (0.1, 0.4, 0.95)
    y, p = rng.normal(size=(40, 2)), rng.normal(size=(40, 6)).astype(np.float32)
    task = Task("regression", 2, ("a", "b"), levels, "pinball_loss")
    names = ["pinball_loss", "pinball_loss.b", "mean_absolute_error", "r2.b"]
    found = measure(names, p, y, task)
    each = [
        [mean_pinball_loss(y[:, j], p[:, 3 * j + k], alpha=a) for k, a in enumerate(levels)]
        for j in (0, 1)
    ]
    assert found["pinball_loss"] == pytest.approx(np.mean(each), rel=1e-12)
    assert found["pinball_loss.b"] == pytest.approx(np.mean(each[1]), rel=1e-12)
    middle = p[:, [1, 4]].astype(np.float64)
    assert found["mean_absolute_error"] == pytest.approx(np.abs(y - middle).mean(), rel=1e-12)
    assert found["r2.b"] == pytest.approx(r2_score(y[:, 1], middle[:, 1]), rel=1e-12)
    assert quick_metrics(task)[0] == "pinball_loss"
    with pytest.raises(ValueError, match="6 outputs"):
        measure(names, p[:, :2], y, task)


def test_deviances_of_zeros_and_of_what_has_none() -> None:
    y, p = rows([0.0], [0.0], [3.0]), rows([0.5], [1.0], [2.0])
    names = ["mean_poisson_deviance", "mean_tweedie_deviance", "mean_gamma_deviance"]
    found = measure(names, p, y, LINE)
    for name, power in zip(names[:2], (1.0, 1.5), strict=True):
        expected = mean_tweedie_deviance(y.astype(float), p.astype(float), power=power)
        assert found[name] == pytest.approx(expected, rel=1e-12)
    assert math.isnan(found["mean_gamma_deviance"])
    said = reasons(found, y, LINE)
    assert said == {"mean_gamma_deviance": "target price is not above 0 in some row"}
    low = reasons(measure(names, p, y - 1.0, LINE), y - 1.0, LINE)
    assert set(low.values()) == {
        "target price is below 0 in some row",
        "target price is not above 0 in some row",
    }
    # A prediction of less than 0 costs much and not infinitely; what rounding left of 0 is 0.
    assert 10.0 < measure(names[:1], p - 2.5, y, LINE)[names[0]] < 1e3
    rounded = y - np.float32(1e-7)
    assert measure(names[:1], p, rounded, LINE)[names[0]] == pytest.approx(found[names[0]])


UNDEFINED = {"auc", "average_precision", "precision", "recall", "f1"}


def test_undefined_is_nan_where_a_class_is_absent() -> None:
    p, y = rows([0.9, 0.1], [0.8, 0.2]), classes(0, 0)
    found = measure(None, p, y, BINARY)
    assert {name for name, value in found.items() if math.isnan(value)} == UNDEFINED
    assert found["accuracy"] == found["balanced_accuracy"] == 1.0
    nothing = measure(
        ["f1", "f1_micro", "precision_micro", "auc"], p * 0, rows([0, 0], [0, 0]), LABELS
    )
    assert all(math.isnan(value) for value in nothing.values())


def test_a_missed_class_counts_zero() -> None:
    p, y = rows([0.9, 0.1], [0.8, 0.2]), classes(0, 1)
    found = measure(["precision", "recall", "f1", "precision_micro"], p, y, BINARY)
    assert found == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "precision_micro": 0.5}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_predictions_that_are_not_finite_are_a_divergence(kind: TaskKind, bad: float) -> None:
    p, y, task = random_case(kind, 6, good=False)
    p[3:5, 1] = bad
    with pytest.raises(DivergedError) as caught:
        measure(quick_metrics(task), p, y, task)
    problem = caught.value.problems[0]
    assert problem.what == "2 of 6 predictions are not finite numbers"
    assert "row 4 " in problem.where


@pytest.mark.parametrize(
    ("p", "y", "task"),
    [
        (rows([0.1], [0.9]), classes(0, 1), BINARY),  # one column is not the canonical form
        (P_HAND, classes(0, 1, 1), BINARY),
        (P_HAND, Y_HAND.astype(np.float32), BINARY),
        (P_HAND, classes(0, 1, 2, 0), BINARY),
        (P_HAND, classes(0, -1, 1, 0), BINARY),
        (P_HAND, Y_HAND, LABELS),
        (rows([1.0], [2.0]), rows(1.0, 2.0), LINE),
    ],
)
def test_other_forms_are_refused(p: np.ndarray, y: np.ndarray, task: Task) -> None:
    with pytest.raises(ValueError, match=r"targets|predictions|class number"):
        measure(quick_metrics(task), p, y, task)


def test_reconstruction_takes_images() -> None:
    x = np.arange(24, dtype=np.float32).reshape(2, 3, 2, 2)
    task = Task("reconstruction", 12)
    found = measure(None, x.reshape(2, 12) + 2, x, task)
    assert found == {"root_mean_squared_error": 2.0, "mean_absolute_error": 2.0}


def test_sums_over_many_examples_keep_float64() -> None:
    y = np.full((200_000, 1), 0.1, dtype=np.float32)
    p = y + np.float32(1.0)
    expected = float((np.float64(p[0, 0]) - np.float64(y[0, 0])) ** 2)
    found = measure(["mean_squared_error"], p, y, LINE)["mean_squared_error"]
    assert found == pytest.approx(expected, rel=1e-12)
