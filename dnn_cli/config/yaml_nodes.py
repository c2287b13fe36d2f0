"""YAML text to a located tree, by PyYAML's pure scanner and parser and nothing above them.

Events are read one at a time, so that limits stop a hostile file early. No resolver and no
constructor of PyYAML ever runs: what scalars mean is decided in `scalars`, and tags, anchors,
aliases, merge keys, directives and further documents are refused.

Cost       about 4 ms for a file of 1 kB
"""

from __future__ import annotations

import re
from typing import Any

from yaml import events
from yaml.error import MarkedYAMLError, YAMLError
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from dnn_cli.base.text import safe_text
from dnn_cli.config.decode import accepted, decode
from dnn_cli.config.nodes import (
    MAX_DEPTH,
    BadNode,
    Entry,
    ListNode,
    MapNode,
    Node,
    ScalarNode,
)
from dnn_cli.config.places import NAME_LIMIT, Place, Report, Source
from dnn_cli.config.scalars import Odd, plain_value
from dnn_cli.config.syntax import explain

MAX_NODES = 10_000
_ODD_SPACE = re.compile("[\xa0\u1680\u2000-\u200f\u202f\u205f-\u2064\u3000]")


def parse_bytes(data: bytes, source: Source, report: Report) -> Node | None:
    """The tree of a file; None if it could not be read to its end, which is then reported."""
    text = decode(data, source, report)
    return None if text is None else parse_text(text, source, report)


def parse_text(text: str, source: Source, report: Report, indent: int = 0) -> Node | None:
    """The tree of `text`, which begins `indent` characters into the source's first line."""
    if not accepted(text, source, report, indent):
        return None
    try:
        return _Tree(text, source, report, indent).document()
    except _StopError:
        return None


class _StopError(Exception):
    """Reading on makes no sense; the reason is in the report."""


