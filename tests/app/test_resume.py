"""What `resume` continues, what it says before it does, and what it refuses."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))

from harness import (
    CONFIGS,
    EVERY_STEP,
    Killed,
    Log,
    Outcome,
    config,
    damage_bit,
    damage_cut,
    die_at_a_save,
    exit_code,
    resume,
    stopped,
    train,
    whole,
    write_config,
)

import dnn_cli
from dnn_cli.app import resume as resuming
from dnn_cli.app.resume import resume_run
from dnn_cli.app.train import train_run
from dnn_cli.base.errors import CheckpointError, ConfigError, LockedError
from dnn_cli.cli.application import run as dnn
from dnn_cli.runs.directory import RunDirectory
from dnn_cli.training.events import CheckpointSaved, Event

pytestmark = pytest.mark.usefixtures("quick")


def test_a_run_that_saved_nothing_starts_again_and_says_so(tmp_path: Path) -> None:
    text = CONFIGS["adam"].replace("every_seconds: 0.0", "every_seconds: 1e6")
    wanted = whole(tmp_path, text)
    run, log = tmp_path / "run", Log()

    def die(event: Event) -> None:
        if getattr(event, "epoch", 0) == 3:
            raise Killed

    with pytest.raises(Killed):
        train(tmp_path / "r.yaml", run, Log(watch=die))
    assert len((run / "metrics.jsonl").read_bytes().splitlines()) >= 2
    resume(run, log=log)
    assert "no checkpoint was written" in log.said[0] and "step 0" in log.said[0]
    assert Outcome.of(run) == wanted
    assert (run / "metrics.superseded-001.jsonl").exists()


def damage_gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [damage_cut, damage_bit, damage_gone, "best"])
def test_K09_a_damaged_last_checkpoint_is_never_a_fresh_start(
    tmp_path: Path, damage: Callable[[Path], None] | str
) -> None:
    """Where the one before is not there either; else see `tests/faults/test_fallback.py`."""
    run = stopped(tmp_path, CONFIGS["adam"], 8)
    RunDirectory(run).previous.unlink()
    last, best = RunDirectory(run).last, RunDirectory(run).best
    if damage == "best":
        shutil.copy(best, last)
    else:
        damage(last)  # type: ignore[operator]
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file() and p.name != "run.lock"}
    with pytest.raises(CheckpointError) as found:
        resume(run)
    assert "last.safetensors" in found.value.problems[0].what
    assert "best.safetensors is sound, but holds only the model" in found.value.problems[1].what
    assert "dnn evaluate" in found.value.problems[1].fix
    assert {p: p.read_bytes() for p in before} == before
    damage_bit(best)
    with pytest.raises(CheckpointError) as found:
        resume(run)
    assert "best.safetensors is damaged" in found.value.problems[1].what


def test_K13_a_complete_run_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(write_config(tmp_path, CONFIGS["adam"]), tmp_path / "run")
    before = {p: p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.name != "run.lock"
              if p.is_file()}  # fmt: skip
    monkeypatch.setattr(resuming, "build", None)  # not even its data are read
    log = Log()
    result = resume(tmp_path / "run", log=log)
    assert (result.exit_code, result.step, result.resume) == (0, 15, "")
    assert log.said == ["already complete at step 15 (epoch 5)"]
    assert {p: p.read_bytes() for p in before} == before


@pytest.mark.parametrize("name", ["adam", "threshold", "early_stopping"])
def test_a_run_that_died_at_its_very_end_is_only_finished(tmp_path: Path, name: str) -> None:
    wanted = whole(tmp_path, CONFIGS[name])
    for lost in (["summary.json"], ["summary.json", "model.safetensors"], ["model.safetensors"]):
        run = tmp_path / "run"
        shutil.copytree(tmp_path / "whole", run)
        for file in lost:
            (run / file).unlink()
        log = Log()
        assert resume(run, log=log).exit_code == 0
        assert log.steps == [] and Outcome.of(run) == wanted
        assert (run / "summary.json").exists()
        shutil.rmtree(run)


@pytest.mark.parametrize("schedule", ["null", "{type: step, every_epochs: 2}", "cosine"])
def test_K13_extending(tmp_path: Path, schedule: str) -> None:
    text = config(optimizer=f"{{type: adam, learning_rate: 0.01, schedule: {schedule}}}")
    wanted = whole(tmp_path, text.replace("epochs: 5,", "epochs: 9,"))
    log = Log()
    train(write_config(tmp_path, text), tmp_path / "run")
    resume(tmp_path / "run", "training.epochs=9", log=log)
    assert "changed: config.training.epochs was 5, is 9" in log.said
    told = [s for s in log.said if "spans the whole training" in s]
    assert bool(told) == (schedule == "cosine")
    assert (Outcome.of(tmp_path / "run") == wanted) == (schedule != "cosine")
    # The new end is the run's own from now on.
    log = Log()
    assert resume(tmp_path / "run", log=log).epoch == 9
    assert log.said == ["already complete at step 27 (epoch 9)"]


def test_an_extension_that_was_begun_is_remembered(tmp_path: Path) -> None:
    train(write_config(tmp_path, CONFIGS["adam"]), tmp_path / "run")
    with pytest.raises(Killed):
        resume(tmp_path / "run", "training.epochs=8", log=Log(watch=die_at_a_save))
    assert resume(tmp_path / "run").epoch == 8


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("seed=1", "config.seed was 0, is 1"),
        ("training.batch_size=8", "config.training.batch_size was 16, is 8"),
        ("optimizer.type=sgd", "config.optimizer.type was adam, is sgd"),
        ("optimizer={type: sgd}", "config.optimizer.type was adam, is sgd"),
        ("loss={type: softmax_cross_entropy}", "config.loss.type"),
        ("data.split.seed=4", "data.train.inputs was"),
        ("data.source.rows=61", "data.train.rows was"),
        ("model.hidden=[9]", "do not fit the network"),
        ("training.monitor=train.loss", "the checkpoint watched valid.loss"),
    ],
)
def test_K10_what_makes_it_another_training_is_refused(
    tmp_path: Path, change: str, named: str
) -> None:
    run = stopped(tmp_path, CONFIGS["adam"], 8)
    before = (run / "resolved.yaml").read_bytes()
    with pytest.raises(CheckpointError, match="^.*" + named.replace("[", r"\[")) as found:
        resume(run, change)
    assert found.value.exit_code == 5
    assert (run / "resolved.yaml").read_bytes() == before
    resume(run)


def test_another_kind_of_momentum_is_refused(tmp_path: Path) -> None:
    with_it = CONFIGS["momentum"]
    without = with_it.replace("momentum: 0.9", "momentum: 0.0")
    for text, change, why in (
        (with_it, "optimizer.momentum=0.0", "state velocity, this optimizer needs none"),
        (without, "optimizer.momentum=0.9", "state none, this optimizer needs velocity"),
    ):
        run = stopped(tmp_path, text, 8, why.split(",")[0])
        with pytest.raises(CheckpointError) as found:
            resume(run, change)
        assert why in found.value.problems[0].why


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("optimizer.learning_rate=0.02", "learning_rate was 0.01, is 0.02; from here on it is an"),
        ("training.checkpoint.every_epochs=2", "changed: config.training.checkpoint.every_epochs"),
        ("model.activation=tanh", "from here on it is another training"),
        ("training.max_time=100", "changed: config.training.max_time was null, is 100"),
    ],
)
def test_what_differs_is_said_key_by_key(tmp_path: Path, change: str, sentence: str) -> None:
    run, log = stopped(tmp_path, CONFIGS["adam"], 8), Log()
    resume(run, change, log=log)
    assert any(sentence in said for said in log.said)
    attempts = json.loads((run / "environment.json").read_text())["resumed"]
    assert attempts[0]["step"] == 8 and len(attempts) == 1
    assert any(change.split("=")[0] in one for one in attempts[0]["changed"])


def test_K11_another_machine_is_said_before_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, log = stopped(tmp_path, CONFIGS["adam"], 8), Log()
    blas = {"name": "mkl", "version": "1", "threads": 64, "architecture": "none"}
    other = {"dnn": "9", "numpy": "9", "python": "4", "machine": "m", "cpu": "Z80", "blas": blas}
    monkeypatch.setattr("dnn_cli.app.lifecycle.facts.machine", lambda: other)
    with pytest.raises(Killed):
        resume(run, log=Log(said=log.said, watch=die_at_a_save))
    for key in ("dnn", "numpy", "python", "machine", "cpu", "blas.version", "blas.threads"):
        assert any(s.startswith(f"not bit-identical to an uninterrupted run: environment.{key} was")
                   for s in log.said)  # fmt: skip


def test_the_threads_of_the_first_process_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = CONFIGS["adam"].replace("threads: 1, ", "")
    run = stopped(tmp_path, text, 8)
    assert "threads: 1\n" in (run / "resolved.yaml").read_text()
    monkeypatch.setattr("dnn_cli.app.lifecycle.threads.WORTH", 0)
    monkeypatch.setattr("dnn_cli.app.lifecycle.threads.usable_cores", lambda: 2)
    log = Log()
    resume(run, log=log)
    assert not any("threads" in said for said in log.said)


def test_changed_data_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    table, labels = rng.normal(size=(40, 3)).astype(np.float32), np.arange(40) % 2
    np.savez(tmp_path / "d.npz", x=table, y=labels)
    text = config("{source: {type: npz, path: d.npz}, split: {valid: 0.2}}")
    run = stopped(tmp_path, text, 5)
    np.savez_compressed(tmp_path / "d.npz", x=table, y=labels)  # other bytes, the same data
    shutil.copytree(run, tmp_path / "same")
    resume(tmp_path / "same")
    table[7, 1] += 1e-3
    np.savez(tmp_path / "d.npz", x=table, y=labels)
    with pytest.raises(CheckpointError, match=r"data\.\w+\.inputs was \w{12}, is \w{12}") as caught:
        resume(run)
    problem = caught.value.problems[0]
    assert problem.why == "the checkpoint was made with other data" and "dnn 0" not in problem.fix
    made_by = dnn_cli.__version__
    monkeypatch.setattr("dnn_cli.__version__", "0.99.0")  # which may read the same data otherwise
    with pytest.raises(CheckpointError) as caught:
        resume(run)
    problem = caught.value.problems[0]
    assert f"or dnn {made_by} read or scaled them otherwise" in problem.why
    assert f"continue it with dnn {made_by}" in problem.fix


def test_R15_a_run_may_be_moved_and_its_data_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "d.npz", x=rng.normal(size=(40, 3)), y=np.arange(40) % 2)
    text = config("{source: {type: npz, path: d.npz}, split: {valid: 0.2}}")
    wanted, run = whole(tmp_path, text), stopped(tmp_path, text, 5)
    shutil.copytree(run, tmp_path / "far" / "away")
    (tmp_path / "d.npz").rename(tmp_path / "e.npz")
    log = Log()
    resume(tmp_path / "far" / "away", f"data.source.path={tmp_path}/e.npz", log=log)
    found = Outcome.of(tmp_path / "far" / "away")
    assert (found.model, found.metrics) == (wanted.model, wanted.metrics)
    assert any(s.startswith("changed: config.data.source.path") for s in log.said)


def test_K12_the_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    one = stopped(tmp_path, CONFIGS["adam"], 8, "one")
    other = stopped(tmp_path, CONFIGS["adam"].replace("0.01", "0.02"), 8, "other")
    shutil.copy(RunDirectory(other).last, RunDirectory(one).last)
    with pytest.raises(CheckpointError, match="not the log this checkpoint was written with"):
        resume(one)


def test_R17_the_log_must_be_the_one_that_was_written(tmp_path: Path) -> None:
    run = stopped(tmp_path, CONFIGS["adam"], 8)
    log = run / "metrics.jsonl"
    content = log.read_bytes()
    for damaged in (content[:-9], content.replace(b"1", b"2", 1), b""):
        log.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"metrics\.jsonl"):
            resume(run)
        assert log.read_bytes() == damaged
    log.write_bytes(content + b'{"torn')
    resume(run)


def test_resolved_yaml_is_what_continues(tmp_path: Path) -> None:
    run = stopped(tmp_path, CONFIGS["adam"], 8)
    text = (run / "resolved.yaml").read_text()
    (run / "resolved.yaml").write_text(text.replace("epochs: 5", "epochs: 7", 1))
    log = Log()
    assert resume(run, log=log).epoch == 7
    assert "changed: config.training.epochs was 5, is 7" in log.said
    (run / "resolved.yaml").write_text("data: [")
    with pytest.raises(ConfigError):
        resume(run)


def test_the_newest_run_is_found(tmp_path: Path) -> None:
    path, log = write_config(tmp_path, CONFIGS["short"]), Log()
    with pytest.raises(CheckpointError, match="there is no run in"):
        resume_run("latest", runs=str(tmp_path / "runs"))
    for _ in range(2):
        newest = train_run(str(path), runs=str(tmp_path / "runs"), pace=EVERY_STEP).run
    resume_run("latest", runs=str(tmp_path / "runs"), say=log.say)
    assert log.said[0] == f"run: {newest} (the newest)"
    for wrong in (tmp_path / "runs", tmp_path / "absent", path):
        with pytest.raises(CheckpointError, match="there is no run in"):
            resume(wrong)


def test_R01_a_run_that_is_under_way_is_not_resumed(tmp_path: Path) -> None:
    found: list[int] = []

    def second(event: Event) -> None:
        if isinstance(event, CheckpointSaved) and not found:
            with pytest.raises(LockedError):
                resume(tmp_path / "run")
            found.append(event.step)

    path = write_config(tmp_path, CONFIGS["short"])
    wanted = whole(tmp_path, CONFIGS["short"])
    train(path, tmp_path / "run", Log(watch=second))
    assert found and Outcome.of(tmp_path / "run") == wanted


def test_P11_the_time_budget_is_one_of_each_process(tmp_path: Path) -> None:
    text = CONFIGS["adam"].replace("epochs: 5", "epochs: 5, max_time: 1e-9")
    wanted, run = whole(tmp_path, CONFIGS["adam"]), tmp_path / "run"
    result = train(write_config(tmp_path, text), run)
    assert (result.exit_code, result.reason, result.model) == (75, "max_time", "")
    assert result.resume == f"dnn resume {run}"
    assert exit_code(lambda: resume(run)) == 75
    resume(run, "training.max_time=null")
    found = Outcome.of(run)
    assert (found.model, found.metrics) == (wanted.model, wanted.metrics)


def test_times_are_kept_of_all_processes(tmp_path: Path) -> None:
    run = stopped(tmp_path, CONFIGS["adam"], 8)
    with (run / "timing.jsonl").open("ab") as torn:
        torn.write(b'{"epo')
    resume(run)
    lines = [json.loads(line) for line in (run / "timing.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines][-3:] == [3, 4, 5]


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = ["--runs", str(tmp_path / "runs")]
    assert dnn(["resume", "latest", *runs]) == 5
    assert "there is no run in" in capsys.readouterr().err
    path = write_config(tmp_path, CONFIGS["short"])
    assert dnn(["train", str(path), *runs, "training.max_time=1e-9"]) == 75
    assert f"continue with: dnn resume {tmp_path}/runs/r-001\n" in capsys.readouterr().err
    assert dnn(["resume", f"{tmp_path}/runs/r-001", "training.max_time=null", "-q"]) == 0
    assert dnn(["resume", "latest", *runs]) == 0
    assert "already complete at step 4 (epoch 2)" in capsys.readouterr().err
    assert dnn(["resume", "latest", *runs, "--set", "seed=9"]) == 5
    assert dnn(["resume", "latest", *runs, "--set", "training.epochs=3", "-v"]) == 0
    assert "epoch 3/3" in capsys.readouterr().err
    assert dnn(["resume", "latest", *runs, "-q", "-v"]) == 2


def test_a_damaged_record_of_resumptions_stops_nothing(tmp_path: Path) -> None:
    run, log = stopped(tmp_path, CONFIGS["adam"], 8), Log()
    (run / "environment.json").write_text('{"resumed": 3}')
    resume(run, log=log)
    assert any("not recorded" in said and "is not a list" in said for said in log.said)
    assert json.loads((run / "environment.json").read_text()) == {"resumed": 3}
