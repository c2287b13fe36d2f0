"""What a training writes and when, and what becomes of it when that fails."""

from __future__ import annotations

import gc
import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))

from harness import (
    BLOBS,
    CONFIGS,
    EVERY_STEP,
    LINE,
    Killed,
    Log,
    Outcome,
    config,
    resume,
    train,
    write_config,
)

from dnn_cli.app.lifecycle import saving
from dnn_cli.app.lifecycle.saving import Pace
from dnn_cli.app.lifecycle.signals import StopRequest
from dnn_cli.app.train import train_run
from dnn_cli.base.errors import CheckpointError, DivergedError, DnnError, FileSystemError
from dnn_cli.config.load import load_config
from dnn_cli.runs.checkpoint import read_checkpoint
from dnn_cli.runs.directory import RunDirectory
from dnn_cli.runs.recorders import read_records
from dnn_cli.training.events import CheckpointSaved, EpochFinished, Event

FAULTS = Path(__file__).parents[1] / "faults"


pytestmark = pytest.mark.usefixtures("quick")


def test_what_a_run_leaves(tmp_path: Path) -> None:
    path = write_config(tmp_path, CONFIGS["adam"].replace("threads: 1, ", "") + "# mine\n")
    result = train(path, tmp_path / "run")
    run = RunDirectory(tmp_path / "run")
    assert run.config.read_bytes() == path.read_bytes()
    resolved = load_config(str(run.resolved)).spec
    assert resolved.training.threads == 1 and resolved.loss != "auto"
    assert json.loads(run.environment.read_text())["threads"] == 1
    assert [record["epoch"] for record in read_records(run.metrics)] == [1, 2, 3, 4, 5]
    assert json.loads(run.summary.read_text())["steps"] == result.step == 15
    assert (result.model, result.resume, result.exit_code) == (str(run.model), "", 0)
    assert sorted(os.listdir(run.checkpoints)) == [
        *("best.safetensors", "last.safetensors", "previous.safetensors")
    ]


@pytest.mark.parametrize(("cores", "said"), [(1, True), (2, False)])
def test_more_processes_than_cores_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int, said: bool
) -> None:
    monkeypatch.setattr("dnn_cli.app.train.usable_cores", lambda: cores)
    log = Log()
    train(write_config(tmp_path, CONFIGS["ranks"]), tmp_path / "run", log=log)
    assert any("2 processes share 1 core" in sentence for sentence in log.said) == said


def test_equal_runs_give_equal_bytes(tmp_path: Path) -> None:
    path = write_config(tmp_path, CONFIGS["dropout"])
    train(path, tmp_path / "a")
    train(path, tmp_path / "b", pace=Pace())  # saved once, at its end
    assert Outcome.of(tmp_path / "a") == Outcome.of(tmp_path / "b")


@pytest.mark.parametrize(
    "text",
    [
        "data: {source: absent.csv, target: y}\n",
        "data: {}\n",
        CONFIGS["adam"].replace("hidden: [8]", "layers: [conv2d]"),
        CONFIGS["adam"].replace("batch_size", "batches"),
    ],
)
def test_a_refused_configuration_leaves_no_trace(tmp_path: Path, text: str) -> None:
    with pytest.raises(DnnError):
        train_run(str(write_config(tmp_path, text)), runs=str(tmp_path / "runs"))
    assert os.listdir(tmp_path) == ["r.yaml"]


def test_R13_a_disk_that_is_too_full_is_found_out_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_config(tmp_path, CONFIGS["adam"])
    train(path, tmp_path / "before")
    usage = SimpleNamespace(free=3_000_000)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    for start in (
        lambda: train(path, tmp_path / "run"),
        lambda: train_run(str(path), runs=str(tmp_path / "deep" / "runs")),
        lambda: resume(tmp_path / "before", "training.epochs=9"),
    ):
        with pytest.raises(FileSystemError, match=r"has 3\.0 MB free, this training needs \d+\.\d"):
            start()
    assert sorted(os.listdir(tmp_path)) == ["before", "r.yaml"]
    usage.free = 10_000_000
    train(path, tmp_path / "run")


