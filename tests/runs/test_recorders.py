from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnn_cli.base.errors import CheckpointError
from dnn_cli.runs.append_log import AppendLog
from dnn_cli.runs.recorders import read_records, record_metrics, record_timing, write_summary
from dnn_cli.training.events import EpochFinished, Event, RunFinished, RunStarted

FINISHED = RunFinished("epochs", 2, 938, "valid.loss", 1, 0.5, 3.0, "model.safetensors")


def events(seconds: float) -> Iterator[Event]:
    yield RunStarted("x", 2, 469, 60_000, 101_770, "valid.loss")
    for epoch, loss in ((1, 0.1 + 0.2), (2, float("nan"))):
        yield EpochFinished(
            epoch=epoch,
            epochs=2,
            step=469 * epoch,
            metrics={"train.loss": loss, "valid.accuracy": np.float64(0.5)},
            learning_rate=1e-3,
            examples=60_000,
            seconds=seconds,
            monitor="valid.loss",
            improved=True,
            best_epoch=1,
            best_value=0.5,
        )
    yield FINISHED


def test_metrics_hold_nothing_that_a_clock_had_a_part_in(tmp_path: Path) -> None:
    for name, seconds in (("a", 0.5), ("b", 7.0)):
        with AppendLog.create(tmp_path / name) as log:
            observe = record_metrics(log)
            for event in events(seconds):
                observe(event)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_text() == (
        '{"epoch":1,"step":469,"learning_rate":0.001,'
        '"train.loss":0.30000000000000004,"valid.accuracy":0.5}\n'
        '{"epoch":2,"step":938,"learning_rate":0.001,"train.loss":null,"valid.accuracy":0.5}\n'
    )
    assert read_records(tmp_path / "a")[0]["train.loss"] == 0.1 + 0.2


@pytest.mark.parametrize(("seconds", "rate"), [(2.0, 30_000.0), (0.0, None)])
def test_timing(tmp_path: Path, seconds: float, rate: float | None) -> None:
    ticks = iter((10.0, 20.0))
    with AppendLog.create(tmp_path / "t") as log:
        observe = record_timing(log, lambda: next(ticks))
        for event in events(seconds):
            observe(event)
    assert read_records(tmp_path / "t")[1] == {
        "epoch": 2,
        "time": 20.0,
        "seconds": seconds,
        "examples_per_second": rate,
    }


@pytest.mark.parametrize("record", [record_metrics, lambda log: record_timing(log, lambda: 0.0)])
def test_the_end_of_a_run_makes_the_log_durable(tmp_path: Path, record: Any, faults: Any) -> None:
    with AppendLog.create(tmp_path / "m") as log:
        faults.disarm()
        record(log)(FINISHED)
    assert faults.calls == ["fsync", "close"]


@pytest.mark.parametrize("line", ["{broken", "[]", "", '{"a":NaN}'])
def test_R17_a_damaged_line_is_named_and_a_torn_last_one_is_not_damage(
    tmp_path: Path, line: str
) -> None:
    (tmp_path / "m").write_text('{"epoch":1}\n{"epo')
    assert read_records(tmp_path / "m") == [{"epoch": 1}]
    (tmp_path / "m").write_text('{"epoch":1}\n' + line + '\n{"epoch":3}\n')
    with pytest.raises(CheckpointError, match="line 2 of"):
        read_records(tmp_path / "m")


def test_the_summary(tmp_path: Path) -> None:
    write_summary(tmp_path, {"best": {"valid.loss": float("inf"), "epoch": np.int64(3)}})
    text = (tmp_path / "summary.json").read_text()
    assert json.loads(text) == {"best": {"valid.loss": None, "epoch": 3}} and text.endswith("}\n")
