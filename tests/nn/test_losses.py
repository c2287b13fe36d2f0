"""Losses against PyTorch's constants, closed forms at the extremes, and the tasks they serve."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnn_cli.base.spec import SpecError
from dnn_cli.base.task import TargetTotals, Task, TaskKind
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
    ("quantile", {"quantiles": (0.1, 0.9)}, {"regression": 6}),
    ("poisson", {}, {"regression": 3}),
    ("gamma", {}, {"regression": 3}),
    ("tweedie", {"power": 1.2}, {"regression": 3}),
    ("focal", {}, {"binary": 1, "multiclass": 3, "multilabel": 3}),
    ("balanced_softmax", {}, {"binary": 2, "multiclass": 3}),
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


def test_quantiles_are_shown_in_order_and_sorting_costs_nothing(rng: np.random.Generator) -> None:
    spec = LOSSES.get("quantile")(quantiles=(0.1, 0.5, 0.9))
    loss, z, target = spec.build(TASKS["regression"]), rng.normal(size=(50, 9)), rng.random((50, 3))
    shown = np.empty_like(z)
    loss.activate(z, shown)
    assert (np.diff(shown.reshape(50, 3, 3)) >= 0.0).all()
    for row, given in zip(shown.reshape(-1, 3), z.reshape(-1, 3), strict=True):
        assert sorted(given) == row.tolist()  # of the same target, and none lost
    before, after = (loss.each(one, target, loss_scratch(loss, 50, z.dtype)) for one in (z, shown))
    assert (after <= before + 1e-15).all() and (after < before).any()


@pytest.mark.parametrize("level", [0.1, 0.5, 0.85])
def test_pinball_is_smallest_at_the_quantile(level: float, rng: np.random.Generator) -> None:
    loss = LOSSES.get("quantile")(quantiles=(level,)).build(Task("regression", 1, ("y",)))
    target = rng.gamma(2.0, size=(201, 1))
    costs = [both(loss, np.full((201, 1), t), target)[0] for t in target[:, 0]]
    best = np.quantile(target, level, method="inverted_cdf")
    assert target[np.argmin(costs), 0] == best


@pytest.mark.parametrize(
    "levels", [(), (0.5, 0.5), (0.9, 0.1), (0.0, 0.5), (0.5, 1.0), (float("nan"),)]
)
def test_levels_that_are_none_are_refused(levels: tuple[float, ...]) -> None:
    with pytest.raises(SpecError) as caught:
        LOSSES.get("quantile")(quantiles=levels)
    assert caught.value.path == ("quantiles",)


@pytest.mark.parametrize("name", ["poisson", "gamma", "tweedie"])
def test_deviances_are_scikit_learns_and_smallest_at_the_mean(
    name: str, rng: np.random.Generator
) -> None:
    from sklearn.metrics import mean_tweedie_deviance

    target = rng.gamma(0.7, size=(40, 1)) * (rng.random((40, 1)) < 0.8)
    target += 0.01 if name == "gamma" else 0.0
    spec = LOSSES.get(name)()
    power = {"poisson": 1.0, "gamma": 2.0, "tweedie": 1.5}[name]
    loss, z = spec.build(Task("regression", 1, ("y",))), rng.normal(size=(40, 1))
    value, _ = both(loss, z, target)
    expected = mean_tweedie_deviance(target, np.exp(z), power=power)
    assert 2.0 * value == pytest.approx(expected, rel=1e-12)
    _, dz = both(loss, np.full((40, 1), np.log(target.mean())), target)
    assert dz.sum() == pytest.approx(0.0, abs=1e-14)


def test_a_log_mean_far_off_finds_its_way_back() -> None:
    for name in ("poisson", "gamma", "tweedie"):
        loss = LOSSES.get(name)().build(Task("regression", 1, ("y",)))
        for z, sign in ((1e3, 1.0), (-1e3, -1.0)):
            value, dz = both(loss, np.array([[z]]), np.array([[2.0]]))
            near, _ = both(loss, np.array([[z - sign]]), np.array([[2.0]]))
            assert np.sign(dz[0, 0]) == sign and near < value


def test_balanced_softmax_takes_the_shares_from_the_training_part() -> None:
    task = TASKS["multiclass"]
    spec = LOSSES.get("balanced_softmax")()
    fitted = spec.fitted(task, TargetTotals(200.0, (150.0, 50.0, 0.0)))
    assert fitted.shares == {"a": 0.75, "b": 0.25, "c": 0.0025}
    assert fitted.fitted(task, TargetTotals(3.0, (1.0, 1.0, 1.0))) is fitted
    # Outputs that say nothing are right about the shares, and are shown as equal ones.
    loss, z = fitted.build(task), np.zeros((1, 3))
    shown = np.empty_like(z)
    loss.activate(z, shown)
    np.testing.assert_allclose(shown, 1.0 / 3.0)
    value, _ = both(loss, z, np.array([1]))
    assert value == pytest.approx(-math.log(0.25 / 1.0025))
