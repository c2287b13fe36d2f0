"""Type hints of specs as a small vocabulary of kinds, shared by all that reads or prints specs."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from dnn_cli.base.registry import Registry
from dnn_cli.base.spec import Bounds, Spec, bounds_of


@dataclass(frozen=True, slots=True)
class Null:
    """`null`."""


@dataclass(frozen=True, slots=True)
class Boolean:
    """`true` or `false`."""


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer."""


@dataclass(frozen=True, slots=True)
class Number:
    """A float; an integer is welcome."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text."""


@dataclass(frozen=True, slots=True)
class File:
    """A path, relative to the file it is written in."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few values."""

    values: tuple[str | int | bool, ...]


@dataclass(frozen=True, slots=True)
class List:
    """A list of any length."""

    item: Kind


@dataclass(frozen=True, slots=True)
class Fixed:
    """A list of as many values as there are kinds."""

    items: tuple[Kind, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping with free keys."""

    value: Kind


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping with the options of one spec."""

    spec: type[Spec]


@dataclass(frozen=True, slots=True)
class Variant:
    """One of a registry's specs: its bare name, or a mapping with `type`."""

    base: type[Spec]

    @property
    def registry(self) -> Registry[Any]:
        """Where the names come from."""
        registry: Registry[Any] = self.base.registry  # type: ignore[attr-defined]
        return registry

    @property
    def infers(self) -> bool:
        """Whether a bare text is a path whose type is inferred, not a name."""
        return hasattr(self.base, "infer")


@dataclass(frozen=True, slots=True)
class Either:
    """One of several kinds."""

    kinds: tuple[Kind, ...]


Kind: TypeAlias = (
    Null
    | Boolean
    | Whole
    | Number
    | Text
    | File
    | Choice
    | List
    | Fixed
    | Table
    | Section
    | Variant
    | Either
)

_SIMPLE: dict[Any, Kind] = {
    type(None): Null(),
    bool: Boolean(),
    int: Whole(),
    float: Number(),
    str: Text(),
    Path: File(),
}


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a spec."""

    name: str
    kind: Kind
    help: str
    bounds: Bounds
    make: Callable[[], Any] | None  # the default; None where the option is required

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.make is None

    @property
    def default(self) -> Any:
        """The value of an option that is not given; None for a required one."""
        return self.make() if self.make else None


@cache
def kind_of(hint: Any) -> Kind:
    """The kind that a type hint stands for.

    Raises:
        TypeError: specs cannot have options of this type.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    if origin is Literal:
        return Choice(arguments)
    if origin in (Union, types.UnionType):
        return _either([kind_of(one) for one in arguments])
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return List(kind_of(arguments[0]))
        return Fixed(tuple(kind_of(one) for one in arguments))
    if origin in (dict, Mapping) and arguments[0] is str:
        return Table(kind_of(arguments[1]))
    if origin is Sequence:
        return List(kind_of(arguments[0]))
    if isinstance(hint, type) and issubclass(hint, Spec):
        if not hasattr(hint, "registry"):
            return Section(hint)
        if not hint.spec_name:
            return Variant(hint)
    raise TypeError(f"a spec cannot have an option of type {hint}")


def _either(kinds: list[Kind]) -> Kind:
    """One of `kinds`, with the values of all choices in one."""
    choices = [kind for kind in kinds if isinstance(kind, Choice)]
    if choices:
        merged = Choice(tuple(value for one in choices for value in one.values))
        first = kinds.index(choices[0])
        kinds = [kind for kind in kinds if not isinstance(kind, Choice)]
        kinds.insert(first, merged)
    return kinds[0] if len(kinds) == 1 else Either(tuple(kinds))


def options_of(spec: type[Spec]) -> dict[str, Option]:
    """The options of a spec by name, in their order."""
    if spec not in _OPTIONS:
        _OPTIONS[spec] = _options(spec)
    return _OPTIONS[spec]


_OPTIONS: dict[type[Spec], dict[str, Option]] = {}


def _options(spec: type[Spec]) -> dict[str, Option]:
    hints = get_type_hints(spec)
    found = {}
    for one in fields(spec):
        make: Callable[[], Any] | None = None
        if one.default_factory is not MISSING:
            make = one.default_factory
        elif one.default is not MISSING:
            make = partial(_same, one.default)
        kind, help = kind_of(hints[one.name]), one.metadata.get("help", "")
        found[one.name] = Option(one.name, kind, help, bounds_of(one), make)
    return found


def _same(value: Any) -> Any:
    return value


def members(kind: Kind) -> tuple[Kind, ...]:
    """The alternatives of a kind: itself, unless it is `Either`."""
    return kind.kinds if isinstance(kind, Either) else (kind,)
