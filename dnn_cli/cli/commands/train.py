"""`dnn train`: a configuration file becomes a run directory with a model in it."""

from __future__ import annotations

from typing import Annotated

import typer

from dnn_cli.cli.options import (
    Config,
    Debug,
    Decimal,
    Delimiter,
    Encoding,
    Header,
    Overrides,
    Runs,
    Set,
    Target,
    Task,
    Thousands,
    of_source,
    overrides,
    writable,
)
from dnn_cli.cli.watching import Quiet, Verbose, watched

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
Ctrl-C finishes the step, saves and prints the command that continues; pressed
again, it stops at once.

Examples:
  dnn train configs/mnist_mlp.yaml
  dnn train churn.yaml optimizer.learning_rate=0.01 training.epochs=5
  dnn train churn.yaml --name first-try --runs /scratch/runs
  dnn train churn.csv --target churned
"""


@app.command(epilog=EPILOG)
def train(
    config: Config,
    changes: Overrides = None,
    sets: Set = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the run instead of the file's.")
    ] = None,
    run_dir: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="The run directory itself, new or empty.", callback=writable
        ),
    ] = None,
    runs: Runs = "runs",
    target: Target = None,
    task: Task = None,
    cache: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Where columns on disk stay for the next time: data.cache=DIR.",
            callback=writable,
        ),
    ] = None,
    delimiter: Delimiter = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    encoding: Encoding = None,
    header: Header = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Train the network that a configuration describes.

    With --target CONFIG is a table: a configuration is drafted as by `dnn init`, and trained.
    """
    from dnn_cli.app.train import train_run

    found = of_source(
        header, delimiter=delimiter, decimal=decimal, thousands=thousands, encoding=encoding
    )
    kept = [f"data.cache={cache}"] if cache else []
    watched(
        lambda progress: train_run(
            config,
            overrides=[*overrides(changes, sets), *found, *kept],
            name=name,
            run_dir=run_dir,
            runs=runs,
            observers=[progress],
            say=progress.say,
            targets=target or (),
            task=task,
        ),
        quiet,
        verbose,
    )
