"""A located tree into specs, by their type hints, with every problem of the tree reported.

Types are strict (`"128"` is no number, `true` no 1, `10.0` no 10). A bad value hides no other:
its spec is not made, but all its neighbours are still read and checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from dnn_cli.base.path import local_path
from dnn_cli.base.spec import Spec, SpecError
from dnn_cli.base.text import listing, safe_text
from dnn_cli.config.bare import TYPE, lift, types_with
from dnn_cli.config.forms import accepts
from dnn_cli.config.kinds import (
    Either,
    File,
    Fixed,
    Kind,
    List,
    Number,
    Option,
    Section,
    Table,
    Text,
    Variant,
    kind_of,
    options_of,
)
from dnn_cli.config.nodes import BadNode, Entry, ListNode, MapNode, Node, ScalarNode, to_node
from dnn_cli.config.places import Place, Report, Source
from dnn_cli.config.read import STDIN
from dnn_cli.config.refusals import BAD, At, Refusals
from dnn_cli.config.scalars import Odd
from dnn_cli.config.unknown import Sections

T = TypeVar("T")


def fill(node: Node, kind: Kind, report: Report) -> Any:
    """The value of `kind` that `node` describes, or `BAD` after reporting why there is none."""
    return _Filler(report, Sections(kind)).read(kind, node, At())


def fill_plain(value: object, hint: type[T], origin: str = "the configuration") -> T:
    """A spec from plain values, as read from JSON; relative paths stay as they are.

    `hint` is a spec class, or a base class with a registry.

    Raises:
        ConfigError: with every problem, named by `origin`.
    """
    report = Report()
    hashable: Any = hint
    node = to_node(value, Source(origin, lined=False), report)
    filled: T = fill(node, kind_of(hashable), report)
    report.fail_if_any()
    return filled


class _Filler:
    def __init__(self, report: Report, sections: Sections) -> None:
        self.report, self.sections = report, sections
        self.refuse = Refusals(report, sections)

    def read(self, kind: Kind, node: Node, at: At) -> Any:
        """The value of `kind` in `node`, or `BAD`."""
        if isinstance(node, BadNode):
            return BAD
        if isinstance(node, ScalarNode):
            if node.empty:
                return self.refuse.empty(kind, node, at)
            if isinstance(node.value, Odd):
                return self.refuse.odd(node, at, node.value)
        if isinstance(kind, Either):
            return self.either(kind, node, at)
        if isinstance(kind, Variant):
            return self.variant(kind, node, at)
        if not accepts(kind, node):
            return self.refuse.mismatch(kind, node, at)
        return self.fitting(kind, node, at)

    def fitting(self, kind: Kind, node: Node, at: At) -> Any:
        """The value in a node of the right form."""
        match kind, node:
            case Section(spec), MapNode():
                return self.section(spec, node, at)
            case Table(value), MapNode():
                return self.table(value, node, at)
            case List(item), ListNode(items=nodes):
                return self.items([(item, one) for one in nodes], at)
            case Fixed(items), ListNode(items=nodes):
                return self.items(list(zip(items, nodes, strict=True)), at)
            case Number(), ScalarNode(value=int() | float() as number):
                return float(number)
            case File(), ScalarNode():
                return self.path(node, at)
            case _, ScalarNode():
                return node.value
        raise AssertionError(f"no way to read {kind}")

    def items(self, pairs: list[tuple[Kind, Node]], at: At) -> Any:
        values = [self.read(kind, node, at.under(i)) for i, (kind, node) in enumerate(pairs)]
        return BAD if any(value is BAD for value in values) else tuple(values)

    def table(self, kind: Kind, node: MapNode, at: At) -> Any:
        values = {
            name: self.read(kind, entry.value, at.under(name, entry.key))
            for name, entry in node.entries.items()
        }
        return BAD if any(value is BAD for value in values.values()) else values

    def path(self, node: ScalarNode, at: At) -> Any:
        if not node.text:
            return self.refuse.value(node, at, "needs a path, found an empty text")
        directory = node.place.source.directory
        if directory is None or node.text == STDIN:
            return self.encodable(Path(node.text), node, at)
        try:
            return self.encodable(directory / local_path(node.text), node, at)
        except SpecError as error:
            return self.refuse.broken(error, node, at)

    def encodable(self, path: Path, node: ScalarNode, at: At) -> Any:
        """`path`, if files can be called so."""
        try:
            str(path).encode()
        except UnicodeEncodeError:
            what = f"leads to `{safe_text(path)}`, whose name is not UTF-8"
            return self.refuse.value(node, at, what)
        return path

    def either(self, kind: Either, node: Node, at: At) -> Any:
        fitting = [one for one in kind.kinds if accepts(one, node)]
        if not fitting:
            return self.refuse.mismatch(kind, node, at)
        if len(fitting) == 1:
            return self.read(fitting[0], node, at)
        reports = []
        for one in fitting:
            report = Report()
            value = _Filler(report, self.sections).read(one, node, at)
            if not report:
                return value
            reports.append(report)
        self.report.take(min(reports, key=len))
        return BAD

    def variant(self, kind: Variant, node: Node, at: At) -> Any:
        try:
            lifted = lift(kind, node)
        except SpecError as error:
            return self.refuse.broken(error, node, at)
        if not isinstance(lifted, MapNode):
            return self.refuse.mismatch(kind, node, at)
        if TYPE not in lifted.entries:
            types = types_with(kind, lifted.entries)
            why = f"there are {listing(types or kind.registry.names())}"
            why += " with these options" if types and lifted.entries else ""
            return self.refuse.whole(lifted, at, "needs a `type`", "add `type: …`", why)
        entry = lifted.entries[TYPE]
        name = self.read(Text(), entry.value, at.under(TYPE, entry.key))
        if name is BAD:
            return BAD
        if name not in kind.registry.names():
            return self.refuse.unknown_type(kind, entry.value, at)
        rest = {key: one for key, one in lifted.entries.items() if key != TYPE}
        spec = kind.registry.get(name)
        return self.section(spec, MapNode(lifted.place, rest), at, entry.value.place)

    def section(self, spec: type[Spec], node: MapNode, at: At, typed: Place | None = None) -> Any:
        """A spec from its options; one that is wrong keeps no other from being read.

        `typed` is where its type stands, if it has one.
        """
        options = options_of(spec)
        values: dict[str, Any] = {}
        for name, entry in node.entries.items():
            if name in options:
                values[name] = self.option(options[name], entry, at.under(name, entry.key))
            else:
                self.refuse.unknown_key(name, entry.key, spec, at, typed)
        for option in options.values():
            if option.required and option.name not in node.entries:
                values[option.name] = self.refuse.missing(option, node, at)
        if any(value is BAD for value in values.values()):
            return BAD
        try:
            return spec(**values)
        except SpecError as error:
            return self.refuse.broken(error, node, at)

    def option(self, option: Option, entry: Entry, at: At) -> Any:
        """The value of one option, its bounds checked."""
        value = self.read(option.kind, entry.value, at)
        if value is BAD:
            return BAD
        for part, where in _parts(entry.value, at):
            complaint = option.bounds.complaint(part.value)
            if complaint:
                value = self.refuse.value(part, where, complaint)
        return value


def _parts(node: Node, at: At) -> Iterator[tuple[ScalarNode, At]]:
    """The scalars that the bounds of an option hold for: the value, or those of a list or table."""
    if isinstance(node, ScalarNode):
        yield node, at
    elif isinstance(node, ListNode):
        for i, one in enumerate(node.items):
            yield from _parts(one, at.under(i))
    elif isinstance(node, MapNode):
        for name, entry in node.entries.items():
            if isinstance(entry.value, ScalarNode):
                yield entry.value, at.under(name, entry.key)
