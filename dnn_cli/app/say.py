"""A use case tells its caller one finished sentence at a time, and knows no terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Say: TypeAlias = Callable[[str], None]


def ignore(sentence: str) -> None:
    """Say nothing."""
