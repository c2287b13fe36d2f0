"""`dnn selfcheck`: do the promises hold on this machine?"""

from __future__ import annotations

import typer

from dnn_cli.cli.options import Debug, Json, sayer
from dnn_cli.cli.standard_output import results

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
A small training is killed and resumed, and must end with the same bytes as one
that ran undisturbed; gradients are compared with differences; damaged
checkpoints must be refused. Exit code 1 if anything does not hold.

Examples:
  dnn selfcheck
  dnn selfcheck --json
"""


@app.command(epilog=EPILOG)
def selfcheck(json: Json = False, debug: Debug = False) -> None:
    """Check resuming, gradients and damage detection on this machine."""
    from dnn_cli.app.selfcheck import selfcheck as check
    from dnn_cli.console.grid import Grid, show
    from dnn_cli.console.json_text import json_text

    found = check(sayer())
    rows = [(one.name, "ok" if one.passed else "FAILED", one.detail) for one in found.checks]
    facts = Grid("", list(found.machine.items()))
    checks = Grid("", rows, ("check", "", "detail"), frozenset({"check", "", "detail"}))
    with results() as output:
        if json:
            output.write(json_text(found))
        else:
            show([facts, checks], output)
    raise typer.Exit(0 if found.passed else 1)
