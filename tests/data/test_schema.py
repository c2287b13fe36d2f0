import json

import numpy as np
import pytest

from dnn_cli.base.errors import CheckpointError, DataError
from dnn_cli.base.task import Task
from dnn_cli.data.column import COLUMNS, Fitting
from dnn_cli.data.encoding import Encoding
from dnn_cli.data.place import Place
from dnn_cli.data.raw_columns import Numbers
from dnn_cli.data.scaling import fit_scaling
from dnn_cli.data.schema import DataSchema
from dnn_cli.data.spec import DataSpec
from dnn_cli.data.statistics import statistics_of
from dnn_cli.data.table import Columns, Table
from dnn_cli.data.table_coding import TableCoding
from dnn_cli.data.target_scaling import TargetScaling, fit_target_scaling

WORDS = Encoding(Task("binary", 2, ("cat", "dog")), ("cat", "dog"))
SEVEN = Encoding(Task("binary", 2, ("rest", "7")), ("0", "1", "7"), ("7",))
TREES = Encoding(Task("multiclass", 3, ("oak", "elm", "ash")), ("oak", "elm", "ash"), (), True)
PRICE = Encoding(Task("regression", 1, ("price",)))
CODES = Encoding(Task("multiclass", 3, ("-1", "0", "7")), ("-1", "0", "7"), numeric=True)


UNSCALED = TargetScaling()


def schema(
    shape=(3,), dtype=np.float32, kind="standard", names=None, encoding=WORDS,
    target=("kind",), target_scaling=UNSCALED,
):  # fmt: skip
    inputs = np.random.default_rng(0).integers(0, 200, (50, *shape)).astype(dtype)
    return DataSchema(
        input_shape=shape,
        input_kind="bytes" if dtype == np.uint8 else "numbers",
        coding=None if names is None else coded(names, kind, inputs),
        scaling=fit_scaling("none" if names else kind, statistics_of(inputs)),
        encoding=encoding,
        target=target,
        target_scaling=target_scaling,
    )


def coded(names, kind, inputs):
    rows = np.arange(len(inputs))
    fitting = Fitting(rows, Place("x.csv"), kind, 1)
    numbers = COLUMNS.get("number")()
    return TableCoding(
        [
            numbers.fit(n, Numbers(x.astype(float)), fitting)
            for n, x in zip(names, inputs.T, strict=True)
        ]
    )


PICTURES = {"shape": (4, 5, 3), "dtype": np.uint8, "names": None, "target": ()}
PRICES = fit_target_scaling("standard", np.array([[200_000.0], [300_000.0]]))
SCHEMAS = [
    schema(),
    schema(kind="none", encoding=PRICE, target=(-1,), names=None),
    schema(kind="unit", encoding=Encoding(Task("multilabel", 2, ("wet", "cöld")))),
    schema(kind="robust", encoding=Encoding(Task("reconstruction", 3)), target=()),
    schema(encoding=TREES, target=("oak", "elm", "ash")),
    schema(encoding=CODES),
    *(schema(**PICTURES, kind=kind, encoding=SEVEN) for kind in ("none", "unit", "minmax")),
]


CODED = schema(names=("a", "b", "c"))
DOLLARS = schema(encoding=PRICE, target=("price",), target_scaling=PRICES)


@pytest.mark.parametrize("one", [*SCHEMAS, DOLLARS])
def test_saved_and_restored_bit_by_bit(one):
    text = json.dumps(one.to_json(), allow_nan=False)
    again = DataSchema.from_json(json.loads(text), one.arrays())
    assert json.dumps(again.to_json()) == text
    assert again.arrays().keys() == one.arrays().keys()
    for name, values in one.arrays().items():
        assert values.dtype == np.float64
        assert again.arrays()[name].tobytes() == values.tobytes()
    assert (again.task, again.positive, again.encoding) == (one.task, one.positive, one.encoding)
    inputs = np.ones((2, *one.input_shape), np.uint8 if one.input_kind == "bytes" else np.float32)
    found = [s.dataset(Table(inputs.copy()), with_targets=False) for s in (one, again)]
    batches = [data.buffers(2)[0] for data in found]
    for data, batch in zip(found, batches, strict=True):
        data.slice(0, 2, batch, None)
    assert batches[0].tobytes() == batches[1].tobytes()


