"""`dnn cv`: a configuration measured by cross-validation."""

from __future__ import annotations

from typing import Annotated

import typer

from dnn_cli.cli.options import (
    Config,
    Debug,
    Json,
    Overrides,
    Runs,
    Set,
    Target,
    Task,
    overrides,
    writable,
)
from dnn_cli.cli.watching import Quiet, Verbose, cross_validated

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
Each fold is a run of its own, trained as by `dnn train`. Stopped, it goes on
with `dnn resume DIR`, or with the same command and --run-dir.

Examples:
  dnn cv churn.yaml
  dnn cv churn.csv --target churned --folds 10 --repeats 3 --jobs 2
  dnn cv visits.yaml --group patient
  dnn cv sales.yaml --time date --json
"""


@app.command(epilog=EPILOG)
def cv(
    config: Config,
    changes: Overrides = None,
    sets: Set = None,
    folds: Annotated[int, typer.Option(metavar="N", min=2, help="Number of folds.")] = 5,
    repeats: Annotated[
        int, typer.Option(metavar="N", min=1, help="Divisions into folds, each another.")
    ] = 1,
    group: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Rows with equal cells stay in one fold."),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Train on what was before the rows held out."),
    ] = None,
    jobs: Annotated[int, typer.Option(metavar="N", min=1, help="Folds at a time.")] = 1,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name instead of the file's.")
    ] = None,
    run_dir: Annotated[
        str | None,
        typer.Option(
            metavar="DIR", help="The directory itself: new, empty, or to go on.", callback=writable
        ),
    ] = None,
    runs: Runs = "runs",
    target: Target = None,
    task: Task = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Measure a configuration by cross-validation.

    Shows mean and standard deviation of every metric over the folds. With --target CONFIG is a
    table: a configuration is drafted as by `dnn init`.
    """
    from dnn_cli.app.cross_validation import Plan, cross_validate

    plan = Plan(folds=folds, repeats=repeats, group=group, time=time)
    cross_validated(
        lambda watching, say: cross_validate(
            config,
            plan,
            overrides=overrides(changes, sets),
            name=name,
            run_dir=run_dir,
            runs=runs,
            jobs=jobs,
            watching=watching,
            say=say,
            targets=target or (),
            task=task,
        ),
        quiet,
        verbose,
        json,
    )
