"""Continuing a run that was killed, interrupted or stopped, or extending one that is complete."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dnn_cli.app.build import Built, build
from dnn_cli.app.lifecycle.attempt import Attempt, TrainResult, ending_of, result_of
from dnn_cli.app.lifecycle.continuing import newest
from dnn_cli.app.lifecycle.facts import Difference, config_facts, differences, facts_of
from dnn_cli.app.lifecycle.saving import NORMAL, Pace, Saver, require_space
from dnn_cli.app.lifecycle.schedule_length import length_note
from dnn_cli.app.lifecycle.signals import StopRequest
from dnn_cli.app.lifecycle.state import restore
from dnn_cli.app.say import Say, ignore
from dnn_cli.app.train import begin, new_standing, now, write_resolved
from dnn_cli.base.errors import CheckpointError, Problem
from dnn_cli.base.text import safe_text
from dnn_cli.config.load import Loaded, load_resolved
from dnn_cli.config.spec import RunSpec
from dnn_cli.data.schema import DataSchema
from dnn_cli.runs.checkpoint import Checkpoint
from dnn_cli.runs.directory import RunDirectory, runs_in
from dnn_cli.runs.environment import environment
from dnn_cli.runs.json_file import read_json, write_json
from dnn_cli.runs.model_file import read_model
from dnn_cli.training.events import Observer
from dnn_cli.training.session import Session

LATEST = "latest"
_EPOCHS = "config.training.epochs"
# Options that say where the same data lie, when to stop, what to keep: no number depends on them.
_HARMLESS = (
    *("name", "data.source", "data.valid", "data.test"),
    "data.positive",  # where it means another class, the columns differ too
    *("training.epochs", "training.max_time", "training.checkpoint"),
)


def resume_run(
    name: str,
    *,
    overrides: Sequence[str] = (),
    runs: str = "runs",
    observers: Sequence[Observer] = (),
    say: Say = ignore,
    pace: Pace = NORMAL,
) -> TrainResult:
    """Continue the run in the directory `name`, or the newest one in `runs` if that is `latest`.

    The configuration is that of resolved.yaml with `overrides` over it.

    Raises:
        CheckpointError: there is no run, its checkpoint is damaged, or was made with other data
            or for another network.
        DnnError: whatever `train` raises.
    """
    run = find_run(name, Path(runs), say)
    started = now()
    with run.locked(started):
        found = newest(run, say)
        loaded = _settled(load_resolved(run.resolved, overrides))
        complete = _complete(run, found, loaded)
        if complete is not None:
            say(f"already complete at step {complete.step} (epoch {complete.epoch})")
            return complete
        built = build(_as_trained(loaded, found))
        return _go_on(run, found, built, started, observers, say, pace)


def _go_on(
    run: RunDirectory,
    found: Checkpoint | None,
    built: Built,
    started: str,
    observers: Sequence[Observer],
    say: Say,
    pace: Pace,
) -> TrainResult:
    built, session = begin(built, say)
    facts, standing = facts_of(built), new_standing(session)
    changes: list[Difference] = []
    if found is not None:
        changes = differences(found.state["facts"], facts)
        refuse(changes, run.last)
        restore(found, run.last, session, standing)
    say(_where(found, session))
    for sentence in effects(changes, session):
        say(sentence)
    files = (run.last, run.previous, run.best, run.model)
    held = sum(path.stat().st_size for path in files if path.is_file())
    require_space(run.path, session, held)
    with StopRequest() as stop:
        saver = Saver(built, session, run, standing, facts, say, pace)
        _record(run, built, started, session.step, changes, say)
        return Attempt(saver, stop, observers, say).go()


def _settled(loaded: Loaded[RunSpec]) -> Loaded[RunSpec]:
    """The configuration of a run that has begun: under no preset, as before there were any.

    Raises:
        ConfigError: there is a budget.
    """
    if loaded.spec.training.budget is not None:
        what = "settles the length of a run before it begins"
        fix = "set training.epochs, or training.max_time to stop after a time"
        raise loaded.error(("training", "budget"), what, fix=fix)
    return replace(loaded, spec=replace(loaded.spec, preset="none"))


def _as_trained(loaded: Loaded[RunSpec], found: Checkpoint | None) -> Loaded[RunSpec]:
    """The configuration with the positive class that the run began with."""
    if found is None:
        return loaded
    schema = DataSchema.from_json(found.model.schema, found.model.schema_arrays)
    data = schema.as_trained(loaded.spec.data)
    return replace(loaded, spec=replace(loaded.spec, data=data))


def _where(found: Checkpoint | None, session: Session) -> str:
    if found is None:
        return "no checkpoint was written before the run stopped: it starts again at step 0"
    return f"resuming at step {session.step} (epoch {session.epoch + 1})"


def find_run(name: str, runs: Path, say: Say) -> RunDirectory:
    """The run that `name` means.

    Raises:
        CheckpointError: there is none.
    """
    if name != LATEST:
        return RunDirectory.open(Path(name))
    there = runs_in(runs)
    if not there:
        raise CheckpointError(
            f"there is no run in {safe_text(runs)}",
            where=safe_text(runs),
            fix="start one with `dnn train`, or say where the runs are with --runs",
        )
    say(f"run: {safe_text(there[-1].path)} (the newest)")
    return there[-1]


def _complete(
    run: RunDirectory, found: Checkpoint | None, loaded: Loaded[RunSpec]
) -> TrainResult | None:
    """The result of a run with nothing left to do, known without reading its data; else None."""
    if found is None or not run.finished or found.state["index"]:
        return None
    state, spec = found.state, loaded.spec.training
    if state["facts"].get("config") != config_facts(loaded.spec):
        return None
    try:
        if read_json(run.summary).get("steps") != state["step"]:  # of before an extension
            return None
        read_model(run.model)
        monitor = spec.build_monitor("valid" in state["facts"]["data"])
        monitor.restore(state["monitor"])
        reason = ending_of(spec, monitor, state["epoch"], state["metrics"])
    except (CheckpointError, KeyError, TypeError):  # what is wrong shows on the long way
        return None
    if reason is None:
        return None
    return result_of(run, reason, state["epoch"], state["step"], monitor, 0.0)


def refuse(changes: Sequence[Difference], origin: Path) -> None:
    """Refuse changes that make it another training.

    Raises:
        CheckpointError: names each of them.
    """
    again = "or start a new run with `dnn train`"
    other_data, mended = (
        "the checkpoint was made with other data",
        f"put it back as it was, {again}",
    )
    made_by = next((one.before for one in changes if one.key == "environment.dnn"), None)
    if made_by is not None:
        other_data += f", or dnn {safe_text(made_by)} read or scaled them otherwise"
        mended = f"put it back as it was, continue it with dnn {safe_text(made_by)}, {again}"
    problems = [
        Problem(str(change), where=safe_text(origin), why=other_data, fix=mended)
        if change.key.startswith("data.")
        else Problem(
            str(change),
            where=safe_text(origin),
            why="steps and epochs already taken would mean something else",
            fix=f"put it back as it was, {again}",
        )
        for change in changes
        if change.forbids
    ]
    if problems:
        raise CheckpointError(problems)


def effects(changes: Sequence[Difference], session: Session) -> Iterator[str]:
    """A sentence on each change that does not forbid to go on."""
    for change in changes:
        kind, _, name = change.key.partition(".")
        if kind == "environment":
            yield f"not bit-identical to an uninterrupted run: {change}"
        elif any(name == one or name.startswith(f"{one}.") for one in _HARMLESS):
            yield f"changed: {change}"
        else:
            yield f"changed: {change}; from here on it is another training"
        if change.key == _EPOCHS and isinstance(change.before, int):
            note = length_note(session, change.before)
            if note:
                yield note


def _record(
    run: RunDirectory,
    built: Built,
    started: str,
    step: int,
    changes: Sequence[Difference],
    say: Say,
) -> None:
    """Put the changed configuration in resolved.yaml and this process in environment.json."""
    write_resolved(run, built)
    entry: Mapping[str, Any] = {
        **environment(sys.argv, started),
        "step": step,
        "changed": [str(change) for change in changes],
    }
    try:
        document = read_json(run.environment)
        earlier = document.get("resumed", [])
        if not isinstance(earlier, list):
            raise CheckpointError(f"`resumed` in {safe_text(run.environment)} is not a list")
        write_json(run.environment, {**document, "resumed": [*earlier, entry]})
    except CheckpointError as error:
        say(f"this resumption is not recorded: {error}")
