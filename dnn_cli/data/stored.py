"""Reading fields of a model file that nobody vouches for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from typing import Any, NoReturn, TypeVar

from dnn_cli.base.errors import CheckpointError
from dnn_cli.base.text import listing, safe_text

T = TypeVar("T")


def damaged(field: str, what: str) -> NoReturn:
    """Raise the error for a field of the data schema that cannot be so."""
    raise CheckpointError(
        f"the data schema is damaged: `{field}` {what}" if field else f"the data schema {what}"
    )


def require_fields(
    document: Any, field: str, wanted: Set[str], optional: Set[str] = frozenset()
) -> None:
    """Refuse what is no object with the `wanted` fields, and perhaps the `optional` ones."""
    if not isinstance(document, Mapping):
        damaged(field, "is not an object")
    for name in sorted(wanted - set(document)):
        damaged(field, f"lacks `{name}`")
    for name in sorted(set(document) - wanted - optional):
        damaged(field, f"has an unknown field `{safe_text(name)}`")


def choice(value: Any, field: str, allowed: tuple[T, ...]) -> T:
    """One of a few texts."""
    if not isinstance(value, str) or value not in allowed:
        damaged(field, f"is none of {listing(str(name) for name in allowed)}")
    return value


def names(value: Any, field: str) -> tuple[str, ...]:
    """A list of different texts."""
    if not isinstance(value, list) or not all(is_name(name) for name in value):
        damaged(field, "is not a list of names")
    if len(set(value)) != len(value):
        damaged(field, "names something twice")
    return tuple(value)


def is_name(value: Any) -> bool:
    """Whether `value` is text that can be written as UTF-8, which half a surrogate pair cannot."""
    return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)


def switch(value: Any, field: str) -> bool:
    """`true` or `false`."""
    if type(value) is not bool:
        damaged(field, "is neither true nor false")
    return value


def is_whole(value: Any) -> bool:
    """Whether `value` is an integer; True is one too in Python, and not here."""
    return type(value) is int


def number(value: Any, field: str) -> float:
    """A finite number."""
    if type(value) not in (int, float) or not math.isfinite(value):
        damaged(field, "is not a number")
    return float(value)
