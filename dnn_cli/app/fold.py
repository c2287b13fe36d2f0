"""One fold of a cross-validation: an ordinary run, and what it predicts for the rows it held out.

Files      beside those of the run: `predictions/held_out.csv`, a row for each row held out, and
           `predictions/held_out.json`, its metrics, written last: without it the fold is not done
Resumed    both follow from the data and the model, so that a fold killed here writes them again
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dnn_cli.app.lifecycle.attempt import TrainResult
from dnn_cli.app.lifecycle.threads import use_ranks
from dnn_cli.app.models import load_model
from dnn_cli.app.prediction_formats import FORMATS
from dnn_cli.app.prediction_rows import Rows
from dnn_cli.app.resume import resume_run
from dnn_cli.app.say import Say
from dnn_cli.app.train import train_run
from dnn_cli.base.errors import CheckpointError
from dnn_cli.base.task import Task
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.config.load import load_config
from dnn_cli.data.prepare import prepare
from dnn_cli.data.target_scaling import TargetScaling
from dnn_cli.runs.directory import RunDirectory
from dnn_cli.runs.files import make_directory, rename_file, unused, write_atomic
from dnn_cli.runs.json_file import read_json, write_json
from dnn_cli.training.evaluation import Evaluator
from dnn_cli.training.events import Observer
from dnn_cli.training.metrics import full_metrics, measure


@dataclass(frozen=True, slots=True)
class Fold:
    """A fold: where its run is, and the option of the configuration that makes it one."""

    run: RunDirectory
    repeat: int
    number: int
    option: Mapping[str, Any]
    config: Path  # of the cross-validation

    @property
    def name(self) -> str:
        """`fold 2`, or `fold 2 of repeat 1` as its directory is called."""
        return self.run.name.replace("-", " ")

    @property
    def scores(self) -> Path:
        """What is written last."""
        return self.run.predictions / "held_out.json"

    @property
    def table(self) -> Path:
        """What it predicts for the rows it held out."""
        return self.run.predictions / "held_out.csv"

    @property
    def begun(self) -> bool:
        """Whether there is a run to go on with."""
        return self.run.config.is_file()

    @property
    def overrides(self) -> tuple[str, ...]:
        """What turns the configuration of the cross-validation into that of the fold's run."""
        shown = ", ".join(f"{k}: {_yaml(v)}" for k, v in self.option.items())
        return (f"data.split.fold={{{shown}}}", "data.test=null")

    @property
    def command(self) -> list[str]:
        """The arguments of `dnn` that train it, or go on."""
        if self.begun:
            return ["resume", str(self.run.path), "-q"]
        return ["train", str(self.config), *self.overrides, "--run-dir", str(self.run.path), "-q"]

    def make_room(self, say: Say) -> None:
        """Put aside what a process left that was killed before it had made a run of it."""
        path = self.run.path
        if not self.begun and path.is_dir() and any(path.iterdir()):
            kept = unused(path.parent, f"{path.name}-", ".unfinished")
            rename_file(path, kept)
            say(f"{safe_text(path)} had not begun to train; it is kept as {kept}")

    def train(self, observers: Sequence[Observer], say: Say) -> TrainResult:
        """Train the run, or go on."""
        if self.begun:
            return resume_run(str(self.run.path), observers=observers, say=say)
        return train_run(
            str(self.config),
            overrides=self.overrides,
            run_dir=str(self.run.path),
            observers=observers,
            say=say,
        )

    def measure(self) -> dict[str, float]:
        """The metrics of the rows that were held out; predicts them, unless it was done.

        Raises:
            CheckpointError: the fold has no finished run, or its model is damaged.
            DivergedError: a prediction is not finite.
        """
        if self.scores.is_file():
            found = read_json(self.scores).get("metrics")
            if isinstance(found, dict) and self.table.is_file():
                return {k: math.nan if v is None else float(v) for k, v in found.items()}
        if not self.run.finished:
            raise CheckpointError(f"{safe_text(self.run.path)} is not finished")
        model = load_model(self.run.model)
        data = prepare(model.schema.as_trained(load_config(str(self.run.resolved)).spec.data))
        assert data.test is not None and data.test_rows is not None
        ranks = use_ranks(model.network, data.test.rows)
        evaluator = Evaluator(model.network, model.loss, model.task, ranks, model.temperature)
        loss, predictions, targets = evaluator.run(data.test)
        task, scaling = model.task, data.test.target_scaling
        metrics = {"loss": loss, **measure(full_metrics(task), predictions, targets, task)}
        proba = task.kind != "regression"
        rows = Rows(task, proba, model.schema.encoding.values, scaling.decimals)
        rows.beside = {
            "row": [str(n) for n in data.test_rows.tolist()],
            **_truths(targets, task, rows, scaling),
        }
        make_directory(self.run.predictions)
        write_atomic(self.table, FORMATS["csv"](rows, [predictions]))
        write_json(self.scores, {"rows": len(predictions), "metrics": metrics})
        return metrics


def _truths(
    targets: Array, task: Task, rows: Rows, scaling: TargetScaling
) -> dict[str, Sequence[str]]:
    """The columns of what is true."""
    if task.classifies:
        return {"target": [str(rows.labels[k]) for k in targets.tolist()]}
    names = ["target"] if task.count == 1 else [f"target_{name}" for name in task.labels]
    digits = scaling.decimals or (None,) * task.count
    return {
        name: [repr(v if n is None else round(v, n)) for v in column]
        for name, column, n in zip(names, targets.T.tolist(), digits, strict=True)
    }


def _yaml(value: object) -> str:
    """A name or a number inside a mapping."""
    return json.dumps(value, ensure_ascii=False)
