"""`dnn init`: a first configuration for a table."""

from __future__ import annotations

from typing import Annotated

import typer

from dnn_cli.cli.options import (
    Debug,
    Decimal,
    Delimiter,
    Encoding,
    Header,
    Set,
    Target,
    Task,
    Thousands,
    of_source,
    overrides,
    readable,
    sayer,
    writable,
)
from dnn_cli.cli.standard_output import results

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
The file says of each column what it is and why, and what else it may be; it
trains as it is. Without --target the columns are listed. What is found wrongly
is said behind DATA: --decimal ',', data.columns.zip=category.

Examples:
  dnn init churn.csv --target churned -o churn.yaml
  dnn train churn.yaml
  dnn predict new.csv
"""


@app.command(epilog=EPILOG)
def init(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A table: CSV, JSON lines, Parquet, Arrow, NPZ or NPY with names.",
            callback=readable,
        ),
    ],
    changes: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="What the data are: data.columns.zip=category"),
    ] = None,
    sets: Set = None,
    target: Target = None,
    task: Task = None,
    delimiter: Delimiter = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    encoding: Encoding = None,
    header: Header = None,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to write; - is standard output.",
            callback=writable,
        ),
    ] = "-",
    debug: Debug = False,
) -> None:
    """Write a configuration for a table."""
    from dnn_cli.app.init import init_config

    say = sayer()
    found = of_source(
        header, delimiter=delimiter, decimal=decimal, thousands=thousands, encoding=encoding
    )
    text = init_config(
        data,
        tuple(target or ()),
        task,
        None if output == "-" else output,
        say,
        [*overrides(changes, sets), *found],
    )
    if output == "-":
        with results() as stream:
            stream.write(text)
