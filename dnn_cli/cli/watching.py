"""What `train`, `cv` and `resume` share: trainings that are watched, and how they end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeAlias

import typer

from dnn_cli.base.errors import UsageError

if TYPE_CHECKING:
    from dnn_cli.app.cross_validation import CvResult, Watching
    from dnn_cli.app.lifecycle.attempt import TrainResult
    from dnn_cli.console.observer import Progress

Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print errors and the last lines only.")
]
Verbose: TypeAlias = Annotated[
    bool, typer.Option("--verbose", "-v", help="Also tell of checkpoints and long epochs.")
]


def watched(training: Callable[[Progress], TrainResult], quiet: bool, verbose: bool) -> NoReturn:
    """Run `training` with a progress display, and end as it ended.

    Raises:
        UsageError: it is to be quiet and verbose.
    """
    from dnn_cli.console.closing import show_closing
    from dnn_cli.console.progress import progress_for

    if quiet and verbose:
        raise UsageError("--quiet and --verbose exclude each other", fix="leave one of them out")
    with progress_for(sys.stderr, quiet, verbose) as progress:
        result = training(progress)
    show_closing(result, sys.stderr)
    raise typer.Exit(result.exit_code)


def cross_validated(
    validation: Callable[[Watching, Callable[[str], None]], CvResult],
    quiet: bool,
    verbose: bool,
    json: bool = False,
) -> NoReturn:
    """Run a cross-validation with a progress display for each fold, show its table, and end.

    Raises:
        UsageError: it is to be quiet and verbose.
    """
    from functools import partial

    from dnn_cli.cli.options import sayer
    from dnn_cli.cli.standard_output import results
    from dnn_cli.console.grid import show
    from dnn_cli.console.json_text import json_text
    from dnn_cli.console.progress import progress_for
    from dnn_cli.console.tables import cross_validation

    if quiet and verbose:
        raise UsageError("--quiet and --verbose exclude each other", fix="leave one of them out")
    say = sayer()
    found = validation(partial(progress_for, sys.stderr, quiet, verbose), say)
    if found.stopped:
        say(f"stopped; what is done is kept; continue with: {found.resume}")
        raise typer.Exit(found.stopped)
    with results() as output:
        if json:
            keys = ("directory", "plan", "metrics", "folds")
            output.write(json_text({key: getattr(found, key) for key in keys}))
        else:
            show(cross_validation(found), output)
    raise typer.Exit(0)
