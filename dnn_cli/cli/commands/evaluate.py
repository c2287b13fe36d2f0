"""`dnn evaluate`: a model measured on data."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from dnn_cli.base.errors import GateError, UsageError
from dnn_cli.cli.options import (
    Debug,
    Decimal,
    Delimiter,
    Encoding,
    Interval,
    Json,
    Model,
    Thousands,
    as_level,
    dialect,
    sayer,
)
from dnn_cli.cli.standard_output import results

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
Examples:
  dnn evaluate runs/mnist-mlp-001
  dnn evaluate runs/churn-001 new.csv --json
  dnn evaluate runs/churn-001 --fail-if 'accuracy<0.9' --fail-if 'loss>0.4'
"""


@app.command(epilog=EPILOG)
def evaluate(
    model: Model,
    data: Annotated[
        str | None, typer.Argument(metavar="DATA", help="Labelled data instead of the run's own.")
    ] = None,
    split: Annotated[
        Literal["train", "valid", "test"] | None,
        typer.Option(
            metavar="PART",
            help="train, valid or test: a part of the run's own data.",
            show_default="test",
        ),
    ] = None,
    json: Json = False,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(metavar="COND", help="Exit 11 if this holds: 'accuracy<0.9'. Repeatable."),
    ] = None,
    interval: Interval = None,
    delimiter: Delimiter = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    encoding: Encoding = None,
    debug: Debug = False,
) -> None:
    """Measure a model on the test part of its data, or on other data."""
    from dnn_cli.app.evaluate import evaluate_model
    from dnn_cli.console.grid import show
    from dnn_cli.console.json_text import json_text
    from dnn_cli.console.tables import evaluation

    if data is not None and split is not None:
        raise UsageError("--split names a part of the run's own data, and DATA replaces that",
                         fix="leave one of them out")  # fmt: skip
    written = dialect(delimiter=delimiter, decimal=decimal, thousands=thousands, encoding=encoding)
    if data is None and written:
        options = " ".join(f"--{name}" for name in written)
        raise UsageError(f"{options}: of a data file, and none is named", fix="name DATA")
    found = evaluate_model(
        model,
        data=data,
        split=split or "test",
        fail_if=fail_if or [],
        interval=None if interval is None else as_level(interval),
        dialect=written,
        say=sayer(),
    )
    keys = ["metrics", "intervals", "rows", "split", "checkpoint", "positive", "targets", "notes"]
    if found.coverage:
        keys.append("coverage")
    with results() as output:
        if json:
            output.write(json_text({key: getattr(found, key) for key in keys}))
        else:
            show(evaluation(found), output)
    if found.failed:
        raise GateError(found.failed, state="")
