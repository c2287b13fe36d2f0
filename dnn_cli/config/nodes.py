"""The located tree between text and specs: scalars, lists and mappings that know their place."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from dnn_cli.config.places import Place, Report, Source
from dnn_cli.config.scalars import Odd, Value, fits_64_bits

MAX_DEPTH = 32  # lists and mappings inside each other


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """One value. `text` is what was written; `plain` means not in quotes."""

    place: Place
    value: Value
    text: str
    plain: bool = True

    @property
    def empty(self) -> bool:
        """Whether nothing was written at all, as after `key:`."""
        return self.plain and self.text == "" and self.value is None


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list."""

    place: Place
    items: tuple[Node, ...] = ()


class Entry(NamedTuple):
    """A key's place and its value."""

    key: Place
    value: Node


@dataclass(frozen=True, slots=True)
class MapNode:
    """A mapping."""

    place: Place
    entries: dict[str, Entry]


@dataclass(frozen=True, slots=True)
class BadNode:
    """Something already reported; whoever reads it says nothing more."""

    place: Place


Node: TypeAlias = ScalarNode | ListNode | MapNode | BadNode


def text_node(text: str, place: Place) -> ScalarNode:
    """A text as a value that needs no quotes."""
    return ScalarNode(place, text, text)


def to_node(value: object, source: Source, report: Report, place: Place | None = None) -> Node:
    """A plain value (as from JSON) as a tree; all of it stands at `place`, or at no position."""
    return _Plain(place or Place(source), report).node(value, 0)


class _Plain:
    def __init__(self, place: Place, report: Report) -> None:
        self.place, self.report = place, report

    def node(self, value: object, depth: int) -> Node:
        if isinstance(value, Mapping | list | tuple) and depth >= MAX_DEPTH:
            return self._refuse(f"more than {MAX_DEPTH} lists and mappings inside each other")
        if isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, list | tuple):
            return ListNode(self.place, tuple(self.node(one, depth + 1) for one in value))
        if isinstance(value, str):
            return ScalarNode(self.place, value, value, plain=False)
        if value is None or isinstance(value, bool):
            return ScalarNode(self.place, value, json.dumps(value))
        if isinstance(value, int | float):
            return self._number(value)
        return self._refuse("neither a list, a mapping, a text, a number, true, false nor null")

    def _number(self, value: int | float) -> ScalarNode:
        odd = ""
        if isinstance(value, float) and not math.isfinite(value):
            odd = "is not a finite number"
        if isinstance(value, int) and not fits_64_bits(value):
            odd = "does not fit into 64 bits"
        text = "the number" if odd else repr(value)
        return ScalarNode(self.place, Odd(text, odd) if odd else value, text)

    def _mapping(self, value: Mapping[Any, object], depth: int) -> Node:
        entries: dict[str, Entry] = {}
        for key, one in value.items():
            if isinstance(key, str):
                entries[key] = Entry(self.place, self.node(one, depth + 1))
            else:
                self._refuse("a key that is not a text")
        return MapNode(self.place, entries)

    def _refuse(self, what: str) -> BadNode:
        self.report.add(self.place, f"found {what}")
        return BadNode(self.place)
