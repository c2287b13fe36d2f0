"""Bare names: `adam` means `{type: adam}`, and where types are inferred a text is a path."""

from __future__ import annotations

from dnn_cli.base.spec import SpecError
from dnn_cli.config.kinds import Choice, Kind, Variant, members
from dnn_cli.config.nodes import Entry, MapNode, Node, ScalarNode, text_node

TYPE = "type"


def lift(kind: Kind | None, node: Node) -> Node:
    """A bare name as the mapping it stands for; any other node as it is.

    Raises:
        SpecError: no type can be inferred from the path.
    """
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        return node
    for one in () if kind is None else members(kind):
        if isinstance(one, Choice) and node.value in one.values:
            return node
    for one in () if kind is None else members(kind):
        if isinstance(one, Variant):
            return _mapping(one, node)
    return node


def _mapping(kind: Variant, node: ScalarNode) -> MapNode:
    entries = {TYPE: Entry(node.place, node)}
    if kind.infers:
        directory = node.place.source.directory
        spec = kind.base.infer(node.value, directory)  # type: ignore[attr-defined]
        entries = {
            TYPE: Entry(node.place, text_node(spec.spec_name, node.place)),
            spec.path_option: Entry(node.place, node),
        }
    return MapNode(node.place, entries)


def lift_or_keep(kind: Kind | None, node: Node) -> Node:
    """`lift`, and the node as it is where no type can be inferred."""
    try:
        return lift(kind, node)
    except SpecError:
        return node


def type_of(node: Node) -> str | None:
    """The `type` a mapping names, if it does."""
    if isinstance(node, MapNode) and TYPE in node.entries:
        value = node.entries[TYPE].value
        if isinstance(value, ScalarNode) and isinstance(value.value, str):
            return value.value
    return None
