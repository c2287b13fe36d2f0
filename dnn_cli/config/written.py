"""What of a tree somebody has to have written: all but the defaults."""

from __future__ import annotations

from dnn_cli.base.spec import Spec
from dnn_cli.config.bare import TYPE
from dnn_cli.config.kinds import options_of
from dnn_cli.config.nodes import Entry, ListNode, MapNode, Node


def written(node: Node, value: object) -> Node:
    """`node`, from which `value` was filled, without the options that have their defaults."""
    if isinstance(node, ListNode) and isinstance(value, tuple):
        items = zip(node.items, value, strict=True)
        return ListNode(node.place, tuple(written(one, part) for one, part in items))
    if not isinstance(node, MapNode) or not isinstance(value, Spec):
        return node
    options, entries = options_of(type(value)), dict[str, Entry]()
    for name, entry in node.entries.items():
        part = getattr(value, name, None)
        if name == TYPE and name not in options:
            entries[name] = entry
        elif options[name].required or part != options[name].default:
            entries[name] = Entry(entry.key, written(entry.value, part))
    return MapNode(node.place, entries)
