"""A cross-validation: a directory of ordinary runs, each with its fold held out, and their table.

Directory  `resolved.yaml`  the configuration of all folds, with every default, paths absolute
           `cv.json`        what kind of folds; written after it: with it the directory is a cv
           `fold-1`, …      the runs (`repeat-2-fold-1`), see `fold`
           `folds.csv`      a row a fold, a column a metric
           `out_of_fold.csv` the predictions of all rows that were held out, in their order
           `summary.json`   written last: mean and deviation (of n - 1) of each metric
Resumed    a fold that is done is read, one that has begun goes on as `dnn resume` does, bit for bit
Jobs       folds are commands of their own, `dnn train` or `dnn resume`, some at a time: the bytes
           are the same. What is written in the end is a function of the folds
"""

from __future__ import annotations

import csv
import io
import math
import shlex
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from dnn_cli.app.draft import load
from dnn_cli.app.fold import Fold
from dnn_cli.app.fold_processes import run_processes
from dnn_cli.app.say import Say
from dnn_cli.app.train import now
from dnn_cli.base.errors import CheckpointError, UsageError
from dnn_cli.base.text import safe_text
from dnn_cli.config.resolve import dump_yaml
from dnn_cli.runs.directory import RunDirectory, require_free
from dnn_cli.runs.files import entries, make_directory, read_bytes, write_atomic
from dnn_cli.runs.json_file import read_json, write_json
from dnn_cli.runs.lock import LOCK_NAME, lock
from dnn_cli.training.events import Event

_PLAN = "cv.json"
_CONFIG = "resolved.yaml"


class Watch(Protocol):
    """What follows the training of a fold."""

    def __call__(self, event: Event, /) -> None:
        """Take note of an event."""

    def say(self, sentence: str, /) -> None:
        """Show a sentence."""


