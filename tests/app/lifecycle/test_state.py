"""Every item of a checkpoint is needed, and what does not fit together is refused."""

from __future__ import annotations

import copy
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "faults"))

from harness import (
    CONFIGS,
    LINE,
    Log,
    Outcome,
    config,
    resume,
    stopped,
)

from dnn_cli.app.lifecycle.saving import NORMAL
from dnn_cli.base.errors import CheckpointError, DnnError
from dnn_cli.runs.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from dnn_cli.runs.directory import RunDirectory

pytestmark = pytest.mark.usefixtures("quick")


def scene_middle(folder: Path) -> Path:
    model = "{layers: [{type: dense, units: 6}, batch_norm, relu, {type: dropout, rate: 0.2}]}"
    rate = "{type: adam, learning_rate: 0.02, schedule: {type: reduce_on_plateau, patience: 0}}"
    early = "epochs: 9, early_stopping: {metric: valid.loss, patience: 2}"
    return stopped(folder, config(model=model, optimizer=rate, training=early), 11)


def scene_end(folder: Path) -> Path:
    return stopped(folder, CONFIGS["threshold"], 18)


def scene_early(folder: Path) -> Path:
    model = "{layers: [{type: dense, units: 6}, batch_norm, relu, {type: dropout, rate: 0.2}]}"
    early = "epochs: 30, early_stopping: {metric: valid.loss, patience: 3}"
    rate = "{type: adam, learning_rate: 0.1}"
    return stopped(folder, config(model=model, optimizer=rate, training=early), 11)


def scene_diverging(folder: Path) -> Path:
    rate = "{type: sgd, learning_rate: 1.5}"  # of a linear model: it takes some 60 steps
    return stopped(folder, config(LINE, "{layers: []}", rate, "epochs: 99"), 20)


WHOLE = ("config", "metrics", "best_metrics")  # looked at as one item
SCENES = (scene_middle, scene_end, scene_early, scene_diverging)


def ending(run: Path) -> Any:
    """All that a resumption shows and leaves."""
    log = Log()
    try:
        result: Any = resume(run, log=log, pace=NORMAL)
        result = replace(result, run="", model="", resume="", seconds=0.0)
        left: Any = Outcome.of(run)
    except DnnError as error:
        result, left = error.exit_code, str(error).replace(str(run), "")
    account = run / "diverged.json"
    diverged = account.read_text() if account.exists() else ""
    return result, left, diverged, [s.replace(str(run), "") for s in log.said]


