"""What the layers of a configuration become: an output layer behind, categories in front."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dnn_cli.nn.initializer import INITIALIZERS
from dnn_cli.nn.layer import LAYERS, LayerSpec, ShapeError
from dnn_cli.nn.model import ModelSpec, build_network


def make(name: str, **options: Any) -> LayerSpec:
    return LAYERS.get(name)(**options)


def names(layers: tuple[LayerSpec, ...]) -> list[str]:
    return [layer.spec_name for layer in layers]


DENSE, RELU, TABLE = make("dense", units=4), make("relu"), make("table")
OUT = make("dense", units=2, weights=INITIALIZERS.get("glorot")())
LEVELS = (0, 3, 20)
TOLD = make("table", levels=LEVELS)


@pytest.mark.parametrize(
    "model",
    [
        ModelSpec(layers=(DENSE, RELU)),
        ModelSpec(layers=(TABLE, DENSE, RELU)),
        ModelSpec(layers=(TOLD, DENSE, RELU)),
        ModelSpec(hidden=(4,)),
    ],
)
def test_a_table_with_categories_is_expanded_first(model: ModelSpec) -> None:
    assert model.complete((3,), 2, "glorot", LEVELS) == (TOLD, DENSE, RELU, OUT)


def test_what_the_expansion_is_told_leaves_its_options() -> None:
    model = ModelSpec(layers=(make("table", onehot_max=2, embedding=3),))
    told = make("table", onehot_max=2, embedding=3, levels=LEVELS)
    assert model.complete((3,), 2, "glorot", LEVELS) == (told, OUT)
    assert ModelSpec(layers=()).complete((3,), 2, "glorot", LEVELS) == (TOLD, OUT)


@pytest.mark.parametrize("levels", [None, (0, 0, 0)])
def test_one_configuration_serves_tables_without_categories(levels: Any) -> None:
    numbers = make("table", levels=(0, 0, 0))
    model = ModelSpec(layers=(TABLE, DENSE))
    assert model.complete((3,), 2, "glorot", levels) == (numbers, DENSE, OUT)
    for model in (ModelSpec(layers=(DENSE, RELU)), ModelSpec(hidden=(4,))):
        assert model.complete((3,), 2, "glorot", levels) == (DENSE, RELU, OUT)
    written = ModelSpec(layers=(TOLD,))  # codes made elsewhere
    assert written.complete((3,), 2, "glorot", levels) == (TOLD, OUT)


@pytest.mark.parametrize(
    ("written", "place", "words"),
    [
        ((0, 3, 19), (2,), "column 3 is a category (20 levels) in the data, not a category (19"),
        ((3, 3, 20), (0,), "column 1 is a number in the data, not a category (3 levels)"),
        ((0, 0, 20), (1,), "column 2 is a category (3 levels) in the data, not a number"),
        ((0, 3), (), "the data have 3 input columns, not 2"),
    ],
)
def test_levels_that_are_not_those_of_the_data_are_refused(
    written: Any, place: Any, words: str
) -> None:
    model = ModelSpec(layers=(make("table", levels=written), DENSE))
    with pytest.raises(ShapeError, match=re.escape(words)) as raised:
        model.complete((3,), 2, "glorot", LEVELS)
    assert str(raised.value).startswith("layer 1 (table): ")
    assert raised.value.path == ("layers", 0, "levels", *place)


def test_errors_count_the_layers_that_were_written() -> None:
    model = ModelSpec(layers=(DENSE, make("conv2d", filters=3)))
    for levels in (None, LEVELS):
        with pytest.raises(ShapeError, match=r"^layer 2 \(conv2d\): takes images") as raised:
            model.complete((3,), 2, "glorot", levels)
        assert raised.value.path == ("layers", 1)


def test_an_expansion_that_is_not_first_is_told_nothing() -> None:
    model = ModelSpec(layers=(DENSE, TABLE))
    with pytest.raises(ShapeError, match=r"^layer 2 \(table\): ") as raised:
        model.complete((3,), 2, "glorot", LEVELS)
    assert raised.value.path == ("layers", 1, "levels")


def test_weights_start_as_they_do_without_an_expansion() -> None:
    model = ModelSpec(hidden=(300,), activation=make("selu"))
    layers = model.complete((3,), 2, "glorot", (0, 0, 300))
    assert names(layers) == ["table", "dense", "selu", "dense"]
    network = build_network(layers, (3,))
    network.arena.initialize(0)
    assert network.arena.value("dense_1.W").var() == pytest.approx(1 / 10, rel=0.1)  # lecun


def test_layers_may_end_in_the_output() -> None:
    model = ModelSpec(layers=(make("dense", units=2),), output="none")
    assert model.complete((3,), 2, "glorot", LEVELS) == (TOLD, make("dense", units=2))
    with pytest.raises(ShapeError, match=r"end in shape \(2,\), the task needs \(3,\)"):
        model.complete((3,), 3, "glorot", LEVELS)