Watching = Callable[[], AbstractContextManager[Watch]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What kind of folds, and how many."""

    folds: int
    repeats: int = 1
    group: str | None = None
    time: str | None = None

    def check(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            UsageError: says what.
        """
        if self.folds < 2 or self.repeats < 1:
            raise UsageError("a cross-validation has 2 folds or more, at least once")
        if self.group is not None and self.time is not None:
            raise UsageError(
                "folds keep groups together or follow time, not both",
                fix="leave --group or --time out",
            )
        if self.time is not None and self.repeats > 1:
            raise UsageError("time has one order", fix="leave --repeats out")


@dataclass(frozen=True, slots=True)
class Spread:
    """A metric over the folds that have it."""

    mean: float
    deviation: float
    folds: int


@dataclass(frozen=True, slots=True)
class CvResult:
    """How a cross-validation stands; `stopped` is the exit code where it is not complete."""

    directory: str
    plan: Plan
    metrics: Mapping[str, Spread] = field(default_factory=dict)
    folds: Sequence[Mapping[str, Any]] = ()
    stopped: int = 0
    resume: str = ""


def cross_validate(
    config: str,
    plan: Plan,
    *,
    overrides: Sequence[str] = (),
    name: str | None = None,
    run_dir: str | None = None,
    runs: str = "runs",
    jobs: int = 1,
    watching: Watching,
    say: Say,
    targets: Sequence[str] = (),
    task: str | None = None,
) -> CvResult:
    """Train and measure each fold of `config`; in `run_dir`, if it holds the same, go on.

    Raises:
        DnnError: as `train_run` raises, of the configuration or of a fold.
    """
    plan.check()
    if name is not None:
        overrides = (*overrides, f"name={name}")
    loaded, _ = load(config, overrides, targets, task)
    source = loaded.resolved["data"]["source"]
    if source.get("path") == "-":
        raise UsageError("each fold reads the data: standard input cannot be read twice")
    if loaded.spec.data.reconstructs:
        raise UsageError("what reconstructs its inputs has nothing to hold out")
    text = dump_yaml(loaded.resolved).encode()
    path = Path(run_dir) if run_dir is not None else None
    if path is not None and is_cv(path):
        if read_bytes(path / _CONFIG) != text or _plan_of(path) != plan:
            raise CheckpointError(
                f"{safe_text(path)} holds another cross-validation",
                fix=f"go on with it: {_command(path)}, or name another directory",
            )
    else:
        if path is None:
            path = RunDirectory.create(Path(runs), f"{loaded.spec.name}-cv").path
        else:
            if set(entries(path) if path.is_dir() else ()) - {_CONFIG, LOCK_NAME}:
                require_free(path)  # but for what a process left that was killed in what follows
            make_directory(path, parents=True)
        write_atomic(path / _CONFIG, text)
        write_json(path / _PLAN, asdict(plan))
    return _go(path, plan, jobs, watching, say)


def resume_cv(directory: str, *, jobs: int = 1, watching: Watching, say: Say) -> CvResult:
    """Go on with a cross-validation that was stopped.

    Raises:
        DnnError: as `resume_run` raises.
    """
    path = Path(directory)
    return _go(path, _plan_of(path), jobs, watching, say)


def is_cv(path: Path) -> bool:
    """Whether `path` is the directory of a cross-validation."""
    return (path / _PLAN).is_file() and (path / _CONFIG).is_file()


def _plan_of(path: Path) -> Plan:
    try:
        found = Plan(**read_json(path / _PLAN))
        found.check()
    except (TypeError, UsageError) as error:
        raise CheckpointError(
            f"{safe_text(path / _PLAN)} is damaged", why=safe_text(error)
        ) from error
    return found


def _go(path: Path, plan: Plan, jobs: int, watching: Watching, say: Say) -> CvResult:
    say(f"cross-validation: {safe_text(path)}")
    with lock(path, now()):
        folds = folds_of(path, plan)
        stopped = 0
        left = [fold for fold in folds if not fold.scores.is_file()]
        for fold in left:
            fold.make_room(say)
        if jobs > 1 and len(left) > 1:
            stopped = run_processes(left, jobs, say)
        else:
            for fold in left:
                with watching() as watch:
                    watch.say(f"{fold.name}:")
                    stopped = fold.train([watch], watch.say).exit_code
                    if stopped:
                        break
                fold.measure()
        if stopped:
            return CvResult(str(path), plan, stopped=stopped, resume=_command(path))
        measured = [fold.measure() for fold in folds]
        rows = [
            {"repeat": fold.repeat, "fold": fold.number, "metrics": metrics}
            for fold, metrics in zip(folds, measured, strict=True)
        ]
        spread = _spread(measured)
        _write(path, folds, rows, spread)
    return CvResult(str(path), plan, spread, rows)


def folds_of(path: Path, plan: Plan) -> list[Fold]:
    """The folds of the cross-validation in `path`, in order."""
    found = []
    for repeat in range(1, plan.repeats + 1):
        for number in range(1, plan.folds + 1):
            option: dict[str, Any] = {"number": number, "count": plan.folds, "repeat": repeat}
            if plan.group is not None:
                option["group"] = plan.group
            if plan.time is not None:
                option["time"] = plan.time
            name = f"fold-{number}" if plan.repeats == 1 else f"repeat-{repeat}-fold-{number}"
            run = RunDirectory(path / name)
            found.append(Fold(run, repeat, number, option, path / _CONFIG))
    return found


def _spread(folds: Sequence[Mapping[str, float]]) -> dict[str, Spread]:
    """Mean and deviation of each metric over the folds in which it has a value."""
    found = {}
    for name in folds[0]:
        values = [one[name] for one in folds if math.isfinite(one.get(name, math.nan))]
        mean = statistics.fmean(values) if values else math.nan
        deviation = statistics.stdev(values) if len(values) > 1 else math.nan
        found[name] = Spread(mean, deviation, len(values))
    return found


def _write(
    path: Path,
    folds: Sequence[Fold],
    rows: Sequence[Mapping[str, Any]],
    spread: Mapping[str, Spread],
) -> None:
    names = list(spread)
    table = [["repeat", "fold", *names]]
    table += [
        [str(r["repeat"]), str(r["fold"]), *(repr(r["metrics"][n]) for n in names)] for r in rows
    ]
    write_atomic(path / "folds.csv", [_csv(table)])
    write_atomic(path / "out_of_fold.csv", [_csv(_out_of_fold(folds))])
    document = {
        "metrics": {name: asdict(one) for name, one in spread.items()},
        "folds": list(rows),
    }
    write_json(path / "summary.json", document)


def _out_of_fold(folds: Sequence[Fold]) -> Iterable[Sequence[str]]:
    """The rows of all held-out tables, in the order of the source, after their fold."""
    lines: list[tuple[int, int, list[str]]] = []
    head: list[str] = []
    for fold in folds:
        text = read_bytes(fold.table).decode()
        head, *rest = csv.reader(io.StringIO(text, newline=""))
        own = [str(fold.repeat), str(fold.number)]
        lines += [(fold.repeat, int(row[0]), [row[0], *own, *row[1:]]) for row in rest]
    lines.sort(key=lambda line: line[:2])
    return [[head[0], "repeat", "fold", *head[1:]], *(line for _, _, line in lines)]


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def _command(path: Path) -> str:
    return shlex.join(["dnn", "resume", str(path)])
