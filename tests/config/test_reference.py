"""The Markdown of all options."""

from __future__ import annotations

import re

from dnn_cli.config.kinds import options_of
from dnn_cli.config.reference import reference
from dnn_cli.config.spec import RunSpec
from dnn_cli.data.column import COLUMNS
from dnn_cli.data.source import SOURCES
from dnn_cli.nn.initializer import INITIALIZERS
from dnn_cli.nn.layer import LAYERS
from dnn_cli.nn.loss import LOSSES
from dnn_cli.nn.optimizer import OPTIMIZERS
from dnn_cli.nn.schedule import SCHEDULES


def test_everything_has_its_place() -> None:
    text = reference()
    titles = re.findall(r"^#### `(.*)`$", text, re.M)
    registries = (SOURCES, COLUMNS, LAYERS, LOSSES, OPTIMIZERS, SCHEDULES, INITIALIZERS)
    assert sorted(titles) == sorted(name for one in registries for name in one.names())
    sections = re.findall(r"^### (.*)$", text, re.M)
    assert sections[:2] == ["Top level", "`data`"] and len(sections) == len(set(sections))
    assert {"Layers", "Activations", "Optimizers", "Schedules", "Losses", "Sources"} <= set(
        sections
    )
    for name in options_of(RunSpec):
        assert f"\n| `{name}` |" in text


def test_a_row_says_type_bounds_default_and_meaning() -> None:
    rows = reference().split("\n")
    assert "| `seed` | whole number, ≥ 0 | `0` | seed of everything random |" in rows
    assert "| `units` | whole number, ≥ 1 | required | number of outputs |" in rows
    assert any(
        row.startswith("| `hidden` | list of whole numbers or `null`, ≥ 1 |") for row in rows
    )
    assert all(row.count(" | ") == 3 for row in rows if row.startswith("| `"))


def test_it_is_the_same_each_time() -> None:
    assert reference() == reference()
