"""`dnn check` of tables: what stops a training, what is found, and what a training takes."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from dnn_cli.app.check import check_config
from dnn_cli.base.errors import DataError
from dnn_cli.cli.application import run

RNG = np.random.default_rng(6)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "t.csv"
    rows = pd.DataFrame({"a": RNG.normal(size=200), "b": RNG.normal(size=200)})
    rows["y"] = np.where(rows.a + RNG.normal(size=200) > 0, "yes", "no")
    rows["paid"] = np.where(rows.y == "yes", 5, 3)
    rows.to_csv(path, index=False)
    return path


def test_a_table_is_drafted_and_its_findings_and_cost_are_told(table):
    found = check_config(str(table), targets=["y"])
    assert [f.column for f in found.findings if f.kind == "leak"] == ["paid"]
    assert found.findings[0].severity == "severe" and not found.stopped
    cost = found.cost
    assert cost.steps >= 1 and cost.step_seconds > 0
    assert cost.seconds_per_epoch == cost.step_seconds * found.steps_per_epoch
    assert not (table.parent / "runs").exists()


def test_json_and_strict(table, capsys):
    assert run(["check", str(table), "--target", "y", "--strict", "--json"]) == 4
    told = json.loads(capsys.readouterr().out)["findings"][0]
    assert told == {
        "severity": "severe",
        "what": told["what"],
        "column": "paid",
        "part": "",
        "figure": 1.0,
        "threshold": 0.999,
        "fix": told["fix"],
        "kind": "leak",
    }
    assert run(["check", str(table), "--target", "y"]) == 0
    more = ["data.columns.paid=unused", "training.epochs=1"]
    assert run(["check", str(table), "--target", "y", "--strict", "--json", *more]) == 0


@pytest.mark.parametrize("drafted", [True, False])
def test_all_that_stops_a_training_is_told_at_once(table, drafted, capsys):
    rows = pd.read_csv(table).astype(object)
    rows.loc[3, "a"], rows.loc[[4, 190], "b"] = "oops", "?!"
    rows.to_csv(table, index=False)
    config = table.with_name("c.yaml")
    config.write_text("data: {source: t.csv, target: y, split: {valid: 0.2}}\n")
    words = [str(table), "--target", "y"] if drafted else [str(config)]
    assert run(["check", *words, "--json"]) == 4
    shown = capsys.readouterr()
    told = json.loads(shown.out)
    severe = [f["column"] for f in told["findings"] if f["severity"] == "severe"]
    assert sorted(severe) == ["a", "b", "paid"] and told["stopped"] and not told["layers"]
    assert shown.err.startswith("error: `") and "is not a number" in shown.err


def test_gaps_that_are_refused_are_a_fault_too(table):
    rows = pd.read_csv(table)
    rows.loc[3, "a"] = np.nan
    rows.to_csv(table, index=False)
    config = table.with_name("c.yaml")
    config.write_text("data: {source: t.csv, target: y, missing: error}\n")
    found = check_config(str(config))
    assert "1 missing values" in found.stopped[0].what
    assert found.findings[0].what.startswith("1 missing values")


def test_what_is_no_table_ends_as_before(tmp_path):
    np.save(tmp_path / "x.npy", np.array([[1.0, np.nan, 0], [2.0, 3.0, 1]]))
    config = tmp_path / "c.yaml"
    config.write_text("data: {source: x.npy, target: -1}\n")
    with pytest.raises(DataError, match="finite"):
        check_config(str(config))


def test_parts_from_files_of_their_own_are_compared(table):
    rows = pd.read_csv(table)
    rows.assign(a=rows.a + 3).to_csv(table.with_name("v.csv"), index=False)
    config = table.with_name("c.yaml")
    config.write_text("data: {source: t.csv, valid: v.csv, target: y, exclude: [paid]}\n")
    found = check_config(str(config)).findings
    assert [(f.kind, f.column, f.part) for f in found if f.severity == "warning"] == [
        ("drift", "a", "valid")
    ]
