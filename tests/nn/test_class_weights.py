"""Class weights: scikit-learn's formula, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from dnn_cli.base.spec import SpecError
from dnn_cli.base.task import TargetTotals, Task
from dnn_cli.nn.loss import LOSSES

CLASSES = Task("multiclass", 3, ("a", "b", "c"))
LABELS = Task("multilabel", 3, ("a", "b", "c"))
TWO = Task("binary", 2, ("no", "yes"))
SOFTMAX, SIGMOID = (LOSSES.get(f"{name}_cross_entropy") for name in ("softmax", "sigmoid"))


def totals(targets: np.ndarray, count: int) -> TargetTotals:
    return TargetTotals(len(targets), tuple(float((targets == c).sum()) for c in range(count)))


def test_balanced_is_scikit_learns_formula() -> None:
    targets = np.array([0] * 60 + [1] * 9 + [2] * 31)
    fitted = SOFTMAX(class_weights="balanced").fitted(CLASSES, totals(targets, 3))
    expected = compute_class_weight("balanced", classes=np.arange(3), y=targets)
    assert fitted.class_weights == pytest.approx(dict(zip("abc", expected, strict=True)))
    np.testing.assert_allclose(fitted.build(CLASSES).weights, expected)


def test_balanced_positives_weigh_as_much_as_the_others() -> None:
    targets = np.array([0] * 90 + [1] * 10)
    fitted = SIGMOID(positive_weight="balanced").fitted(TWO, totals(targets, 2))
    no, yes = compute_class_weight("balanced", classes=np.arange(2), y=targets)
    assert fitted.positive_weight == pytest.approx(yes / no) == 9.0


def test_every_label_has_its_own_balance() -> None:
    found = SIGMOID(positive_weight="balanced").fitted(LABELS, TargetTotals(40, (10.0, 20.0, 32.0)))
    assert found.positive_weight == {"a": 3.0, "b": 1.0, "c": 0.25}
    np.testing.assert_array_equal(found.build(LABELS).positive_weight, [3.0, 1.0, 0.25])


def test_what_never_or_always_occurs_in_training_counts_once() -> None:
    fitted = SOFTMAX(class_weights="balanced").fitted(CLASSES, TargetTotals(9, (6.0, 3.0, 0.0)))
    assert fitted.class_weights == {"a": 0.5, "b": 1.0, "c": 1.0}
    fitted = SIGMOID(positive_weight="balanced").fitted(LABELS, TargetTotals(9, (0.0, 9.0, 3.0)))
    assert fitted.positive_weight == {"a": 1.0, "b": 1.0, "c": 2.0}


def test_figures_that_are_given_stay() -> None:
    spec = SOFTMAX(class_weights={"b": 2.0})
    assert spec.fitted(CLASSES, TargetTotals(9, (6.0, 3.0, 0.0))) is spec
    assert SIGMOID().fitted(TWO, TargetTotals(9, (6.0, 3.0))) == SIGMOID()


@pytest.mark.parametrize(
    ("weight", "task", "message"),
    [
        ({"yes": 2.0}, TWO, "weights by label are of several labels"),
        ({"d": 2.0}, LABELS, "there is no label `d`"),
        ("balanced", TWO, "needs the training part"),
    ],
)
def test_a_positive_weight_that_means_nothing_is_refused(
    weight: object, task: Task, message: str
) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        SIGMOID(positive_weight=weight).build(task)
    assert caught.value.path[0] == "positive_weight"


def test_inputs_have_no_balance() -> None:
    task = Task("reconstruction", 3)
    with pytest.raises(SpecError, match="no positive rows"):
        SIGMOID(positive_weight="balanced").fitted(task, TargetTotals(9, (0.0, 0.0, 0.0)))
