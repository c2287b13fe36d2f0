"""Presets: recipes as files of keys, which stand under the keys that the user wrote.

Files      `presets/NAME.yaml`, or `presets/NAME-classification.yaml` and `-regression.yaml` where
           the task decides. What they say under `data` holds before the data are read, all else
           after it, when task, rows and columns are known
Merge      as with `extends`: the user's keys win one by one, lists are replaced as a whole; layers
           of the user's replace those of the preset, and its rates and schedules stay
auto       in these files alone, a figure of the data: `batch_size` by rows, `epochs` by rows and
           batch size (see `epochs_for`), of the loss `type` by the task and `label_smoothing` by
           rows. Embeddings of numbers are
           left out where there are more than `WIDE` columns, `monitor` without validation rows
Errors     stand where the user wrote `preset`, or at the beginning of the file
Why        a preset is nothing that a user could not write: `resolved.yaml` has its keys, and says
           `preset: none`
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dnn_cli.config.bare import TYPE, type_of
from dnn_cli.config.decode import source_of
from dnn_cli.config.extends import merge
from dnn_cli.config.fill import fill
from dnn_cli.config.kinds import Section
from dnn_cli.config.load import Loaded
from dnn_cli.config.nodes import Entry, ListNode, MapNode, Node, ScalarNode, to_node
from dnn_cli.config.places import Place, Report
from dnn_cli.config.resolve import resolve
from dnn_cli.config.spec import RunSpec
from dnn_cli.config.yaml_nodes import parse_bytes

NONE, AUTO = "none", "auto"
WIDE = 200  # columns; of more, embeddings of each number would be most of the work
OF_TABLES = (AUTO, "realmlp", "tabm")  # the others take any data
_FOLDER = Path(__file__).parent / "presets"
_DATA = "data"
_EMBEDDINGS = ("piecewise_linear", "periodic")
_SHORT = ("hidden", "activation", "dropout")  # of a model, beside which `layers` cannot stand
_BATCHES = ((2_000, 256), (600, 128), (0, 64))  # from so many rows on
_SMOOTHING, _SMOOTHED = 0.1, 10_000  # of labels, and rows from which there is none
_STEPS, _FEWEST, _MOST = 3_000, 24, 128  # of a training, and bounds of its epochs


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What of the data a preset depends on."""

    task: str
    loss: str  # the name of the task's own
    rows: int  # of the training part
    columns: int  # of the coded inputs
    valid: bool  # whether there are validation rows


def preset_of(loaded: Loaded[RunSpec]) -> str:
    """The preset that a configuration is under: that which is written, or what it has by itself."""
    spec = loaded.spec
    if spec.preset is not None:
        return spec.preset
    plain = spec.data.source.tabular and not spec.data.reconstructs
    return AUTO if plain and _at(loaded.root, "model") is None else NONE


def with_data_keys(loaded: Loaded[RunSpec]) -> Loaded[RunSpec]:
    """`loaded` over what its preset says under `data`.

    Raises:
        ConfigError: a key that is written does not go with it.
    """
    name = preset_of(loaded)
    if name == NONE:
        return loaded
    # The same in both files of a preset, since no task is known yet.
    data = _entries(_at(_tree(name, "regression", _place(loaded)), _DATA))
    if not loaded.spec.data.source.tabular:
        data.pop("scale", None)  # those of tables would be refused
    return _merged(loaded, {_DATA: data})


def with_recipe(loaded: Loaded[RunSpec], facts: Facts) -> Loaded[RunSpec]:
    """`loaded` over all that its preset says of networks and trainings, every `auto` a figure.

    Raises:
        ConfigError: a key that is written does not go with it.
    """
    name = preset_of(loaded)
    if name == NONE:
        return loaded
    kind = "regression" if facts.task in ("regression", "reconstruction") else "classification"
    place = _place(loaded)
    recipe = _tree(name, kind, place)
    keys: dict[str, dict[str, Node]] = {
        "model": _model(_entries(_at(recipe, "model")), loaded.root, facts),
        "optimizer": _entries(_at(recipe, "optimizer")),
        "training": _training(_entries(_at(recipe, "training")), loaded, facts, place),
    }
    if loss := _entries(_at(recipe, "loss")):
        keys["loss"] = _loss(loss, facts, place)
    return _merged(loaded, keys)


def batch_size_for(rows: int) -> int:
    """Examples a step: 64, of 600 rows and more 128, of 2,000 and more 256."""
    return next(size for least, size in _BATCHES if rows >= least)


