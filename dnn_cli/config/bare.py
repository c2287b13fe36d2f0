"""Bare names: `adam` means `{type: adam}`, and where types are inferred a text is a path."""

from __future__ import annotations

from collections.abc import Iterable

from dnn_cli.base.spec import Spec, SpecError
from dnn_cli.config.kinds import Choice, Kind, Variant, members, options_of
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
    variant = variant_in(kind)
    if variant is None:
        return node
    if not variant.infers:
        return MapNode(node.place, {TYPE: Entry(node.place, node)})
    directory = node.place.source.directory
    return _with_path(variant.base.infer(node.value, directory), node)  # type: ignore[attr-defined]


def lift_or_keep(kind: Kind | None, node: Node) -> Node:
    """`lift`, and the node as it is where no type can be inferred."""
    try:
        return lift(kind, node)
    except SpecError:
        return node


def lift_as(kind: Kind | None, node: Node, name: str) -> Node:
    """`lift_or_keep` for a value that is given the type `name`: that says what a bare path is."""
    variant, spec = variant_in(kind), spec_called(kind, name)
    if variant is None or not variant.infers or spec is None:
        return lift_or_keep(kind, node)
    is_text = isinstance(node, ScalarNode) and isinstance(node.value, str)
    return _with_path(spec, node) if is_text else node


def _with_path(spec: type[Spec], path: Node) -> MapNode:
    """The mapping of a bare path that `spec` reads."""
    option: str = spec.path_option  # type: ignore[attr-defined]
    entries = {TYPE: Entry(path.place, text_node(spec.spec_name, path.place))}
    return MapNode(path.place, entries | {option: Entry(path.place, path)})


def variant_in(kind: Kind | None) -> Variant | None:
    """The alternative of `kind` that has a `type`, if it has one."""
    found = (one for one in members(kind) if isinstance(one, Variant)) if kind else iter(())
    return next(found, None)


def spec_called(kind: Kind | None, name: str | None) -> type[Spec] | None:
    """The spec that the type `name` means in a value of `kind`, if there is one."""
    variant = variant_in(kind)
    known = variant is not None and name is not None and name in variant.registry.names()
    found: type[Spec] | None = variant.registry.get(name) if known and variant and name else None
    return found


def types_with(kind: Kind | None, names: Iterable[str]) -> list[str]:
    """The types of a value of `kind` that have all of the options `names`."""
    variant, wanted = variant_in(kind), set(names)
    if variant is None:
        return []
    types = variant.registry.names()
    return [name for name in types if wanted <= set(options_of(variant.registry.get(name)))]


def type_of(node: Node) -> str | None:
    """The `type` a mapping names, if it does."""
    if isinstance(node, MapNode) and TYPE in node.entries:
        value = node.entries[TYPE].value
        if isinstance(value, ScalarNode) and isinstance(value.value, str):
            return value.value
    return None
