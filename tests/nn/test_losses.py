"""Losses against PyTorch's constants, closed forms at the extremes, and the tasks they serve."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnn_cli.base.spec import SpecError
from dnn_cli.base.task import Task, TaskKind
from dnn_cli.nn.loss import LOSSES, Loss, default_loss, loss_scratch
from dnn_cli.nn.losses.sigmoid_cross_entropy import SigmoidCrossEntropy
from dnn_cli.nn.losses.softmax_cross_entropy import SoftmaxCrossEntropy

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "loss_constants.json").read_text(encoding="utf-8")
)["cases"]
TASKS: dict[TaskKind, Task] = {
    "binary": Task("binary", 2, ("no", "yes")),
    "multiclass": Task("multiclass", 3, ("a", "b", "c")),
    "multilabel": Task("multilabel", 3, ("a", "b", "c")),
    "regression": Task("regression", 3, ("a", "b", "c")),
    "reconstruction": Task("reconstruction", 3),
}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.Generator(np.random.Philox(11))


def both(loss: Loss, z: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
    dz = np.full_like(z, np.nan)
    return loss.value_and_grad(z, target, dz, loss_scratch(loss, len(z), z.dtype)), dz


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-13), (np.float32, 2e-6)])
@pytest.mark.parametrize("name", GOLDEN)
def test_pytorch_agrees(name: str, dtype: type, tolerance: float) -> None:
    case = GOLDEN[name]
    options = dict(case["loss"])
    loss = LOSSES.get(options.pop("type"))(**options).build(TASKS[case["task"]])
    target = np.array(case["target"])
    target = target if target.ndim == 1 else target.astype(dtype)
    z = np.array(case["z"], dtype=dtype)
    value, dz = both(loss, z, target)
    assert value == pytest.approx(case["value"], rel=tolerance)
    assert loss.value(z, target, loss_scratch(loss, len(z), dtype)) == value
    np.testing.assert_allclose(dz, case["grad"], rtol=tolerance, atol=tolerance)


def test_every_loss_has_constants() -> None:
    assert {case["loss"]["type"] for case in GOLDEN.values()} == set(LOSSES.names())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_N03_softmax_cross_entropy_at_the_extremes(dtype: type) -> None:
    loss = SoftmaxCrossEntropy(3)
    z = np.array([[1e30, -1e30, 0], [-1e30, -1e30, -1e30], [1e4, 1e4, -1e4]], dtype=dtype)
    right, dz = both(loss, z, np.array([0, 1, 1]))
    assert right == pytest.approx((math.log(3) + math.log(2)) / 3)
    expected = [[0, 0, 0], [1 / 3, -2 / 3, 1 / 3], [1 / 2, -1 / 2, 0]]
    np.testing.assert_allclose(dz, np.array(expected) / 3, atol=1e-7)
    wrong, _ = both(loss, z, np.array([1, 1, 1]))
    assert wrong == pytest.approx(2e30 / 3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("z", [-1e30, -1e4, -88.0, -20.0, -1.0, 0.0, 3.0, 16.0, 90.0, 1e30])
def test_N03_sigmoid_cross_entropy_at_the_extremes(z: float, dtype: type) -> None:
    loss = SigmoidCrossEntropy(1)
    for target, towards in ((0, z), (1, -z)):
        # log(1 + exp(towards)), in Python's own floats
        expected = max(towards, 0.0) + math.log1p(math.exp(-abs(z)))
        value, dz = both(loss, np.array([[z]], dtype=dtype), np.array([target]))
        assert value == pytest.approx(expected, rel=1e-6, abs=1e-37)
        slope = 1.0 if towards > 700 else math.exp(towards) / (1.0 + math.exp(towards))
        assert abs(dz[0, 0]) == pytest.approx(slope, abs=1e-7)
        assert dz[0, 0] * (1 - 2 * target) >= 0.0


def test_N03_small_probabilities_are_exact_and_none_is_zero() -> None:
    z = np.array([[-86.0], [-40.0], [-1e30], [1e30]], dtype=np.float32)
    SigmoidCrossEntropy(1).activate(z, z)
    expected = [math.exp(-86.0), math.exp(-40.0), math.exp(-87.0), 1.0]
    np.testing.assert_allclose(z[:, 0], expected, rtol=1e-5)


def test_two_classes_cost_the_same_by_softmax_and_by_sigmoid(
    rng: np.random.Generator,
) -> None:
    z, target = rng.normal(0.0, 3.0, (20, 1)), rng.integers(0, 2, 20)
    one, dz = both(SigmoidCrossEntropy(1, 0.1), z, target)
    two, dzz = both(SoftmaxCrossEntropy(2, 0.1), np.hstack([np.zeros_like(z), z]), target)
    assert one == pytest.approx(two, rel=1e-12)
    np.testing.assert_allclose(dz, dzz[:, 1:], atol=1e-15)


def test_auto_is_the_usual_likelihood() -> None:
    found = {kind: default_loss(task).spec_name for kind, task in TASKS.items()}
    assert found == {
        "binary": "sigmoid_cross_entropy",
        "multiclass": "softmax_cross_entropy",
        "multilabel": "sigmoid_cross_entropy",
        "regression": "mean_squared_error",
        "reconstruction": "mean_squared_error",
    }


WIDTHS: list[tuple[str, dict[str, Any], dict[TaskKind, int]]] = [
    ("softmax_cross_entropy", {}, {"binary": 2, "multiclass": 3}),
    ("sigmoid_cross_entropy", {}, {"binary": 1, "multilabel": 3, "reconstruction": 3}),
    ("mean_squared_error", {}, {k: 1 if k == "binary" else 3 for k in TASKS}),
    ("mean_squared_error", {"activation": "tanh"}, {"regression": 3, "reconstruction": 3}),
    ("mean_squared_error", {"activation": "identity"}, {"regression": 3, "reconstruction": 3}),
    ("mean_absolute_error", {}, {"regression": 3, "reconstruction": 3}),
    ("huber", {}, {"regression": 3, "reconstruction": 3}),
]


@pytest.mark.parametrize(("name", "options", "widths"), WIDTHS)
def test_width_follows_the_task_or_refuses_it(
    name: str, options: dict[str, Any], widths: dict[TaskKind, int]
) -> None:
    spec = LOSSES.get(name)(**options)
    for kind, task in TASKS.items():
        if kind in widths:
            assert spec.width(task) == widths[kind]
            spec.build(task)
        else:
            for refused in (spec.width, spec.build):
                with pytest.raises(SpecError, match=f"the task is {kind}"):
                    refused(task)


def test_class_weights_name_classes_that_exist() -> None:
    spec = LOSSES.get("softmax_cross_entropy")(class_weights={"a": 2.0, "d\n": 1.0})
    with pytest.raises(SpecError, match=r"there is no class `d\\n`") as caught:
        spec.build(TASKS["multiclass"])
    assert caught.value.path == ("class_weights", "d\n")
    assert caught.value.fix == "one of a, b, c"


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("virginca", "did you mean `virginica`?"),
        ("Setosa", "did you mean `setosa`?"),
        ("iris\x1b", "did you mean `iris\\x07`?"),
        ("zzz", "one of iris\\x07, setosa, virginica"),
    ],
)
def test_a_mistyped_class_weight_gets_its_nearest_class(name: str, fix: str) -> None:
    task = Task("multiclass", 3, ("setosa", "virginica", "iris\x07"))
    with pytest.raises(SpecError) as caught:
        LOSSES.get("softmax_cross_entropy")(class_weights={name: 2.0}).build(task)
    assert caught.value.fix == fix


def test_squared_error_of_classes_is_shown_as_probabilities(rng: np.random.Generator) -> None:
    loss = LOSSES.get("mean_squared_error")().build(TASKS["multiclass"])
    z = rng.normal(0.0, 5.0, (9, 3))
    shown = np.empty_like(z)
    loss.activate(z, shown)
    np.testing.assert_allclose(shown, 1.0 / (1.0 + np.exp(-z)), rtol=1e-12)
