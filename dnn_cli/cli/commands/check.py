"""`dnn check`: what a configuration amounts to and what may be wrong with its data."""

from __future__ import annotations

from typing import Annotated

import typer

from dnn_cli.cli.options import Config, Debug, Json, Overrides, Set, Target, Task, overrides
from dnn_cli.cli.standard_output import results

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
Examples:
  dnn check configs/mnist_mlp.yaml
  dnn check churn.yaml optimizer.learning_rate=0.01 --gradients
  dnn check churn.csv --target churned --strict
"""


@app.command(epilog=EPILOG)
def check(
    config: Config,
    changes: Overrides = None,
    sets: Set = None,
    gradients: Annotated[
        bool, typer.Option("--gradients", help="Also compare gradients with finite differences.")
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Also time one training step, part by part.")
    ] = False,
    target: Target = None,
    task: Task = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 4 if a finding is severe.")
    ] = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Check a configuration and its data, without training.

    Tells the layers, the memory, the time, and what may be wrong with the data, of all columns at
    once. With --target CONFIG is a table: a configuration is drafted as by `dnn init`. Where the
    data would stop a training, it exits 4.
    """
    from dnn_cli.app.check import check_config
    from dnn_cli.base.errors import DataError
    from dnn_cli.console.grid import show
    from dnn_cli.console.json_text import json_text
    from dnn_cli.console.tables import check as tables

    found = check_config(
        config,
        overrides=overrides(changes, sets),
        gradients=gradients,
        profile=profile,
        targets=target or (),
        task=task,
    )
    with results() as output:
        if json:
            output.write(json_text(found))
        else:
            show(tables(found), output)
    if found.stopped:
        raise DataError(found.stopped)
    if strict and any(one.severity == "severe" for one in found.findings):
        raise typer.Exit(4)
    if not all(one.passed for one in found.gradients):
        raise typer.Exit(1)  # a wrong gradient is a bug of ours
