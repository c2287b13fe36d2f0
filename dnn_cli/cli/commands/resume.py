"""`dnn resume`: a run that stopped goes on where it stood."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dnn_cli.base.errors import UsageError
from dnn_cli.cli.options import Debug, Overrides, Runs, Set, overrides, readable
from dnn_cli.cli.watching import Quiet, Verbose, cross_validated, watched

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
On the same machine, with the same versions and number of threads, the run ends
with the same bytes as if it had never stopped. What differs is said before it
goes on; other data, or another network, are refused.

Examples:
  dnn resume runs/mnist-mlp-001
  dnn resume latest
  dnn resume runs/churn-001 --set training.epochs=300
"""


@app.command(epilog=EPILOG)
def resume(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="A run directory, that of a cross-validation, or latest.",
            callback=readable,
        ),
    ],
    changes: Overrides = None,
    sets: Set = None,
    runs: Runs = "runs",
    quiet: Quiet = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Continue a run that was killed or stopped, or extend one."""
    from dnn_cli.app.cross_validation import is_cv, resume_cv
    from dnn_cli.app.resume import resume_run

    if is_cv(Path(run)):
        if changes or sets:
            raise UsageError(
                "the folds of a cross-validation are of one configuration",
                fix="leave the changes out, or start another with `dnn cv`",
            )
        cross_validated(
            lambda watching, say: resume_cv(run, watching=watching, say=say), quiet, verbose
        )
    watched(
        lambda progress: resume_run(
            run,
            overrides=overrides(changes, sets),
            runs=runs,
            observers=[progress],
            say=progress.say,
        ),
        quiet,
        verbose,
    )
