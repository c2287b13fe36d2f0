"""What `train` and `resume` share: a training that is watched, its closing lines, its exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeAlias

import typer

from dnn_cli.base.errors import UsageError

if TYPE_CHECKING:
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
