"""Training a network from a configuration, into a run directory."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from dnn_cli.app.build import Built, build
from dnn_cli.app.draft import load
from dnn_cli.app.lifecycle.attempt import Attempt, TrainResult
from dnn_cli.app.lifecycle.budget import within_budget
from dnn_cli.app.lifecycle.facts import facts_of
from dnn_cli.app.lifecycle.saving import NORMAL, Pace, Saver, require_space
from dnn_cli.app.lifecycle.signals import StopRequest
from dnn_cli.app.lifecycle.state import Best, Standing
from dnn_cli.app.lifecycle.threads import use_threads
from dnn_cli.app.say import Say, ignore
from dnn_cli.base.text import safe_text
from dnn_cli.config.resolve import dump_yaml, resolve
from dnn_cli.runs.directory import RunDirectory, require_free
from dnn_cli.runs.environment import environment, usable_cores
from dnn_cli.runs.files import read_bytes, write_atomic
from dnn_cli.runs.json_file import write_json
from dnn_cli.training.events import Observer
from dnn_cli.training.session import Session


def train_run(
    config: str,
    *,
    overrides: Sequence[str] = (),
    name: str | None = None,
    run_dir: str | None = None,
    runs: str = "runs",
    observers: Sequence[Observer] = (),
    say: Say = ignore,
    pace: Pace = NORMAL,
    targets: Sequence[str] = (),
    task: str | None = None,
) -> TrainResult:
    """Train what `config` describes, or, with `targets`, a draft made of the data file `config`.

    Nothing is written before the configuration and the data are accepted.

    Raises:
        DnnError: of the kind that the exit codes distinguish.
    """
    if run_dir is not None:
        require_free(Path(run_dir))
    if name is not None:
        overrides = (*overrides, f"name={name}")
    loaded, found = load(config, overrides, targets, task)
    built = build(loaded)
    built = replace(built, notes=(*found, *built.notes))
    for note in built.notes:
        say(note)
    built, session = begin(built, say)
    built = within_budget(built, session, say)
    require_space(Path(run_dir or runs), session)
    started = now()
    with StopRequest() as stop:
        run = _make_run(run_dir, runs, built)
        with run.locked(started):
            say(f"run: {safe_text(run.path)}")
            _write_beginnings(run, built, started)
            standing = new_standing(session)
            saver = Saver(built, session, run, standing, facts_of(built), say, pace)
            return Attempt(saver, stop, observers, say).go()


def begin(built: Built, say: Say) -> tuple[Built, Session]:
    """A session of `built`, and `built` with the number of threads settled.

    1 and 2 threads round differently, so the number is part of the configuration of a run: it is
    chosen once, and a resumed run computes with as many.
    """
    session = built.session()
    training = built.spec.training
    size = session.train.batch_size
    threads, session.ranks = use_threads(training.threads, session.network, size)
    if session.ranks > (cores := usable_cores()):
        what = f"{session.ranks} processes share {cores} core{'s' * (cores > 1)}"
        say(f"{what} and wait for each other: training.threads={cores} would be faster")
    spec = replace(built.spec, training=replace(training, threads=threads))
    return replace(built, spec=spec), session


def new_standing(session: Session) -> Standing:
    """How a run stands that has not begun."""
    return Standing(Best(session.network.arena.params.copy()))


def now() -> str:
    """The time, for people: UTC in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def write_resolved(run: RunDirectory, built: Built) -> None:
    """Let resolved.yaml be the configuration that `resume` continues with."""
    text = dump_yaml(resolve(built.spec)).encode()
    if not run.resolved.exists() or read_bytes(run.resolved) != text:
        write_atomic(run.resolved, text)


def _make_run(run_dir: str | None, runs: str, built: Built) -> RunDirectory:
    if run_dir is not None:
        return RunDirectory.named(Path(run_dir))
    return RunDirectory.create(Path(runs), built.name)


def _write_beginnings(run: RunDirectory, built: Built, started: str) -> None:
    """Write what says how the run began; config.yaml last, for with it the directory is a run."""
    write_resolved(run, built)
    facts = environment(sys.argv, started)
    threads = built.spec.training.threads
    write_json(run.environment, {**facts, "threads": threads, "notes": list(built.notes)})
    write_atomic(run.config, built.loaded.text)
