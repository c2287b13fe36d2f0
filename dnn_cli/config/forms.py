"""Which nodes are of the right form for a kind."""

from __future__ import annotations

from dnn_cli.base.spec import Bounds
from dnn_cli.config.kinds import (
    Boolean,
    Choice,
    Either,
    File,
    Fixed,
    Kind,
    List,
    Null,
    Number,
    Section,
    Table,
    Text,
    Variant,
    Whole,
    members,
)
from dnn_cli.config.nodes import ListNode, MapNode, Node, ScalarNode
from dnn_cli.config.scalars import plain_value


def accepts(kind: Kind, node: Node) -> bool:
    """Whether `node` is of the right form for `kind`, its parts not looked at."""
    match kind:
        case Either(kinds):
            return any(accepts(one, node) for one in kinds)
        case Section() | Table():
            return isinstance(node, MapNode)
        case List():
            return isinstance(node, ListNode)
        case Fixed(items):
            return isinstance(node, ListNode) and len(node.items) == len(items)
        case Variant() if isinstance(node, MapNode):
            return True
    return isinstance(node, ScalarNode) and _accepts_scalar(kind, node.value)


def _accepts_scalar(kind: Kind, value: object) -> bool:
    match kind:
        case Null():
            return value is None
        case Boolean():
            return isinstance(value, bool)
        case Whole():
            return isinstance(value, int) and not isinstance(value, bool)
        case Number():
            return isinstance(value, int | float) and not isinstance(value, bool)
        case Text() | File():
            return isinstance(value, str)
        case Choice(values):
            return any(type(one) is type(value) and one == value for one in values)
        case Variant():
            return isinstance(value, str) and (kind.infers or value in kind.registry.names())
    return False


def accepts_word(kind: Kind, word: str) -> bool:
    """Whether a plain word is a value of `kind`."""
    return any(_accepts_scalar(one, plain_value(word)) for one in members(kind))


def within(bounds: Bounds, node: Node) -> bool:
    """Whether every number in `node` is one that an option with such bounds takes."""
    if isinstance(node, ListNode):
        return all(within(bounds, one) for one in node.items)
    return not isinstance(node, ScalarNode) or bounds.complaint(node.value) is None
