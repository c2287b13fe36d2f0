"""Words for messages: what was found, what was expected, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable

from dnn_cli.base.text import safe_text
from dnn_cli.config.kinds import (
    Boolean,
    Choice,
    File,
    Fixed,
    Kind,
    List,
    Number,
    Text,
    Variant,
    Whole,
    members,
)
from dnn_cli.config.nodes import ListNode, MapNode, Node, ScalarNode
from dnn_cli.config.places import NAME_LIMIT
from dnn_cli.config.scalars import Odd, plain_value

_TRUE, _FALSE = {"yes", "on", "y", "t"}, {"no", "off", "n", "f"}


def found(node: Node) -> str:
    """What a node is: "the number 10.0", "a list"."""
    if isinstance(node, ListNode):
        count = len(node.items)
        return f"a list of {count}" if count else "an empty list"
    if not isinstance(node, ScalarNode):
        return "a mapping"
    if node.empty:
        return "nothing"
    shown = f"`{safe_text(node.text, NAME_LIMIT)}`"
    if isinstance(node.value, str):
        return f"the text {shown}" if node.plain else f"the text {shown} in quotes"
    return f"the number {shown}" if _is_number(node) else shown


def expected(kind: Kind) -> str:
    """What a kind accepts: "a whole number", "`auto` or a number"."""
    parts = [part for one in members(kind) for part in _expected(one)]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"


def _expected(kind: Kind) -> list[str]:
    match kind:
        case Choice(values):
            return [f"`{shown(value)}`" for value in values]
        case Fixed(items):
            return [f"a list of {len(items)}"]
        case Variant():
            return [_article(kind.registry.kind)]
    return [_EXPECTED[type(kind).__name__]]


_EXPECTED = {
    "Null": "`null`",
    "Boolean": "true or false",
    "Whole": "a whole number",
    "Number": "a number",
    "Text": "a text",
    "File": "a path",
    "List": "a list",
    "Table": "a mapping",
    "Section": "a mapping",
}


def shown(value: object) -> str:
    """A value as it is written in YAML."""
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def remedy(kind: Kind, node: Node) -> str:
    """What to write instead of `node`, as far as one can tell; else empty."""
    for one in members(kind):
        if fix := _remedy(one, node):
            return fix
    return ""


def _remedy(kind: Kind, node: Node) -> str:
    if isinstance(kind, List | Fixed):
        return _list_remedy(node)
    if isinstance(node, ListNode):
        only = node.items[0] if len(node.items) == 1 else None
        return f"write {only.text}" if isinstance(only, ScalarNode) else ""
    if not isinstance(node, ScalarNode):
        return ""
    if isinstance(kind, Text | File):
        quoted = node.plain and not node.empty and not isinstance(node.value, str)
        return f'write "{safe_text(node.text, NAME_LIMIT)}", in quotes' if quoted else ""
    remedies: dict[type, Callable[[ScalarNode], str]] = {
        Whole: _whole_remedy,
        Number: _number_remedy,
        Boolean: _boolean_remedy,
    }
    return remedies[type(kind)](node) if type(kind) in remedies else ""


def _whole_remedy(node: ScalarNode) -> str:
    value = node.value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return f"write {int(value)}"
    if isinstance(value, str):
        meant = plain_value(value.strip())
        if isinstance(meant, int) and not isinstance(meant, bool):
            return f"write {meant} without quotes"
        if re.fullmatch(r"[1-9][0-9]{0,2}(,[0-9]{3}){1,5}", value):
            return f"write {value.replace(',', '')}"
    return ""


def _number_remedy(node: ScalarNode) -> str:
    if not isinstance(node.value, str) or len(node.value) > NAME_LIMIT:
        return ""
    text = node.value.strip()
    if isinstance(plain_value(text), int | float) and text.lower() not in ("true", "false"):
        return f"write {text} without quotes"
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?%", text):
        return f"write {float(text[:-1]) / 100:g}"
    if re.fullmatch(r"[0-9]{1,9},[0-9]{1,9}", text):
        return f"write {text.replace(',', '.')}"
    return ""


def _boolean_remedy(node: ScalarNode) -> str:
    word = node.text.lower() if len(node.text) <= 5 else ""
    if word in _TRUE | {"true"} or node.value == 1:
        return "write true"
    return "write false" if word in _FALSE | {"false"} or node.value == 0 else ""


def _list_remedy(node: Node) -> str:
    if isinstance(node, MapNode):
        return "write a list: begin each entry with `- `"
    if not isinstance(node, ScalarNode) or isinstance(node.value, Odd) or node.value is None:
        return ""
    pieces = split_list(node.text)
    return f"write [{', '.join(pieces)}]" if pieces else ""


def split_list(text: str) -> list[str]:
    """The pieces of a list whose brackets or commas were forgotten, made printable."""
    return re.split(r"[\s,]+", safe_text(text, NAME_LIMIT).strip(" ,[]")) if text.strip() else []


def missing_commas(node: Node, fits: Callable[[str], bool]) -> str:
    """`did you mean [128, 64]` if every word of a text `fits`; else empty."""
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        return ""
    pieces = node.value.split()
    if not 1 < len(pieces) <= NAME_LIMIT or not all(fits(piece) for piece in pieces):
        return ""
    return f"did you mean [{safe_text(', '.join(pieces), NAME_LIMIT)}]"


def _is_number(node: ScalarNode) -> bool:
    return isinstance(node.value, int | float) and not isinstance(node.value, bool)


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"
