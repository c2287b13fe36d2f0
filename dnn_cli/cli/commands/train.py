"""`dnn train`: a configuration file becomes a run directory with a model in it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dnn_cli.base.errors import EXIT_BUDGET, EXIT_SIGNALS, UsageError
from dnn_cli.cli.options import Config, Debug, Overrides, Runs, Set, overrides

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
Ctrl-C finishes the step, saves and prints the command that continues; pressed
again, it stops at once.

Examples:
  dnn train configs/mnist_mlp.yaml
  dnn train churn.yaml optimizer.learning_rate=0.01 training.epochs=5
  dnn train churn.yaml --name first-try --runs /scratch/runs
"""

_EXITS = {
    "max_time": EXIT_BUDGET,
    "hangup": EXIT_SIGNALS[1],
    "interrupted": EXIT_SIGNALS[2],
    "terminated": EXIT_SIGNALS[15],
}


@app.command(epilog=EPILOG)
def train(
    config: Config,
    changes: Overrides = None,
    sets: Set = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the run instead of the file's.")
    ] = None,
    run_dir: Annotated[
        str | None, typer.Option(metavar="DIR", help="The run directory itself, new or empty.")
    ] = None,
    runs: Runs = "runs",
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print errors and the last lines only.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also tell of checkpoints and long epochs.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Train the network that a configuration file describes."""
    from dnn_cli.app.train import train_run
    from dnn_cli.console.closing import show_closing
    from dnn_cli.console.progress import progress_for

    if quiet and verbose:
        raise UsageError("--quiet and --verbose exclude each other", fix="leave one of them out")
    with progress_for(sys.stderr, quiet, verbose) as progress:
        result = train_run(
            config,
            overrides=overrides(changes, sets),
            name=name,
            run_dir=run_dir,
            runs=runs,
            observers=[progress],
            say=progress.say,
        )
    show_closing(result, sys.stderr)
    raise typer.Exit(_EXITS.get(result.reason, 0))
