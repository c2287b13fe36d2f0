"""Loading as a whole: the report of many problems, defaults, standard input, and the way back."""

from __future__ import annotations

import io
import json
import os
import sys
import types
from pathlib import Path

import pytest

from dnn_cli.base.errors import ConfigError
from dnn_cli.config.load import load_config
from dnn_cli.config.resolve import dump_yaml
from dnn_cli.config.spec import name_from

MANY = """\
name: 010
seed: -1
data:
  sorce: churn.csv
  target:
  batch_size: 4
model:
  layers:
  - {type: dense, units: 0}
  - dense
  - rel
  - {type: dropout, rate: 2}
  hidden: [128 64, "3", 4.0, true]
optimizer: {type: adm, lr: 1}
training: {epochs: 1e3, batch_size: "128", shuffle: yes}
"""

GOLDEN = """\
1:7 `name`: `010` is an ambiguous number: YAML 1.1 reads 8, YAML 1.2 reads 10
2:7 `seed` must be at least 0, found -1
3:1 `data` needs `source`
4:3 unknown key `sorce` in `data`
5:3 `data.target` needs a value
6:3 unknown key `batch_size` in `data`
9:26 `model.layers.0.units` must be at least 1, found 0
10:5 `model.layers.1` needs `units`
11:5 unknown layer `rel` in `model.layers.2`
12:27 `model.layers.3.rate` must be less than 1, found 2
13:12 `model.hidden.0` must be a whole number, found the text `128 64`
13:20 `model.hidden.1` must be a whole number, found the text `3` in quotes
13:25 `model.hidden.2` must be a whole number, found the number `4.0`
13:30 `model.hidden.3` must be a whole number, found `true`
14:19 unknown optimizer `adm` in `optimizer`
15:20 `training.epochs` must be a whole number, found the number `1e3`
15:37 `training.batch_size` must be a whole number or `full`, found the text `128` in quotes
15:44 unknown key `shuffle` in `training`
"""


def test_all_problems_at_once(problems) -> None:
    found = problems(MANY)
    assert "".join(f"{p.where.removeprefix('a.yaml:')} {p.what}\n" for p in found) == GOLDEN


def test_twenty_problems_are_shown_and_the_rest_counted(problems) -> None:
    data = "data: {source: a.csv}\nmodel: {hidden: ["
    assert len(problems(data + ", ".join(["x"] * 20) + "]}")) == 20
    found = problems(data + ", ".join(["x"] * 21) + "]}")
    assert (len(found), found[-1].what, found[-1].where) == (21, "and 1 more problem", "")
    assert problems(data + ", ".join(["x"] * 500) + "]}")[-1].what == "and 480 more problems"


def test_the_smallest_file(tmp_path: Path) -> None:
    path = tmp_path / "churn.v2.yaml"
    path.write_text("data: {source: churn.csv, target: churned}")
    loaded = load_config(path)
    assert loaded.text == path.read_bytes() and loaded.path == path
    assert loaded.spec.name == loaded.resolved["name"] == "churn.v2"
    assert (loaded.spec.seed, loaded.spec.loss, loaded.spec.optimizer.spec_name) == (
        (0, "auto", "adam")
    )
    assert loaded.resolved["data"]["source"]["path"] == str(tmp_path / "churn.csv")


def test_what_is_resolved_loads_as_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("data: {source: 'c d#.csv', target: [a, 3]}\nloss: auto\n")
    loaded = load_config(tmp_path / "a.yaml", ["model.hidden=[3, 4]", "data.split.valid=0.25"])
    (tmp_path / "b.yaml").write_text(dump_yaml(loaded.resolved))
    again = load_config(tmp_path / "b.yaml")
    assert again.spec == loaded.spec and again.resolved == loaded.resolved
    assert json.loads(json.dumps(loaded.resolved, allow_nan=False)) == loaded.resolved


def give(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(buffer=io.BytesIO(data)))


def test_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    give(monkeypatch, b"data: {source: a.csv}")
    loaded = load_config("-")
    assert loaded.path is None and loaded.spec.name == "run"
    assert loaded.resolved["data"]["source"]["path"] == str(tmp_path / "a.csv")
    give(monkeypatch, b"sed: 1")
    with pytest.raises(ConfigError) as caught:
        load_config("-")
    assert {p.where for p in caught.value.problems} == {"standard input:1:1"}
    give(monkeypatch, b"#" * 300_000)
    with pytest.raises(ConfigError, match="too large"):
        load_config("-")


