"""Predicting the rows of a file, a piece at a time, in memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dnn_cli.app.lifecycle.threads import use_ranks
from dnn_cli.app.models import Model, find_model, load_model
from dnn_cli.app.prediction_formats import FORMATS, Rows
from dnn_cli.app.say import Say, ignore
from dnn_cli.base.errors import DivergedError, FileSystemError, UsageError
from dnn_cli.base.text import listing, safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.source import source_of
from dnn_cli.runs.directory import RunDirectory
from dnn_cli.runs.files import write_atomic
from dnn_cli.training.evaluation import Evaluator

_ROWS = 4096  # read and predicted at a time, unless the caller says otherwise


class Sink(Protocol):
    """What takes predictions as bytes, such as a binary stream."""

    def write(self, data: bytes, /) -> object:
        """Take all of `data`."""

    def flush(self) -> object:
        """Pass on what was taken."""


@dataclass(frozen=True, slots=True)
class PredictResult:
    """What was predicted; `output` is `-` for a stream."""

    rows: int
    output: str
    checkpoint: str


def predict_file(
    input: str,
    *,
    model: str | None = None,
    output: str | Sink,
    format: str | None = None,
    proba: bool = False,
    force: bool = False,
    batch_size: int | None = None,
    runs: str = "runs",
    say: Say = ignore,
) -> PredictResult:
    """Predict every row of `input`.

    An output file is written whole or not at all; over an existing one only with `force`, and never
    over the input, the model, or what a run directory needs.

    Raises:
        UsageError: there is no such format, or it cannot be told from the output's name.
        CheckpointError: the model cannot be used.
        DataError: the rows are not what the model was made for.
        DivergedError: a prediction is not finite.
        FileSystemError: the output exists, must not be replaced, or cannot be written.
    """
    path = find_model(model, runs, say)
    kind = _format(format, output)
    if isinstance(output, str) and Path(output).exists():
        _require_replaceable(Path(output), force, {"input": Path(input), "model": path})
    loaded = load_model(path)
    rows = Rows(loaded.task, proba, loaded.schema.target_scaling.decimals)
    pieces = FORMATS[kind](rows, _predictions(loaded, input, batch_size or _ROWS, rows, say))
    if isinstance(output, str):
        write_atomic(Path(output), pieces, exclusive=not force, follow=True)
    else:
        for piece in pieces:
            output.write(piece)
        output.flush()
    return PredictResult(rows.count, output if isinstance(output, str) else "-", str(path))


def _require_replaceable(output: Path, force: bool, needed: Mapping[str, Path]) -> None:
    """Refuse to write over what is at `output`.

    Raises:
        FileSystemError: it may not be replaced, or not without `force`.
    """
    shown = safe_text(output)
    for name, path in needed.items():
        if path.exists() and output.exists() and output.samefile(path):
            raise FileSystemError(
                f"{shown} is the {name}, which is never written over", fix="choose another name"
            )
    folder = output.resolve().parent
    run = folder.parent if folder.name == "checkpoints" else folder
    if RunDirectory(run).resolved.exists():
        raise FileSystemError(
            f"{shown} belongs to a run",
            why="`resume` and `evaluate` read the files of a run directory",
            fix="choose a name outside of it",
        )
    if not force:
        raise FileSystemError(
            f"{shown} exists",
            fix="choose another name, or write over it with --force",
        )


def _predictions(model: Model, path: str, step: int, rows: Rows, say: Say) -> Iterator[Array]:
    """The predictions of a file, piece by piece, checked to be finite; tells `rows` their files."""
    ranks = use_ranks(model.network, step)
    evaluator = Evaluator(model.network, model.loss, model.task, ranks)
    schema = model.schema
    seen, said = 0, set[str]()
    for table in map(schema.adapted, source_of(path).tables(schema.columns(False), step)):
        for note in table.notes:
            if note not in said:
                said.add(note)
                say(note)
        if not table.rows:
            continue
        data = schema.dataset(table, with_targets=False)
        found = evaluator.predict(data)
        _require_finite(found, seen)
        seen += len(found)
        rows.files = table.files
        yield found


def _require_finite(predictions: Array, before: int) -> None:
    import numpy as np

    bad = np.flatnonzero(~np.isfinite(predictions).all(axis=-1))
    if len(bad):
        raise DivergedError(
            f"the prediction of row {before + int(bad[0]) + 1} is not finite",
            why="the inputs are so large that the network's arithmetic overflows",
            fix="compare the inputs with the ranges of the training data",
        )


def _format(asked: str | None, output: str | Sink) -> str:
    suffix = Path(output).suffix.lstrip(".").lower() if isinstance(output, str) else "csv"
    kind = asked or suffix
    if kind not in FORMATS:
        raise UsageError(
            f"there is no output format `{safe_text(kind)}`",
            why=f"there are {listing(FORMATS)}",
            fix="choose one with --format, or by the suffix of the output's name",
        )
    return kind
