"""Overrides: `optimizer.learning_rate=0.01` given on the command line, over what a file says.

The key is a path of names and list positions, split from the value at the first `=`; the value is
read by the same YAML rules as a file. Unknown keys are found where the tree is filled.

Of a section that the file does not give, only what its default says beyond the defaults of its
type is put in its place. So `optimizer.type=sgd` leaves nothing behind that belonged to adam, in
whatever order the overrides come, while keys that somebody wrote stay, and are errors where the
new type does not know them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dnn_cli.base.spec import Spec
from dnn_cli.base.text import safe_text
from dnn_cli.config.bare import TYPE, lift_or_keep
from dnn_cli.config.decode import lines_of
from dnn_cli.config.kinds import Kind, Section, Table, Variant, members, options_of
from dnn_cli.config.nodes import (
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
from dnn_cli.config.yaml_nodes import parse_text

_ORDER = 1000  # after every file


def with_overrides(root: Node, kind: Kind, overrides: Sequence[str], report: Report) -> Node:
    """`root` with each override put in its place, the last one winning."""
    for i, text in enumerate(overrides):
        name = f"override `{safe_text(text, NAME_LIMIT)}`"
        source = Source(name, lines_of(text), Path.cwd(), _ORDER + i, lined=False)
        override = _Override(text, source, report)
        value = override.value()
        if value is not None:
            root = override.put(kind, root, 0, value)
    return root


def _beyond_its_type(default: object) -> Any:
    """A default as plain values: of a spec with a type only what differs from a new one's."""
    plain = resolve(default)
    if not isinstance(default, Spec) or not default.spec_name:
        return plain
    usual = {name: resolve(one.default) for name, one in options_of(type(default)).items()}
    return {k: v for k, v in plain.items() if k == TYPE or v != usual.get(k, ...)}


def _holds(kind: Kind | None) -> bool:
    """Whether values of `kind` may be mappings, or nothing is known of them."""
    mappings = (Section, Variant, Table)
    return kind is None or any(isinstance(one, mappings) for one in members(kind))


class _Override:
    def __init__(self, text: str, source: Source, report: Report) -> None:
        self.text, self.source, self.report = text, source, report
        self.key, self.equals, self.written = text.partition("=")
        self.steps = self.key.split(".")

    def place(self, depth: int) -> Place:
        """Where the step at `depth` stands in the override."""
        return Place(self.source, 1, 1 + sum(len(step) + 1 for step in self.steps[:depth]))

    def value(self) -> Node | None:
        """The value; None after reporting that there is none."""
        if not self.equals or not all(self.steps):
            example = "as in `optimizer.learning_rate=0.01`"
            self.report.add(self.place(0), "an override is KEY=VALUE", fix=example)
            return None
        return parse_text(self.written, self.source, self.report, indent=len(self.key) + 1)

    def put(self, kind: Kind | None, node: Node, depth: int, value: Node) -> Node:
        """`node`, a value of `kind`, with `value` at the end of the steps from `depth` on."""
        if depth == len(self.steps) or isinstance(node, BadNode):
            return value if depth == len(self.steps) else node
        node = lift_or_keep(kind, node)
        if isinstance(node, ListNode):
            return self._into_list(kind, node, depth, value)
        if isinstance(node, ScalarNode) and _holds(kind) and self._may_replace(node, depth):
            node = MapNode(self.place(depth - 1), {})
        if isinstance(node, ScalarNode):
            holds = "null" if node.value is None else "a single value"
            owner = ".".join(self.steps[:depth])
            step = safe_text(self.steps[depth], NAME_LIMIT)
            what = f"`{safe_text(owner, NAME_LIMIT)}` is {holds}: it has no `{step}`"
            fix = f"give it as a whole: `{safe_text(owner, NAME_LIMIT)}=…`"
            self.report.add(self.place(depth), what, fix=fix)
            return node
        assert isinstance(node, MapNode)
        return self._into_mapping(kind, node, depth, value)

    def _may_replace(self, node: ScalarNode, depth: int) -> bool:
        """Whether a mapping may stand for a single value: for none, and for any if it has a type.

        So `loss.type=huber` says what `loss: auto` leaves open.
        """
        return node.value is None or self.steps[depth:] == [TYPE]

    def _into_mapping(self, kind: Kind | None, node: MapNode, depth: int, value: Node) -> Node:
        step = self.steps[depth]
        entry = node.entries.get(step)
        part = entry.value if entry else self._default(kind, node, depth)
        changed = self.put(kind_under(kind, node, step), part, depth + 1, value)
        key = entry.key if entry and depth + 1 < len(self.steps) else self.place(depth)
        return MapNode(node.place, {**node.entries, step: Entry(key, changed)})

    def _default(self, kind: Kind | None, node: MapNode, depth: int) -> Node:
        """What stands in the place of a key that the file does not give."""
        place = self.place(depth)
        option = option_under(kind, node, self.steps[depth])
        if option is None:
            return MapNode(place, {})  # an unknown key, reported when the tree is filled
        return to_node(_beyond_its_type(option.default), self.source, self.report, place)

    def _into_list(self, kind: Kind | None, node: ListNode, depth: int, value: Node) -> Node:
        step, count = self.steps[depth], len(node.items)
        position = int(step) if re.fullmatch("[0-9]{1,9}", step) else count
        if position >= count:
            owner = safe_text(".".join(self.steps[:depth]), NAME_LIMIT)
            shown = safe_text(step, NAME_LIMIT)
            entries = f"0 to {count - 1}" if count > 1 else "0" if count else "none"
            what = f"`{owner}` is a list without an entry `{shown}`; its entries are {entries}"
            self.report.add(self.place(depth), what)
            return node
        part = node.items[position]
        changed = self.put(kind_under(kind, node, position), part, depth + 1, value)
        items = (*node.items[:position], changed, *node.items[position + 1 :])
        return ListNode(node.place, items)
