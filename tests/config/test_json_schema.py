"""The schema agrees with the loader, as far as a schema can."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dnn_cli.base.errors import ConfigError
from dnn_cli.config.decode import source_of
from dnn_cli.config.fill import fill_plain
from dnn_cli.config.json_schema import json_schema
from dnn_cli.config.load import load_config
from dnn_cli.config.nodes import ListNode, MapNode, Node, ScalarNode
from dnn_cli.config.places import Report
from dnn_cli.config.spec import RunSpec
from dnn_cli.config.yaml_nodes import parse_bytes

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def plain(node: Node | None) -> Any:
    if isinstance(node, MapNode):
        return {name: plain(entry.value) for name, entry in node.entries.items()}
    if isinstance(node, ListNode):
        return [plain(one) for one in node.items]
    assert isinstance(node, ScalarNode)
    return node.value


def parsed(path: Path) -> Any:
    data = path.read_bytes()
    return plain(parse_bytes(data, source_of(data, path.name, path.parent), Report()))


def test_every_config_of_ours_is_valid_and_loads(validator: Any) -> None:
    assert len(CONFIGS) >= 10
    for path in CONFIGS:
        validator.validate(parsed(path))
        validator.validate(load_config(path).resolved)


GOOD: dict[str, Any] = {
    "data": {"source": "a.csv", "target": ["a", 2], "split": {"valid": 0.1}},
    "model": {"layers": ["relu", {"type": "dense", "units": 3, "weights": "he"}]},
    "optimizer": {"type": "adam", "learning_rate": 1, "schedule": "constant"},
    "training": {"batch_size": "full", "stop_when": {"train.loss": 0.1}, "early_stopping": {}},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("data", None),
        ("data.source", 3),
        ("data.source", {"path": "a.csv"}),
        ("data.source", {"type": "csv"}),
        ("data.source", {"type": "cvs", "path": "a.csv"}),
        ("data.source", {"type": "csv", "path": "a.csv", "delimitor": ";"}),
        ("data.target", 1.5),
        ("data.split.valid", 1),
        ("data.split.valid", "0.1"),
        ("data.scale", "fast"),
        ("model", []),
        ("model.layers", "relu"),
        ("model.layers", ["rellu"]),
        ("model.layers", ["dense"]),
        ("model.layers", [{"type": "dense", "units": 0}]),
        ("model.layers", [{"type": "dense", "units": 1.5}]),
        ("model.layers", [{"type": "dense", "units": True}]),
        ("model.layers", [{"units": 3}]),
        ("model.layers", [{"type": "relu", "units": 3}]),
        ("model.hidden", [3, 0]),
        ("optimizer", "adm"),
        ("optimizer", None),
        ("optimizer.learning_rate", -1),
        ("optimizer.beta1", 1.0),
        ("optimizer.schedule", {"warmup": 0.1}),
        ("training.epochs", 0),
        ("training.epochs", None),
        ("training.batch_size", "ful"),
        ("training.stop_when", {"train.loss": "x"}),
        ("training.early_stopping", {"patiense": 3}),
        ("seed", "1"),
        ("seed", -1),
        ("sede", 1),
        ("loss", "atuo"),
    ],
)
def test_what_the_loader_refuses_is_invalid(validator: Any, path: str, value: object) -> None:
    validator.validate(GOOD)
    fill_plain(GOOD, RunSpec)
    config = copy.deepcopy(GOOD)
    *steps, last = path.split(".")
    place = config
    for step in steps:
        place = place[step]
    place[last] = value
    assert not validator.is_valid(config)
    with pytest.raises(ConfigError):
        fill_plain(config, RunSpec)


def test_a_file_that_extends_another_may_leave_things_out(validator: Any) -> None:
    later = {
        "extends": "base.yaml",
        "data": {"scale": "unit"},
        "optimizer": {"learning_rate": 0.1},
        "training": {"early_stopping": {"patience": 3}},
    }
    validator.validate(later)
    assert not validator.is_valid({**later, "sede": 1})
    assert not validator.is_valid({**later, "optimizer": {"type": "adm"}})
    assert not validator.is_valid({**later, "training": {"epochs": 0}})


def test_everything_is_described(validator: Any) -> None:
    for name, schema in validator.schema["$defs"].items():
        for option, one in schema.get("properties", {}).items():
            assert option == "extends" or one["description"], f"{name}.{option}"
