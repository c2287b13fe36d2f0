"""JSON text: plain values out, strictly read values in.

Numbers are written as Python's shortest text that reads back to the same float. JSON has no NaN
or infinity: they become null, or, in text that only this program reads (`exact`), the words that
Python's own reader understands.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dnn_cli.base.errors import CheckpointError
from dnn_cli.base.text import safe_text
from dnn_cli.runs.files import read_bytes, reason, write_atomic

_DEPTH = 100  # lists and objects inside each other; a configuration has 32 at most
_DIGITS = 300  # of an integer, so that it fits into a float


def to_text(
    value: object, *, exact: bool = False, sort: bool = False, indent: int | None = None
) -> str:
    """`value` as JSON, in ASCII; mappings, lists, tuples, numbers, text, None and numpy's own."""
    return json.dumps(
        _plain(value, exact),
        allow_nan=exact,
        sort_keys=sort,
        indent=indent,
        separators=None if indent else (",", ":"),
    )


def _plain(value: object, exact: bool) -> object:
    if type(value).__module__ == "numpy":
        value = value.tolist()  # type: ignore[attr-defined]
    if isinstance(value, float) and not exact and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(item, exact) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, exact) for item in value]
    return value


def from_text(text: str | bytes, *, exact: bool = False) -> Any:
    """The value that JSON `text` states.

    Raises:
        ValueError: it is not JSON in UTF-8, repeats a key, nests too deeply, or holds an integer
            beyond float64 or (not `exact`) NaN or an infinity.
    """
    try:
        value = json.loads(
            text.decode() if isinstance(text, bytes) else text,
            object_pairs_hook=_unique,
            parse_constant=float if exact else _refuse,
            parse_float=float if exact else _finite,
            parse_int=_whole,
        )
    except RecursionError:
        value = None
    else:
        if _within(value, _DEPTH):
            return value
    raise ValueError("it nests too deeply")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("it repeats a key")
    return found


def _within(value: object, depth: int) -> bool:
    """Whether at most `depth` lists and objects lie inside each other: others can walk through."""
    if not isinstance(value, list | dict):
        return True
    inner = value.values() if isinstance(value, dict) else value
    return depth > 0 and all(_within(one, depth - 1) for one in inner)


def _whole(number: str) -> int:
    return int(number) if len(number) <= _DIGITS else int(_refuse(number))


def _finite(number: str) -> float:
    value = float(number)
    return value if math.isfinite(value) else _refuse(number)


def _refuse(constant: str) -> float:
    raise ValueError(f"{safe_text(constant, 40)} is not a number that JSON can hold")


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write `value` for people to read, atomically."""
    write_atomic(path, (to_text(value, indent=2) + "\n").encode("ascii"))


def read_json(path: Path) -> dict[str, Any]:
    """The object in the JSON file `path`.

    Raises:
        CheckpointError: the file is missing, unreadable, or not one JSON object.
    """
    try:
        value = from_text(read_bytes(path))
    except OSError as error:
        raise CheckpointError(f"cannot read {safe_text(path)}: {reason(error)}") from error
    except ValueError as error:
        raise CheckpointError(f"{safe_text(path)} is damaged", why=safe_text(error)) from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{safe_text(path)} is damaged", why="it is not a JSON object")
    return value
