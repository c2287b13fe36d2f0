"""Runs under a preset: resolved.yaml is all of it, and runs of before go on as they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnn_cli.app.resume import resume_run
from dnn_cli.app.train import train_run
from dnn_cli.config.load import load_config

pytestmark = pytest.mark.usefixtures("quick")


def configured(folder: Path, text: str = "") -> str:
    lines = [f"{(k * 7) % 11},{(k * 5) % 13 / 2},{'abc'[k % 3]}" for k in range(80)]
    (folder / "t.csv").write_text("\n".join(["u,v,y", *lines, ""]))
    path = folder / "c.yaml"
    path.write_text("data: {source: t.csv, target: y}\ntraining: {epochs: 4, threads: 1}\n" + text)
    return str(path)


def test_resolved_trains_to_the_same_bytes_and_a_stopped_run_ends_with_them(tmp_path: Path) -> None:
    path = configured(tmp_path)
    train_run(path, run_dir=str(tmp_path / "one"))
    train_run(str(tmp_path / "one" / "resolved.yaml"), run_dir=str(tmp_path / "two"))
    overrides = ["training.max_time=0.000001"]
    stopped = train_run(path, overrides=overrides, run_dir=str(tmp_path / "three"))
    assert stopped.reason == "max_time"
    said: list[str] = []
    back = ["training.max_time=null"]
    resume_run(str(tmp_path / "three"), overrides=back, say=said.append)
    assert not [line for line in said if "preset" in line]
    for name in ("model.safetensors", "metrics.jsonl", "resolved.yaml"):
        kept = [(tmp_path / run / name).read_bytes() for run in ("one", "two", "three")]
        assert kept[0] == kept[1] == kept[2]


def test_a_run_of_before_there_were_presets_goes_on_under_none(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train_run(configured(tmp_path, "preset: none\n"), run_dir=str(run))
    resolved = run / "resolved.yaml"
    text = resolved.read_text()
    assert "preset: none\n" in text and "  budget: null\n" in text
    resolved.write_text(text.replace("preset: none\n", "").replace("  budget: null\n", ""))
    said: list[str] = []
    assert resume_run(str(run), say=said.append).epoch == 4
    assert said == ["already complete at step 12 (epoch 4)"]
    assert resume_run(str(run), overrides=["training.epochs=6"]).epoch == 6
    assert load_config(resolved).spec.model.layers is None
