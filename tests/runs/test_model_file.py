from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from dnn_cli.base.errors import CheckpointError
from dnn_cli.runs.model_file import (
    ModelFile,
    read_model,
    require_tensors,
    write_model,
)
from dnn_cli.runs.tensors import write_tensors

GOLDEN = Path(__file__).parent / "golden"


def test_a_model_comes_back_whole(tmp_path: Path, model: ModelFile) -> None:
    write_model(tmp_path / "m", model)
    found = read_model(tmp_path / "m")
    assert found.tensors.keys() == model.tensors.keys()
    for arrays, others in [
        (found.tensors, model.tensors),
        (found.schema_arrays, model.schema_arrays),
    ]:
        for name, array in arrays.items():
            assert array.dtype == others[name].dtype
            np.testing.assert_array_equal(array, others[name], strict=True)
    assert np.isnan(found.metrics["valid.accuracy"]) and found.metrics["valid.loss"] == 0.1
    for key in ("name", "layers", "input_shape", "loss", "schema", "seed", "versions"):
        assert getattr(found, key) == getattr(model, key)


def test_equal_models_give_equal_bytes(tmp_path: Path, model: ModelFile) -> None:
    tensors = {name: model.tensors[name].copy("F") for name in reversed([*model.tensors])}
    schema = {name: model.schema[name] for name in reversed([*model.schema])}
    (tmp_path / "other").mkdir()
    write_model(tmp_path / "a", model)
    write_model(tmp_path / "other" / "b", replace(model, tensors=tensors, schema=schema))
    content = (tmp_path / "a").read_bytes()
    assert content == (tmp_path / "other" / "b").read_bytes()
    assert str(tmp_path).encode() not in content


def test_other_tools_can_read_the_weights(tmp_path: Path, model: ModelFile) -> None:
    write_model(tmp_path / "m", model)
    theirs = safetensors.numpy.load_file(tmp_path / "m")
    np.testing.assert_array_equal(theirs["output.W"], model.tensors["output.W"], strict=True)
    np.testing.assert_array_equal(theirs["preprocessing.shift"], [0, 1, 2])


def test_K06_files_of_the_first_format_can_be_read_for_ever() -> None:
    found = read_model(GOLDEN / "model-format-1.safetensors")
    np.testing.assert_array_equal(found.tensors["dense_1.W"], np.arange(6.0).reshape(2, 3))
    assert (found.name, found.schema["labels"]) == ("golden", ["no", "yes"])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_K05_weights_that_are_not_finite(tmp_path: Path, model: ModelFile, value: float) -> None:
    weights = model.tensors["dense_1.W"].copy()
    weights[1, 2] = value
    write_model(tmp_path / "m", replace(model, tensors={"dense_1.W": weights}))
    with pytest.raises(CheckpointError, match=r"1 of 12 numbers in `dense_1\.W`"):
        read_model(tmp_path / "m")
    found = read_model(tmp_path / "m", allow_nonfinite=True)
    np.testing.assert_array_equal(found.tensors["dense_1.W"], weights)


GOOD: dict[str, Any] = {
    "format": 1,
    "needs": "0.1.0",
    "name": "x",
    "layers": [{}],
    "input_shape": [3],
    "loss": {},
    "schema": {},
    "seed": 0,
    "metrics": {"a": 1},
    "versions": {"dnn": "9.2.0"},
}


def describe(path: Path, description: Any) -> Path:
    text = description if isinstance(description, str) else json.dumps(description)
    write_tensors(path, {"W": np.ones(2)}, {"dnn.model": text})
    return path


def test_K06_a_description_of_a_newer_version(tmp_path: Path) -> None:
    assert read_model(describe(tmp_path / "m", GOOD)).seed == 0
    path = describe(tmp_path / "m", {**GOOD, "format": 2, "needs": "9.1.0", "layers": "new"})
    with pytest.raises(CheckpointError, match=r"written by dnn 9\.2\.0, needs dnn >= 9\.1\.0"):
        read_model(path)


@pytest.mark.parametrize(
    "change",
    [
        *({key: None} for key in GOOD if key != "needs"),
        {"layers": {}},
        {"layers": [1]},
        {"input_shape": [0]},
        {"input_shape": [True]},
        {"input_shape": ["3"]},
        {"seed": True},
        {"metrics": {"a": "high"}},
        {"metrics": {"a": True}},
        {"versions": {"dnn": 1}},
        {"format": True},
    ],
    ids=str,
)
def test_a_description_that_is_wrong(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError):
        read_model(describe(tmp_path / "m", {**GOOD, **change}))


@pytest.mark.parametrize("text", ["", "[]", "1", '{"a":1,"a":1}', '{"format":NaN}', "[" * 9999])
def test_a_description_that_is_no_table(tmp_path: Path, text: str) -> None:
    with pytest.raises(CheckpointError, match="no usable model"):
        read_model(describe(tmp_path / "m", text))


def test_tensors_without_a_description(tmp_path: Path) -> None:
    write_tensors(tmp_path / "m", {"W": np.ones(2)}, {})
    with pytest.raises(CheckpointError, match="no usable model") as found:
        read_model(tmp_path / "m")
    assert "describes no model" in found.value.problems[0].why


def test_slot_names_cannot_hide_among_the_other_tensors(tmp_path: Path, model: ModelFile) -> None:
    for name in ("best.W", "optimizer.m", "preprocessing.shift"):
        with pytest.raises(ValueError, match="reserved"):
            write_model(tmp_path / "m", replace(model, tensors={name: np.ones(1)}))


def test_K04_weights_of_another_network(model: ModelFile) -> None:
    shapes = {name: array.shape for name, array in model.tensors.items()}
    require_tensors(model.tensors, shapes, "m")
    expected = {**shapes, "dense_1.W": (4, 3), "dense_9.W": (1,)}
    del expected["dense_1.b"]
    with pytest.raises(CheckpointError, match="do not fit") as found:
        require_tensors(model.tensors, expected, "m")
    assert found.value.problems[0].why == (
        "dense_1.W: the file has (3, 4), the network needs (4, 3); "
        "dense_1.b: the file has (4,), the network needs nothing; "
        "dense_9.W: the file has nothing, the network needs (1,)"
    )
    many = {f"layer_{number}.W": (1,) for number in range(30)}
    with pytest.raises(CheckpointError) as found:
        require_tensors({}, many, "m")
    assert found.value.problems[0].why.endswith("and 20 more")
