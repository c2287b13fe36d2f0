"""Scores at the end of a run: intervals, targets and baselines, and the same after a kill."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))

from harness import CONFIGS, Killed, Log, Outcome, resume, stopped, train, whole, write_config

from dnn_cli.app.evaluate import evaluate_model
from dnn_cli.app.lifecycle import scores
from dnn_cli.app.train import train_run

pytestmark = pytest.mark.usefixtures("quick")


def summary_of(run: Path | str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(run) / "summary.json").read_text())
    found.pop("seconds")
    return found


def write_table(path: Path, names: str, *columns: np.ndarray) -> None:
    lines = [",".join(f"{value:.6g}" for value in row) for row in zip(*columns, strict=True)]
    path.write_text("\n".join([names, *lines]) + "\n")


def write_rare(path: Path, rows: int = 3000) -> None:
    """Five of a thousand rows are of class 1, and hard to tell."""
    rng = np.random.default_rng(0)
    y = np.arange(rows) % 1000 < 5
    write_table(path, "a,b,y", rng.normal(size=rows) + y, rng.normal(size=rows), y)


def run_on(folder: Path, data: str, *changes: str, training: str = "") -> tuple[str, list[str]]:
    """The run directory, and what was said at the end: from the test or baselines line on."""
    (folder / "t.yaml").write_text(
        f"preset: none\ndata: {data}\ntraining: {{epochs: 4, batch_size: 64{training}}}\n"
    )
    log = Log()
    path = folder / f"run-{len(list(folder.glob('run-*')))}"
    run = train_run(str(folder / "t.yaml"), overrides=changes, run_dir=str(path), say=log.say).run
    first = next(i for i, one in enumerate(log.said) if one.startswith(("test:", "baselines")))
    return run, log.said[first:]


def test_N12_a_network_that_learned_nothing_is_told(tmp_path: Path) -> None:
    write_rare(tmp_path / "t.csv")
    data = "{source: t.csv, target: y, split: {valid: 0.2, test: 0.2}}"
    run, (test, baselines, warning) = run_on(tmp_path, data)
    found = summary_of(run)
    assert found["test_metrics"]["accuracy"] == pytest.approx(597 / 600)
    assert "accuracy 0.9950 (0.98" in test and "auc 0." in test
    assert baselines.startswith(
        "baselines (test): always '0' accuracy 0.9950, auc 0.5000; linear model accuracy 0.99"
    )
    assert warning == (
        "the network answers '0' for every row, as a constant would: 0.9950 is the share of '0'; "
        "watch auc (training.monitor=valid.auc)"
    )
    assert found["baselines"]["constant"] == pytest.approx(
        {"test.accuracy": 597 / 600, "test.auc": 0.5}
    )
    assert set(found["baselines"]["linear"]) == {"test.accuracy", "test.auc"}
    assert set(found["test_intervals"]) == {"accuracy", "auc"}
    advised = warning.split("(")[1].rstrip(")")
    again, said = run_on(tmp_path, data, advised)
    assert summary_of(again)["monitor"] == "valid.auc" and "watch" not in " ".join(said)


def test_the_summary_says_what_evaluate_says(tmp_path: Path) -> None:
    write_rare(tmp_path / "t.csv")
    run, _ = run_on(tmp_path, "{source: t.csv, target: y, split: {test: 0.3}}")
    found, measured = summary_of(run), evaluate_model(run)
    for name, value in found["test_metrics"].items():
        assert measured.metrics[name] == value, name
    for name, pair in found["test_intervals"].items():
        assert list(measured.intervals[name]) == pair, name


@pytest.mark.parametrize(("split", "part"), [("{valid: 0.3}", "valid"), ("null", "train")])
def test_without_test_rows_others_are_measured(split: str, part: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    write_table(tmp_path / "t.csv", "x,y", x, 3 * x + rng.normal(size=400) / 10)
    run, said = run_on(tmp_path, f"{{source: t.csv, target: y, split: {split}}}")
    assert len(said) == 1 and said[0].startswith(f"baselines ({part}): this network root_mean")
    found = summary_of(run)
    assert found["test_metrics"] == found["test_intervals"] == found["test_targets"] == {}
    assert found["baselines"]["constant"][f"{part}.r2"] == pytest.approx(0.0, abs=0.02)
    assert found["baselines"]["linear"][f"{part}.r2"] > 0.98


def test_several_targets_are_in_the_summary(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=300)
    noise = np.random.default_rng(1).normal(size=300)
    write_table(tmp_path / "t.csv", "x,near,far", x, 9 * x, noise)
    run, _ = run_on(tmp_path, "{source: t.csv, target: [near, far], split: {test: 0.3}}")
    targets = summary_of(run)["test_targets"]
    measured = evaluate_model(run).targets
    assert targets == measured and list(targets) == ["near", "far"]
    assert targets["near"]["r2"] > targets["far"]["r2"]


@pytest.mark.parametrize("name", ["adam", "early_stopping", "adagrad", "lion", "images", "ranks"])
def test_a_run_that_was_killed_has_the_same_summary(tmp_path: Path, name: str) -> None:
    wanted = whole(tmp_path, CONFIGS[name])
    run = stopped(tmp_path, CONFIGS[name], 4)
    resume(run)
    assert Outcome.of(run) == wanted
    assert summary_of(run) == summary_of(tmp_path / "whole")
    assert "constant" in summary_of(run)["baselines"]


@pytest.mark.parametrize("where", ["constant", "linear", "intervals"])
def test_a_kill_while_baselines_are_made(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Killed

    wanted = whole(tmp_path, CONFIGS["adam"])
    with monkeypatch.context() as patch:
        patch.setattr(scores, where, die)
        with pytest.raises(Killed):
            train(write_config(tmp_path, CONFIGS["adam"]), tmp_path / "run")
    assert not (tmp_path / "run" / "summary.json").exists()
    assert Outcome.of(tmp_path / "run") == wanted
    resume(tmp_path / "run")
    assert summary_of(tmp_path / "run") == summary_of(tmp_path / "whole")
