"""`dnn schema`: the JSON Schema of the configuration file."""

from __future__ import annotations

import typer

from dnn_cli.cli.options import Debug
from dnn_cli.cli.standard_output import results

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EPILOG = """
An editor with a YAML language server completes and checks a file that begins
with `# yaml-language-server: $schema=dnn.schema.json`.

Examples:
  dnn schema > dnn.schema.json
"""


@app.command(epilog=EPILOG)
def schema(debug: Debug = False) -> None:
    """Print the JSON Schema of the configuration file, for editors."""
    from dnn_cli.app.schema import json_schema
    from dnn_cli.console.json_text import json_text

    with results() as output:
        output.write(json_text(json_schema()))
