"""`extends: base.yaml`: a file says only what differs from another.

Mappings are merged key by key and the later file wins; lists are replaced as a whole. Every value
keeps the position it was written at.

Type       where the later file gives a mapping another `type`, of the base that stays which both
           types know (one name, one kind of value, within the bounds of the new type); a bare
           path becomes that of the new type. The rest of the base goes without a word: it was
           written for the other type, and a file has no way to take back a key of its base
Bare name  `optimizer: sgd` replaces as a whole, here as everywhere
"""

from __future__ import annotations

import os
from pathlib import Path

from dnn_cli.base.path import local_path
from dnn_cli.base.spec import SpecError
from dnn_cli.base.text import safe_text
from dnn_cli.config.bare import TYPE, lift_as, lift_or_keep, spec_called, type_of
from dnn_cli.config.decode import source_of
from dnn_cli.config.forms import within
from dnn_cli.config.kinds import Kind, options_of
from dnn_cli.config.nodes import BadNode, Entry, MapNode, Node, ScalarNode
from dnn_cli.config.places import Report
from dnn_cli.config.read import ReadError, read_file
from dnn_cli.config.steps import kind_under
from dnn_cli.config.yaml_nodes import parse_bytes

EXTENDS = "extends"
MAX_FILES = 8


def with_bases(root: Node, kind: Kind, report: Report, path: Path | None) -> Node | None:
    """`root` merged over the files it extends; None after reporting why one cannot be read."""
    seen = [] if path is None else [os.path.realpath(path)]
    chain: list[MapNode] = []
    node: Node | None = root
    while isinstance(node, MapNode) and EXTENDS in node.entries:
        entry = node.entries[EXTENDS]
        chain.append(_without(node))
        node = _base(entry.value, seen, len(chain), report)
    if node is None:
        return None
    for later in reversed(chain):
        node = merge(kind, node, later)
    return node


def _base(named: Node, seen: list[str], order: int, report: Report) -> Node | None:
    """The tree of the file that `named` names."""
    if isinstance(named, BadNode):
        return None
    if not isinstance(named, ScalarNode) or not isinstance(named.value, str) or not named.text:
        report.add(named.place, f"`{EXTENDS}` must be the path of one other configuration")
        return None
    try:
        path = Path(named.place.source.name).parent / local_path(named.text)
    except SpecError as error:
        report.add(named.place, f"`{EXTENDS}`: {error}", fix=error.fix)
        return None
    real = os.path.realpath(path) if "\0" not in named.text else ""
    if real in seen:
        report.add(named.place, f"`{EXTENDS}` leads back to `{safe_text(path)}`")
        return None
    if len(seen) >= MAX_FILES:
        report.add(named.place, f"more than {MAX_FILES} files extend each other")
        return None
    seen.append(real)
    try:
        data = read_file(path)
    except ReadError as error:
        report.add(named.place, f"`{EXTENDS}`: {error.problem.what}", fix=error.problem.fix)
        return None
    source = source_of(data, str(path), path.parent.absolute(), order)
    tree = parse_bytes(data, source, report)
    if tree is None or isinstance(tree, MapNode | BadNode):
        return tree
    report.add(tree.place, "a configuration that others extend must be a mapping")
    return None


def _without(node: MapNode) -> MapNode:
    rest = {name: entry for name, entry in node.entries.items() if name != EXTENDS}
    return MapNode(node.place, rest)


def merge(kind: Kind | None, base: Node, later: Node) -> Node:
    """`later` over `base`, where both describe a value of `kind`."""
    if not isinstance(later, MapNode):
        return later
    base = _as_type(kind, base, later) if TYPE in later.entries else lift_or_keep(kind, base)
    if not isinstance(base, MapNode):
        return later
    entries = dict(base.entries)
    for name, entry in later.entries.items():
        value = entry.value
        if name in entries:
            value = merge(kind_under(kind, base, name), entries[name].value, value)
        entries[name] = Entry(entry.key, value)
    return MapNode(later.place, entries)


def _as_type(kind: Kind | None, base: Node, later: MapNode) -> Node:
    """What of `base` suits the type that `later` names."""
    name = type_of(later)
    typed = None if name is None else lift_as(kind, base, name)
    if not isinstance(typed, MapNode):
        return later
    if typed is base and type_of(base) in (None, name):
        return base
    old, new = spec_called(kind, type_of(typed)), spec_called(kind, name)
    before, after = (options_of(spec) if spec else {} for spec in (old, new))
    both = {key for key in before.keys() & after if before[key].kind == after[key].kind}
    kept = {
        key: entry
        for key, entry in typed.entries.items()
        if key in both and within(after[key].bounds, entry.value)
    }
    return MapNode(base.place, {**kept, TYPE: later.entries[TYPE]})
