"""Another `type` for a section, by an override or by a file that extends another.

What is expected follows from the specs alone: for every pair of types in a registry, what stays is
what both have, and everything else has the default that the other type has by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from dnn_cli.base.errors import ConfigError
from dnn_cli.base.registry import Registry
from dnn_cli.config.kinds import options_of
from dnn_cli.config.load import load_config, load_resolved
from dnn_cli.config.resolve import dump_yaml, resolve
from dnn_cli.nn.layer import LAYERS
from dnn_cli.nn.loss import LOSSES
from dnn_cli.nn.optimizer import OPTIMIZERS
from dnn_cli.nn.schedule import SCHEDULES

DATA = "data: {source: a.csv}\n"
# Where each registry is in the file, and what its types cannot do without.
SECTIONS: dict[str, Registry[Any]] = {
    "optimizer": OPTIMIZERS,
    "loss": LOSSES,
    "optimizer.schedule": SCHEDULES,
    "model.activation": LAYERS,
}
NEEDED: dict[str, dict[str, Any]] = {
    "step": {"every_epochs": 3},
    "dense": {"units": 3},
    "batch_ensemble": {"units": 3, "members": 3},
    "member_dense": {"units": 3},
    "member_scale": {"members": 3},
    "members": {"members": 3, "layers": (LAYERS.get("relu")(),)},
    "parametric": {"activation": LAYERS.get("selu")()},
    "conv2d": {"filters": 3},
    "dropout": {"rate": 0.5},
    "residual": {"layers": (LAYERS.get("relu")(),)},
}


def needed(section: str, name: str) -> list[str]:
    """What `name` cannot do without, as overrides."""
    given = NEEDED.get(name, {}).items()
    return [f"{section}.{key}={json.dumps(resolve(value))}" for key, value in given]


def at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value[int(step) if step.isdigit() else step]
    return value


def alone(section: str, name: str) -> Any:
    """What the type `name` is by itself."""
    return resolve(SECTIONS[section].get(name)(**NEEDED.get(name, {})))


PAIRS = [(section, name) for section, registry in SECTIONS.items() for name in registry.names()]


@pytest.mark.parametrize(("section", "name"), PAIRS)
def test_a_default_becomes_any_other_type(load, section: str, name: str) -> None:
    overrides = [f"{section}.type={name}", *needed(section, name)]
    for order in permutations(overrides):
        assert at(load(DATA, *order).resolved, section) == alone(section, name)


@pytest.mark.parametrize(("section", "name"), PAIRS)
def test_a_bare_name_becomes_any_other_type(load, section: str, name: str) -> None:
    bare = {"optimizer": "nadam", "loss": "huber", "optimizer.schedule": "cosine"}
    overrides = [f"{section}={bare.get(section, 'relu')}", f"{section}.type={name}"]
    found = load(DATA, *overrides, *needed(section, name)).resolved
    assert at(found, section) == alone(section, name)


def test_what_was_written_and_both_know_stays(load) -> None:
    written = (
        "{type: adam, learning_rate: 0.3, weight_decay: 0.1, schedule: {type: cosine, final: 0.2}}"
    )
    found = load(DATA + f"optimizer: {written}", "optimizer.type=sgd").resolved["optimizer"]
    assert (found["type"], found["learning_rate"], found["weight_decay"]) == ("sgd", 0.3, 0.1)
    assert found["schedule"]["final"] == 0.2 and found["momentum"] == 0.0


def test_the_learning_rate_is_that_of_the_type_unless_it_was_written(load) -> None:
    for text in (DATA, DATA + "optimizer: adam", DATA + "optimizer: {type: adam}"):
        assert load(text, "optimizer.type=sgd").spec.optimizer.learning_rate == 0.01
        assert load(text, "optimizer.type=lion").spec.optimizer.learning_rate == 1e-4
        for order in permutations(["optimizer.type=sgd", "optimizer.learning_rate=0.5"]):
            assert load(text, *order).spec.optimizer.learning_rate == 0.5


@pytest.mark.parametrize(
    ("text", "overrides", "path", "value"),
    [
        ("", ("optimizer.type=sgd", "optimizer.momentum=0.9"), "optimizer.momentum", 0.9),
        ("optimizer: adamw", ("optimizer.type=sgd", "optimizer.weight_decay=0.2"),
         "optimizer.weight_decay", 0.2),
        ("", ("loss.type=softmax_cross_entropy", "loss.label_smoothing=0.1"),
         "loss.label_smoothing", 0.1),
        ("loss: auto", ("loss.type=huber", "loss.delta=2"), "loss.delta", 2.0),
        ("", ("optimizer.schedule.type=step", "optimizer.schedule.every_epochs=2",
              "optimizer.type=sgd"), "optimizer.schedule.every_epochs", 2),
        ("model: {hidden: [3], activation: elu}",
         ("model.activation.type=leaky_relu", "model.activation.slope=0.2"),
         "model.activation.slope", 0.2),
        ("model: {layers: [relu, {type: dense, units: 4, weights: he}]}",
         ("model.layers.1.weights.type=normal", "model.layers.1.weights.deviation=0.5"),
         "model.layers.1.weights.deviation", 0.5),
        ("model: {layers: [relu, relu]}", ("model.layers.1.type=elu", "model.layers.1.alpha=2"),
         "model.layers.1.alpha", 2.0),
        ("model: {layers: [{type: residual, layers: [relu]}]}",
         ("model.layers.0.layers.0.type=prelu", "model.layers.0.layers.0.slope=0.5"),
         "model.layers.0.layers.0.slope", 0.5),
    ],
)  # fmt: skip
def test_the_order_of_overrides_does_not_matter(
    load, text: str, overrides: tuple[str, ...], path: str, value: object
) -> None:
    found = [load(DATA + text, *order).resolved for order in permutations(overrides)]
    assert at(found[0], path) == value and all(one == found[0] for one in found)


def test_a_whole_value_still_replaces_what_came_before_it(load) -> None:
    found = load(DATA, "optimizer.type=sgd", "optimizer.momentum=0.9", "optimizer=adam")
    assert found.resolved["optimizer"] == alone("optimizer", "adam")
    found = load(DATA, "optimizer={type: adam, beta1: 0.5}", "optimizer.beta2=0.5")
    assert (found.spec.optimizer.beta1, found.spec.optimizer.beta2) == (0.5, 0.5)
    written = DATA + "optimizer: {type: adam, beta1: 0.8}"
    assert load(written, "optimizer=sgd").resolved["optimizer"] == alone("optimizer", "sgd")


@pytest.mark.parametrize(
    ("text", "override", "where", "key"),
    [
        ("optimizer:\n  type: adam\n  beta1: 0.8", "optimizer.type=sgd", "4:3", "beta1"),
        ("loss: {type: huber, delta: 2}", "loss.type=mean_squared_error", "2:21", "delta"),
        ("model: {layers: [{type: dropout, rate: 0.5}]}", "model.layers.0.type=relu", "2:34",
         "rate"),
        ("optimizer: {type: adam, schedule: {type: cosine, cycles: 2}}",
         "optimizer.schedule.type=constant", "2:50", "cycles"),
    ],
)  # fmt: skip
def test_what_was_written_and_the_type_does_not_know_is_an_error_there(
    problems, text: str, override: str, where: str, key: str
) -> None:
    (problem,) = problems(DATA + text, override)
    assert problem.where == f"a.yaml:{where}" and f"unknown key `{key}`" in problem.what
    assert f"override `{override}`" in problem.why
    section = override.partition(".type")[0]
    assert problem.fix == f"remove it, or give `{section}` as a whole"


def test_an_override_that_the_type_does_not_know_is_an_error_there(problems) -> None:
    for order in permutations(["optimizer.type=sgd", "optimizer.beta1=0.5"]):
        (problem,) = problems(DATA, *order)
        assert problem.where == "override `optimizer.beta1=0.5`" and problem.column == 11
        assert "unknown key `beta1` in `optimizer` (sgd)" in problem.what


def test_a_type_that_does_not_exist_is_the_only_error(problems) -> None:
    (problem,) = problems(DATA, "optimizer.type=sdg")
    assert problem.where == "override `optimizer.type=sdg`" and problem.fix == "did you mean `sgd`?"
    (problem,) = problems(DATA + "loss: {type: huber, delta: 2}", "loss.type=3")
    assert "must be a text" in problem.what


@pytest.mark.parametrize(
    ("source", "name", "option"),
    [
        ("a.csv", "idx", "images"),
        ("a.csv", "npz", "path"),
        ("without-suffix", "csv", "path"),
        ("images-idx3-ubyte", "csv", "path"),
        ("{type: csv, path: a.csv}", "npz", "path"),
    ],
)
def test_a_path_is_one_of_the_new_type(
    load, tmp_path: Path, source: str, name: str, option: str
) -> None:
    found = load(f"data: {{source: {source}}}", f"data.source.type={name}").resolved
    path = source.partition("path: ")[2].rstrip("}") or source
    assert at(found, f"data.source.{option}") == str(tmp_path / path)
    assert at(found, "data.source.type") == name


def test_a_path_that_the_new_type_has_no_use_for_is_an_error(problems) -> None:
    (problem,) = problems(DATA, "data.source.type=synthetic", "data.source.kind=xor")
    assert problem.where == "a.yaml:1:16" and "unknown key `path`" in problem.what


def test_parts_of_the_data_that_were_not_given(load) -> None:
    overrides = ("data.valid.path=b.csv", "data.valid.type=csv")
    for order in permutations(overrides):
        assert load(DATA, *order).spec.data.valid.path.name == "b.csv"


# Files that extend others


@pytest.fixture
def merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The later of two files, and overrides: `merged(base, later, *overrides)`."""
    monkeypatch.chdir(tmp_path)

    def load(base: str, later: str, *overrides: str) -> Any:
        Path("base.yaml").write_text(DATA + base)
        Path("b.yaml").write_text(f"extends: base.yaml\n{later}")
        return load_config("b.yaml", overrides).resolved

    return load