class Failing:
    """A function of `saving`, of which the calls in `fails` fail."""

    def __init__(self, name: str, fails: Callable[[int], bool]) -> None:
        self.fails, self.calls, self.real = fails, 0, getattr(saving, name)

    def __call__(self, *words: Any) -> None:
        self.calls += 1
        if self.fails(self.calls):
            raise FileSystemError("cannot write: No space left on device")
        self.real(*words)


def test_R07_a_save_that_fails_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_config(tmp_path, CONFIGS["adam"])
    train(path, tmp_path / "whole")
    monkeypatch.setattr(
        saving, "write_checkpoint", Failing("write_checkpoint", lambda call: call in (1, 2, 9, 10))
    )
    log = Log()
    assert train(path, tmp_path / "run", log).exit_code == 0
    assert Outcome.of(tmp_path / "run") == Outcome.of(tmp_path / "whole")
    told = [s for s in log.said if s.startswith("cannot save: cannot write: No space left")]
    assert "no checkpoint was written yet; training goes on" in told[0]
    assert "the last checkpoint is of step" in told[-1]


def test_R07_the_third_failure_in_a_row_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, log = write_config(tmp_path, CONFIGS["adam"]), Log()
    train(path, tmp_path / "whole")
    failing = Failing("write_checkpoint", lambda call: call > 6)
    monkeypatch.setattr(saving, "write_checkpoint", failing)
    with pytest.raises(FileSystemError) as found:
        train(path, tmp_path / "run", log)
    assert failing.calls == 9 and len([s for s in log.said if "tries again" in s]) == 2
    assert found.value.state == f"the last checkpoint is of step {log.step}"
    monkeypatch.undo()
    assert read_checkpoint(RunDirectory(tmp_path / "run").last).state["step"] == log.step
    resume(tmp_path / "run")
    assert Outcome.of(tmp_path / "run") == Outcome.of(tmp_path / "whole")


def test_R07_a_failure_at_the_end_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_config(tmp_path, CONFIGS["adam"])
    train(path, tmp_path / "whole")
    for name in ("write_checkpoint", "write_model"):
        with monkeypatch.context() as patch:
            patch.setattr(saving, name, Failing(name, lambda call: call == 1))
            assert train(path, tmp_path / f"{name}-once", pace=Pace()).exit_code == 0
            assert Outcome.of(tmp_path / f"{name}-once") == Outcome.of(tmp_path / "whole")
        with monkeypatch.context() as patch:
            patch.setattr(saving, name, Failing(name, lambda _: True))
            with pytest.raises(FileSystemError):
                train(path, tmp_path / name, pace=Pace())
        assert not (tmp_path / name / "summary.json").exists()
        resume(tmp_path / name)
        assert Outcome.of(tmp_path / name) == Outcome.of(tmp_path / "whole")


