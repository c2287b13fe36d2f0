"""Whole numbers of 64 bits: their differences are exact, and so is what is scaled of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from dnn_cli.app.predict import predict_file
from dnn_cli.app.train import train_run
from dnn_cli.base.errors import CheckpointError
from dnn_cli.config.load import load_config
from dnn_cli.data.prepare import prepare
from dnn_cli.data.schema import DataSchema
from dnn_cli.data.whole_numbers import base_of, differences

STEPS = np.random.default_rng(2).permutation(600)
SCALERS = {"standard": StandardScaler, "minmax": MinMaxScaler, "robust": RobustScaler}
FAR = [("i8", 9 * 10**17), ("i8", -(2**63)), ("i8", 2**62), ("u8", 2**63), (">i8", 2**56)]


def archive(folder: Path, first: np.ndarray, targets: np.ndarray) -> None:
    rest = (STEPS % 7).astype(first.dtype)
    np.savez(folder / "t.npz", x=np.stack([first, rest], axis=1), y=targets)


def prepared(folder: Path, options: str = ""):
    (folder / "t.yaml").write_text(f"data: {{source: t.npz{options}}}\n")
    return prepare(load_config(str(folder / "t.yaml")).spec.data)


def far(kind: str, start: int) -> np.ndarray:
    return np.array([start + step for step in STEPS.tolist()], np.dtype(kind))


@pytest.mark.parametrize("scale", SCALERS)
@pytest.mark.parametrize(("kind", "start"), FAR)
def test_they_are_scaled_as_their_differences_are(tmp_path, kind, start, scale):
    archive(tmp_path, far(kind, start), STEPS >= 300)
    found = prepared(tmp_path, f", scale: {scale}")
    near = np.stack([STEPS, STEPS % 7], axis=1).astype(np.float64)
    expected = SCALERS[scale]().fit_transform(near)
    np.testing.assert_allclose(found.train.inputs, expected, atol=1e-6)
    assert not any("column" in note for note in found.notes)


@pytest.mark.parametrize("scale", ["unit", "none"])
def test_where_nothing_is_subtracted_the_note_counts_the_numbers_of_the_file(tmp_path, scale):
    archive(tmp_path, far("i8", 9 * 10**17), STEPS >= 300)
    notes = prepared(tmp_path, f", scale: {scale}").notes
    assert any("column `0`: 600 different values are 1 in float32" in note for note in notes)


def test_a_range_beyond_what_float64_counts_is_not_moved(tmp_path):
    first = far("i8", 0) * 2**53 - 2**62
    archive(tmp_path, first, STEPS >= 300)
    found = prepared(tmp_path)
    assert found.schema.scaling.base is None
    expected = StandardScaler().fit_transform(first.astype(np.float64)[:, None])
    np.testing.assert_allclose(found.train.inputs[:, :1], expected, atol=1e-6)


def test_what_becomes_of_a_training_goes_through_the_model_file(tmp_path):
    archive(tmp_path, far("i8", 9 * 10**17), STEPS >= 300)
    (tmp_path / "t.yaml").write_text(
        "data: {source: t.npz, split: {test: 0.3}}\nmodel: {hidden: [8]}\n"
        "training: {epochs: 30}\noptimizer: {type: adam, learning_rate: 0.02}\n"
    )
    run = train_run(str(tmp_path / "t.yaml"), runs=str(tmp_path / "runs")).run
    np.save(tmp_path / "new.npy", np.load(tmp_path / "t.npz")["x"])
    predict_file(str(tmp_path / "new.npy"), model=run, output=str(tmp_path / "o.npy"))
    assert (np.load(tmp_path / "o.npy") == (STEPS >= 300)).mean() >= 0.98


@pytest.mark.parametrize(("kind", "start"), FAR)
def test_a_stored_schema_scales_the_same(tmp_path, kind, start):
    archive(tmp_path, far(kind, start), STEPS >= 300)
    schema = prepared(tmp_path).schema
    document = json.loads(json.dumps(schema.to_json()))
    again = DataSchema.from_json(document, schema.arrays())
    x = np.load(tmp_path / "t.npz")["x"].astype(np.dtype(kind).newbyteorder("="))
    assert again.scaling.scaled(x).tobytes() == schema.scaling.scaled(x).tobytes()


@pytest.mark.parametrize(
    "damage",
    [[1], [1, 2, 3], [0.5, 1], [True, 0], ["1", 0], [2**64, 0], [-(2**63) - 1, 0], [-1, 2**63], 7],
)
def test_a_damaged_base_is_refused(tmp_path, damage):
    archive(tmp_path, far("i8", 9 * 10**17), STEPS >= 300)
    schema = prepared(tmp_path).schema
    with pytest.raises(CheckpointError, match="`base`"):
        DataSchema.from_json({**schema.to_json(), "base": damage}, schema.arrays())


def test_without_a_shift_there_is_no_base(tmp_path):
    archive(tmp_path, far("i8", 0), STEPS >= 300)
    schema = prepared(tmp_path, ", scale: none").schema
    assert "base" not in schema.to_json()
    with pytest.raises(CheckpointError, match="`base`"):
        DataSchema.from_json({**schema.to_json(), "base": [1, 1]}, schema.arrays())


def test_differences_are_those_of_python_wherever_float64_holds_them():
    base = np.array([9 * 10**18], np.int64)
    values = [9 * 10**18 + 7, -9 * 10**18, 0, 2**63 - 1, -(2**63)]
    out = np.empty((5, 1))
    differences(np.array(values, np.int64)[:, None], base, out)
    assert out[:, 0].tolist() == [float(value - 9 * 10**18) for value in values]
    wide = np.array([2**64 - 1, 2**63, 0], np.uint64)[:, None]
    differences(wide, np.array([2**63], np.uint64), out[:3])
    assert out[:3, 0].tolist() == [float(2**63 - 1), 0.0, -float(2**63)]
    differences(np.array([[9e18], [0.5]]), base, out[:2])
    assert out[:2, 0].tolist() == [0.0, 0.5 - 9e18]


def test_numbers_that_float64_holds_need_no_base():
    assert base_of(np.array([0, -5]), np.array([2**49, 7])) is None
    assert base_of(np.array([0.0]), np.array([1e18])) is None
    base = base_of(np.array([0, 2**60]), np.array([2**60, 2**60 + 1]))
    assert base is not None and base.tolist() == [0, 2**60]