def test_extends_keeps_what_both_types_know(merged) -> None:
    base = (
        "optimizer: {type: adam, learning_rate: 0.3, beta1: 0.8, schedule: {type: cosine, "
        "warmup: 0.1, cycles: 2}}"
    )
    found = merged(base, "optimizer: {type: sgd, momentum: 0.5}")["optimizer"]
    sgd = alone("optimizer", "sgd")
    schedule = {"type": "cosine", "warmup": 0.1, "final": 0.0, "cycles": 2}
    assert found == {**sgd, "learning_rate": 0.3, "momentum": 0.5, "schedule": schedule}
    found = merged(base, "optimizer: {type: sgd, schedule: {type: exponential}}")["optimizer"]
    assert found["schedule"] == {"type": "exponential", "warmup": 0.1, "decay": 0.95}


@pytest.mark.parametrize("old", OPTIMIZERS.names())
@pytest.mark.parametrize("new", OPTIMIZERS.names())
def test_extends_for_every_pair_of_optimizers(merged, old: str, new: str) -> None:
    spec = OPTIMIZERS.get(old)()
    halves = {name: getattr(spec, name) / 2 for name, option in options_of(type(spec)).items()
              if isinstance(option.default, float)}  # fmt: skip
    found = merged(dump_yaml({"optimizer": {"type": old, **halves}}), f"optimizer: {{type: {new}}}")
    stays = {name: half for name, half in halves.items() if name in alone("optimizer", new)}
    assert found["optimizer"] == {**alone("optimizer", new), **stays}


