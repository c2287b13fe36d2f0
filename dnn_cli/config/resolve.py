"""A spec as plain values with every default written out, and plain values as YAML."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeAlias

from dnn_cli.base.spec import Spec
from dnn_cli.config.bare import TYPE
from dnn_cli.config.decode import REFUSED
from dnn_cli.config.scalars import plain_value

Plain: TypeAlias = "dict[str, Plain] | list[Plain] | str | int | float | bool | None"

WIDTH = 100
_LONGEST_KEY = 1000  # YAML reads `key: value` up to 1024 characters, and `? key` beyond
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*")
_BOOLEANS_ELSEWHERE = {"y", "n", "yes", "no", "on", "off"}  # to readers of YAML 1.1


def resolve(value: object) -> Any:
    """`value` (a spec, or what an option may hold) as dictionaries, lists and scalars.

    `fill_plain(resolve(spec), type)` is `spec` again.
    """
    if isinstance(value, Spec):
        options = {one.name: resolve(getattr(value, one.name)) for one in fields(value)}
        return {TYPE: value.spec_name, **options} if value.spec_name else options
    if isinstance(value, Mapping):
        return {str(key): resolve(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [resolve(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def dump_yaml(value: Plain) -> str:
    """Plain values as YAML that `parse_text` reads back as the same values."""
    return "".join(line + "\n" for line in _lines(value))


def _lines(value: Plain) -> list[str]:
    inline = _inline(value)
    if inline is not None:
        return [inline]
    if isinstance(value, dict):
        return [line for key, one in value.items() for line in _entry(yaml_scalar(key), one)]
    assert isinstance(value, list)
    return [line for one in value for line in _hang("- ", _lines(one))]


def _entry(key: str, value: Plain) -> list[str]:
    lines = _lines(value)
    if len(key) > _LONGEST_KEY:
        return [f"? {key}", *_hang(": ", lines)]
    if _inline(value) is not None:
        return [f"{key}: {lines[0]}"]
    return [f"{key}:", *("  " + line for line in lines)]


def _hang(lead: str, lines: list[str]) -> list[str]:
    return [lead + lines[0], *("  " + line for line in lines[1:])]


def _inline(value: Plain) -> str | None:
    """`value` on one line, or None if it needs several."""
    if isinstance(value, dict):
        return None if value else "{}"
    if not isinstance(value, list):
        return yaml_scalar(value)
    if any(isinstance(one, dict | list) for one in value):
        return None
    line = f"[{', '.join(yaml_scalar(one) for one in value)}]"
    return line if len(line) <= WIDTH or not value else None


def yaml_scalar(value: object) -> str:
    """A text, number, truth or null as YAML on one line, escaped so that every reader agrees."""
    if not isinstance(value, str):
        return json.dumps(value, allow_nan=False)
    if (
        _PLAIN.fullmatch(value)
        and value.lower() not in _BOOLEANS_ELSEWHERE
        and plain_value(value) == value
    ):
        return value
    quoted = json.dumps(value, ensure_ascii=False)
    return REFUSED.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
