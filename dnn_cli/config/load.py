"""From a file and overrides to a checked configuration: the entry to this room.

Cost       a few milliseconds for a typical file, most of it PyYAML's scanner
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from dnn_cli.base.errors import ConfigError
from dnn_cli.base.spec import Spec, SpecError
from dnn_cli.config.decode import MAX_BYTES, source_of
from dnn_cli.config.extends import with_bases
from dnn_cli.config.fill import fill
from dnn_cli.config.kinds import Section
from dnn_cli.config.nodes import MAX_DEPTH, BadNode, MapNode, Node
from dnn_cli.config.overrides import with_overrides
from dnn_cli.config.phrases import found
from dnn_cli.config.places import Report
from dnn_cli.config.read import STDIN, ReadError, read_file, read_stdin
from dnn_cli.config.refusals import At, Refusals
from dnn_cli.config.resolve import dump_yaml, resolve
from dnn_cli.config.spec import RunSpec, name_from
from dnn_cli.config.unknown import Sections
from dnn_cli.config.written import written
from dnn_cli.config.yaml_nodes import MAX_NODES, parse_bytes

S = TypeVar("S", bound=Spec)
SMALLEST = "the smallest configuration is `data: {source: churn.csv, target: churned}`"


@dataclass(frozen=True, slots=True)
class Loaded(Generic[S]):
    """A configuration: as a spec, as the bytes given, and with every default written out."""

    spec: S
    text: bytes  # of the file named, as given; its bases are in `resolved` only
    path: Path | None  # None: standard input
    resolved: dict[str, Any]  # plain values, paths absolute
    root: Node  # the tree it was filled from, for errors found later

    def error(self, path: Sequence[str | int], what: str, fix: str = "") -> ConfigError:
        """A finding about the value that `path` leads to, or what comes nearest to it.

        For what shows only when the parts meet: a loss that does not suit the task.
        """
        report = Report()
        refuse = Refusals(report, Sections(Section(type(self.spec))))
        refuse.broken(SpecError(what, tuple(path), fix), self.root, At())
        return report.error()


def load_config(source: Path | str, overrides: Sequence[str] = ()) -> Loaded[RunSpec]:
    """The run that a file (`-`: standard input) and overrides describe.

    Raises:
        ConfigError: with every problem, each at its position.
    """
    path = None if str(source) == STDIN else Path(source)
    try:
        data = read_stdin() if path is None else read_file(path)
    except ReadError as error:
        raise ConfigError([error.problem]) from None
    return load_text(data, path, overrides)


def load_text(data: bytes, path: Path | None, overrides: Sequence[str] = ()) -> Loaded[RunSpec]:
    """The run that `data`, as if they were the file at `path`, and overrides describe.

    Raises:
        ConfigError: with every problem, each at its position.
    """
    return _named(*located(RunSpec, data, path, overrides), data, path)


def load_resolved(path: Path, overrides: Sequence[str] = ()) -> Loaded[RunSpec]:
    """The run that `path`, where every default is written out, and overrides describe.

    What has its default counts as not written, so that an override of a `type` is not told that
    the new type does not know it.

    Raises:
        ConfigError: with every problem, each at its position.
    """
    before = load_config(path)
    tree = written(before.root, before.spec)
    spec, root = _overridden(tree, Section(RunSpec), overrides, Report())
    return _named(spec, root, before.text, path)


def _named(spec: RunSpec, root: Node, text: bytes, path: Path | None) -> Loaded[RunSpec]:
    if spec.name is None:
        spec = replace(spec, name=name_from(path.stem) if path else "run")
    return Loaded(spec, text, path, resolve(spec), root)


def located(
    wanted: type[S], data: bytes, path: Path | None, overrides: Sequence[str] = ()
) -> tuple[S, Node]:
    """The `wanted` that `data`, the bytes at `path`, and overrides describe; and their tree.

    Raises:
        ConfigError: with every problem, each at its position.
    """
    report, kind = Report(), Section(wanted)
    return _overridden(_tree(data, path, kind, report), kind, overrides, report)


def _overridden(
    tree: Node, kind: Section, overrides: Sequence[str], report: Report
) -> tuple[Any, Node]:
    """What `tree` describes with overrides put into it, and that tree."""
    root = with_overrides(tree, kind, overrides, report)
    spec = fill(root, kind, report)
    report.fail_if_any()
    _require_reloadable(resolve(spec), root, report)
    return spec, root


def _tree(data: bytes, path: Path | None, kind: Section, report: Report) -> Node:
    """The tree of the file and those it extends."""
    folder = (Path() if path is None else path.parent).absolute()
    shown = "standard input" if path is None else str(path)
    root = parse_bytes(data, source_of(data, shown, folder), report)
    if root is None:
        report.fail()
    if not isinstance(root, MapNode | BadNode):
        what = f"expected a mapping, found {found(root)}"
        report.add(root.place, what, fix=SMALLEST)
        report.fail()
    merged = with_bases(root, kind, report, path)
    if merged is None:
        report.fail()
    return merged


def _require_reloadable(resolved: Any, root: Node, report: Report) -> None:
    """What is loaded must be within the limits with every default written out, too."""
    values, depth = _extent(resolved)
    if values > MAX_NODES or depth > MAX_DEPTH or len(dump_yaml(resolved).encode()) > MAX_BYTES:
        why = (
            f"with every default written out the limits are {MAX_NODES:,} values, {MAX_DEPTH} "
            f"lists and mappings inside each other, {MAX_BYTES // 1024} KiB"
        )
        report.add(root.place, "the configuration is too large", why=why)
    report.fail_if_any()


def _extent(value: object) -> tuple[int, int]:
    """(values and keys, lists and mappings inside each other) of plain values."""
    if not isinstance(value, dict | list):
        return 1, 0
    parts = [_extent(one) for one in (value.values() if isinstance(value, dict) else value)]
    keys = len(parts) if isinstance(value, dict) else 0
    return 1 + keys + sum(n for n, _ in parts), 1 + max((d for _, d in parts), default=0)
