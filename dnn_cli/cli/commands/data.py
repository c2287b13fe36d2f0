"""`dnn data`: the public data sets that the configurations in `configs/` use."""

from __future__ import annotations

from typing import Annotated

import typer

from dnn_cli.cli.options import Debug, readable, sayer
from dnn_cli.cli.standard_output import results

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
Examples:
  dnn data list
  dnn data fetch mnist
  dnn data fetch mnist --from /mnt/usb/mnist
"""


@app.callback(epilog=EPILOG)
def data() -> None:
    """Fetch public data sets, each checked against its SHA-256."""


@app.command(epilog=EPILOG)
def fetch(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The data set; see `dnn data list`.")],
    mirror: Annotated[
        str | None, typer.Option(metavar="URL", help="Another place to download from.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="DIR", help="Take the files from a directory.", callback=readable
        ),
    ] = None,
    debug: Debug = False,
) -> None:
    """Download a data set, or take it from a directory."""
    from dnn_cli.app.fetch import fetch_dataset

    say = sayer()
    found = fetch_dataset(name, mirror=mirror, source=source, say=say)
    say(f"{found.name}: {len(found.files)} files in {found.directory}")


@app.command("list", epilog=EPILOG)
def list_(debug: Debug = False) -> None:
    """List the data sets that can be fetched, and which are here."""
    from dnn_cli.app.fetch import list_datasets
    from dnn_cli.console.grid import show
    from dnn_cli.console.tables import datasets

    with results() as output:
        show(datasets(list_datasets()), output)