def test_unreadable_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # the tests may run as root
    with pytest.raises(ConfigError, match="Permission denied"):
        load_config(tmp_path / "a.yaml")


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("mnist", "mnist"),
        ("my config (2)", "my-config-2"),
        ("con", "run-con"),
        ("модель", "run"),
        ("...", "run"),
        ("-a-", "a"),
        ("x" * 300, "x" * 100),
        ("lpt1.old", "run-lpt1.old"),
    ],
)
def test_names_made_from_files(stem: str, name: str) -> None:
    assert name_from(stem) == name


def test_only_what_is_named_is_imported(tmp_path: Path) -> None:
    import subprocess

    (tmp_path / "a.yaml").write_text("data: {source: a.csv}\noptimizer: adam\n")
    script = """
import sys
from dnn_cli.config.load import load_config
load_config(sys.argv[1])
print(*sorted(m for m in sys.modules if m.startswith(("dnn_cli.nn.", "dnn_cli.data.sources."))))
"""
    command = [sys.executable, "-c", script, str(tmp_path / "a.yaml")]
    modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    loaded = {
        m for m in modules if m.split(".")[-2] in ("optimizers", "sources", "layers", "losses")
    }
    assert {"dnn_cli.nn.optimizers.adam", "dnn_cli.data.sources.csv"} <= loaded
    assert not loaded & {"dnn_cli.nn.layers.dense", "dnn_cli.data.sources.idx"}


@pytest.mark.parametrize("path", ["/tmp/x\x1b[2J.yaml", "/nonexistent/x\n.yaml"])
def test_paths_are_printed_escaped(path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert caught.value.problems[0].where.isprintable()


def test_an_error_found_later_is_located(load) -> None:
    text = "data: {source: a.csv}\nmodel:\n  layers:\n  - relu\n  - {type: dense, units: 3}\n"
    loaded = load(text)
    for path, where, name in (
        (("model", "layers", 1, "units"), "5:26", "model.layers.1.units"),
        (("model", "layers", 1), "5:5", "model.layers.1"),
        (("model", "layers", 7), "3:3", "model.layers.7"),
        (("model",), "2:1", "model"),
        (("loss",), "1:1", "loss"),
        (("data", "split", "valid"), "1:1", "data.split"),
    ):
        (problem,) = loaded.error(path, "does not fit", fix="change it").problems
        found = (problem.where, problem.what, problem.fix)
        assert found == (f"a.yaml:{where}", f"`{name}`: does not fit", "change it")


def test_what_is_written_reads_well() -> None:
    value = {
        "name": "mnist-mlp",
        "switch": "no",
        "path": "/a/b c.csv",
        "rates": [1e-05, 1, None, True, "1", "x"],
        "long": ["a-rather-long-name"] * 6,
        "layers": [{"type": "dense", "units": 3}, {"type": "relu"}, []],
        "none": {},
        "inner": {"two words": {"x": 0.1}},
    }
    assert (
        dump_yaml(value)
        == """\
name: mnist-mlp
switch: "no"
path: "/a/b c.csv"
rates: [1e-05, 1, null, true, "1", x]
long:
  - a-rather-long-name
  - a-rather-long-name
  - a-rather-long-name
  - a-rather-long-name
  - a-rather-long-name
  - a-rather-long-name
layers:
  - type: dense
    units: 3
  - type: relu
  - []
none: {}
inner:
  "two words":
    x: 0.1
"""
    )


def test_a_dash_stays_standard_input(load) -> None:
    assert load('data: {source: {type: csv, path: "-"}}').spec.data.source.path == Path("-")


def test_a_folder_whose_name_is_not_utf_8(tmp_path: Path) -> None:
    folder = tmp_path / "caf\udce9"
    folder.mkdir()
    (folder / "a.yaml").write_text("data: {source: a.csv}")
    with pytest.raises(ConfigError) as caught:
        load_config(folder / "a.yaml")
    (problem,) = caught.value.problems
    assert "whose name is not UTF-8" in problem.what and problem.where.endswith("a.yaml:1:16")
