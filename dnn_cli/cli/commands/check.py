"""`dnn check`: what a configuration amounts to, without training."""

from __future__ import annotations

from typing import Annotated

import typer

from dnn_cli.cli.options import Config, Debug, Json, Overrides, Set, overrides, sayer
from dnn_cli.cli.standard_output import results

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
Examples:
  dnn check configs/mnist_mlp.yaml
  dnn check churn.yaml optimizer.learning_rate=0.01 --gradients
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
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Check a configuration and its data, without training."""
    from dnn_cli.app.check import check_config
    from dnn_cli.console.grid import show
    from dnn_cli.console.json_text import json_text
    from dnn_cli.console.tables import check as tables

    found = check_config(
        config,
        overrides=overrides(changes, sets),
        gradients=gradients,
        profile=profile,
        say=sayer(),
    )
    with results() as output:
        if json:
            output.write(json_text(found))
        else:
            show(tables(found), output)
    if not all(one.passed for one in found.gradients):
        raise typer.Exit(1)  # a wrong gradient is a bug of ours