def changed(path, value):
    document = json.loads(json.dumps(SCHEMAS[0].to_json()))
    inner = document
    for name in path[:-1]:
        inner = inner[name]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *(((name,), ...) for name in SCHEMAS[0].to_json()),
        (("target_scale",), "standard"),
        *(((name,), wrong) for name in SCHEMAS[0].to_json() for wrong in (7, [[]], [None], {})),
        *((("task", name), wrong) for name in ("kind", "count", "labels") for wrong in (..., -1)),
        *((("numeric",), wrong) for wrong in (1, None, "true", [])),
        (("more",), 1),
        (("task", "more"), 1),
        (("input_shape",), [True]),
        (("input_shape",), [3.0]),
        (("input_shape",), []),
        (("input_shape",), [1 << 39, 1 << 39]),
        (("input_shape",), [4]),
        (("input_shape",), [3, 1]),
        (("input_kind",), "bytes"),
        (("input_kind",), "words"),
        (("features",), ["a", "a", "b"]),
        (("features",), ["a", "b"]),
        (("columns",), []),
        (("columns",), CODED.to_json()["columns"]),  # beside a scaling
        (("missing",), ["a", "a"]),
        (("missing",), "NA"),
        (("scale",), "unit"),
        (("scale",), "auto"),
        (("classes",), ["dog", "cat"]),
        (("classes",), ["cat", "dog", "eel"]),
        (("positive",), ["eel"]),
        (("positive",), ["cat", "dog"]),
        (("positive",), ["cat"]),
        (("one_hot",), 1),
        (("one_hot",), None),
        (("target",), ["\ud800"]),
        (("features",), ["a", "b", "\ud800"]),
        (("target",), [True]),
        (("target",), [1.0]),
        (("task", "count"), True),
        (("task", "count"), 3),
        (("task", "kind"), "regression"),
        (("task", "kind"), "reconstruction"),
        (("task", "kind"), "auto"),
        (("task", "labels"), ["cat"]),
        (("task", "labels"), ["cat", "cat"]),
        (("task",), {"kind": "multiclass", "count": 1, "labels": ["cat"]}),
        (("task",), {"kind": "reconstruction", "count": 3, "labels": []}),
    ],
)
def test_a_damaged_document_is_refused(path, value):
    with pytest.raises(CheckpointError, match="data schema"):
        DataSchema.from_json(changed(path, value), SCHEMAS[0].arrays())


def test_one_hot_is_said_of_classes_alone_and_only_where_it_holds():
    """So that other models are described, and their runs resumed, as before there was the word."""
    assert all("one_hot" not in one.to_json() for one in SCHEMAS if not one.encoding.one_hot)
    assert SCHEMAS[4].to_json()["one_hot"] is True
    with pytest.raises(CheckpointError, match="has no meaning in a regression task"):
        DataSchema.from_json({**SCHEMAS[1].to_json(), "one_hot": True}, SCHEMAS[1].arrays())


@pytest.mark.parametrize(
    ("encoding", "given", "expected"),
    [
        (WORDS, None, ("dog",)),  # as versions did that named none: the last by code point
        (WORDS, ("cat",), ("cat",)),
        (Encoding(Task("binary", 2, ("dog", "cat")), ("cat", "dog"), ("cat",)), None, None),
        (Encoding(Task("binary", 2, ("0", "1")), ("0", "1")), None, None),  # the larger anyhow
        (Encoding(Task("binary", 2, ("10", "9")), ("10", "9")), None, ("9",)),  # words, then
        (TREES, None, None),
        (PRICE, None, None),
    ],
)
def test_the_positive_class_stays_that_of_the_training(encoding, given, expected, memory):
    spec = DataSpec(source=memory([[0]]), positive=given)
    assert schema(encoding=encoding).as_trained(spec).positive == expected


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays.pop("scaling.shift"),
        lambda arrays: arrays.update({"scaling.scale": np.ones(4, np.float32)}),
        lambda arrays: arrays.update({"scaling.scale": np.ones(3, np.float16)}),
        lambda arrays: arrays.update({"target.mean": np.ones(1)}),
        lambda arrays: arrays.update({"scaling.scale": np.float32([1, np.nan, 1])}),
    ],
)
def test_damaged_arrays_are_refused(change):
    arrays = SCHEMAS[0].arrays()
    change(arrays)
    with pytest.raises(CheckpointError, match="data schema"):
        DataSchema.from_json(SCHEMAS[0].to_json(), arrays)


def test_columns_to_ask_for():
    abc, of_model = ("a", "b", "c"), {"of_model": True}
    named = {"features": abc, "types": dict.fromkeys(abc, "number"), **of_model}
    assert CODED.columns(True) == Columns(target=("kind",), **named)
    assert CODED.columns(False) == Columns(target_required=False, **named)
    unnamed = SCHEMAS[1]
    assert unnamed.columns(True) == Columns(target=(-1,), **of_model)
    assert unnamed.columns(False) == Columns(target_required=False, **of_model)
    assert not SCHEMAS[3].columns(True).target_required


def test_datasets_are_scaled_and_encoded():
    one = SCHEMAS[0]
    inputs = np.arange(6, dtype=np.float32).reshape(2, 3)
    table = Table(inputs.copy(), np.array(["dog", "cat"]), origin="t")
    data = one.dataset(table, with_targets=True)
    assert data.targets.tolist() == [1, 0]
    expected = (inputs - one.scaling.shift) * one.scaling.scale
    np.testing.assert_array_equal(data.inputs, expected.astype(np.float32))
    assert data.inputs is table.inputs  # scaled where they are