def test_extends_drops_what_does_not_fit_the_other_type(merged) -> None:
    base = "optimizer: {type: sgd, schedule: {type: exponential, decay: 1.5, warmup: 0.1}}"
    later = "optimizer: {schedule: {type: reduce_on_plateau}}"
    schedule = merged(base, later)["optimizer"]["schedule"]
    assert (schedule["decay"], schedule["warmup"]) == (0.1, 0.1)  # its decay is below 1
    base = "optimizer: {type: sgd, schedule: {type: exponential, decay: 0.5}}"
    assert merged(base, later)["optimizer"]["schedule"]["decay"] == 0.5


def test_extends_does_not_take_one_kind_of_value_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`targets` is a path for npy and a key for npz."""
    monkeypatch.chdir(tmp_path)
    Path("base.yaml").write_text("data: {source: {type: npy, path: a.npy, targets: t.npy}}")
    Path("b.yaml").write_text("extends: base.yaml\ndata: {source: {type: npz}}")
    source = load_config("b.yaml").resolved["data"]["source"]
    assert (source["path"], source["targets"]) == (str(tmp_path / "a.npy"), None)


def test_extends_takes_a_bare_path_for_the_new_type(merged, tmp_path: Path) -> None:
    source = merged("", "data: {source: {type: idx}}")["data"]["source"]
    assert source == {"type": "idx", "images": str(tmp_path / "a.csv"), "labels": None}
    source = merged("", "data: {source: {type: synthetic, kind: xor}}")["data"]["source"]
    assert source["kind"] == "xor" and "path" not in source


def test_extends_with_a_bare_name_replaces_as_a_whole(merged) -> None:
    base = "optimizer: {type: adam, learning_rate: 0.3}"
    assert merged(base, "optimizer: sgd")["optimizer"] == alone("optimizer", "sgd")
    same = merged(base, "optimizer: {type: adam}")["optimizer"]
    assert same["learning_rate"] == 0.3


def test_extends_keeps_errors_of_an_unchanged_type(merged) -> None:
    with pytest.raises(ConfigError) as caught:
        merged("optimizer: {type: adam, momentum: 1}", "optimizer: {type: adam}")
    (problem,) = caught.value.problems
    assert (
        problem.where == "base.yaml:2:25"
        and problem.fix == "remove it, or give `optimizer` as a whole"
    )


def test_an_override_of_an_extended_type(merged) -> None:
    base = "optimizer: {type: adam, learning_rate: 0.3}"
    assert merged(base, "seed: 1", "optimizer.type=sgd")["optimizer"]["learning_rate"] == 0.3
    with pytest.raises(ConfigError) as caught:
        merged("optimizer: {type: adam, beta1: 0.8}", "seed: 1", "optimizer.type=sgd")
    (problem,) = caught.value.problems
    assert problem.where == "base.yaml:2:25"


# The file of a run, where every default is written


def test_defaults_written_out_are_not_in_the_way(load, tmp_path: Path) -> None:
    text = (
        DATA + "optimizer: {type: adam, learning_rate: 0.3, schedule: {type: cosine, final: 0.1}}"
    )
    path = tmp_path / "resolved.yaml"
    path.write_text(dump_yaml(load(text).resolved))
    found = load_resolved(path, ["optimizer.schedule.type=polynomial"]).resolved["optimizer"]
    assert (found["learning_rate"], found["schedule"]["final"]) == (0.3, 0.1)
    assert load_resolved(path, ["optimizer.type=sgd"]).resolved["optimizer"]["momentum"] == 0.0
    assert load_resolved(path).resolved == load(text).resolved
    found = load_resolved(path, ["name=null"])
    assert found.spec.name == "resolved"
    with pytest.raises(ConfigError) as caught:
        load_resolved(path, ["optimizer.schedule.type=constant"])
    (problem,) = caught.value.problems
    assert "unknown key `final`" in problem.what
