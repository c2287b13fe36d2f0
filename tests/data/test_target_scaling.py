"""Regression targets: learned with mean 0 and deviation 1, shown as they were."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from dnn_cli.base.errors import CheckpointError
from dnn_cli.data.prepare import prepare
from dnn_cli.data.schema import DataSchema
from dnn_cli.data.spec import DataSpec, SplitSpec
from dnn_cli.data.target_scaling import TargetScaling, fit_target_scaling

RNG = np.random.default_rng(3)
TARGETS = RNG.normal(size=(500, 3)) * [9e4, 1e-6, 3.0] + [2.5e5, 0.0, 1.7e12]


def test_they_are_scaled_as_scikit_learn_scales_them():
    scaling = fit_target_scaling("standard", TARGETS)
    found = scaling.scaled(TARGETS)
    assert found.dtype == np.float32
    # Scikit-learn's mean of the third column is rounded; that of the offsets is not. The last digit
    # of 1.7e12 in float64 is 2e-4, a ten-thousandth of the deviation: so far all may be moved.
    expected = StandardScaler().fit_transform(TARGETS - [0.0, 0.0, 1.7e12])
    np.testing.assert_allclose(found[:, :2], expected[:, :2], atol=1e-6)
    np.testing.assert_allclose(found[:, 2], expected[:, 2], atol=1e-4)
    np.testing.assert_allclose(np.ptp(found, axis=0), np.ptp(expected, axis=0), rtol=1e-6)


def test_they_come_back_in_their_own_units():
    scaling = fit_target_scaling("standard", TARGETS)
    restored = scaling.restored(scaling.scaled(TARGETS))
    assert restored.dtype == np.float64
    assert (np.abs(restored - TARGETS) < 4e-7 * np.array([9e4, 1e-6, 3.0])).all()


@pytest.mark.parametrize("deviation", [9e4, 1e-6, 3.0, 1.0, 1e20])
def test_decimals_show_what_float32_tells_and_no_more(deviation):
    scaling = TargetScaling(np.zeros(1), np.array([deviation]))
    (digits,) = scaling.decimals
    step = deviation * 2.0**-24
    assert step / 10 < 10.0**-digits <= step
    assert TargetScaling().decimals == ()


def test_none_changes_nothing():
    scaling = fit_target_scaling("none", TARGETS)
    assert scaling.kind == "none"
    assert scaling.restored(TARGETS) is TARGETS
    np.testing.assert_array_equal(scaling.scaled(TARGETS), TARGETS.astype(np.float32))


@pytest.mark.parametrize("value", [0.0, 0.1, 1.7e12])
def test_a_constant_column_is_only_moved(value):
    targets = np.stack([np.full(1000, value), np.arange(1000.0)], axis=1)
    scaling = fit_target_scaling("standard", targets)
    assert scaling.deviation is not None and scaling.deviation[0] == 1
    assert (np.abs(scaling.scaled(targets)[:, 0]) <= 2e-4).all()


def test_the_training_part_alone_decides(memory):
    inputs, targets = RNG.normal(size=(100, 2)), np.arange(100) * 2.5
    parts = np.array(["train"] * 50 + ["valid"] * 25 + ["test"] * 25)
    source = memory(inputs, targets, extra={"part": parts})
    prepared = prepare(DataSpec(source=source, split=SplitSpec(column="part")))
    scaling = prepared.schema.target_scaling
    np.testing.assert_allclose(scaling.mean, targets[:50].mean())
    np.testing.assert_allclose(scaling.deviation, targets[:50].std())
    assert prepared.test is not None and prepared.test.targets is not None
    expected = (targets[75:] - targets[:50].mean()) / targets[:50].std()
    np.testing.assert_allclose(prepared.test.targets[:, 0], expected, rtol=1e-6)
    assert any(note.startswith("target_scale: standard (target 61.25 ±") for note in prepared.notes)


def test_other_tasks_are_left_alone(memory):
    prepared = prepare(DataSpec(source=memory(RNG.normal(size=(40, 2)), np.arange(40) % 2)))
    assert prepared.schema.target_scaling.kind == "none"
    assert not any("target_scale" in note for note in prepared.notes)


def stored(memory) -> tuple[dict, dict]:
    source = memory(RNG.normal(size=(40, 2)), np.arange(40) / 3)
    schema = prepare(DataSpec(source=source)).schema
    return json.loads(json.dumps(schema.to_json())), schema.arrays()


def test_a_file_of_before_has_none(memory):
    document, arrays = stored(memory)
    del document["target_scale"]
    old = {name: values for name, values in arrays.items() if not name.startswith("target.")}
    narrow = {name: values.astype(np.float32) for name, values in old.items()}
    schema = DataSchema.from_json(document, narrow)
    assert schema.target_scaling.kind == "none"
    assert schema.scaling.shift is not None and schema.scaling.shift.dtype == np.float64


@pytest.mark.parametrize(
    "damage",
    [
        lambda document, arrays: document.update(target_scale="minmax"),
        lambda document, arrays: document.update(target_scale="none"),
        lambda document, arrays: arrays.pop("target.mean"),
        lambda document, arrays: arrays.update({"target.mean": np.ones(2)}),
        lambda document, arrays: arrays.update({"target.mean": np.array([np.nan])}),
        lambda document, arrays: arrays.update({"target.deviation": np.zeros(1)}),
        lambda document, arrays: arrays.update({"target.deviation": -np.ones(1)}),
    ],
)
def test_a_damaged_one_is_refused(memory, damage):
    document, arrays = stored(memory)
    DataSchema.from_json(document, arrays)
    damage(document, arrays)
    with pytest.raises(CheckpointError, match="data schema"):
        DataSchema.from_json(document, arrays)


def test_divided_by_the_mean_amounts_keep_their_sign(memory) -> None:
    amounts = RNG.gamma(0.5, size=(200, 2)) * [1e5, 1e-3]
    amounts[::3] = 0.0
    scaling = fit_target_scaling("mean", amounts)
    assert scaling.kind == "mean"
    found = scaling.scaled(amounts)
    assert (found[::3] == 0.0).all() and (found >= 0.0).all()
    np.testing.assert_allclose(found.mean(axis=0), 1.0, rtol=1e-5)
    np.testing.assert_allclose(scaling.restored(found), amounts, rtol=3e-7)
    assert scaling.restored(found).dtype == np.float32 and scaling.decimals == ()
    source = memory(RNG.normal(size=(200, 2)), amounts)
    schema = prepare(DataSpec(source=source, target_scale="mean"), sign="not negative").schema
    again = DataSchema.from_json(json.loads(json.dumps(schema.to_json())), schema.arrays())
    assert again.target_scaling.kind == "mean"
    np.testing.assert_allclose(again.target_scaling.deviation, amounts.mean(axis=0))
    with pytest.raises(CheckpointError):
        both = {**schema.arrays(), "target.mean": np.ones(2)}
        DataSchema.from_json(schema.to_json(), both)


def test_quantiles_of_each_target_come_back_side_by_side() -> None:
    scaling = TargetScaling(np.array([1.0, 100.0]), np.array([2.0, 10.0]))
    found = scaling.restored(np.array([[0.0, 1.0, 0.0, 1.0]], np.float32))
    np.testing.assert_array_equal(found, [[1.0, 3.0, 100.0, 110.0]])