def test_inputs_that_are_not_ours_are_copied():
    inputs = np.ones((2, 3), np.float32)
    inputs.flags.writeable = False
    assert SCHEMAS[0].dataset(Table(inputs), with_targets=False).inputs is not inputs
    assert (inputs == 1).all()


@pytest.mark.parametrize("position", [0, -1])
def test_a_file_to_predict_may_hold_the_target_columns(position):
    one = schema(names=None, target=(position,), encoding=PRICE, kind="none")
    inputs = np.arange(6, dtype=np.float32).reshape(2, 3)
    both = np.insert(inputs, 0 if position == 0 else 3, 9, axis=1)
    for table in (Table(inputs.copy()), Table(both)):
        np.testing.assert_array_equal(one.dataset(table, with_targets=False).inputs, inputs)


def test_an_impossible_position_in_a_model_file_harms_nothing():
    one = schema(names=None, target=(1 << 80,), encoding=PRICE)
    with pytest.raises(DataError, match="shape"):
        one.dataset(Table(np.zeros((2, 4), np.float32)), with_targets=False)


def test_no_rows_predict_nothing():
    for shape in ((0, 3), (0, 4)):
        data = SCHEMAS[1].dataset(Table(np.empty(shape, np.float32)), with_targets=False)
        assert (data.rows, data.input_shape) == (0, (3,))


def test_a_single_feature_may_come_without_an_axis():
    one = schema(shape=(1,), names=None, kind="none")
    found = one.dataset(Table(np.arange(4, dtype=np.float32)), with_targets=False)
    assert found.inputs.shape == (4, 1)


def nonfinite(*cells):
    inputs = np.zeros((200_000, 3), np.float32)
    for row, column, value in cells:
        inputs[row, column] = value
    return inputs


@pytest.mark.parametrize(
    ("table", "message", "where"),
    [
        (Table(np.zeros((2, 4), np.float32), origin="t"), r"shape \(4,\), the .* \(3,\)", "t"),
        (Table(np.zeros(3, np.float32), origin="t"), r"shape \(1,\), the", "t"),
        (Table(np.zeros((2, 3), np.uint8), origin="t"), "inputs are bytes", "t"),
        (
            Table(np.empty((2, 0)), columns={"a": Numbers(np.zeros(2))}, origin="t"),
            "columns with names, and the model takes arrays",
            "t",
        ),
        (
            Table(nonfinite((1, 2, np.nan), (199_999, 0, -np.inf)), origin="t\x1b", first_row=5),
            "2 of 600000 input values are NaN",
            r"t\x1b: row 7 column 2, row 200005 column 0",
        ),
        (
            Table(nonfinite(*((i * 30_000, 1, np.inf) for i in range(6))), origin="t"),
            "6 of 600000",
            "t: " + ", ".join(f"row {i * 30_000 + 1} column 1" for i in range(5))
            + " and 1 more",
        ),
        (Table(np.full((1, 3), 3.4e38, np.float32), origin="t"), "column 0 cannot be", "t"),
    ],
)  # fmt: skip
def test_rows_that_the_model_was_not_made_for(table, message, where):
    narrow = schema()
    narrow.scaling.scale[0] = 2
    with pytest.raises(DataError, match=message) as caught:
        narrow.dataset(table, with_targets=False)
    assert caught.value.problems[0].where == where


@pytest.mark.parametrize(
    ("targets", "message"),
    [(None, "no targets"), (["dog"], "2 rows of inputs, but 1"), (["dog", "eel"], "not seen: eel")],
)
def test_targets_that_the_model_was_not_made_for(targets, message):
    targets = None if targets is None else np.array(targets)
    table = Table(np.zeros((2, 3), np.float32), targets, origin="t")
    with pytest.raises(DataError, match=message):
        SCHEMAS[0].dataset(table, with_targets=True)


def test_image_shapes_must_match():
    one = SCHEMAS[-1]
    with pytest.raises(DataError, match=r"\(4, 5\), the training rows had \(4, 5, 3\)"):
        one.dataset(Table(np.zeros((2, 4, 5), np.uint8)), with_targets=False)
    with pytest.raises(DataError, match="inputs are numbers"):
        one.dataset(Table(np.zeros((2, 4, 5, 3), np.float32)), with_targets=False)


def test_numbers_mean_nothing_where_there_are_no_classes():
    document = {**schema(encoding=PRICE).to_json(), "numeric": True}
    with pytest.raises(CheckpointError, match="no meaning in a regression task"):
        DataSchema.from_json(document, schema().arrays())


def test_only_numbers_are_said_to_be_numbers():
    assert "numeric" not in schema().to_json()
    assert schema(encoding=CODES).to_json()["numeric"] is True
