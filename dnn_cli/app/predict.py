"""Predicting the rows of a file, a piece at a time, in memory that does not grow with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from dnn_cli.app.intervals import bounds_of
from dnn_cli.app.kept_files import require_free, require_other
from dnn_cli.app.lifecycle.signals import raised
from dnn_cli.app.lifecycle.threads import use_ranks
from dnn_cli.app.models import Model, find_model, load_model
from dnn_cli.app.passed_through import NOTHING, PassedThrough
from dnn_cli.app.prediction_formats import FORMATS
from dnn_cli.app.prediction_output import Sink, format_of, write_file, write_stream
from dnn_cli.app.prediction_rows import Rows
from dnn_cli.app.say import Say, ignore
from dnn_cli.app.thresholds import Threshold, decider
from dnn_cli.base.errors import DivergedError, UsageError
from dnn_cli.base.types import Array, size_of
from dnn_cli.data.source import SourceSpec, source_of
from dnn_cli.data.table_coding import SurpriseLog
from dnn_cli.training.evaluation import Evaluator

# Read and predicted at a time, unless the caller says otherwise: so many rows, ...
_ROWS = 8192
_NUMBERS = 1 << 26  # ... and no more numbers: 256 MB


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
    passed: PassedThrough = NOTHING,
    threshold: Threshold | None = None,
    interval: float | None = None,
    batch_size: int | None = None,
    force: bool = False,
    dialect: Mapping[str, str] | None = None,
    runs: str = "runs",
    say: Say = ignore,
) -> PredictResult:
    """Predict every row of `input`.

    An output file is written whole or not at all, and over an existing one only with `force`;
    over the input, the model and what a run needs never. `passed` says which columns of the input
    go along, `threshold` from which probability a decision is positive, `interval` how often the
    truth shall lie within bounds or a set. `dialect` is how the input is written, where the model
    does not know it.

    Raises:
        UsageError: there is no such format, it cannot be told from the output's name, the input
            has no such dialect, a column passed through is called like one of the output, nothing
            of this model is decided by a threshold, or it has no such intervals.
        CheckpointError: the model cannot be used.
        DataError: the rows are not what the model was made for.
        DivergedError: a prediction is not finite.
        FileSystemError: the output exists, must not be replaced, or cannot be written.
    """
    kind = format_of(format, output)
    passed.check_format(kind)
    if kind == "npy" and interval is not None:
        raise UsageError(
            "npy holds the predictions alone, no intervals beside them",
            fix="leave --interval out, or choose --format csv",
        )
    path = find_model(model, runs, say)
    if isinstance(output, str):
        require_free(output, input, path, force)
    else:
        require_other(output, input, path)
    loaded = load_model(path)
    schema = loaded.schema
    rows = Rows(
        loaded.task,
        proba,
        schema.encoding.values,
        schema.target_scaling.decimals,
        decider(loaded, threshold, proba),
        None if interval is None else bounds_of(loaded, interval),
    )
    step = batch_size or _rows(loaded)
    source = source_of(input, dialect=dialect)
    pieces = FORMATS[kind](rows, _predictions(loaded, source, step, rows, passed, say))
    with raised():
        if isinstance(output, str):
            write_file(output, pieces, force)
        else:
            write_stream(output, pieces, rows)
    if rows.guarded:
        say(_guard(rows.guarded))
    return PredictResult(rows.count, output if isinstance(output, str) else "-", str(path))


def _rows(model: Model) -> int:
    """How many rows at a time: fewer of large examples, such as photographs."""
    return max(1, min(_ROWS, _NUMBERS // size_of(model.schema.input_shape)))


def _predictions(
    model: Model, source: SourceSpec, step: int, rows: Rows, passed: PassedThrough, say: Say
) -> Iterator[Array]:
    """The predictions of a file, piece by piece, checked to be finite.

    Tells `rows` what is beside them.
    """
    ranks = use_ranks(model.network, step)
    evaluator = Evaluator(model.network, model.loss, model.task, ranks, model.temperature)
    schema = model.schema
    seen, said, log = 0, set[str](), SurpriseLog()
    columns = replace(schema.columns(False), verbatim=passed.wanted)
    for table in map(schema.adapted, source.tables(columns, step)):
        rows.beside = passed.beside(table, rows.names)
        for note in table.notes:
            if note not in said:
                said.add(note)
                say(note)
        if not table.rows:
            continue
        data = schema.dataset(table, with_targets=False, log=log)
        found = evaluator.predict(data)
        _require_finite(found, seen)
        seen += len(found)
        yield found
    for line in log.lines():
        say(line)


def _require_finite(predictions: Array, before: int) -> None:
    import numpy as np

    bad = np.flatnonzero(~np.isfinite(predictions).all(axis=-1))
    if len(bad):
        raise DivergedError(
            f"the prediction of row {before + int(bad[0]) + 1} is not finite",
            why="the inputs are so large that the network's arithmetic overflows",
            fix="compare the inputs with the ranges of the training data",
        )


def _guard(cells: int) -> str:
    """The line that tells of cells of CSV that were changed."""
    return (
        f"{cells:,} cells of the csv begin like a formula and have a quote (') before them, so "
        "that no spreadsheet runs them; --format jsonl or parquet has them exact"
    )