class _Events(Reader, Scanner, Parser):
    """Text to YAML events, in pure Python (the C parser overflows the stack on deep nesting)."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)


class _Tree:
    def __init__(self, text: str, source: Source, report: Report, indent: int) -> None:
        self.source, self.report, self.indent = source, report, indent
        self.text, self.count = text, 0
        self.reader = _Events(text)

    def document(self) -> Node:
        self.next()  # the stream's start
        start = self.next()
        if isinstance(start, events.StreamEndEvent):
            return ScalarNode(Place(self.source, 1, 1 + self.indent), None, "")
        if self.text.startswith("%", start.start_mark.index):
            self.refuse(start, "directives (`%…`) are not allowed", "remove the line")
        root = self.node(self.next(), 0)
        self.next()  # the document's end
        after = self.next()
        if not isinstance(after, events.StreamEndEvent):
            self.refuse(
                after, "the file holds more than one document", "remove what follows `---` or `...`"
            )
        return root

    def next(self) -> Any:
        """The next event."""
        try:
            return self.reader.get_event()  # type: ignore[no-untyped-call]
        except MarkedYAMLError as error:
            explain(error, self.place, self.report)
        except (YAMLError, ValueError, OverflowError):  # `"\UFFFFFFFF"` is beyond Unicode
            mark = self.reader.get_mark()
            self.report.add(self.place(mark), "the escape is not a character of Unicode")
        raise _StopError

    def place(self, mark: Any) -> Place:
        """PyYAML's 0-based mark as a place in the source."""
        shift = self.indent if mark.line == 0 else 0
        return Place(self.source, mark.line + 1, mark.column + 1 + shift)

    def refuse(self, event: Any, what: str, fix: str = "", why: str = "") -> BadNode:
        """Report `what` at the beginning of `event`."""
        place = self.place(event.start_mark)
        self.report.add(place, what, why=why, fix=fix)
        return BadNode(place)

    def node(self, event: Any, depth: int) -> Node:
        """The tree that begins with `event`."""
        self.count += 1
        if self.count > MAX_NODES:
            self.refuse(
                event, "the configuration is too large", why=f"the limit is {MAX_NODES:,} values"
            )
            raise _StopError
        if isinstance(event, events.AliasEvent):
            return self.refuse(event, f"aliases (`*{_cut(event.anchor)}`) are not allowed", _SPELL)
        if event.anchor is not None:
            self.refuse(event, f"anchors (`&{_cut(event.anchor)}`) are not allowed", _SPELL)
        if isinstance(event, events.ScalarEvent):
            node: Node = self.scalar(event)
        else:
            node = self.collection(event, depth + 1)
        if event.tag is not None:
            tag = _cut(event.tag.replace("tag:yaml.org,2002:", "!!"))
            return self.refuse(event, f"tags (`{tag}`) are not allowed", "remove the tag")
        return node

    def scalar(self, event: Any) -> Node:
        text, plain = event.value, event.style is None
        if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            return self.refuse(event, "the text holds a NUL or half a surrogate pair")
        if plain and (space := _ODD_SPACE.search(text)):
            what = f"the character U+{ord(space[0]):04X} looks like a space and is none"
            return self.refuse(event, what, "write a space, or put the text in quotes")
        value = plain_value(text) if plain else text
        return ScalarNode(self.place(event.start_mark), value, text, plain)

    def collection(self, event: Any, depth: int) -> Node:
        if depth > MAX_DEPTH:
            limit = f"the limit is {MAX_DEPTH} lists and mappings inside each other"
            self.refuse(event, "the configuration is nested too deeply", why=limit)
            raise _StopError
        place = self.place(event.start_mark)
        if isinstance(event, events.SequenceStartEvent):
            items: list[Node] = []
            while not isinstance(event := self.next(), events.SequenceEndEvent):
                items.append(self.node(event, depth))
            return ListNode(place, tuple(items))
        return self.mapping(place, depth)

    def mapping(self, place: Place, depth: int) -> Node:
        bad = False  # a `{{…}}` is not a mapping that somebody meant
        entries: dict[str, Entry] = {}
        seen: dict[object, int] = {}  # keys as written and as read, and their lines
        while not isinstance(event := self.next(), events.MappingEndEvent):
            key = self.node(event, depth)
            bad = bad or isinstance(key, ListNode | MapNode)
            name = self.key(event, key, seen)
            value = self.node(self.next(), depth)
            if name is not None:
                entries[name] = Entry(self.place(event.start_mark), value)
        return BadNode(place) if bad else MapNode(place, entries)

    def key(self, event: Any, node: Node, seen: dict[object, int]) -> str | None:
        """The name that `node` gives as a key; None after reporting why it is none."""
        if isinstance(node, BadNode):
            return None
        if not isinstance(node, ScalarNode):
            fix = "write `name: value`; text that begins with `{` or `[` needs quotes"
            self.refuse(event, "a list or mapping cannot be a key", fix)
            return None
        shown = _cut(node.text)
        if node.value is None:
            self.refuse(event, "a key needs a name", "write `name: value`")
        elif isinstance(node.value, Odd):
            self.refuse(event, f"`{shown}` {node.value.complaint}", f'write "{shown}" in quotes')
        elif node.value == "<<" and node.plain:
            self.refuse(event, "merge keys (`<<`) are not allowed", _SPELL)
        elif (first := _earlier(node, seen)) is not None:
            line = node.place.line
            self.refuse(
                event, f"the key `{shown}` is given twice, on lines {first} and {line}", "keep one"
            )
        else:
            for form in (node.text, (type(node.value) is not str, node.value)):
                seen.setdefault(form, node.place.line)
            return node.text
        return None


_SPELL = "write the values out where they are used, or use `extends`"


def _cut(text: str | None) -> str:
    return safe_text(text or "", NAME_LIMIT)


def _earlier(node: ScalarNode, seen: dict[object, int]) -> int | None:
    """The line of an equal key: `1`, `1.0` and `true` are equal, and `1` and `"1"` are."""
    for form in (node.text, (type(node.value) is not str, node.value)):
        if form in seen:
            return seen[form]
    return None
