"""Codes in an array, expanded by the network: from training to the model file and back."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.app.check import check_config
from dnn_cli.app.info import model_info
from dnn_cli.app.predict import predict_file
from dnn_cli.base.errors import ConfigError
from dnn_cli.runs.model_file import read_model

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))

from harness import Outcome, config, resume, stopped, train, whole, write_config

pytestmark = pytest.mark.usefixtures("quick")

DATA = (
    "{source: {type: npy, path: x.npy, targets: y.npy}, scale: none, target_scale: none, "
    "split: {valid: 0.2}}"
)
MODEL = "{layers: [{type: table, levels: [0, 3, 20], embedding: 4}, {type: dense, units: 8}, tanh]}"
TEXT = config(DATA, MODEL, "{type: adam, learning_rate: 0.02}", "epochs: 40")


@pytest.fixture
def codes(tmp_path: Path) -> np.ndarray:
    """Rows of a number and two codes: what is to be learned is a value for each level of both."""
    rng = np.random.Generator(np.random.Philox(5))
    few, many = rng.integers(0, 4, 300), rng.integers(0, 21, 300)
    number = rng.normal(size=300)
    y = number + rng.normal(size=4)[few] + 2.0 * rng.normal(size=21)[many]
    x = np.stack([number, few, many], axis=1).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    return x


def test_what_is_learned_of_each_level_is_in_the_model_file(
    tmp_path: Path, codes: np.ndarray
) -> None:
    result = train(write_config(tmp_path, TEXT), tmp_path / "run")
    file = read_model(tmp_path / "run" / "model.safetensors")
    first = file.layers[0]
    assert (first["type"], first["levels"], first["embedding"]) == ("table", [0, 3, 20], 4)
    t = {name: array.astype(np.float64) for name, array in file.tensors.items()}
    assert t["table_1.E"].shape == (21, 4)
    number, few, many = codes[:, :1], codes[:, 1].astype(int), codes[:, 2].astype(int)
    one_hot = np.eye(4)[few][:, 1:]
    x = np.concatenate([number, one_hot, t["table_1.E"][many]], axis=1)
    hidden = np.tanh(x @ t["dense_1.W"] + t["dense_1.b"])
    expected = (hidden @ t["dense_2.W"] + t["dense_2.b"])[:, 0]
    out = tmp_path / "p.npy"
    predict_file(str(tmp_path / "x.npy"), model=result.model, output=str(out))
    np.testing.assert_allclose(np.load(out)[:, 0], expected, rtol=1e-4, atol=1e-5)
    truth = np.load(tmp_path / "y.npy")
    assert np.mean((expected - truth) ** 2) < 0.1 * truth.var()


def test_what_check_and_info_say(tmp_path: Path, codes: np.ndarray) -> None:
    path = write_config(tmp_path, TEXT)
    checked = check_config(str(path), gradients=True, profile=True)
    row = checked.layers[0]
    assert (row.output, row.parameters, row.multiply_adds) == ((1 + 3 + 4,), 21 * 4, 0)
    assert all(gradient.passed for gradient in checked.gradients)
    assert "table_1.E" in [gradient.name for gradient in checked.gradients]
    result = train(path, tmp_path / "run")
    assert model_info(result.model).layers == checked.layers


def test_a_run_that_died_goes_on_to_the_same_bytes(tmp_path: Path, codes: np.ndarray) -> None:
    text = TEXT.replace("epochs: 40", "epochs: 3")
    wanted, run = whole(tmp_path, text), stopped(tmp_path, text, 5)
    resume(run)
    assert Outcome.of(run) == wanted


def test_without_categories_every_column_is_a_number(tmp_path: Path, codes: np.ndarray) -> None:
    path = write_config(tmp_path, TEXT.replace("levels: [0, 3, 20], ", ""))
    row = check_config(str(path)).layers[0]
    assert (row.output, row.parameters) == ((3,), 0)


@pytest.mark.parametrize(
    ("levels", "column", "words"),
    [
        ("[0, 3]", 32, "layer 1 \\(table\\): 2 columns have levels, the row has 3"),
        ("[0, 3, 16777217]", 47, "must be at most 16777216, the codes that float32 holds"),
        ("[0, -3, 20]", 44, "must be at least 0, found -3"),
    ],
)
def test_levels_that_do_not_fit(
    tmp_path: Path, codes: np.ndarray, levels: str, column: int, words: str
) -> None:
    path = write_config(tmp_path, TEXT.replace("[0, 3, 20]", levels))
    with pytest.raises(ConfigError, match=words) as raised:
        check_config(str(path))
    assert raised.value.problems[0].where.endswith(f"r.yaml:3:{column}")
