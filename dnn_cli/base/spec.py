"""Specs: frozen dataclasses that are the configuration schema of one thing each.

A spec states its options as dataclass fields made by `option`, with their bounds and one line of
help. The same class checks values given from Python, is filled from YAML by `config`, and is
printed as JSON Schema and as the README's reference. It knows none of the three.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, ClassVar, NamedTuple


class SpecError(ValueError):
    """A value that no spec accepts; `path` leads to it from the spec that raised."""

    def __init__(self, message: str, path: tuple[str | int, ...] = (), fix: str = "") -> None:
        super().__init__(message)
        self.path, self.fix = path, fix


class Bounds(NamedTuple):
    """The numbers an option accepts; None is unbounded."""

    minimum: float | None = None  # value >= minimum
    above: float | None = None  # value > above
    maximum: float | None = None  # value <= maximum
    below: float | None = None  # value < below

    def complaint(self, value: object) -> str | None:
        """What is wrong with `value` (a number, or a sequence of numbers), or None."""
        if isinstance(value, bool):
            return None
        if isinstance(value, int | float):
            return self._number(value)
        if isinstance(value, tuple | list):
            return next((c for v in value if (c := self.complaint(v))), None)
        return None

    def _number(self, value: float) -> str | None:
        if isinstance(value, float) and not math.isfinite(value):
            return f"must be a finite number, found {value}"
        if self.minimum is not None and value < self.minimum:
            return f"must be at least {self.minimum:g}, found {value}"
        if self.above is not None and value <= self.above:
            return f"must be greater than {self.above:g}, found {value}"
        if self.maximum is not None and value > self.maximum:
            return f"must be at most {self.maximum:g}, found {value}"
        if self.below is not None and value >= self.below:
            return f"must be less than {self.below:g}, found {value}"
        return None


def option(
    help: str,
    default: Any = MISSING,
    *,
    minimum: float | None = None,
    above: float | None = None,
    maximum: float | None = None,
    below: float | None = None,
) -> Any:
    """A spec field: its help line, its default (required without one) and its bounds."""
    bounds = Bounds(minimum, above, maximum, below)
    return field(default=default, metadata={"help": help, "bounds": bounds}, kw_only=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """Base of all specs: checks the bounds of its own options when it is made.

    A subclass adds rules over several options in `check`, raising `SpecError`.
    """

    spec_name: ClassVar[str] = ""  # the registry name, set when registered

    def __post_init__(self) -> None:
        """Check every option against its bounds, then the spec's own rules."""
        for one in fields(self):
            value, bounds = getattr(self, one.name), bounds_of(one)
            parts = value.items() if isinstance(value, Mapping) else [(None, value)]
            for key, part in parts:
                if complaint := bounds.complaint(part):
                    raise SpecError(complaint, (one.name,) if key is None else (one.name, key))
        self.check()

    def check(self) -> None:
        """Rules over several options; the default has none."""


def bounds_of(one: Field[Any]) -> Bounds:
    """The bounds of a dataclass field (unbounded where it was not made by `option`)."""
    bounds = one.metadata.get("bounds")
    return bounds if isinstance(bounds, Bounds) else Bounds()


def require(condition: bool, message: str, *path: str | int, fix: str = "") -> None:
    """Raise `SpecError(message, path)` unless `condition` holds."""
    if not condition:
        raise SpecError(message, tuple(path), fix)


def as_names(value: str | Sequence[str]) -> tuple[str, ...]:
    """One name or several, as a tuple."""
    return (value,) if isinstance(value, str) else tuple(value)