def epochs_for(rows: int, batch_size: int) -> int:
    """As many as make 3,000 steps, but 24 at the least and 128 at the most."""
    return max(_FEWEST, min(_MOST, _STEPS * batch_size // max(1, rows)))


def label_smoothing_for(rows: int) -> float:
    """0.1 of fewer than 10,000 rows, which a network would be too sure of, else 0."""
    return _SMOOTHING if rows < _SMOOTHED else 0.0


def _loss(preset: dict[str, Node], facts: Facts, place: Place) -> dict[str, Node]:
    """The keys of a loss, its type and figures settled."""
    found = {**preset, TYPE: _plain(facts.loss, place)}
    smoothing = found.get("label_smoothing")
    if isinstance(smoothing, ScalarNode) and smoothing.value == AUTO:
        found["label_smoothing"] = _plain(label_smoothing_for(facts.rows), place)
    return found


def _model(preset: dict[str, Node], root: Node, facts: Facts) -> dict[str, Node]:
    """The keys of a model that can stand under the user's."""
    if _at(root, "model", "layers") is not None:
        return {key: one for key, one in preset.items() if key not in _SHORT}
    if any(_at(root, "model", key) is not None for key in _SHORT):
        preset.pop("layers", None)
    layers = preset.get("layers")
    if isinstance(layers, ListNode) and facts.columns > WIDE:
        kept = (one for one in layers.items if type_of(one) not in _EMBEDDINGS)
        preset["layers"] = ListNode(layers.place, tuple(kept))
    return preset


def _training(
    preset: dict[str, Node], loaded: Loaded[RunSpec], facts: Facts, place: Place
) -> dict[str, Node]:
    """The keys of a training, its figures settled."""
    batch = batch_size_for(facts.rows)
    written = loaded.spec.training.batch_size
    if _at(loaded.root, "training", "batch_size") is not None:
        batch = facts.rows if written == "full" else written
    preset["batch_size"] = _plain(batch, place)
    preset["epochs"] = _plain(epochs_for(facts.rows, batch), place)
    watched = _at(loaded.root, "training", "early_stopping", "metric")
    if watched is not None or not facts.valid:
        preset.pop("monitor", None)
    return preset


def _tree(name: str, kind: str, place: Place) -> Node:
    """The file of a preset as a tree, all of which stands at `place`."""
    path = _FOLDER / f"{name}.yaml"
    if not path.exists():
        path = _FOLDER / f"{name}-{kind}.yaml"
    data, report = path.read_bytes(), Report()
    tree = parse_bytes(data, source_of(data, path.name, _FOLDER), report)
    report.fail_if_any()
    assert tree is not None
    return _put(tree, place)


def _put(node: Node, place: Place) -> Node:
    """`node` as if all of it were written at `place`."""
    if isinstance(node, ListNode):
        return ListNode(place, tuple(_put(one, place) for one in node.items))
    if isinstance(node, MapNode):
        entries = {key: Entry(place, _put(one.value, place)) for key, one in node.entries.items()}
        return MapNode(place, entries)
    return replace(node, place=place)


def _place(loaded: Loaded[RunSpec]) -> Place:
    """Where the preset is written, or the beginning of the file."""
    node = _at(loaded.root, "preset")
    return loaded.root.place if node is None else node.place


def _at(node: Node, *path: str) -> Node | None:
    """What is written at `path`; None where nothing is, or null."""
    for step in path:
        if not isinstance(node, MapNode) or step not in node.entries:
            return None
        node = node.entries[step].value
    return None if isinstance(node, ScalarNode) and node.value is None else node


def _entries(node: Node | None) -> dict[str, Node]:
    entries = node.entries if isinstance(node, MapNode) else {}
    return {key: one.value for key, one in entries.items()}


def _plain(value: object, place: Place) -> Node:
    return to_node(value, place.source, Report(), place)


def _merged(loaded: Loaded[RunSpec], sections: Mapping[str, Mapping[str, Node]]) -> Loaded[RunSpec]:
    """`loaded` over the keys of some sections."""
    kind, report, place = Section(RunSpec), Report(), _place(loaded)
    base = _mapping({name: _mapping(keys, place) for name, keys in sections.items()}, place)
    root = merge(kind, base, loaded.root)
    spec = fill(root, kind, report)
    report.fail_if_any()
    spec = replace(spec, name=loaded.spec.name)
    return replace(loaded, spec=spec, resolved=resolve(spec), root=root)


def _mapping(keys: Mapping[str, Node], place: Place) -> MapNode:
    return MapNode(place, {key: Entry(place, one) for key, one in keys.items()})
