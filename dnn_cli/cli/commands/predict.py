"""`dnn predict`: a model's answers for new data."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from dnn_cli.base.errors import UsageError
from dnn_cli.cli.options import (
    Debug,
    Decimal,
    Delimiter,
    Encoding,
    Interval,
    Runs,
    Thousands,
    as_level,
    as_threshold,
    dialect,
    readable,
    sayer,
    writable,
)
from dnn_cli.cli.standard_output import Predictions

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
The columns are `prediction` and, with --proba, `p_<label>` for every label.
What --id, --keep and --keep-all pass through stands before them, as INPUT has
it written. With --interval numbers have `lower` and `upper` after them, classes
a `set` of labels.

Examples:
  dnn predict new.csv
  dnn predict new.csv --model runs/churn-001 --proba -o predictions.csv
  dnn predict images.npy --format jsonl | head
  cat new.csv | dnn predict - --model m.safetensors --id customer > out.csv
"""


@app.command(epilog=EPILOG)
def predict(
    input: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="CSV, JSON lines, Parquet, Arrow, NPY, NPZ, IDX, an image or a folder of images; "
            "- is CSV or JSON lines on standard input.",
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="A model file, a checkpoint or a run directory.",
            show_default="latest finished run",
            callback=readable,
        ),
    ] = None,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to write; - is standard output.",
            callback=writable,
        ),
    ] = "-",
    force: Annotated[bool, typer.Option("--force", help="Write over FILE if it exists.")] = False,
    format: Annotated[
        Literal["csv", "tsv", "jsonl", "parquet", "npy"] | None,
        typer.Option(
            metavar="FORMAT",
            help="csv, tsv, jsonl, parquet or npy.",
            show_default="by FILE, else csv",
        ),
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Add the probability of every label.")
    ] = False,
    id: Annotated[
        str | None,
        typer.Option("--id", metavar="COLUMN", help="Begin each row with this column of INPUT."),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Pass a column of INPUT through. Repeatable."),
    ] = None,
    keep_all: Annotated[
        bool, typer.Option("--keep-all", help="Pass all columns of INPUT through.")
    ] = False,
    threshold: Annotated[
        str | None,
        typer.Option(
            metavar="P",
            help="Decide for the positive class from this probability; auto: that of the model.",
            show_default="the more probable class",
        ),
    ] = None,
    interval: Interval = None,
    delimiter: Delimiter = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    encoding: Encoding = None,
    batch_size: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Rows at a time.", show_default="auto")
    ] = None,
    runs: Runs = "runs",
    debug: Debug = False,
) -> None:
    """Predict for new data with a trained model."""
    from dnn_cli.app.passed_through import PassedThrough
    from dnn_cli.app.predict import predict_file

    if keep and keep_all:
        raise UsageError("--keep-all passes every column through", fix="leave --keep out")
    if output == "-" and format in ("npy", "parquet") and sys.stdout.isatty():
        raise UsageError(
            f"{format} is binary, and standard output is a terminal", fix="add -o FILE"
        )
    say = sayer()
    found = predict_file(
        input,
        model=model,
        output=Predictions() if output == "-" else output,
        format=format,
        proba=proba,
        passed=PassedThrough(id, tuple(keep or ()), keep_all),
        threshold=None if threshold is None else as_threshold(threshold),
        interval=None if interval is None else as_level(interval),
        batch_size=batch_size,
        force=force,
        dialect=dialect(
            delimiter=delimiter, decimal=decimal, thousands=thousands, encoding=encoding
        ),
        runs=runs,
        say=say,
    )
    if output != "-":
        say(f"{found.rows} predictions in {found.output}")
