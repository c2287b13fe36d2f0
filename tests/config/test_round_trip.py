"""What is written is read back as the same, and no input breaks the reader."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dnn_cli.base.errors import ConfigError
from dnn_cli.base.spec import Bounds
from dnn_cli.config.decode import source_of
from dnn_cli.config.fill import fill_plain
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
    options_of,
)
from dnn_cli.config.load import load_config
from dnn_cli.config.nodes import ListNode, MapNode, Node, ScalarNode
from dnn_cli.config.places import Report
from dnn_cli.config.resolve import dump_yaml, resolve
from dnn_cli.config.spec import RunSpec
from dnn_cli.config.yaml_nodes import parse_bytes

QUICK = settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def shows_as_one_line(text: str) -> bool:
    """Whether no character controls a terminal; unusual spaces do not."""
    return all(c.isprintable() or unicodedata.category(c) == "Zs" for c in text)


def plain(node: Node) -> Any:
    if isinstance(node, MapNode):
        return {name: plain(entry.value) for name, entry in node.entries.items()}
    if isinstance(node, ListNode):
        return [plain(one) for one in node.items]
    assert isinstance(node, ScalarNode)
    return node.value


def read(text: str) -> Any:
    report = Report()
    node = parse_bytes(text.encode(), source_of(text.encode(), "a", Path()), report)
    report.fail_if_any()
    assert node is not None
    return plain(node)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
WORDS = r"no Yes null ~ 1 010 1e3 # ' \" \ &a *a !a %a @ ` | > { [ ? - --- ... << = /a/b.csv .x"
SPACED = ("", " ", "- a", "a: b", "a #b", "\n", "\t", "\r\n", "\xa0", "k" * 1200)
UNUSUAL = ("\x85", "\u2028", "\ufeff", "\x7f", "\U0001f600")
AWKWARD = st.sampled_from([*WORDS.split(), *SPACED, *UNUSUAL])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | AWKWARD
)
PLAIN = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS | AWKWARD, inner, max_size=4),
    max_leaves=20,
)


@QUICK
@given(PLAIN)
def test_dump_and_read_is_the_identity(value: Any) -> None:
    again = read(dump_yaml(value))
    assert again == value and repr(again) == repr(value)  # 1 is not 1.0, 0.0 not -0.0


def values(kind: Kind, bounds: Bounds, depth: int) -> st.SearchStrategy[Any]:
    """Plain values that a kind accepts."""
    match kind:
        case Null():
            return st.none()
        case Boolean():
            return st.booleans()
        case Whole():
            low = math.ceil(bounds.minimum) if bounds.minimum is not None else -5
            return st.integers(low, min(bounds.maximum or low + 5, low + 5))
        case Number():
            numbers = st.floats(0.0, 1.0) | st.sampled_from([1, 0.5, 1e-3])
            return numbers.filter(lambda x: bounds.complaint(x) is None)
        case Text():
            return st.sampled_from(["a", "é b", "valid.loss", "10m", "no", "1"])
        case File():
            return st.sampled_from(["a.csv", "/b/c d.npy", "../ü.npz"])
        case Choice(choices):
            return st.sampled_from(choices)
        case Either(kinds):
            return st.one_of([values(one, bounds, depth) for one in kinds])
        case List(item):
            return st.lists(values(item, bounds, depth + 1), max_size=3 if depth < 5 else 0)
        case Fixed(items):
            return st.tuples(*[values(one, bounds, depth) for one in items]).map(list)
        case Table(value):
            keys = st.sampled_from(["a", "train.loss", "valid.accuracy", "1"])
            return st.dictionaries(keys, values(value, bounds, depth), max_size=2)
        case Section(spec):
            return mapping(spec, depth)
        case Variant():
            named = st.sampled_from(kind.registry.names())
            return named.flatmap(
                lambda name: mapping(kind.registry.get(name), depth).map(
                    lambda options: {"type": name, **options}
                )
            )
    raise AssertionError(kind)


def mapping(spec: Any, depth: int) -> st.SearchStrategy[dict[str, Any]]:
    options = {
        one.name: values(one.kind, one.bounds, depth + 1)
        for one in options_of(spec).values()
        if one.required or depth < 4
    }
    required = {name: s for name, s in options.items() if options_of(spec)[name].required}
    optional = {name: s for name, s in options.items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional)


@QUICK
@given(st.deferred(lambda: mapping(RunSpec, 0)))
def test_resolve_is_the_inverse_of_fill(config: dict[str, Any]) -> None:
    try:
        spec = fill_plain(config, RunSpec)
    except ConfigError:  # rules over several options are not known to the strategy
        return
    resolved = resolve(spec)
    assert fill_plain(resolved, RunSpec) == spec
    assert fill_plain(read(dump_yaml(resolved)), RunSpec) == spec
    assert resolve(fill_plain(resolved, RunSpec)) == resolved


NAMES = (
    "data model layers type dense units source a.csv extends hidden optimizer training adam loss"
)
MARKS = (
    r": - , { } [ ] ' \" # &a *a !!x | > ? % 1 -1 1e999 010 null ~ \\ \ud800 \UFFFFFFFF << = true @"
)
ENDS = (": ", "- ", "? ", "\n", "\n  ", "\n    ", "---\n", "...\n", "\t", "\0", "\xa0", *UNUSUAL)
TOKENS = st.lists(
    st.sampled_from([*NAMES.split(), *MARKS.split(), *ENDS]),
    max_size=40,
).map("".join)
CONFIG = (
    "data: {source: a.csv}\nmodel:\n  layers:\n  - {type: dense, units: 3}\n  - relu\nseed: 1\n"
)
MUTATED = st.tuples(st.integers(0, len(CONFIG)), st.integers(0, 8), TOKENS).map(
    lambda m: CONFIG[: m[0]] + m[2] + CONFIG[m[0] + m[1] :]
)
BYTES = st.binary(max_size=80) | (st.text(max_size=60) | TOKENS | MUTATED).map(
    lambda text: text.encode("utf-8", "surrogatepass")
)


@pytest.fixture(scope="module")
def attempt(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., None]:
    folder = tmp_path_factory.mktemp("attempt")

    def load(data: bytes, *overrides: str) -> None:
        (folder / "a.yaml").write_bytes(data)
        try:
            load_config(folder / "a.yaml", overrides)
        except ConfigError as error:
            assert 1 <= len(error.problems) <= 21
            for problem in error.problems:
                said = "".join(
                    (problem.what, problem.where, problem.why, problem.fix, problem.line)
                )
                assert shows_as_one_line(said) and len(said) <= 4000
                assert 0 <= problem.column <= len(problem.line) + 1
        assert [p.name for p in folder.iterdir()] == ["a.yaml"]

    return load


@settings(QUICK, max_examples=400)
@given(BYTES)
def test_any_bytes_load_or_are_refused(attempt: Callable[..., None], data: bytes) -> None:
    attempt(data)


@QUICK
@given(
    st.lists(TOKENS | st.text(max_size=20), max_size=3),
    st.sampled_from(["seed", "model.layers.0", "optimizer.schedule", "data.source", "training.x"]),
    TOKENS,
)
def test_any_overrides_apply_or_are_refused(
    attempt: Callable[..., None], others: list[str], key: str, value: str
) -> None:
    attempt(CONFIG.encode(), f"{key}={value}", *others)


@QUICK
@given(PLAIN)
def test_any_plain_values_fill_or_are_refused(value: Any) -> None:
    for config in (value, {"data": value, "model": value}, {"data": {"source": value}}):
        try:
            fill_plain(config, RunSpec)
        except ConfigError as error:
            assert all(shows_as_one_line(p.what) for p in error.problems)
