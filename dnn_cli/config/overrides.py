"""Overrides: `optimizer.learning_rate=0.01` given on the command line, over what a file says.

The key is a path of names and list positions, split from the value at the first `=`; the value is
read by the same YAML rules as a file. Unknown keys are found where the tree is filled.

Order      of two overrides of one key, or of it and of a part of it, the later one wins; no other
           order matters, since all of them are gathered before any is put in its place
Type       `optimizer.type=sgd` keeps the keys that are written there: one that sgd does not know
           is found where the tree is filled. Defaults of the other type are not written, so they
           go. `optimizer=sgd` replaces all that is there
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dnn_cli.base.text import safe_text
from dnn_cli.config.bare import TYPE, lift_as, lift_or_keep, types_with, variant_in
from dnn_cli.config.decode import lines_of
from dnn_cli.config.forms import accepts
from dnn_cli.config.kinds import Kind, Section, Table, Variant, members
from dnn_cli.config.nodes import (
    MAX_DEPTH,
    BadNode,
    Entry,
    ListNode,
    MapNode,
    Node,
    ScalarNode,
    to_node,
)
from dnn_cli.config.places import NAME_LIMIT, Place, Report, Source
from dnn_cli.config.resolve import resolve
from dnn_cli.config.steps import kind_under, option_under
from dnn_cli.config.written import written
from dnn_cli.config.yaml_nodes import parse_text

_ORDER = 1000  # after every file


def with_overrides(root: Node, kind: Kind, overrides: Sequence[str], report: Report) -> Node:
    """`root` with each override put in its place, the last one winning."""
    change = _Change(root.place)
    for i, text in enumerate(overrides):
        name = f"override `{safe_text(text, NAME_LIMIT)}`"
        source = Source(name, lines_of(text), Path.cwd(), _ORDER + i, lined=False)
        _gather(text, source, change, report)
    return _Changer(report).changed(kind, root, change)


@dataclass(slots=True)
class _Change:
    """What overrides say of one value: another one, and then other parts of it."""

    place: Place  # of the last step to it, in the override that spoke of it first
    path: tuple[str, ...] = ()
    value: Node | None = None
    parts: dict[str, _Change] = field(default_factory=dict)

    @property
    def new_type(self) -> str | None:
        """The type it is given, if it is."""
        value = self.parts[TYPE].value if TYPE in self.parts else None
        if isinstance(value, ScalarNode) and isinstance(value.value, str):
            return value.value
        return None

    def in_order(self) -> list[tuple[str, _Change]]:
        """The parts, the type first: it says what the others are."""
        return sorted(self.parts.items(), key=lambda part: part[0] != TYPE)

    @property
    def owner(self) -> str:
        """The value that it is a part of, for a message."""
        return safe_text(".".join(self.path[:-1]), NAME_LIMIT)

    @property
    def step(self) -> str:
        """The last step to it, for a message."""
        return safe_text(self.path[-1], NAME_LIMIT)


def _gather(text: str, source: Source, change: _Change, report: Report) -> None:
    """Add the override `text` to what earlier ones say."""
    key, equals, written_value = text.partition("=")
    steps = tuple(key.split("."))
    if not equals or not all(steps):
        example = "as in `optimizer.learning_rate=0.01`"
        report.add(Place(source, 1, 1), "an override is KEY=VALUE", fix=example)
        return
    if len(steps) > MAX_DEPTH:
        report.add(Place(source, 1, 1), f"more than {MAX_DEPTH} names and positions in one key")
        return
    value = parse_text(written_value, source, report, indent=len(key) + 1)
    if value is None:
        return
    column = 1
    for depth, step in enumerate(steps, start=1):
        first = _Change(Place(source, 1, column), steps[:depth])
        change = change.parts.setdefault(step, first)
        column += len(step) + 1
    change.place, change.value, change.parts = first.place, value, {}


class _Changer:
    def __init__(self, report: Report) -> None:
        self.report = report

    def changed(self, kind: Kind | None, node: Node, change: _Change) -> Node:
        """`node`, a value of `kind`, as `change` wants it."""
        node = change.value or node
        if not change.parts or isinstance(node, BadNode):
            return node
        name = change.new_type
        node = lift_or_keep(kind, node) if name is None else lift_as(kind, node, name)
        if isinstance(node, ScalarNode) and _opens(kind, node, name):
            node = MapNode(change.place, {})
        for step, part in change.in_order():
            if isinstance(node, MapNode):
                node = self._in_mapping(kind, node, step, part)
            elif isinstance(node, ListNode):
                node = self._in_list(kind, node, step, part)
            else:
                self._refuse_part(kind, node, part)
        return node

    def _in_mapping(self, kind: Kind | None, node: MapNode, step: str, part: _Change) -> MapNode:
        entry = node.entries.get(step)
        inner = kind_under(kind, node, step)
        value = entry.value if entry else self._default(kind, node, step, part)
        key = entry.key if entry and part.value is None else part.place
        return MapNode(
            node.place, {**node.entries, step: Entry(key, self.changed(inner, value, part))}
        )

    def _default(self, kind: Kind | None, node: MapNode, step: str, part: _Change) -> Node:
        """What stands in the place of a key that the file does not give."""
        option = option_under(kind, node, step)
        if option is None:  # an unknown key, reported when the tree is filled
            return MapNode(part.place, {})
        if part.new_type is not None and variant_in(option.kind):
            return MapNode(part.place, {})
        plain = to_node(resolve(option.default), part.place.source, self.report, part.place)
        return written(plain, option.default)

    def _in_list(self, kind: Kind | None, node: ListNode, step: str, part: _Change) -> ListNode:
        count = len(node.items)
        position = int(step) if re.fullmatch("[0-9]{1,9}", step) else count
        if position >= count:
            entries = f"0 to {count - 1}" if count > 1 else "0" if count else "none"
            what = f"`{part.owner}` is a list without an entry `{part.step}`"
            self.report.add(part.place, f"{what}; its entries are {entries}")
            return node
        item = self.changed(kind_under(kind, node, position), node.items[position], part)
        return ListNode(node.place, (*node.items[:position], item, *node.items[position + 1 :]))

    def _refuse_part(self, kind: Kind | None, node: Node, part: _Change) -> None:
        none = isinstance(node, ScalarNode) and node.value is None
        what = f"`{part.owner}` is {'null' if none else 'a single value'}: it has no `{part.step}`"
        fix = f"give it as a whole: `{part.owner}=…`"
        if types := types_with(kind, [part.path[-1]]):
            others = f" (or {', '.join(types[1:5])})" if types[1:] else ""
            fix = f"say its type, too: `{part.owner}.type={types[0]}`{others}"
        self.report.add(part.place, what, fix=fix)


def _opens(kind: Kind | None, node: ScalarNode, name: str | None) -> bool:
    """Whether a mapping may take the place of a single value to hold what it is given."""
    if kind is None or node.value is None:
        mappings = (Section, Variant, Table)
        holds = kind is None or any(isinstance(one, mappings) for one in members(kind))
        return node.value is None and holds
    return name is not None and variant_in(kind) is not None and accepts(kind, node)