def test_R07_a_limit_of_the_system_on_file_sizes(tmp_path: Path) -> None:
    """A real one, in a process of its own: `last` cannot be written, smaller files can."""
    text = config(BLOBS, "{hidden: [64, 64]}", training="epochs: 40")
    path, run = write_config(tmp_path, text), tmp_path / "run"
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from harness import *; import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))\n"
        "sys.exit(exit_code(lambda: train(Path(sys.argv[2]), Path(sys.argv[3]))))"
    )
    words = [sys.executable, "-c", code, str(FAULTS), str(path), str(run)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert done.returncode == 6, done.stderr
    left = {str(p.relative_to(run)) for p in run.rglob("*") if p.is_file()}
    assert not {p for p in left if "tmp" in p or "safetensors" in p}
    resume(run)


class Time:
    """A clock that stands still but for `pass_`."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("cost", [0.0, 0.004, 0.1, 2.0])
def test_saving_takes_two_percent_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cost: float
) -> None:
    """Steps of 10 ms, saves of `cost` seconds, one a second at the most."""
    clock, saved, real = Time(), list[float](), saving.write_checkpoint

    def write(path: Path, *words: Any) -> None:
        real(path, *words)
        if path.name == "last.safetensors":
            saved.append(clock.now)
            clock.now += cost

    def tick(event: Event) -> None:
        if not isinstance(event, CheckpointSaved):
            clock.now += 0.01

    monkeypatch.setattr(saving, "write_checkpoint", write)
    text = config(training="epochs: 500").replace("seconds: 0.0", "seconds: 1.0")
    train(write_config(tmp_path, text), tmp_path / "run", Log(watch=tick), Pace(clock, 0.0))
    pause = max(1.0, 49 * cost) + cost
    gaps = [b - a for a, b in pairwise(saved[:-1])]
    assert all(pause - 1e-9 <= gap <= pause + 0.05 for gap in gaps)
    assert len(gaps) >= (3 if cost < 1.0 else 0)
    spent = cost * len(gaps)
    assert spent <= 0.0201 * (clock.now - 100.0)


def test_a_large_network_is_not_saved_at_once() -> None:
    """Before anything was measured, its size says what a save may take."""
    session: Any = SimpleNamespace(
        network=SimpleNamespace(arena=SimpleNamespace(params=SimpleNamespace(nbytes=4 * 10**8,
                                itemsize=4)), out_shape=(10,)),
        optimizer=SimpleNamespace(state={}),
        train=SimpleNamespace(dataset=SimpleNamespace(rows=1000)),
    )  # fmt: skip
    assert 1.6e9 < sum(saving.file_sizes(session).values()) < 1.7e9


def test_long_epochs_are_saved_within(tmp_path: Path) -> None:
    log, positions = Log(), list[int]()
    train(write_config(tmp_path, CONFIGS["adam"]), tmp_path / "run", log)
    assert log.steps == list(range(1, 16))
    run = tmp_path / "late"
    text = CONFIGS["adam"].replace("every_seconds: 0.0", "every_seconds: 0.0, every_epochs: 3")
    with pytest.raises(Killed):
        train(write_config(tmp_path, text), run, Log(watch=_die_after(10, positions)))
    assert positions == [1, 2, 4, 5, 7, 8, 9, 10]  # at an epoch's end: every third only


def _die_after(step: int, positions: list[int]) -> Callable[[Event], None]:
    def watch(event: Event) -> None:
        if isinstance(event, CheckpointSaved):
            positions.append(event.step)
            if event.step == step:
                raise Killed

    return watch


def test_P09_an_observer_that_fails_is_dropped(tmp_path: Path) -> None:
    log, seen = Log(), list[Event]()

    def broken(event: Event) -> None:
        seen.append(event)
        raise RuntimeError("the display is gone")

    path = write_config(tmp_path, CONFIGS["adam"])
    result = train_run(
        str(path), run_dir=str(tmp_path / "run"), observers=[broken, log.observe], say=log.say
    )
    assert result.exit_code == 0 and len(seen) == 1
    assert [s for s in log.said if "the display is gone" in s and "observer" in s]


def test_times_that_cannot_be_recorded_stop_nothing(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        train(write_config(tmp_path, CONFIGS["adam"]), tmp_path / "run",
              Log(watch=_die_after(4, [])))  # fmt: skip
    (tmp_path / "run" / "timing.jsonl").unlink()
    (tmp_path / "run" / "timing.jsonl").mkdir()
    log = Log()
    assert resume(tmp_path / "run", log=log).exit_code == 0
    assert [s for s in log.said if s.startswith("times are not recorded: ")]


def test_P04_a_stop_before_the_first_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_config(tmp_path, CONFIGS["adam"])
    train(path, tmp_path / "whole")
    with monkeypatch.context() as patch:
        asked = StopRequest()
        asked.reason = "interrupted"
        patch.setattr("dnn_cli.app.train.StopRequest", lambda: asked)
        result = train(path, tmp_path / "run")
    assert (result.exit_code, result.step, result.model) == (130, 0, "")
    assert not (tmp_path / "run" / "model.safetensors").exists()
    resume(tmp_path / "run")
    assert Outcome.of(tmp_path / "run") == Outcome.of(tmp_path / "whole")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_divergence_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    rate = "{type: sgd, learning_rate: 1.5}"
    path = write_config(tmp_path, config(LINE, "{layers: []}", rate, "epochs: 99"))
    log = Log()
    with pytest.raises(DivergedError) as found:
        train(path, tmp_path / "run", log)
    assert f"the last checkpoint is of step {log.step}" in found.value.state
    run = RunDirectory(tmp_path / "run")
    assert read_checkpoint(run.last).state["step"] == log.step
    assert json.loads(run.diverged.read_text())["step"] == log.step + 1
    with pytest.raises(DivergedError):
        resume(run.path)  # the same steps lead to the same place


def test_R09_a_thousand_saves_leave_memory_and_descriptors_as_they_were(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    def watch(event: Event) -> None:
        if isinstance(event, CheckpointSaved) and event.step in (200, 1000):
            gc.collect()
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            seen.append((pages * resource.getpagesize(), len(os.listdir("/proc/self/fd"))))

    text = config(training="epochs: 400, metrics: []")
    log = Log(watch=watch)
    with pytest.raises(Killed):
        train(write_config(tmp_path, text), tmp_path / "run",
              Log(watch=lambda event: (log.observe(event), _stop(event, 1001))))  # type: ignore[arg-type, return-value] # fmt: skip
    assert len(log.steps) == 1001
    (memory, descriptors), (later, more) = seen
    assert descriptors == more and later - memory < 2 << 20


def _stop(event: Event, step: int) -> None:
    if isinstance(event, CheckpointSaved) and event.step == step:
        raise Killed


def test_R12_readers_see_whole_lines_and_whole_checkpoints(tmp_path: Path) -> None:
    """Fifty epochs, and as many more as it takes until a reader has been there often."""
    done, errors, reads = threading.Event(), list[BaseException](), list[int]()
    run = RunDirectory(tmp_path / "run")

    def read() -> None:
        while not done.is_set():
            try:
                if run.last.exists():
                    reads.append(len(read_records(run.metrics)))
                    step = read_checkpoint(run.last).state["step"]
                    assert step <= 3 * (len(read_records(run.metrics)) + 1)
            except BaseException as error:
                errors.append(error)
                return

    def enough(event: Event) -> None:
        if isinstance(event, EpochFinished) and event.epoch >= 50 and (errors or len(reads) > 10):
            raise Killed

    reader = threading.Thread(target=read)
    reader.start()
    try:
        with pytest.raises(Killed):
            train(write_config(tmp_path, config(training="epochs: 100000")), run.path,
                  Log(watch=enough))  # fmt: skip
    finally:
        done.set()
        reader.join()
    assert errors == [] and len(reads) > 10 and reads == sorted(reads)


def test_R01_two_starts_in_one_directory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(FAULTS / "races.py"), "--rounds=100", f"--folder={tmp_path}"],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "100 races" in done.stdout


def test_R04_a_directory_that_is_taken_is_left_as_it_is(tmp_path: Path) -> None:
    path = write_config(tmp_path, CONFIGS["short"])
    train(path, tmp_path / "run")
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "run").rglob("*")}
    for wrong in ("run", "r.yaml"):
        with pytest.raises(FileSystemError):
            train(path, tmp_path / wrong)
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_R06_a_run_directory_that_is_taken_away_ends_the_run(tmp_path: Path) -> None:
    run = tmp_path / "run"

    def move(event: Event) -> None:
        if isinstance(event, EpochFinished) and event.epoch == 2:
            run.rename(tmp_path / "away")

    with pytest.raises(FileSystemError) as found:
        train(write_config(tmp_path, CONFIGS["adam"]), run, Log(watch=move))
    assert "the last checkpoint is of step 6" in found.value.state
    with pytest.raises(CheckpointError):
        resume(run)
    assert resume(tmp_path / "away").exit_code == 0


def test_R17_the_log_survives_a_disk_that_was_full_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines that could not be written are written later, in order and once."""
    path = write_config(tmp_path, CONFIGS["plateau"])
    train(path, tmp_path / "whole")
    from dnn_cli.app.lifecycle import journal

    calls = 0

    def record(log: Any) -> Any:
        def observe(event: Event) -> None:
            nonlocal calls
            calls += 1
            if calls in (2, 3, 9):
                raise FileSystemError("full")
            real(log)(event)

        return observe

    real = journal.record_metrics
    monkeypatch.setattr(journal, "record_metrics", record)
    train(path, tmp_path / "run", pace=EVERY_STEP)
    assert Outcome.of(tmp_path / "run") == Outcome.of(tmp_path / "whole")
    assert calls > 9
