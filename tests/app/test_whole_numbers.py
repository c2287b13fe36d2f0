"""Classes that were whole numbers in the data are whole numbers in the predictions."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnn_cli.app.lifecycle.facts import fingerprint
from dnn_cli.app.predict import predict_file
from dnn_cli.app.train import train_run
from dnn_cli.config.load import load_config
from dnn_cli.data.prepare import prepare
from dnn_cli.runs.model_file import read_model, write_model

CODES = np.arange(60) % 3


def learned(folder: Path, source: str, options: str = "") -> Path:
    """A model of the data in `source`."""
    (folder / "t.yaml").write_text(
        f"data: {{source: {source}{options}}}\nmodel: {{hidden: [8]}}\n"
        "optimizer: {type: adam, learning_rate: 0.05}\ntraining: {epochs: 40}\n"
    )
    return Path(train_run(str(folder / "t.yaml"), runs=str(folder / "runs")).run)


def predicted(folder: Path, model: Path, input: str) -> tuple[list[Any], np.ndarray, list[str]]:
    """The predictions in jsonl, npy and csv."""
    out = {kind: folder / f"o-{model.name}.{kind}" for kind in ("jsonl", "npy", "csv")}
    for path in out.values():
        predict_file(str(folder / input), model=str(model), output=str(path), force=True)
    lines = [json.loads(line)["prediction"] for line in out["jsonl"].read_text().splitlines()]
    return lines, np.load(out["npy"]), out["csv"].read_text().splitlines()[1:]


@pytest.mark.parametrize("classes", [(0, 1, 2), (-5, 0, 7), (1.0, 2.0, 30.0)])
def test_classes_of_a_table(tmp_path: Path, classes: tuple[float, ...]) -> None:
    truth = [classes[code] for code in CODES]
    rows = [f"{code},{i},{label}" for i, (code, label) in enumerate(zip(CODES, truth, strict=True))]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,y", *rows, ""]))
    lines, array, cells = predicted(tmp_path, learned(tmp_path, "t.csv", ", target: y"), "t.csv")
    assert lines == truth and {type(one) for one in lines} == {int}
    assert array.dtype == np.int64 and array.tolist() == truth
    assert cells == [str(int(one)) for one in truth]


@pytest.mark.parametrize("kind", ["u1", "i8", "u8", ">i4", "f4", "f8", "?"])
def test_classes_of_an_array(tmp_path: Path, kind: str) -> None:
    truth = (CODES % 2).astype(kind)
    x = np.stack([CODES % 2, np.arange(60)], axis=1).astype(np.float32)
    np.savez(tmp_path / "t.npz", x=x, y=truth)
    lines, array, _ = predicted(tmp_path, learned(tmp_path, "t.npz"), "t.npz")
    assert array.dtype == np.int64
    assert lines == array.tolist() == truth.astype(int).tolist()


def test_classes_that_only_look_like_numbers(tmp_path: Path) -> None:
    x = np.stack([CODES, np.arange(60)], axis=1).astype(np.float32)
    np.savez(tmp_path / "t.npz", x=x, y=CODES.astype(str))
    lines, array, _ = predicted(tmp_path, learned(tmp_path, "t.npz"), "t.npz")
    assert array.dtype.kind == "U" and set(lines) == {"0", "1", "2"}


def test_numbers_against_the_rest_are_text(tmp_path: Path) -> None:
    x = np.stack([CODES, np.arange(60)], axis=1).astype(np.float32)
    np.savez(tmp_path / "t.npz", x=x, y=CODES)
    lines, array, _ = predicted(tmp_path, learned(tmp_path, "t.npz", ", positive: [2]"), "t.npz")
    assert array.dtype.kind == "U" and set(lines) == {"rest", "2"}


def test_two_numbers_are_numbers_whichever_is_positive(tmp_path: Path) -> None:
    x = np.stack([CODES % 2, np.arange(60)], axis=1).astype(np.float32)
    np.savez(tmp_path / "t.npz", x=x, y=CODES % 2)
    lines, array, _ = predicted(tmp_path, learned(tmp_path, "t.npz", ", positive: [0]"), "t.npz")
    assert array.dtype == np.int64 and lines == array.tolist() == (CODES % 2).tolist()


def test_a_model_file_of_a_version_that_did_not_know_is_text_as_before(tmp_path: Path) -> None:
    x = np.stack([CODES, np.arange(60)], axis=1).astype(np.float32)
    np.savez(tmp_path / "t.npz", x=x, y=CODES)
    run = learned(tmp_path, "t.npz")
    model = read_model(run / "model.safetensors")
    schema = {name: value for name, value in model.schema.items() if name != "numeric"}
    assert schema.keys() != model.schema.keys()
    write_model(run / "model.safetensors", replace(model, schema=schema))
    lines, array, _ = predicted(tmp_path, run, "t.npz")
    assert array.dtype.kind == "U" and set(lines) == {"0", "1", "2"}


def test_a_run_begun_by_such_a_version_has_the_same_data(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", x=np.eye(60, 2, dtype=np.float32), y=CODES)
    (tmp_path / "t.yaml").write_text("data: {source: t.npz}\n")
    prepared = prepare(load_config(str(tmp_path / "t.yaml")).spec.data)
    document = prepared.schema.to_json()
    assert document.pop("numeric") is True
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    assert fingerprint(prepared)["columns"] == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("columns", [2, 3])
@pytest.mark.parametrize("kind", ["?", "u1", "f8"])
def test_positions_of_one_hot_columns_are_numbers(tmp_path: Path, columns: int, kind: str) -> None:
    x = np.stack([CODES % columns, np.arange(60)], axis=1).astype(np.float32)
    np.savez(tmp_path / "t.npz", x=x, y=np.eye(columns)[CODES % columns].astype(kind))
    lines, array, _ = predicted(tmp_path, learned(tmp_path, "t.npz"), "t.npz")
    assert array.dtype == np.int64 and lines == array.tolist() == (CODES % columns).tolist()
