"""`dnn info`: what a model file says about itself."""

from __future__ import annotations

import typer

from dnn_cli.cli.options import Debug, Json, Model
from dnn_cli.cli.standard_output import results

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
Examples:
  dnn info runs/mnist-mlp-001
  dnn info model.safetensors --json
"""


@app.command(epilog=EPILOG)
def info(model: Model, json: Json = False, debug: Debug = False) -> None:
    """Show what a model is, what it expects and how well it did."""
    from dnn_cli.app.info import model_info
    from dnn_cli.console.grid import show
    from dnn_cli.console.json_text import json_text
    from dnn_cli.console.tables import info as tables

    found = model_info(model)
    with results() as output:
        if json:
            output.write(json_text(found))
        else:
            show(tables(found), output)
