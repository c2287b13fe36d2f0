"""Files that change other files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dnn_cli.base.errors import ConfigError, Problem
from dnn_cli.config.load import load_config

Files = Callable[..., Any]


@pytest.fixture
def merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """The resolved configuration of the last of some files, given as name=text."""
    monkeypatch.chdir(tmp_path)

    def load(**files: str) -> Any:
        for name, text in files.items():
            path = Path(name.replace("__", "/") + ".yaml")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return load_config(path).resolved

    return load


@pytest.fixture
def failing(merged: Files) -> Callable[..., list[Problem]]:
    def load(**files: str) -> list[Problem]:
        with pytest.raises(ConfigError) as caught:
            merged(**files)
        return list(caught.value.problems)

    return load


BASE = """\
data: {source: data/a.csv, target: y}
model: {hidden: [4, 5]}
optimizer: {type: adam, learning_rate: 0.1, beta1: 0.8}
training: {epochs: 7, early_stopping: {patience: 3}}
"""


def test_mappings_are_merged_and_lists_replaced(merged, tmp_path: Path) -> None:
    later = """\
extends: sub/base.yaml
model: {hidden: [6]}
data: {exclude: [z]}
optimizer: {learning_rate: 0.2}
training: {early_stopping: {min_delta: 0.5}}
"""
    found = merged(sub__base=BASE, b=later)
    assert found["model"]["hidden"] == [6]
    assert found["data"]["source"]["path"] == str(tmp_path / "sub/data/a.csv")
    assert (found["data"]["target"], found["data"]["exclude"]) == ("y", ["z"])
    adam = found["optimizer"]
    assert (adam["type"], adam["learning_rate"], adam["beta1"]) == ("adam", 0.2, 0.8)
    stopping = found["training"]["early_stopping"]
    assert (stopping["patience"], stopping["min_delta"]) == (3, 0.5)
    assert found["name"] == "b"


def test_a_type_that_changes_keeps_what_both_types_know(merged) -> None:
    other = merged(a=BASE, b="extends: a.yaml\noptimizer: {type: sgd}\n")["optimizer"]
    assert (other["type"], other["learning_rate"]) == ("sgd", 0.1)
    assert "beta1" not in other


def test_a_type_that_changes_takes_what_belonged_to_the_other_along(merged) -> None:
    changed = "extends: a.yaml\noptimizer: {type: adamw, weight_decay: 0.1}\n"
    base = BASE.replace("adam,", "adam, clip_norm: 2,")
    later = merged(a=base, b=changed.replace("adamw", "adam"))["optimizer"]
    assert (later["clip_norm"], later["weight_decay"]) == (2.0, 0.1)
    source = "extends: a.yaml\ndata: {source: {type: synthetic, kind: xor}}\n"
    assert "path" not in merged(a=BASE, b=source)["data"]["source"]
    assert merged(a=BASE, b="extends: a.yaml\noptimizer: adam")["optimizer"]["beta1"] == 0.9


def test_a_mapping_over_a_bare_name(merged) -> None:
    base = "data: {source: a.csv}\noptimizer: adam\n"
    later = "extends: a.yaml\ndata: {source: {delimiter: ;}}\noptimizer: {beta1: 0.5}\n"
    found = merged(a=base, b=later)
    assert found["data"]["source"]["type"] == "csv" and found["data"]["source"]["delimiter"] == ";"
    assert found["optimizer"]["type"] == "adam" and found["optimizer"]["beta1"] == 0.5


def test_a_chain_and_null(merged) -> None:
    middle = "extends: a.yaml\ntraining: {epochs: 8, early_stopping: null}\n"
    found = merged(a=BASE, b=middle, c="extends: b.yaml\ntraining: {batch_size: 9}\n")["training"]
    assert (found["epochs"], found["batch_size"], found["early_stopping"]) == (8, 9, None)


def test_positions_are_those_of_each_file(failing) -> None:
    later = "extends: a.yaml\nseed: x\noptimizer:\n  beta1: 2\n"
    found = failing(a=BASE.replace("0.1", "fast") + "sede: 1\n", b=later)
    assert [(p.where, p.line) for p in found] == [
        ("b.yaml:2:7", "seed: x"),
        ("b.yaml:4:10", "  beta1: 2"),
        ("a.yaml:3:40", "optimizer: {type: adam, learning_rate: fast, beta1: 0.8}"),
        ("a.yaml:5:1", "sede: 1"),
    ]


def test_cycles_and_long_chains(failing) -> None:
    (problem,) = failing(a="extends: b.yaml", b="extends: ./a.yaml")
    assert problem.where == "a.yaml:1:10" and "leads back to `b.yaml`" in problem.what
    (problem,) = failing(a="extends: a.yaml")
    assert "leads back" in problem.what
    chain = {f"f{i}": f"extends: f{i - 1}.yaml" for i in range(1, 20)}
    (problem,) = failing(f0="data: {source: a.csv}", **chain)
    assert problem.what == "more than 8 files extend each other"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("extends: [a.yaml]", "must be the path of one other configuration"),
        ("extends:", "must be the path of one other configuration"),
        ("extends: aa.yaml", "cannot read `aa.yaml`: No such file"),
        ("extends: .", "`.` is a directory"),
        ("extends: '\\e[2J'", "cannot read"),
    ],
)
def test_bad_bases(failing, text: str, what: str) -> None:
    (problem,) = failing(a=BASE, b="seed: 1\n" + text)
    assert problem.where == f"b.yaml:2:{9 if text.endswith(':') else 10}" and what in problem.what


def test_a_base_that_is_not_well_formed(failing) -> None:
    (problem,) = failing(a="seed: [1", b="extends: a.yaml")
    assert problem.where == "a.yaml:1:9"
    (problem,) = failing(a="- seed", b="extends: a.yaml")
    assert problem.where == "a.yaml:1:1" and "must be a mapping" in problem.what


def test_extends_belongs_at_the_top(failing) -> None:
    (problem,) = failing(a="data: {source: a.csv, extends: b.yaml}")
    assert "unknown key `extends` in `data`" in problem.what
