"""Presets: every file of keys, what they are merged under, and where their errors stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from dnn_cli.app.build import build
from dnn_cli.base.errors import ConfigError
from dnn_cli.config import preset
from dnn_cli.config.load import load_config
from dnn_cli.config.preset import batch_size_for, epochs_for, label_smoothing_for
from dnn_cli.config.resolve import dump_yaml, resolve
from dnn_cli.config.spec import RunSpec

FOLDER = Path(preset.__file__).parent / "presets"
NAMES = [one for one in get_args(get_args(get_type_hints(RunSpec)["preset"])[0]) if one != "none"]


def table(folder: Path, target: str = "class", rows: int = 60) -> None:
    values = {"class": "abc", "yes": ("no", "yes"), "number": [str(k * 0.5) for k in range(30)]}
    y = values[target]
    lines = [f"{(k * 7) % 11},{(k * 5) % 13 / 2},{y[k % len(y)]}" for k in range(rows)]
    (folder / "t.csv").write_text("\n".join(["u,v,y", *lines, ""]))


def built(folder: Path, text: str, *overrides: str, source: str = "t.csv, target: y") -> Any:
    (folder / "c.yaml").write_text(f"data: {{source: {source}}}\n{text}")
    return build(load_config(folder / "c.yaml", overrides))


def resolved(folder: Path, text: str = "", *overrides: str) -> dict[str, Any]:
    found: dict[str, Any] = resolve(built(folder, text, *overrides).spec)
    return found


def test_each_name_has_a_file_and_each_file_a_name() -> None:
    stems = {path.stem for path in FOLDER.glob("*.yaml")}
    assert {stem.removesuffix("-regression").removesuffix("-classification") for stem in stems} == {
        *NAMES
    }
    for stem in stems:
        other = stem.replace("regression", "classification")
        assert other in stems
        if other != stem:  # what they say of the data holds before the task is known
            both = [(FOLDER / f"{one}.yaml").read_text() for one in (stem, other)]
            parts = [text.partition("data:")[2].partition("model:")[0] for text in both]
            assert parts[0] == parts[1]


@pytest.mark.parametrize("target", ["class", "yes", "number"])
@pytest.mark.parametrize("name", NAMES)
def test_every_preset_suits_every_task_and_is_complete_when_written_out(
    tmp_path: Path, name: str, target: str
) -> None:
    table(tmp_path, target)
    task = ", task: regression" if target == "number" else ""
    found = built(tmp_path, f"preset: {name}\n", source=f"t.csv, target: y{task}")
    document = resolve(found.spec)
    assert document["preset"] == "none"
    assert document["data"]["split"]["valid"] == 0.2 and found.prepared.valid.rows == 12
    (tmp_path / "again.yaml").write_text(dump_yaml(document))
    assert resolve(build(load_config(tmp_path / "again.yaml")).spec) == {**document}
    assert any(note.startswith(f"preset: {name}, ") for note in found.notes)
    if name in ("auto", "realmlp", "tabm"):
        assert document["data"]["scale"] == "robust_smooth_clip"
    if name in ("auto", "realmlp") and target != "number":
        kind = "sigmoid" if target == "yes" else "softmax"
        assert document["loss"]["type"] == f"{kind}_cross_entropy"
        assert document["loss"]["label_smoothing"] == 0.1
        assert document["training"]["monitor"] == "valid.accuracy"


def test_a_table_without_a_model_is_under_auto_and_all_else_under_none(tmp_path: Path) -> None:
    table(tmp_path)
    auto = resolved(tmp_path, "preset: auto\n")
    assert resolved(tmp_path) == auto != resolved(tmp_path, "preset: none\n")
    none = resolved(tmp_path, "model: {hidden: [4]}\n")
    assert none == resolved(tmp_path, "preset: none\nmodel: {hidden: [4]}\n")
    assert none["data"]["split"] is None and none["training"]["epochs"] == 50
    assert resolved(tmp_path, "", "model.hidden=[4]") == none
    digits = "{type: builtin, name: digits}"
    plain = built(tmp_path, "", source=digits)
    assert resolve(plain.spec)["optimizer"]["learning_rate"] == 0.001
    (tmp_path / "c.yaml").write_text("data: {source: t.csv, target: inputs}")
    assert preset.preset_of(load_config(tmp_path / "c.yaml")) == "none"


@pytest.mark.parametrize("written", [True, False])
def test_what_is_written_wins(tmp_path: Path, written: bool) -> None:
    table(tmp_path)
    keys = ["optimizer.learning_rate=0.5", "training.batch_size=7", "data.scale=standard"]
    text = "" if not written else "optimizer: {learning_rate: 0.5}\ntraining: {batch_size: 7}\n"
    text = text.replace("{learning", "{type: adam, learning")
    auto = resolved(tmp_path, "preset: auto\n")
    found = resolved(tmp_path, f"preset: auto\n{text}", *(keys[2:] if written else keys))
    assert found["optimizer"] == {**auto["optimizer"], "learning_rate": 0.5}
    assert (found["training"]["batch_size"], found["data"]["scale"]) == (7, "standard")
    assert found["training"]["epochs"] == epochs_for(48, 7)
    assert found["model"] == auto["model"]


def test_layers_of_ones_own_keep_the_rest_of_a_preset(tmp_path: Path) -> None:
    table(tmp_path)
    auto = resolved(tmp_path, "preset: auto\n")
    for model in ("{hidden: [5]}", "{layers: [{type: dense, units: 5}]}"):
        found = resolved(tmp_path, f"preset: auto\nmodel: {model}\n")
        assert found["optimizer"] == auto["optimizer"]
        assert len(found["model"]["layers"] or found["model"]["hidden"]) == 1
    found = resolved(tmp_path, "preset: mlp\nmodel: {layers: [relu]}\n")
    assert found["model"]["hidden"] is None and found["model"]["dropout"] == 0.0
    found = resolved(tmp_path, "preset: mlp\nmodel: {dropout: 0.5}\n")
    assert (found["model"]["hidden"], found["model"]["dropout"]) == ([256, 256], 0.5)


def test_another_watched_metric_takes_the_place_of_the_presets(tmp_path: Path) -> None:
    table(tmp_path)
    text = "preset: realmlp\ntraining: {early_stopping: {metric: valid.loss}}\n"
    assert resolved(tmp_path, text)["training"]["monitor"] is None
    text = "preset: realmlp\n"
    assert resolved(tmp_path, text, "data.split=null")["training"]["monitor"] is None


def test_errors_stand_where_the_user_wrote(tmp_path: Path) -> None:
    table(tmp_path)
    with pytest.raises(ConfigError) as caught:
        built(tmp_path, "preset: tbm\n")
    assert "c.yaml:2:9" in caught.value.problems[0].where and "tabm" in caught.value.problems[0].fix
    digits = "{type: builtin, name: digits}"
    with pytest.raises(ConfigError, match="is for tables") as caught:
        built(tmp_path, "preset: realmlp\n", source=digits)
    assert "c.yaml:2:" in caught.value.problems[0].where
    with pytest.raises(ConfigError) as caught:
        built(tmp_path, "preset: auto\nmodel: {members: 4}\n")
    assert "c.yaml" in caught.value.problems[0].where
    with pytest.raises(ConfigError) as caught:
        built(tmp_path, "preset: auto\n", "optimizer.bta1=0.3")
    assert "optimizer.bta1" in caught.value.problems[0].where


def test_wide_tables_go_without_embeddings_of_numbers(tmp_path: Path) -> None:
    names = [f"c{k}" for k in range(201)]
    rows = [",".join([str((k * 3 + j * 5) % 17) for j in range(201)]) for k in range(40)]
    lines = [",".join([*names, "y"]), *(f"{row},{k % 2}" for k, row in enumerate(rows)), ""]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    types = [one["type"] for one in resolved(tmp_path)["model"]["layers"]]
    assert "piecewise_linear" not in types and "member_scale" in types


def test_figures_by_rows() -> None:
    assert [batch_size_for(n) for n in (1, 599, 600, 1_999, 2_000, 10**6)] == [
        64, 64, 128, 128, 256, 256]  # fmt: skip
    assert [epochs_for(n, 256) for n in (1, 6_000, 12_000, 10**6)] == [128, 128, 64, 24]
    assert [label_smoothing_for(n) for n in (1, 9_999, 10_000)] == [0.1, 0.1, 0.0]
    assert epochs_for(10_000, 10_000) == 128  # full batches are single steps
    assert epochs_for(0, 64) == 128
