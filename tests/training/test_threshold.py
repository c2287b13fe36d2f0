"""Thresholds against every other one, by scikit-learn's metrics on constants and plain counting."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from dnn_cli.base.spec import SpecError
from dnn_cli.base.task import Task
from dnn_cli.training.evaluation_spec import EvaluationSpec
from dnn_cli.training.threshold import (
    METRICS,
    ThresholdMetric,
    best_threshold,
    best_thresholds,
    decide_at,
)
from dnn_cli.training.truth import Truth

Floats, Bools = NDArray[np.float32], NDArray[np.bool_]
BINARY = Task("binary", 2, ("no", "yes"))
LABELS = Task("multilabel", 3, ("wet", "cold", "dark"))
SCORES = {
    "accuracy": accuracy_score,
    "balanced_accuracy": balanced_accuracy_score,
    "f1": lambda truth, decided: f1_score(truth, decided, zero_division=0.0),
}
NAMES: list[ThresholdMetric] = ["accuracy", "balanced_accuracy", "f1"]


def drawn(kind: str, seed: int) -> tuple[Floats, Bools]:
    """Probabilities and truths: of all sizes, few values, extremes, or close together."""
    rng = np.random.Generator(np.random.Philox(seed))
    n = int(rng.integers(2, 60))
    p = rng.random(n)
    truth = rng.random(n) < {"rare": 0.1}.get(kind, float(rng.random()))
    p = np.clip(p + 0.4 * (truth - 0.5), 0, 1)
    if kind == "few":
        p = np.round(p, 1)
    if kind == "close":
        base = np.array(0.3, np.float32).view(np.uint32)
        p = (base + rng.integers(0, 4, n).astype(np.uint32)).view(np.float32)
    if kind == "extreme":
        p = np.round(p)
    truth[0], truth[1] = True, False
    return p.astype(np.float32), truth


@pytest.mark.parametrize("metric", NAMES)
@pytest.mark.parametrize("kind", ["all", "rare", "few", "close", "extreme"])
@pytest.mark.parametrize("seed", range(6))
def test_no_other_threshold_is_better(metric: ThresholdMetric, kind: str, seed: int) -> None:
    p, truth = drawn(kind, seed)
    chosen = best_threshold(metric, p, truth)
    assert 0.0 <= chosen <= 1.0
    found = SCORES[metric](truth, p >= np.float32(chosen))
    # Every float32 between two values decides alike: these are all there are.
    every = np.unique(np.concatenate([p, np.float32([0.0, 0.5, 1.0])]))
    best = max(SCORES[metric](truth, p >= level) for level in every)
    assert found == pytest.approx(best, abs=1e-12)


def test_of_equals_the_nearest_to_one_half() -> None:
    truth = np.array([False, False, True, True])
    assert best_threshold("f1", np.array([0.1, 0.2, 0.8, 0.9], np.float32), truth) == 0.5
    assert best_threshold("f1", np.array([0.1, 0.2, 0.3, 0.9], np.float32), truth) == 0.25


def test_certain_probabilities() -> None:
    p = np.array([1.0, 1.0, 0.0, 0.0], np.float32)
    assert best_threshold("accuracy", p, np.array([True, True, False, False])) == 0.5
    upside_down = best_threshold("accuracy", p, np.array([False, False, True, False]))
    assert upside_down == 0.5  # 1 of 4 by any other, too


def test_what_is_shown_as_the_threshold_reaches_it() -> None:
    p = np.float32([[0.3, 0.7], [0.30000004, 0.6999999], [0.2, 0.8]])
    assert decide_at(p, BINARY, np.array([0.7], np.float32)).tolist() == [1, 0, 1]


def test_each_label_has_its_own() -> None:
    p = np.float32([[0.1, 0.6, 0.5], [0.3, 0.7, 0.5], [0.35, 0.8, 0.5]])
    on = np.float32([[0, 0, 0], [1, 0, 0], [1, 1, 0]])
    values = best_thresholds("f1", p, on, LABELS)
    assert values == pytest.approx((0.2, 0.75, 0.5))  # the third teaches nothing
    decided = decide_at(p, LABELS, np.array(values, np.float32))
    np.testing.assert_array_equal(decided[:, :2], on[:, :2] > 0.5)


def test_two_classes_are_columns() -> None:
    p = np.float32([[0.9, 0.1], [0.7, 0.3], [0.65, 0.35]])
    assert best_thresholds("f1", p, np.array([0, 1, 1]), BINARY) == pytest.approx((0.2,))


def test_every_metric_of_the_option_is_there() -> None:
    assert list(METRICS) == NAMES
    for name in NAMES:
        EvaluationSpec(threshold=name)


def test_tasks_and_rows_that_have_no_threshold() -> None:
    spec = EvaluationSpec(threshold="f1")
    truth = Truth(np.array([0, 1]), BINARY)
    spec.check_task(BINARY, truth)
    EvaluationSpec().check_task(Task("regression", 1), None)
    with pytest.raises(SpecError, match="the task is regression"):
        spec.check_task(Task("regression", 1), None)
    with pytest.raises(SpecError, match="validation data, and there is none"):
        spec.check_task(BINARY, None)
    with pytest.raises(SpecError, match="no row is of class yes"):
        spec.check_task(BINARY, Truth(np.array([0, 0]), BINARY))
    spec.check_task(LABELS, Truth(np.zeros((2, 3), np.float32), LABELS))


@pytest.mark.parametrize("odd", [0, 1])
def test_neighbours_are_told_apart(odd: int) -> None:
    lower = (np.array(0.3, np.float32).view(np.uint32) + odd).view(np.float32)
    p = np.array([lower, np.nextafter(lower, np.float32(1))], np.float32)
    chosen = best_threshold("accuracy", p, np.array([False, True]))
    assert (p >= np.float32(chosen)).tolist() == [False, True]
