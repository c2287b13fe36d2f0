"""The root command. Commands are found by their files; only the one invoked is imported."""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from typing import Annotated, Any, final

import typer
from typer.core import TyperGroup

from dnn_cli import __version__
from dnn_cli.base.errors import UsageError
from dnn_cli.base.text import nearest, safe_text
from dnn_cli.cli import COMPLETION, commands
from dnn_cli.cli.errors import guarded
from dnn_cli.cli.standard_output import closed

PROGRAM = "dnn"

EPILOG = """
Examples:
  dnn data fetch mnist
  dnn check configs/mnist_mlp.yaml
  dnn train configs/mnist_mlp.yaml optimizer.learning_rate=0.01
  dnn evaluate runs/mnist-mlp-001
  dnn predict new.csv -o predictions.csv

Results and --json go to standard output, everything else to standard error.

Exit codes:
   0  done                           9  too large for the memory or a limit
   1  a bug of ours                 11  a --fail-if condition holds
   2  wrong usage                   12  an optional package is missing
   3  wrong configuration           75  stopped at the time limit, resumable
   4  wrong data                   129  hung up, after saving
   5  wrong model or checkpoint    130  interrupted, after saving
   6  a file could not be written  141  the reader of the output has left
   7  the run directory is in use  143  terminated, after saving
   8  a number is not finite
"""


@final
class Commands(TyperGroup):
    """The files of `cli/commands` as commands, imported when they are asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, without importing the files."""
        return sorted(info.name for info in pkgutil.iter_modules(commands.__path__))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command called `cmd_name`.

        Raises:
            UsageError: there is none; the nearest one is named.
        """
        names = self.list_commands(ctx)
        if cmd_name in names:
            module = importlib.import_module(f"{commands.__name__}.{cmd_name}")
            return typer.main.get_command(module.app)
        if ctx.resilient_parsing or cmd_name.startswith("-"):
            return None
        close = nearest(cmd_name, names)
        raise UsageError(
            f"there is no command `{safe_text(cmd_name)}`",
            why=f"the commands are {', '.join(names)}",
            fix=f"did you mean `{PROGRAM} {close}`?" if close else f"see `{PROGRAM} --help`",
        )


def application() -> Any:
    """The root command."""
    app = typer.Typer(
        cls=Commands,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog=EPILOG,
    )
    app.callback()(_root)
    return typer.main.get_command(app)


def _root(
    version: Annotated[
        bool, typer.Option("--version", "-V", is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Train, evaluate and use neural networks that a YAML file describes."""
    if version:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


def _prepare_streams() -> None:
    """Make standard output and error writable, whatever they are and whatever is written."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None and name == "stdout":  # closed by whoever started us
            sys.stdout = closed()
        elif stream is None:
            sys.stderr = open(os.devnull, "w")  # noqa: SIM115 (open until the process ends)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def run(args: list[str]) -> int:
    """Run the command line `args` and return the exit code."""
    _prepare_streams()
    root = application()
    if COMPLETION in os.environ:
        root.main(args, prog_name=PROGRAM, complete_var=COMPLETION)

    def invoke() -> None:
        with root.make_context(PROGRAM, list(args)) as context:
            root.invoke(context)

    return guarded(invoke, debug="--debug" in args)
