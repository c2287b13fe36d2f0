"""`dnn resume`: a run that stopped goes on where it stood."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dnn_cli.base.errors import UsageError
from dnn_cli.cli.options import Debug, Overrides, Runs, Set, overrides

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
        str, typer.Argument(metavar="RUN", help="A run directory, or latest: the newest run.")
    ],
    changes: Overrides = None,
    sets: Set = None,
    runs: Runs = "runs",
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print errors and the last lines only.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also tell of checkpoints and long epochs.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Continue a run that was killed or stopped, or extend one."""
    from dnn_cli.app.resume import resume_run
    from dnn_cli.console.closing import show_closing
    from dnn_cli.console.progress import progress_for

    if quiet and verbose:
        raise UsageError("--quiet and --verbose exclude each other", fix="leave one of them out")
    with progress_for(sys.stderr, quiet, verbose) as progress:
        result = resume_run(
            run,
            overrides=overrides(changes, sets),
            runs=runs,
            observers=[progress],
            say=progress.say,
        )
    show_closing(result, sys.stderr)
    raise typer.Exit(result.exit_code)
