"""From the kind of a value to the kind of one of its parts."""

from __future__ import annotations

from dnn_cli.config.bare import spec_called, type_of
from dnn_cli.config.kinds import (
    Fixed,
    Kind,
    List,
    Option,
    Section,
    Table,
    Variant,
    members,
    options_of,
)
from dnn_cli.config.nodes import Node


def option_under(kind: Kind | None, node: Node | None, name: str) -> Option | None:
    """The option `name` of a value of `kind`; a variant's type is read from `node`."""
    for one in () if kind is None else members(kind):
        spec = one.spec if isinstance(one, Section) else None
        if isinstance(one, Variant):
            spec = spec_called(one, type_of(node) if node is not None else None) or one.base
        if spec is not None and name in options_of(spec):
            return options_of(spec)[name]
    return None


def kind_under(kind: Kind | None, node: Node | None, step: str | int) -> Kind | None:
    """The kind of the part `step` of a value of `kind`; None if there is no such part."""
    if isinstance(step, str) and (option := option_under(kind, node, step)):
        return option.kind
    for one in () if kind is None else members(kind):
        if isinstance(one, Table) and isinstance(step, str):
            return one.value
        if isinstance(one, List) and isinstance(step, int):
            return one.item
        if isinstance(one, Fixed) and isinstance(step, int) and step < len(one.items):
            return one.items[step]
    return None
