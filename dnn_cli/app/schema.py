"""The JSON Schema of the configuration file, for editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def json_schema() -> Mapping[str, Any]:
    """JSON Schema (draft 2020-12) of the YAML file."""
    from dnn_cli.config.json_schema import json_schema as generate

    return generate()
