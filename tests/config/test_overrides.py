"""KEY=VALUE over what a file says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dnn_cli.base.errors import ConfigError
from dnn_cli.config.load import load_config

SHORT = "data: {source: a.csv}\n"
CONFIG = """\
data: {source: a.csv}
model: {layers: [{type: dense, units: 3}, relu, {type: dropout, rate: 0.5}]}
optimizer: adam
training: {epochs: 3, early_stopping: null}
"""


def at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value[int(step) if step.isdigit() else step]
    return value


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("seed=7", "seed", 7),
        ("optimizer.learning_rate=1e-2", "optimizer.learning_rate", 0.01),
        ("optimizer=adam", "optimizer.type", "adam"),
        ("optimizer.beta1=0.5", "optimizer.beta1", 0.5),
        ("training.epochs=9", "training.epochs", 9),
        ("training.batch_size=full", "training.batch_size", "full"),
        ("training.early_stopping.patience=2", "training.early_stopping.patience", 2),
        ("training.stop_when={train.loss: 0.1}", "training.stop_when", {"train.loss": 0.1}),
        ("training.checkpoint.every_epochs=4", "training.checkpoint.every_epochs", 4),
        ("model.layers.0.units=64", "model.layers.0.units", 64),
        ("model.layers.2.rate=0.25", "model.layers.2.rate", 0.25),
        ("model.layers.1=tanh", "model.layers.1.type", "tanh"),
        ("model.layers=[relu, relu]", "model.layers", [{"type": "relu"}] * 2),
        ("model={hidden: [256, 128]}", "model.hidden", [256, 128]),
        ("data.source.delimiter=;", "data.source.delimiter", ";"),
        ("data.split.valid=0.5", "data.split.valid", 0.5),
        ("data.target=a=b", "data.target", "a=b"),
        ("data.target=null", "data.target", None),
        ("data.target='null'", "data.target", "null"),
        ("data.target=no # text", "data.target", "no"),
        ("name=x", "name", "x"),
    ],
)
def test_overrides(load, override: str, path: str, value: object) -> None:
    assert at(load(CONFIG, override).resolved, path) == value


def test_what_the_file_leaves_out_can_be_overridden(load) -> None:
    small = "data: {source: a.csv}"
    overrides = ("optimizer.beta1=0.5", "optimizer.learning_rate=2", "model.hidden=[3]")
    found = load(small, *overrides, "training.penalty.l1=0.5").resolved
    assert (found["optimizer"]["type"], found["optimizer"]["beta1"]) == ("adam", 0.5)
    assert found["optimizer"]["learning_rate"] == 2.0
    assert (found["model"]["hidden"], found["training"]["penalty"]["l1"]) == ([3], 0.5)
    found = load(
        small, "optimizer.schedule.warmup=0.5", "optimizer.schedule.type=constant"
    ).resolved
    assert found["optimizer"]["schedule"] == {"type": "constant", "warmup": 0.5}


def test_the_last_one_wins(load) -> None:
    assert load(CONFIG, "seed=1", "seed=2").spec.seed == 2
    assert load(CONFIG, "optimizer.beta1=0.1", "optimizer=adam").spec.optimizer.beta1 == 0.9


def test_paths_are_relative_to_where_one_stands(load, tmp_path: Path) -> None:
    found = load(CONFIG, "data.source=b.npy").resolved["data"]["source"]
    assert found["type"] == "npy" and found["path"] == str(tmp_path / "b.npy")


@pytest.mark.parametrize(
    ("override", "column", "words"),
    [
        ("optimizer.lr=1", 11, ("unknown key `lr` in `optimizer` (adam)", "`learning_rate`")),
        ("optimiser.learning_rate=1", 1, ("unknown key `optimiser`", "`optimizer`")),
        ("model.layers.0.unit=1", 16, ("unknown key `unit` in `model.layers.0`",)),
        ("learning_rate=1", 1, ("belongs in `optimizer`",)),
        ("seed=x", 6, ("must be a whole number, found the text `x`",)),
        ("seed=010", 6, ("ambiguous number",)),
        ("seed=", 1, ("`seed` needs a value",)),
        ("seed=[1", 8, ("not continued or closed",)),
        ("seed=&x 1", 6, ("anchors",)),
        ("model.layers.0.units=0", 22, ("must be at least 1, found 0",)),
        ("model.layers.3.units=1", 14, ("without an entry `3`", "0 to 2")),
        ("model.layers.-1=relu", 14, ("without an entry `-1`",)),
        ("model.layers.x.units=1", 14, ("without an entry `x`",)),
        ("training.epochs.x=1", 17, ("`training.epochs` is a single value",)),
        ("loss.label_smoothing=0.1", 6, ("`loss` is a single value: it has no `label_smoothing`",)),
        ("model.hidden.0=1", 14, ("`model.hidden` is null",)),
        ("optimizer.schedule.warmup=0.1", 11, ("`optimizer.schedule` needs a `type`",)),
        ("extends=b.yaml", 1, ("unknown key `extends`",)),
        ("name=\udcff", 6, ("U+DCFF",)),
        ("seed", 1, ("KEY=VALUE",)),
        ("=3", 1, ("KEY=VALUE",)),
        ("a..b=3", 1, ("KEY=VALUE",)),
        (".".join("a" * 2000) + "=1", 1, ("more than 32 names and positions in one key",)),
        ("", 0, ("KEY=VALUE",)),
    ],
)
def test_refusals(problems, override: str, column: int, words: tuple[str, ...]) -> None:
    (problem,) = problems(CONFIG, override)
    said = " | ".join((problem.what, problem.why, problem.fix))
    assert all(word in said for word in words), said
    assert problem.where.startswith("override `")
    if override.isprintable() and len(override) < 80:
        assert problem.where == f"override `{override}`"
    assert problem.column == max(column, 1) and said.isprintable()


def test_problems_of_file_and_overrides_together(problems) -> None:
    found = problems(CONFIG + "sede: 3\n", "seed=x", "foo")
    assert [p.where for p in found] == ["a.yaml:5:1", "override `seed=x`", "override `foo`"]


CHANGES = [
    (["optimizer.type=sgd"], "optimizer", {"type": "sgd", "learning_rate": 0.01}),
    (["optimizer.type=sgd", "optimizer.momentum=0.9"], "optimizer", {"momentum": 0.9}),
    (["optimizer.momentum=0.9", "optimizer.type=sgd"], "optimizer", {"momentum": 0.9}),
    (["optimizer.learning_rate=0.5", "optimizer.type=sgd"], "optimizer", {"learning_rate": 0.5}),
    (["loss.type=huber"], "loss", {"type": "huber"}),
    (["loss.type=huber", "loss.delta=2"], "loss", {"type": "huber", "delta": 2.0}),
    (["model.activation.type=gelu"], "model.activation", {"type": "gelu"}),
    (["optimizer.schedule.type=cosine"], "optimizer.schedule", {"type": "cosine"}),
    (["data.source.type=npz"], "data.source", {"type": "npz"}),
]


@pytest.mark.parametrize(("words", "path", "expected"), CHANGES)
def test_another_type_leaves_nothing_of_a_default(
    tmp_path: Path, words: list[str], path: str, expected: dict[str, Any]
) -> None:
    (tmp_path / "c.yaml").write_text("data: {source: a.csv}\n")
    found = at(load_config(tmp_path / "c.yaml", words).resolved, path)
    assert expected.items() <= found.items()


def test_another_type_keeps_what_both_know_and_refuses_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(
        "data: {source: a.csv}\n"
        "model: {layers: [{type: dense, units: 3}, {type: leaky_relu, slope: 0.2}]}\n"
        "optimizer: {type: adam, learning_rate: 0.3, weight_decay: 0.1}\n"
    )
    found = load_config(path, ["optimizer.type=sgd"]).resolved["optimizer"]
    assert (found["learning_rate"], found["weight_decay"]) == (0.3, 0.1)
    path.write_text(path.read_text().replace("weight_decay: 0.1", "beta1: 0.8"))
    for words, place, key in (
        ("optimizer.type=sgd", f"{path}:3:45", "beta1"),
        ("model.layers.1.type=relu", f"{path}:2:62", "slope"),
    ):
        with pytest.raises(ConfigError) as caught:
            load_config(path, [words])
        (problem,) = caught.value.problems
        assert problem.where == place and f"unknown key `{key}`" in problem.what
    with pytest.raises(ConfigError) as caught:
        load_config(path, ["optimizer.type=sgd", "optimizer.beta2=0.9", "model.layers=[relu]"])
    assert [p.what.split("`")[1] for p in caught.value.problems] == ["beta1", "beta2"]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("loss.positive_weight=2", "`loss.type=sigmoid_cross_entropy`"),
        ("loss.class_weights=balanced", "`loss.type=softmax_cross_entropy`"),
        ("loss.delta=2", "`loss.type=huber`"),
    ],
)
def test_an_option_of_a_type_that_is_not_settled_says_which_has_it(load, override, said) -> None:
    with pytest.raises(ConfigError) as caught:
        load(SHORT, override)
    assert said in caught.value.problems[0].fix
    name = caught.value.problems[0].fix.split("`")[1]
    assert load(SHORT, name, override).spec.loss.spec_name == name.split("=")[1]


def test_a_mapping_without_a_type_names_those_that_have_its_options(load) -> None:
    with pytest.raises(ConfigError) as caught:
        load(SHORT + "loss: {positive_weight: 2}")
    assert caught.value.problems[0].why == "there are sigmoid_cross_entropy with these options"
