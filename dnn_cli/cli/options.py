"""Arguments and options that more than one command takes, and how they are read."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Literal, TypeAlias

import typer

from dnn_cli.base.errors import UsageError
from dnn_cli.base.path import local_path
from dnn_cli.base.spec import SpecError
from dnn_cli.base.text import safe_text


def readable(path: str | None) -> str | None:
    """A path given to a command, with a `~` that the shell has left: `--model=~/m`.

    Raises:
        UsageError: it is an address.
    """
    if path is None:
        return None
    try:
        found = local_path(path)
    except SpecError as error:
        raise UsageError(str(error), fix=error.fix) from None
    return str(found) if path.startswith("~") else path


def writable(path: str | None) -> str | None:
    """The same for a place to write to."""
    try:
        return readable(path)
    except UsageError as error:
        fix = "addresses are not written to: give a path on this machine"
        raise UsageError(str(error), fix=fix) from None


Config: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="CONFIG", help="The YAML file; - reads standard input.", callback=readable
    ),
]
Overrides: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help="Keys to change: optimizer.learning_rate=0.01"),
]
Set: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="The same as an option. Repeatable."),
]
Model: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A model file, a checkpoint or a run directory.",
        callback=readable,
    ),
]
Runs: TypeAlias = Annotated[
    str, typer.Option(metavar="DIR", help="Where the runs are.", callback=writable)
]
Delimiter: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="CHAR", help="What separates cells of CSV.", show_default="found"),
]
Decimal: TypeAlias = Annotated[
    Literal[".", ","] | None,
    typer.Option(metavar="CHAR", help="The decimal sign.", show_default="found or as in training"),
]
Thousands: TypeAlias = Annotated[
    Literal[",", ".", "'", " ", "_"] | None,
    typer.Option(
        metavar="CHAR", help="A sign between thousands.", show_default="found or as in training"
    ),
]
Encoding: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="The encoding of CSV.", show_default="found or as in training"
    ),
]
Header: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header",
        help="Whether a first row names columns.",
        show_default="found",
    ),
]
Target: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="The column of a table to predict. Repeatable."),
]
Task: TypeAlias = Annotated[
    Literal["binary", "multiclass", "multilabel", "regression"] | None,
    typer.Option(metavar="TASK", help="What is predicted.", show_default="by the target"),
]
Interval: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="LEVEL",
        help="Bounds of numbers, sets of classes that hold the truth so often: 0.9.",
    ),
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")]
Debug: TypeAlias = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def overrides(bare: Sequence[str] | None, sets: Sequence[str] | None) -> list[str]:
    """The changes asked for, bare ones first.

    Raises:
        UsageError: one of them has no `=`.
    """
    found = [*(bare or ()), *(sets or ())]
    for change in found:
        if "=" not in change:
            raise UsageError(
                f"`{safe_text(change)}` is not of the form KEY=VALUE",
                fix="write for instance optimizer.learning_rate=0.01",
            )
    return found


def of_source(header: bool | None, **options: str | None) -> list[str]:
    """The options of a CSV file that were given, as changes of the source."""
    given = {name: json.dumps(value) for name, value in dialect(**options).items()}
    if header is not None:
        given["header"] = json.dumps(header)
    return [f"data.source.{name}={value}" for name, value in given.items()]


def dialect(**options: str | None) -> dict[str, str]:
    """The options of a CSV file that were given; `\\t` is a tab, which is hard to type."""
    given = {name: value for name, value in options.items() if value is not None}
    return {name: "\t" if value == "\\t" else value for name, value in given.items()}


def as_threshold(text: str) -> float | Literal["auto"]:
    """A probability, or `auto`.

    Raises:
        UsageError: it is neither.
    """
    if text == "auto":
        return "auto"
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= 1.0:
        raise UsageError(
            f"--threshold: `{safe_text(text)}` is no probability",
            fix="give a number from 0 to 1, or auto",
        )
    return value


def as_level(text: str) -> float:
    """A probability between 0 and 1.

    Raises:
        UsageError: it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < 1.0:
        raise UsageError(
            f"--interval: `{safe_text(text)}` is no level",
            fix="give a number between 0 and 1, such as 0.9",
        )
    return value


def sayer() -> Callable[[str], None]:
    """Where commands without a display say their sentences: lines on standard error."""
    from dnn_cli.console.plain import PlainProgress

    return PlainProgress(sys.stderr).say
