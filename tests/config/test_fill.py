"""Type hints to values, on specs of our own."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import pytest

from dnn_cli.base.errors import ConfigError
from dnn_cli.base.registry import Registry
from dnn_cli.base.spec import Spec, option, require
from dnn_cli.config.fill import fill_plain
from dnn_cli.config.kinds import kind_of
from dnn_cli.config.resolve import resolve
from dnn_cli.nn.layer import LAYERS, LayerSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner(Spec):
    size: int = option("a size", 1, minimum=1, below=10)
    note: str | None = option("a note", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything(Spec):
    whole: int = option("an integer", 0)
    number: float = option("a float", 0.5, above=0.0, maximum=2.0)
    flag: bool = option("a boolean", False)
    text: str = option("a text", "x")
    file: Path = option("a path", Path("p"))
    choice: Literal["a", "b", 3] = option("a choice", "a")
    mixed: Literal["auto"] | bool | float = option("several", "auto")
    names: tuple[str | int, ...] = option("a list", ())
    pair: tuple[int, float] = option("a pair", (1, 2.0))
    table: dict[str, float] | None = option("a table", None, minimum=0.0)
    inner: Inner = option("a section", Inner())
    inners: tuple[Inner, ...] = option("sections", ())
    by_name: dict[str, Inner] = field(default_factory=dict, kw_only=True)
    maybe: Inner | int | None = option("a section or a number", None)
    layer: LayerSpec | Literal["none"] = option("a layer", "none")

    def check(self) -> None:
        require(self.whole != 13, "13 is unlucky", "whole")
        require(self.whole != 14, "must not be there", "inners", 0, "size", fix="remove it")
        require(self.whole != 15, "nothing fits")
        require(self.whole != 16, "too plain", "text")


FULL = """
whole: 3
number: 1
flag: true
text: hello
file: sub/f.csv
choice: 3
mixed: 2
names: [a, 1, "2"]
pair: [3, 4]
table: {x: 1, "1": 2.5}
inner: {size: 2, note: no}
inners:
- size: 3
- {}
by_name:
  k: {size: 4}
maybe: {size: 5}
layer: {type: dense, units: 3}
"""


def test_every_kind(load, tmp_path: Path) -> None:
    dense = LAYERS.get("dense")
    expected = Everything(
        whole=3,
        number=1.0,
        flag=True,
        text="hello",
        file=tmp_path / "sub/f.csv",
        choice=3,
        mixed=2.0,
        names=("a", 1, "2"),
        pair=(3, 4.0),
        table={"x": 1.0, "1": 2.5},
        inner=Inner(size=2, note="no"),
        inners=(Inner(size=3), Inner()),
        by_name={"k": Inner(size=4)},
        maybe=Inner(size=5),
        layer=dense(units=3),
    )
    spec = load(FULL, spec=Everything)
    assert spec == expected
    assert type(spec.number) is float and type(spec.pair[1]) is float
    assert fill_plain(resolve(spec), Everything) == spec


def test_defaults(load) -> None:
    assert load("{}", spec=Everything) == Everything()
    assert load("layer: none", spec=Everything).layer == "none"
    assert load("layer: relu", spec=Everything).layer == LAYERS.get("relu")()


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("mixed: [1]", "1:8", "`mixed` must be `auto`, true or false or a number, found a list"),
        ("pair: [1]", "1:7", "`pair` must be a list of 2, found a list of 1"),
        ("pair: [1, x]", "1:11", "`pair.1` must be a number, found the text `x`"),
        ("table: {a: 1, b: -1}", "1:18", "`table.b` must be at least 0, found -1"),
        ("table: {a: x}", "1:12", "`table.a` must be a number"),
        ("by_name: {a: {size: 0}}", "1:21", "`by_name.a.size` must be at least 1, found 0"),
        ("inners: [{size: 1}, {size: 10}]", "1:28", "`inners.1.size` must be less than 10"),
        ("number: 0", "1:9", "`number` must be greater than 0, found 0"),
        ("number: 2.5", "1:9", "`number` must be at most 2, found 2.5"),
        ("choice: c", "1:9", "`choice` must be `a`, `b` or `3`, found the text `c`"),
        ('choice: "3"', "1:9", "`choice` must be `a`, `b` or `3`"),
        ("maybe: x", "1:8", "`maybe` must be a mapping, a whole number or `null`"),
        ("maybe: {sise: 3}", "1:9", "unknown key `sise` in `maybe`"),
        ("layer: nonne", "1:8", "unknown layer `nonne` in `layer`"),
        ("layer: [relu]", "1:8", "`layer` must be a layer or `none`, found a list of 1"),
        # rules over several options stand where the value stands, or else what holds it
        ("text: x\nwhole: 13", "2:8", "`whole`: 13 is unlucky"),
        ("whole: 14\ninners: [{size: 3}]", "2:17", "`inners.0.size` must not be there"),
        ("whole: 14\ninners: [{note: a}]", "2:10", "`inners.0.size` must not be there"),
        ("whole: 15", "1:1", "the configuration: nothing fits"),
        ("whole: 16", "1:1", "`text`: too plain"),
    ],
)
def test_refusals(problems, text: str, where: str, what: str) -> None:
    (problem,) = problems(text, spec=Everything)
    assert problem.where == f"a.yaml:{where}"
    assert problem.what.startswith(what)


def test_a_bad_value_hides_no_other(problems) -> None:
    text = "whole: x\nnumber: 5\ninner: {size: 0, nota: 1}\ninners: [{size: 0}, {size: y}]\n"
    found = problems(text, spec=Everything)
    assert [p.where.removeprefix("a.yaml:") for p in found] == (
        ["1:8", "2:9", "3:15", "3:18", "4:17", "4:28"]
    )


def test_plain_values_need_no_positions() -> None:
    with pytest.raises(ConfigError) as caught:
        fill_plain({"whole": "3", "inner": {"size": 99}, 3: 1, "text": b"x"}, Everything, "model.x")
    assert {(p.where, p.what) for p in caught.value.problems} == {
        ("model.x", "`whole` must be a whole number, found the text `3` in quotes"),
        ("model.x", "`inner.size` must be less than 10, found 99"),
        ("model.x", "found a key that is not a text"),
        (
            "model.x",
            "found neither a list, a mapping, a text, a number, true, false nor null",
        ),
    }


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**63, 10**400])
def test_plain_numbers_are_finite_and_small(value: object) -> None:
    with pytest.raises(ConfigError, match=r"is not a finite number|does not fit into 64 bits"):
        fill_plain({"number": value}, Everything)


def test_plain_values_may_go_on_for_ever() -> None:
    value: dict[str, object] = {}
    value["inner"] = value
    with pytest.raises(ConfigError):
        fill_plain(value, Everything)


def test_a_relative_path_in_plain_values_stays() -> None:
    assert fill_plain({"file": "a/b"}, Everything).file == Path("a/b")


def test_base_classes_can_be_filled() -> None:
    dense = LAYERS.get("dense")(units=4)
    plain = resolve(dense)
    assert plain["type"] == "dense"
    assert fill_plain(plain, LayerSpec) == dense
    assert fill_plain("relu", LayerSpec) == LAYERS.get("relu")()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known(Spec):
    registry: ClassVar[Registry[Known]]
    spec_name = "known"


@pytest.mark.parametrize("hint", [bytes, list[int], dict[int, str], object, Known])
def test_other_types_are_a_mistake_of_ours(hint: object) -> None:
    Known.registry = Registry("thing", "dnn_cli.nn.layers")
    with pytest.raises(TypeError):
        kind_of(hint)