def items(checkpoint: Checkpoint) -> Iterator[tuple[str, ...]]:
    """The path of every value in a checkpoint."""
    for part in ("optimizer", "best"):
        yield from ((part, name) for name in getattr(checkpoint, part))
    yield from (("model", name) for name in checkpoint.model.tensors)

    def walk(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if isinstance(value, dict) and value and path[-1] not in WHOLE:
            for name, one in value.items():
                yield from walk(one, (*path, name))
        else:
            yield path

    for name, value in checkpoint.state.items():
        yield from walk(value, ("state", name))


def altered(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return -value - 1
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value + 0.5 if value == value else 1.0
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, list):
        return [altered(one) for one in value] if value else [1.0]
    if isinstance(value, dict):
        return {name: altered(one) for name, one in value.items()}
    return 1.0


def mutate(checkpoint: Checkpoint, path: tuple[str, ...], drop: bool) -> Checkpoint:
    tree = {
        "optimizer": dict(checkpoint.optimizer),
        "best": dict(checkpoint.best),
        "model": dict(checkpoint.model.tensors),
        "state": copy.deepcopy(dict(checkpoint.state)),
    }
    owner: Any = tree
    for name in path[:-1]:
        owner = owner[name]
    if drop:
        del owner[path[-1]]
    else:
        owner[path[-1]] = altered(owner[path[-1]])
    return Checkpoint(
        replace(checkpoint.model, tensors=tree["model"]),
        tree["state"],
        tree["optimizer"],
        tree["best"],
    )


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # one of them diverges
def test_every_item_of_the_state_matters(tmp_path: Path) -> None:
    """Left out or altered, each one is refused, or shows in what the run ends with."""
    scenes = []
    for make in SCENES:
        run = make(tmp_path / make.__name__)
        checkpoint = read_checkpoint(RunDirectory(run).last)
        shutil.copytree(run, tmp_path / "same")
        scenes.append((run, checkpoint, ending(tmp_path / "same")))
        shutil.rmtree(tmp_path / "same")
    paths = dict.fromkeys(path for _, checkpoint, _ in scenes for path in items(checkpoint))
    assert len(paths) > 50

    def noticed(run: Path, checkpoint: Checkpoint, wanted: Any, path: Any, drop: bool) -> bool:
        if path not in set(items(checkpoint)):
            return False
        shutil.copytree(run, tmp_path / "copy")
        try:
            write_checkpoint(tmp_path / "copy/checkpoints/last.safetensors",
                             mutate(checkpoint, path, drop))  # fmt: skip
            return bool(ending(tmp_path / "copy") != wanted)
        finally:
            shutil.rmtree(tmp_path / "copy")

    unnoticed = [
        (path, drop)
        for path in paths
        for drop in (True, False)
        if not any(noticed(*scene, path, drop) for scene in scenes)
    ]
    assert not unnoticed, str(unnoticed)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"step": 10, "optimizer_steps": 10}, "step, epoch and index"),
        ({"index": 3, "epoch": 2, "monitored": [0.1, 0.2]}, "index and the steps of an epoch"),
        ({"optimizer_steps": 8}, "the optimizer's steps and step"),
        ({"loss_sum": 0.5}, "loss_sum and index"),
        ({"loss_sum": float("inf")}, "loss_sum and index"),
        ({"monitored": [0.1, 0.2]}, "monitored and epoch"),
        ({"norms": []}, "norms and step"),
        ({"metrics": {}}, "metrics and epoch"),
        ({"best_epoch": 2}, "the best epoch and the monitor"),
        ({"best_metrics": {}}, "the best epoch and its metrics"),
        ({"best_epoch": 4, "monitor.best_epoch": 4}, "the best epoch and epoch"),
    ],
)
def test_a_state_that_contradicts_itself_is_refused(
    tmp_path: Path, changes: dict[str, Any], named: str
) -> None:
    last = RunDirectory(stopped(tmp_path, CONFIGS["adam"], 9)).last  # at the end of epoch 3
    found = read_checkpoint(last)
    state = copy.deepcopy(dict(found.state))
    for key, value in changes.items():
        owner, _, name = key.rpartition(".")
        (state[owner] if owner else state)[name] = value
    write_checkpoint(last, replace(found, state=state))
    with pytest.raises(CheckpointError) as error:
        resume(tmp_path / "run")
    assert error.value.problems[0].why == f"{named} contradict each other"


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("monitored", [0.1, 0.2, "x"], "in the place of a number"),
        ("norms", [None], "in the place of a number"),
        ("metrics", {"train.loss": "x"}, "in the place of a number"),
        ("best_metrics", {"train.loss": [1.0]}, "in the place of a number"),
        ("monitor.best_epoch", float("inf"), "is damaged"),
        ("monitor.waited", 1.5, "is damaged"),
        ("monitor.best_value", "x", "is damaged"),
        ("monitor.reference", float("nan"), "is damaged"),
    ],
)
def test_what_is_no_number_is_refused(tmp_path: Path, key: str, value: Any, named: str) -> None:
    last = RunDirectory(stopped(tmp_path, CONFIGS["adam"], 9)).last
    found = read_checkpoint(last)
    state = copy.deepcopy(dict(found.state))
    owner, _, name = key.rpartition(".")
    (state[owner] if owner else state)[name] = value
    write_checkpoint(last, replace(found, state=state))
    with pytest.raises(CheckpointError) as error:
        resume(tmp_path / "run")
    problem = error.value.problems[0]
    assert named in problem.why + problem.what
