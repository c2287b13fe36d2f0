"""Cross-validations: directories of runs, tables of them, stopped and gone on with."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss, root_mean_squared_error

from dnn_cli.app.cross_validation import CvResult, Plan, cross_validate, resume_cv
from dnn_cli.app.say import ignore
from dnn_cli.app.train import train_run
from dnn_cli.base.errors import CheckpointError, UsageError

Command = Callable[..., subprocess.CompletedProcess[str]]
TEXT = """
data: {source: t.csv, target: w, split: {valid: 0.2, test: 0.1}}
model: {hidden: [8], dropout: 0.1}
optimizer: {type: adam, learning_rate: 0.01}
training: {epochs: 4, threads: 1, checkpoint: {every_seconds: 0}}
"""
SAME = ("folds.csv", "out_of_fold.csv", "summary.json", "cv.json", "resolved.yaml")
OF_RUN = ("model.safetensors", "metrics.jsonl", "checkpoints/last.safetensors",
          "predictions/held_out.csv", "predictions/held_out.json")  # fmt: skip


class Silent:
    """Watches a fold without a word."""

    def __call__(self, event: object) -> None: ...
    def say(self, sentence: str) -> None: ...


@contextmanager
def silent() -> Iterator[Silent]:
    yield Silent()


def run(config: Path, **options: object) -> CvResult:
    plan = options.pop("plan", Plan(folds=3))
    options.setdefault("runs", str(config.parent / "runs"))
    return cross_validate(str(config), plan, watching=silent, say=ignore, **options)


def same(one: str | Path, other: str | Path, folds: int = 3) -> None:
    names = [*SAME, *(f"fold-{k}/{name}" for k in range(1, folds + 1) for name in OF_RUN)]
    for name in names:
        assert (Path(one) / name).read_bytes() == (Path(other) / name).read_bytes(), name


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("cv")
    rng = np.random.Generator(np.random.Philox(2))
    x = rng.normal(size=(240, 2))
    lines = ["a,b,y,w"]
    for i, row in enumerate(x):
        n = row + rng.normal(size=2)
        gap = "" if i == 5 else "pqr"[int(np.digitize(n[0], (-1, 0.5)))]
        lines.append(f"{row[0]:.5f},{row[1]:.5f},{300 + 10 * n[1]:.3f},{gap}")
    (made / "t.csv").write_text("\n".join([*lines, ""]))
    (made / "c.yaml").write_text(TEXT)
    (made / "r.yaml").write_text(
        TEXT.replace("target: w", "target: y").replace("test: 0.1", "test: 0")
    )
    return made


@pytest.fixture(scope="module")
def whole(folder: Path) -> CvResult:
    return run(folder / "c.yaml")


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def test_metrics_are_scikit_learns_of_the_rows_held_out(folder: Path, whole: CvResult) -> None:
    rows = rows_of(Path(whole.directory) / "out_of_fold.csv")
    numbers = [int(row["row"]) for row in rows]
    assert numbers == sorted(set(numbers)) and len(rows) == 239 - 24 and 6 not in numbers
    table = rows_of(folder / "t.csv")
    assert all(row["target"] == table[n - 1]["w"] for n, row in zip(numbers, rows, strict=True))
    accuracy, surprise = [], []
    for number in "123":
        own = [row for row in rows if row["fold"] == number]
        truth = [row["target"] for row in own]
        p = np.array([[float(row[f"p_{c}"]) for c in "pqr"] for row in own])
        accuracy.append(accuracy_score(truth, [row["prediction"] for row in own]))
        surprise.append(log_loss(truth, p / p.sum(axis=1, keepdims=True), labels=["p", "q", "r"]))
    assert whole.metrics["accuracy"].mean == pytest.approx(np.mean(accuracy))
    assert whole.metrics["accuracy"].deviation == pytest.approx(np.std(accuracy, ddof=1))
    assert whole.metrics["log_loss"].mean == pytest.approx(np.mean(surprise), rel=1e-5)
    told = json.loads((Path(whole.directory) / "summary.json").read_text())
    assert told["metrics"]["accuracy"]["mean"] == whole.metrics["accuracy"].mean
    table = rows_of(Path(whole.directory) / "folds.csv")
    assert [float(row["accuracy"]) for row in table] == pytest.approx(accuracy)


def test_regression_repeats_and_units(folder: Path) -> None:
    found = run(folder / "r.yaml", plan=Plan(folds=2, repeats=2))
    rows = rows_of(Path(found.directory) / "out_of_fold.csv")
    assert [(int(r["repeat"]), int(r["row"])) for r in rows] == [
        (k, n) for k in (1, 2) for n in range(1, 241)
    ]
    table = rows_of(folder / "t.csv")
    assert [float(r["target"]) for r in rows[:240]] == pytest.approx([float(r["y"]) for r in table])
    errors = []
    for repeat, fold in (("1", "1"), ("1", "2"), ("2", "1"), ("2", "2")):
        own = [r for r in rows if (r["repeat"], r["fold"]) == (repeat, fold)]
        truth, guess = ([float(r[name]) for r in own] for name in ("target", "prediction"))
        errors.append(root_mean_squared_error(truth, guess))
    assert found.metrics["root_mean_squared_error"].mean == pytest.approx(np.mean(errors), rel=1e-5)
    assert (Path(found.directory) / "repeat-2-fold-1" / "model.safetensors").is_file()


def test_a_fold_is_what_train_makes_of_its_configuration(folder: Path, whole: CvResult) -> None:
    fold = Path(whole.directory) / "fold-2"
    again = train_run(str(fold / "resolved.yaml"), run_dir=str(folder / "again"))
    assert Path(again.model).read_bytes() == (fold / "model.safetensors").read_bytes()


def test_jobs_give_the_same_bytes(folder: Path, whole: CvResult) -> None:
    found = run(folder / "c.yaml", jobs=2)
    assert found.directory != whole.directory and found.stopped == 0
    same(found.directory, whole.directory)


def test_the_same_command_goes_on(folder: Path, whole: CvResult, tmp_path: Path) -> None:
    place = tmp_path / "here"
    stopped = run(folder / "c.yaml", run_dir=str(place), overrides=["training.max_time=1e-9"])
    assert stopped.stopped == 75 and str(place) in stopped.resume and not stopped.metrics
    with pytest.raises(CheckpointError, match="another cross-validation"):
        run(folder / "c.yaml", run_dir=str(place))
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "resolved.yaml").write_text("")
    run(folder / "c.yaml", run_dir=str(tmp_path / "begun"))
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "begun").rglob("*.safetensors")}
    run(folder / "c.yaml", run_dir=str(tmp_path / "begun"))
    same(tmp_path / "begun", whole.directory)
    assert before == {p: p.stat().st_mtime_ns for p in before}


# Runs in each process of a cross-validation: they count together the calls that write, and the
# one that is number KILLED_AT kills all of them.
COUNTING = """
import os, signal
from dnn_cli.runs.disk import Disk, disk

