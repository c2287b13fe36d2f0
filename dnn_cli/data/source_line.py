"""The line of a configuration that names a source, to be shown in a message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from dnn_cli.base.text import safe_text

_PLAIN = re.compile(r"[A-Za-z_./][\w./-]*", re.ASCII)
_LONGEST = 500  # characters of one value
_WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off"))  # that YAML may not keep


def source_line(kind: str, options: Mapping[str, str | Path]) -> str:
    """`data: {source: {type: kind, option: value, …}}`, right wherever the YAML file lies."""
    pairs = ", ".join(f"{name}: {_written(value)}" for name, value in options.items())
    return f"data: {{source: {{type: {kind}, {pairs}}}}}"


def _written(value: str | Path) -> str:
    """A value as YAML; a path in a folder is absolute, for it is relative to who knows where."""
    if isinstance(value, Path) and value.parent != Path():
        value = value.absolute()
    text = str(value)
    if len(text) <= _LONGEST and _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{safe_text(quoted, _LONGEST)}"'  # the escapes of Python are those of YAML too
