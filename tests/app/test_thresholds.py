"""A threshold chosen at training, kept in the model file, shown, and used."""

import io
import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from dnn_cli.app.info import model_info
from dnn_cli.app.predict import predict_file
from dnn_cli.app.resume import resume_run
from dnn_cli.app.thresholds import Threshold
from dnn_cli.app.train import train_run
from dnn_cli.base.errors import CheckpointError, ConfigError, UsageError
from dnn_cli.runs.model_file import read_model, write_model

Command = Callable[..., subprocess.CompletedProcess[str]]
TEXT = """
data: {{source: rare.csv, target: [{target}], split: {{column: part}}}}
model: {{hidden: [8]}}
optimizer: {{type: adam, learning_rate: 0.01}}
training: {{epochs: 6}}
evaluation: {{threshold: {metric}}}
"""


def rare_table(path: Path, rows: int = 900) -> None:
    """One row of twelve is positive, and none of them surely."""
    rng = np.random.Generator(np.random.Philox(11))
    x = rng.normal(size=(rows, 2))
    y = (x[:, 0] + rng.normal(size=rows) > 2.0).astype(int)
    z = (x[:, 1] + rng.normal(size=rows) > 1.5).astype(int)
    parts = np.where(np.arange(rows) % 3 == 0, "valid", "train")
    lines = [f"{a:.5f},{b:.5f},{c},{d},{p}" for (a, b), c, d, p in zip(x, y, z, parts, strict=True)]
    path.write_text("\n".join(["a,b,y,z,part", *lines, ""]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs that chose a threshold, of two classes (`one`) and two labels (`two`), and one without.

    The table lies beside them.
    """
    made = tmp_path_factory.mktemp("rare")
    rare_table(made / "rare.csv")
    (made / "one.yaml").write_text(TEXT.format(target="y", metric="f1"))
    (made / "two.yaml").write_text(TEXT.format(target="y, z", metric="f1"))
    (made / "none.yaml").write_text(TEXT.format(target="y", metric="null"))
    for name in ("one", "two", "none"):
        train_run(str(made / f"{name}.yaml"), runs=str(made / "runs"))
    return made


def rows(folder: Path, name: str, threshold: Threshold | None, proba: bool = False) -> list[str]:
    stream = io.BytesIO()
    predict_file(
        str(folder / "rare.csv"),
        model=str(folder / "runs" / f"{name}-001"),
        output=stream,
        threshold=threshold,
        proba=proba,
    )
    return stream.getvalue().decode().splitlines()[1:]


def valid_part(folder: Path, column: int) -> tuple[np.ndarray, np.ndarray]:
    """Which rows are of the validation part, and their truth."""
    cells = [line.split(",") for line in (folder / "rare.csv").read_text().splitlines()[1:]]
    valid = np.array([row[4] == "valid" for row in cells])
    return valid, np.array([int(row[column]) for row in cells])[valid]


def test_it_is_the_best_on_the_validation_rows(folder: Path) -> None:
    valid, truth = valid_part(folder, 2)
    shown = [line.split(",") for line in rows(folder, "one", "auto", proba=True)]
    decided = np.array([int(row[0]) for row in shown])
    p = np.array([row[2] for row in shown], np.float32)
    found = f1_score(truth, decided[valid])
    best = max(f1_score(truth, p[valid] >= level) for level in np.unique(p[valid]))
    usual = f1_score(truth, p[valid] > 0.5, zero_division=0.0)
    assert found == pytest.approx(best) and found > usual + 0.05


def test_each_label_has_its_own(folder: Path) -> None:
    chosen = model_info(str(folder / "runs" / "two-001")).threshold
    assert chosen is not None and chosen.metric == "f1" and len(set(chosen.values)) == 2
    decided = np.array([line.split(",") for line in rows(folder, "two", "auto")], int)
    p = np.array([line.split(",") for line in rows(folder, "two", None, proba=True)], np.float32)
    np.testing.assert_array_equal(decided, p >= np.array(chosen.values, np.float32))
    for label in (0, 1):
        valid, truth = valid_part(folder, 2 + label)
        levels = np.unique(p[valid, label])
        best = max(f1_score(truth, p[valid, label] >= level) for level in levels)
        assert f1_score(truth, decided[valid, label]) == pytest.approx(best)


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.5, 1.0])
def test_a_number(folder: Path, threshold: float) -> None:
    shown = [line.split(",") for line in rows(folder, "none", threshold, proba=True)]
    p = np.array([row[2] for row in shown], np.float32)
    assert [int(row[0]) for row in shown] == (p >= np.float32(threshold)).astype(int).tolist()


def test_T13_without_one_the_error_says_what_to_do(folder: Path) -> None:
    with pytest.raises(UsageError, match="no threshold of its own") as caught:
        rows(folder, "none", "auto")
    fix = caught.value.problems[0].fix
    assert "evaluation: {threshold: f1}" in fix and "--threshold 0.3" in fix
    assert read_model(folder / "runs" / "none-001" / "model.safetensors").threshold == {}


def test_T13_models_that_decide_nothing_between_two(folder: Path, table_run: Path) -> None:
    table = str(table_run.parent.parent / "trees.csv")
    with pytest.raises(UsageError, match="this is a multiclass model"):
        predict_file(table, model=str(table_run), output=io.BytesIO(), threshold=0.5)
    with pytest.raises(UsageError, match="nothing is decided"):
        rows(folder, "two", 0.5, proba=True)


def test_a_configuration_that_has_none_is_located(folder: Path) -> None:
    text = TEXT.format(target="a", metric="f1")
    (folder / "wrong.yaml").write_text(text)
    with pytest.raises(ConfigError, match="the task is regression") as caught:
        train_run(str(folder / "wrong.yaml"), runs=str(folder / "wrong"))
    assert caught.value.problems[0].where.endswith("wrong.yaml:6:25")


@pytest.mark.parametrize(
    "stored",
    [
        {"metric": "f1"}, {"metric": "f2", "values": [0.5]}, {"metric": ["f1"], "values": [0.5]},
        {"metric": "f1", "values": []}, {"metric": "f1", "values": [0.5, 0.5]},
        {"metric": "f1", "values": [1.5]}, {"metric": "f1", "values": [True]},
        {"metric": "f1", "values": ["0.5"]}, {"metric": "f1", "values": 0.5},
        {"metric": "f1", "values": [0.5], "more": 1},
    ],
)  # fmt: skip
def test_a_damaged_one_is_refused(stored: dict[str, object], folder: Path, tmp_path: Path) -> None:
    model = read_model(folder / "runs" / "one-001" / "model.safetensors")
    path = tmp_path / "m.safetensors"
    write_model(path, replace(model, threshold=stored))
    with pytest.raises(CheckpointError, match="threshold is damaged"):
        predict_file(
            str(folder / "rare.csv"), model=str(path), output=io.BytesIO(), threshold="auto"
        )
    with pytest.raises(CheckpointError, match="threshold is damaged"):
        model_info(str(path))


def test_an_interrupted_run_ends_with_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    run = train_run(
        str(folder / "one.yaml"), overrides=["training.max_time=1e-9"], runs=str(tmp_path)
    )
    assert run.exit_code == 75
    resume_run(run.run, overrides=["training.max_time=null"])
    again = read_model(Path(run.run) / "model.safetensors")
    whole = read_model(folder / "runs" / "one-001" / "model.safetensors")
    assert again.threshold == whole.threshold != {}


def test_info_and_the_command(folder: Path, dnn: Command) -> None:
    run = str(folder / "runs" / "one-001")
    chosen = model_info(run).threshold
    assert chosen is not None
    shown = dnn("info", run)
    assert f"{chosen.values[0]}, chosen for f1" in shown.stdout
    told = json.loads(dnn("info", run, "--json").stdout)["threshold"]
    assert told == {"metric": "f1", "values": list(chosen.values)}
    table = str(folder / "rare.csv")
    auto = dnn("predict", table, "--model", run, "--threshold", "auto").stdout
    assert (
        auto == dnn("predict", table, "--model", run, "--threshold", str(chosen.values[0])).stdout
    )
    assert auto != dnn("predict", table, "--model", run).stdout
    for wrong in ("1.5", "-0.1", "nan", "f1"):
        refused = dnn("predict", table, "--model", run, f"--threshold={wrong}")
        assert refused.returncode == 2 and "is no probability" in refused.stderr