def counted(real):
    def call(*words, **options):
        file = os.open(os.environ["CALLS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, b".")
        number = os.lseek(file, 0, os.SEEK_CUR)
        os.close(file)
        if number == int(os.environ["KILLED_AT"]):
            os.killpg(0, signal.SIGKILL)
        return real(*words, **options)
    return call

for name in ("write", "fsync", "replace", "mkdir"):
    setattr(disk, name, counted(getattr(Disk, name)))
"""
KILLS = 6


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_killed_at_any_time_no_fold_is_lost_or_done_twice(
    folder: Path, whole: CvResult, tmp_path: Path, jobs: str
) -> None:
    """Killed after an eighth of all its writes, and gone on with each time."""
    (tmp_path / "sitecustomize.py").write_text(COUNTING)
    calls = tmp_path / "calls"

    def attempt(place: Path, at: int) -> int:
        calls.write_bytes(b"")
        paths = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
        process = subprocess.Popen(
            [sys.executable, "-m", "dnn_cli", "cv", str(folder / "c.yaml"), "-q",
             "--folds", "3", "--run-dir", str(place), "--jobs", jobs],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": paths, "CALLS": str(calls), "KILLED_AT": str(at)},
        )  # fmt: skip
        code = process.wait()
        with suppress(ProcessLookupError):
            while True:  # until the folds are gone with it, and their locks with them
                os.killpg(process.pid, 0)
                time.sleep(0.01)
        return code

    assert attempt(tmp_path / "undisturbed", 0) == 0
    eighth = calls.stat().st_size // (KILLS + 2)
    assert eighth > 5
    place = tmp_path / "killed"
    for _ in range(KILLS):
        assert attempt(place, eighth) == -signal.SIGKILL
    found = resume_cv(str(place), watching=silent, say=ignore)
    assert found.metrics == whole.metrics
    same(place, whole.directory)


def test_what_was_left_before_a_run_began_is_put_aside(
    folder: Path, whole: CvResult, tmp_path: Path
) -> None:
    place = tmp_path / "cv"
    run(folder / "c.yaml", run_dir=str(place), overrides=[])
    for name in ("config.yaml", "summary.json", "predictions/held_out.json"):
        (place / "fold-2" / name).unlink()
    resume_cv(str(place), watching=silent, say=ignore)
    assert [p.name for p in place.glob("*.unfinished")] == ["fold-2-001.unfinished"]
    same(place, whole.directory)


def test_what_contradicts_itself(folder: Path) -> None:
    for plan in (Plan(folds=2, group="a", time="b"), Plan(folds=2, time="a", repeats=2)):
        with pytest.raises(UsageError):
            run(folder / "c.yaml", plan=plan)


def test_the_commands(folder: Path, tmp_path: Path, dnn: Command) -> None:
    text = TEXT.replace("t.csv", str(folder / "t.csv"))
    (tmp_path / "c.yaml").write_text(text)
    place = str(tmp_path / "cv")
    asked = ("cv", str(tmp_path / "c.yaml"), "--folds", "2", "--run-dir", place, "-q")
    shown = dnn(*asked)
    assert shown.returncode == 0 and "accuracy" in shown.stdout and "deviation" in shown.stdout
    told = json.loads(dnn(*asked, "--json").stdout)
    assert len(told["folds"]) == 2 and told["plan"]["folds"] == 2
    again = dnn("resume", place)
    assert again.stdout == shown.stdout
    refused = dnn("resume", place, "--set", "training.epochs=9")
    assert refused.returncode == 2 and "one configuration" in refused.stderr
    drafted = dnn("cv", str(folder / "t.csv"), "--target", "w", "--folds", "2", "-q",
                  "--runs", str(tmp_path / "runs"), "training.epochs=1")  # fmt: skip
    assert drafted.returncode == 0 and "t-cv-001: 2 folds" in drafted.stdout
