import dataclasses

import numpy as np
import pytest

from dnn_cli.base.errors import DataError
from dnn_cli.data.prepare import prepare
from dnn_cli.data.schema import DataSchema
from dnn_cli.data.sources.csv import CsvSpec
from dnn_cli.data.spec import DataSpec, SplitSpec
from dnn_cli.data.summary import summarise
from dnn_cli.data.table import Columns

RNG = np.random.default_rng(0)
ROWS = RNG.normal(3, 2, (60, 4)).astype(np.float32)
KINDS = np.array(["cat", "dog", "eel"])[np.arange(60) % 3]


def contents(data):
    x, t = data.buffers(data.rows)
    data.slice(0, data.rows, x, t)
    return x, t


def test_the_scaling_is_fitted_on_the_training_rows_alone(memory):
    parts = np.array(["train", "valid", "test"])[np.arange(60) % 3]
    rows = ROWS.copy()
    rows[parts != "train"] *= 1e6
    spec = DataSpec(
        source=memory(rows, KINDS[::-1], extra={"part": parts}),
        split=SplitSpec(column="part"),
        positive=("eel",),
    )
    with pytest.raises(DataError, match="one class only: eel"):  # of the training rows
        prepare(spec)
    prepared = prepare(dataclasses.replace(spec, source=memory(
        rows, np.arange(60) / 7, extra={"part": parts}), positive=None))  # fmt: skip
    assert "split: 20 train, 20 valid, 20 test rows (by column part)" in prepared.notes
    train, _ = contents(prepared.train)
    np.testing.assert_allclose(train.mean(axis=0, dtype=np.float64), 0, atol=1e-6)
    np.testing.assert_allclose(train.std(axis=0, dtype=np.float64), 1, atol=1e-6)
    known, sevenths = np.arange(60) / 7, np.arange(1, 60, 3) / 7
    learned = contents(prepared.valid)[1][:, 0]
    expected = (sevenths - known[::3].mean()) / known[::3].std()
    np.testing.assert_allclose(learned, expected, rtol=1e-6)
    np.testing.assert_allclose(prepared.valid.target_scaling.restored(learned), sevenths, rtol=1e-6)
    expected = (rows[2::3] - ROWS[::3].mean(axis=0)) / ROWS[::3].std(axis=0)
    np.testing.assert_allclose(contents(prepared.test)[0], expected, rtol=1e-4)
    np.testing.assert_array_equal(prepared.minimum, ROWS[::3].min(axis=0))
    np.testing.assert_array_equal(prepared.maximum, ROWS[::3].max(axis=0))


@pytest.mark.parametrize("dtype", ["bytes", "numbers"])
def test_divided_rows_keep_their_targets(memory, dtype):
    rows = np.arange(120, dtype=np.uint8).reshape(60, 2)
    rows = rows if dtype == "bytes" else rows.astype(np.float32)
    spec = DataSpec(
        source=memory(rows, np.arange(60) % 3), scale="none", split=SplitSpec(valid=0.2, test=0.1)
    )
    one, again = prepare(spec), prepare(spec)
    seen = []
    for part, same in ((one.train, again.train), (one.valid, again.valid), (one.test, again.test)):
        x, t = contents(part)
        np.testing.assert_array_equal(x[:, 0] // 2 % 3, t)
        assert np.bincount(t).tolist() == [part.rows // 3] * 3  # 42, 12 and 6 rows
        assert x.tobytes() == contents(same)[0].tobytes()
        assert part.inputs.dtype == rows.dtype
        seen += x[:, 0].tolist()
    assert sorted(seen) == list(range(0, 120, 2))
    other = prepare(dataclasses.replace(spec, split=SplitSpec(valid=0.2, test=0.1, seed=1)))
    assert contents(other.train)[0].tobytes() != contents(one.train)[0].tobytes()


def test_what_auto_became_is_recorded(memory):
    numbers = prepare(DataSpec(source=memory(ROWS, KINDS), split=SplitSpec(valid=0.25)))
    assert (numbers.spec.scale, numbers.spec.task) == ("standard", "multiclass")
    assert numbers.notes == (
        "task: multiclass, classes cat, dog, eel (the targets are text)",
        "split: 45 train, 15 valid, 0 test rows (stratified by class, seed 0)",
        "scale: standard (auto: the inputs are numbers)",
    )
    assert prepare(numbers.spec).notes[0].endswith("(as configured)")
    for brightest, kind in ((255, "unit"), (128, "unit"), (127, "minmax"), (16, "minmax")):
        rows = np.array([[0, brightest], [1, 2]], np.uint8)
        pixels = prepare(DataSpec(source=memory(rows, [0, 1])))
        assert (pixels.spec.scale, pixels.schema.input_kind) == (kind, "bytes")
        assert contents(pixels.train)[0].max() >= 0.5
    assert pixels.valid is None
    assert pixels.test is None


def test_separate_sources_are_read_through_the_schema(memory):
    asked = []
    names = {"names": ("a", "b", "c", "d"), "target_names": ("kind",)}
    test = memory(ROWS[:5] + 1, KINDS[:5], **names, asked=asked)
    prepared = prepare(DataSpec(source=memory(ROWS, KINDS, **names), target=-1, test=test))
    assert asked == [
        Columns(
            target=("kind",), features=tuple("abcd"), of_model=True,
            types=dict.fromkeys("abcd", "number"),
        ),
    ]  # fmt: skip
    x, t = contents(prepared.test)
    np.testing.assert_allclose(x, (ROWS[:5] + 1 - ROWS.mean(0)) / ROWS.std(0), atol=1e-6)
    assert t.tolist() == [0, 1, 2, 0, 1]


def test_target_columns_that_the_source_chose_are_remembered(memory):
    source = memory(ROWS, KINDS, names=("a", "b", "c", "d"), target_names=("species",))
    assert prepare(DataSpec(source=source)).schema.target == ("species",)
    assert prepare(DataSpec(source=source, target="inputs")).schema.target == ()


def test_positive_classes_against_the_rest(memory):
    prepared = prepare(DataSpec(source=memory(ROWS, KINDS), positive=("eel",), target="kind"))
    assert prepared.schema.task.labels == ("rest", "eel")
    assert prepared.train.targets.tolist() == [0, 0, 1] * 20
    assert (prepared.spec.task, prepared.spec.positive) == ("binary", ("eel",))
    assert prepare(prepared.spec).schema.task == prepared.schema.task


def test_the_positive_class_is_the_rarer_of_the_training_rows_and_is_recorded(memory):
    """Of all rows `ok` is rarer, of the training rows `bad`."""
    kinds = np.repeat(["ok", "bad", "bad"], 20)
    parts = np.repeat(["train", "train", "test"], [20, 10, 30])
    source = memory(ROWS, kinds, extra={"part": parts})
    by_column = prepare(DataSpec(source=source, split=SplitSpec(column="part")))
    assert by_column.schema.task.labels == ("ok", "bad")
    assert by_column.train.targets.tolist() == [0] * 20 + [1] * 10
    assert (by_column.spec.task, by_column.spec.positive) == ("binary", ("bad",))
    by_chance = prepare(DataSpec(source=source, split=SplitSpec(test=0.5)))
    assert by_chance.schema.task.labels == ("bad", "ok")
    numbers = prepare(DataSpec(source=memory(ROWS, (kinds == "ok").astype(int))))
    assert (numbers.schema.task.positive, numbers.spec.positive) == ("1", None)
    for one in (by_column, by_chance):  # `resume` and `evaluate` read what was recorded
        again = prepare(one.spec)
        assert again.schema.encoding == one.schema.encoding
        assert "(as configured)" in next(n for n in again.notes if n.startswith("task"))
        assert again.train.targets.tobytes() == one.train.targets.tobytes()
        assert again.train.inputs.tobytes() == one.train.inputs.tobytes()


def test_one_hot_columns_are_classes(memory):
    codes = np.arange(60) % 3
    source = memory(ROWS, np.eye(3, dtype=int)[codes], target_names=("oak", "elm", "ash"))
    prepared = prepare(DataSpec(source=source, target=("oak", "elm", "ash")))
    assert prepared.schema.task.labels == ("oak", "elm", "ash")
    assert prepared.train.targets.tolist() == codes.tolist()
    assert prepared.train.targets.dtype == np.int64
    assert prepare(prepared.spec).schema.encoding == prepared.schema.encoding
    again = DataSchema.from_json(prepared.schema.to_json(), prepared.schema.arrays())
    table = next(source.tables(again.columns(True)))
    assert again.dataset(table, with_targets=True).targets.tolist() == codes.tolist()
    labels = prepare(DataSpec(source=source, task="multilabel"))
    assert labels.train.targets.tolist() == np.eye(3)[codes].tolist()


def test_one_constant_target_of_several_is_named(memory):
    both = np.stack([np.arange(60) / 7, np.full(60, 2.5)], axis=1)
    prepared = prepare(DataSpec(source=memory(ROWS, both, target_names=("wet", "cold"))))
    assert "the same in all rows, so nothing to learn: target cold" in prepared.notes


@pytest.mark.parametrize("dtype", ["bytes", "numbers"])
def test_reconstruction_has_the_scaled_inputs_as_targets(memory, dtype):
    rows = RNG.integers(0, 256, (20, 3, 2), dtype=np.uint8)
    rows = rows if dtype == "bytes" else rows.astype(np.float32)
    prepared = prepare(DataSpec(source=memory(rows), target="inputs", split=SplitSpec(test=0.2)))
    assert prepared.schema.task.count == 6
    x, t = contents(prepared.test)
    np.testing.assert_array_equal(t, x.reshape(4, 6))
    assert prepared.train.targets is None


MISTYPED = np.array(["rare", *KINDS[1:]])  # one row of a class of its own
EACH_ITS_OWN = np.array([f"k{i}" for i in range(60)])


@pytest.mark.parametrize(
    ("kinds", "options", "how"),
    [
        (
            MISTYPED,
            {},
            "stratified by class; too few rows to divide, so all in training: `rare` (1 row), "
            "seed 0",
        ),
        (MISTYPED, {"stratify": False}, "by chance, seed 0"),
        (EACH_ITS_OWN, {}, "not stratified, as most classes have too few rows: `k0` (1 row), "),
    ],
)
def test_stratified_where_that_is_possible(memory, kinds, options, how):
    split = SplitSpec(valid=0.2, **options)
    prepared = prepare(DataSpec(source=memory(ROWS, kinds), split=split))
    start = f"split: 48 train, 12 valid, 0 test rows ({how}"
    assert any(note.startswith(start) for note in prepared.notes), prepared.notes
    if kinds is MISTYPED and not options:
        rare = [note for note in prepared.notes if note.startswith("class rare has ")]
        assert rare == ["class rare has one training row"]
        divided = np.bincount(prepared.valid.targets)  # 12 rows of 19, 20 and 20
        assert len(divided) == 3 and divided.min() >= 3


def test_notes_name_constant_columns_and_rows_in_two_parts(memory):
    rows = ROWS.copy()
    rows[:, 2] = 7
    prepared = prepare(
        DataSpec(
            source=memory(rows, KINDS, names=("a", "b", "c\n", "d")),
            test=memory(rows[:9], KINDS[:9], names=("a", "b", "c\n", "d")),
        )
    )
    assert r"column `c\n`: unused, left out (always 7)" in prepared.notes
    assert prepared.notes[-1] == "9 of 9 test rows have the same inputs as a training row"


@pytest.mark.parametrize(
    ("rows", "targets", "options", "message", "where"),
    [
        (ROWS, KINDS[:59], {}, "60 rows of inputs, but 59 of targets", "rows.csv"),
        (ROWS, None, {}, "there are no targets", "rows.csv"),
        (ROWS[:0], KINDS[:0], {}, "there are no rows", "rows.csv"),
        (ROWS[:, :0], KINDS, {}, "there are no input columns", "rows.csv"),
        (ROWS, KINDS, {"split": SplitSpec(valid=0.001)}, "valid part would be empty", "rows.csv"),
        (ROWS, KINDS, {"split": SplitSpec(column="p")}, "no column `p` to split by", "rows.csv"),
        (
            ROWS,
            ROWS[:, 0],
            {"split": SplitSpec(valid=0.1, stratify=True)},
            "no classes",
            "rows.csv",
        ),
        (
            ROWS,
            ["x", *KINDS[1:]],
            {"split": SplitSpec(valid=0.1, stratify=True)},
            r"too few rows for one in each part: `x` \(1 row\)",
            "rows.csv",
        ),
    ],
)
def test_refused(memory, rows, targets, options, message, where):
    with pytest.raises(DataError, match=message) as caught:
        prepare(DataSpec(source=memory(rows, targets), **options))
    assert caught.value.problems[0].where == where


def test_positions_in_messages_are_those_of_the_file_even_after_the_division(memory):
    parts = np.array(["test", *["train"] * 58, "valid"])
    split = SplitSpec(column="part")

    def where(rows, kinds):
        with pytest.raises(DataError) as caught:
            prepare(DataSpec(source=memory(rows, kinds, extra={"part": parts}), split=split))
        return caught.value.problems[0].what, caught.value.problems[0].where

    what, at = where(ROWS, np.array([*KINDS[:-1], "fox"]))
    assert "not seen: fox" in what
    assert at == "rows.csv: row 60"
    for row in (0, 30, 59):
        damaged = ROWS.copy()
        damaged[row, 1] = np.nan
        assert where(damaged, KINDS) == (
            f"1 of {232 if row == 30 else 4} input values are NaN or infinite",
            f"rows.csv: row {row + 1} column 1",
        )


def test_a_separate_source_must_fit(memory):
    train = memory(ROWS, KINDS)
    for source, message in (
        (memory(ROWS[:, :3], KINDS), r"shape \(3,\), the training rows had \(4,\)"),
        (memory(np.zeros((3, 4), np.uint8), KINDS[:3]), "inputs are bytes"),
        (memory(ROWS[:2], ["cat", "fox"]), "not seen: fox"),
        (memory(ROWS[:0], KINDS[:0]), "no rows"),
    ):
        with pytest.raises(DataError, match=message):
            prepare(DataSpec(source=train, valid=source))


def test_summary(memory):
    names = ("a", "b", "c", "d")
    summary = summarise(
        prepare(
            DataSpec(source=memory(ROWS, KINDS, names=names), target="k", split=SplitSpec(test=0.5))
        )
    )
    scaled = summarise(prepare(DataSpec(source=memory(ROWS, KINDS), split=SplitSpec(test=0.5))))
    assert summary.rows == {"train": 30, "test": 30}
    assert summary.counts == {"train": (10, 10, 10), "test": (10, 10, 10)}
    assert (summary.input_shape, summary.input_kind) == ((4,), "numbers")
    assert (summary.feature_names, summary.target) == (names, ("k",))
    assert summary.scaling == scaled.scaling == "standard"
    assert scaled.shift[0] < 3 < scaled.shift[1]
    assert len(summary.input_ranges) == 4
    assert all(low < 3 < high for low, high in summary.input_ranges)
    assert summary.bytes_in_memory == 60 * (4 * 4 + 8)
    assert len(summary.notes) == 7
    prices = summarise(prepare(DataSpec(source=memory(ROWS, np.arange(60) / 2), scale="none")))
    np.testing.assert_allclose(prices.target_ranges, [(0.0, 14.75, 29.5)], atol=1e-5)
    assert (prices.counts, prices.shift, prices.scale) == ({}, None, None)
    one_hot = memory(ROWS, np.eye(3)[np.arange(60) % 3])
    for task in ("auto", "multilabel"):
        labels = summarise(prepare(DataSpec(source=one_hot, task=task)))
        assert labels.counts == {"train": (20, 20, 20)}


@pytest.mark.parametrize(
    ("dtype", "shape", "expected"),
    [
        (np.uint8, (4, 3), (4, 3, 1)),
        (np.uint8, (4, 3, 1), (4, 3, 1)),
        (np.uint8, (4, 3, 3), (4, 3, 3)),
        (np.uint8, (12,), (12,)),
        (np.float32, (4, 3), (4, 3)),
        (np.float32, (4, 3, 1), (4, 3, 1)),
    ],
)
@pytest.mark.parametrize("scale", ["unit", "standard", "robust"])
def test_byte_images_say_their_channels(memory, dtype, shape, expected, scale):
    rows = RNG.integers(0, 256, (30, *shape)).astype(dtype)
    source = memory(rows, np.arange(30) % 2)
    prepared = prepare(DataSpec(source=source, valid=source, split=SplitSpec(test=0.2),
                                scale=scale))  # fmt: skip
    schema = prepared.schema
    for part in (prepared.train, prepared.valid, prepared.test):
        assert part.input_shape == schema.input_shape == expected
        assert part.inputs.dtype == dtype
    again = DataSchema.from_json(schema.to_json(), schema.arrays())  # as a model file brings it
    for with_targets in (True, False):
        table = next(source.tables(again.columns(with_targets)))
        data = again.dataset(table, with_targets)
        assert data.input_shape == expected
        assert contents(data)[0].tobytes() == contents(prepared.valid)[0].tobytes()
    if len(expected) == 3:  # one number a channel; a single one is no row
        assert schema.scaling.scale.shape == ((3,) if expected[-1] == 3 and scale != "unit" else ())
    flat = prepare(DataSpec(source=memory(rows.reshape(30, -1), np.arange(30) % 2), scale=scale))
    whole = prepare(DataSpec(source=source, scale=scale))
    if dtype is np.uint8 and expected[-1] != 3:  # images of one channel have one scale, as vectors
        found = contents(whole.train)[0].reshape(30, -1)
        assert np.array_equal(found, contents(flat.train)[0])
    assert again.columns(False).image == (
        expected if dtype is np.uint8 and len(expected) == 3 else None
    )


PLACES = ["train"] * 40 + ["valid"] * 12 + ["test"] * 8


def test_a_source_may_bring_its_parts(memory):
    source = memory(ROWS, KINDS, parts=PLACES)
    prepared = prepare(DataSpec(source=source, scale="none"))
    for part, rows in ((prepared.train, slice(0, 40)), (prepared.valid, slice(40, 52)),
                       (prepared.test, slice(52, 60))):  # fmt: skip
        assert np.array_equal(part.inputs, ROWS[rows])
    assert "split: 40 train, 12 valid, 8 test rows (by folder)" in prepared.notes


@pytest.mark.parametrize(
    ("parts", "more", "said"),
    [
        (PLACES, {"split": SplitSpec(test=0.2)}, "holds the parts test, train, valid, and"),
        (PLACES, {"split": SplitSpec(column="part")}, "`data.split` divides it again"),
        (PLACES, {"valid": 1}, "the valid part is given twice"),
        (PLACES, {"test": 1}, "the test part is given twice"),
    ],
)
def test_I03_parts_are_given_once(memory, parts, more, said):
    more = {k: memory(ROWS[:9], KINDS[:9]) if v == 1 else v for k, v in more.items()}
    with pytest.raises(DataError, match=said) as caught:
        prepare(DataSpec(source=memory(ROWS, KINDS, parts=parts), **more))
    assert "`data.source`" in caught.value.problems[0].fix


def test_a_part_that_the_source_lacks_may_be_given(memory):
    source = memory(ROWS[:52], KINDS[:52], parts=PLACES[:52])
    prepared = prepare(DataSpec(source=source, test=memory(ROWS[52:], KINDS[52:]), scale="none"))
    assert (prepared.train.rows, prepared.valid.rows, prepared.test.rows) == (40, 12, 8)


def test_I03_a_divided_source_is_no_single_part(memory):
    divided = memory(ROWS, KINDS, parts=PLACES)
    with pytest.raises(DataError, match="is divided into test, train, valid") as caught:
        prepare(DataSpec(source=memory(ROWS, KINDS), test=divided))
    assert caught.value.problems[0].fix == "name the folder of one part"


def test_what_other_sources_found_out_is_said(memory):
    part = memory(ROWS[:9].reshape(9, 2, 2), KINDS[:9], notes=("of the test",))
    prepared = prepare(DataSpec(source=memory(ROWS, KINDS, notes=("of both",)), test=part,
                                valid=memory(ROWS[:9], KINDS[:9], notes=("of both",))))  # fmt: skip
    notes = [note for note in prepared.notes if note.startswith("of ")]
    assert notes == ["of both", "of the test"]
    assert "examples of the shape (2, 2) are read as (4,), in row-major order" in prepared.notes


def test_I04_channels_first_are_no_training_images(memory):
    images = np.zeros((60, 3, 8, 8), np.uint8)
    with pytest.raises(DataError, match="channels seem to come first"):
        prepare(DataSpec(source=memory(images, KINDS)))


def test_a_table_of_columns_is_its_own_target_as_it_is_coded(tmp_path):
    lines = ["a,b,c", *(f"{i * i % 17},{i % 5}.5,{'' if i % 7 else i % 3}" for i in range(40))]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    prepared = prepare(DataSpec(source=CsvSpec(path=tmp_path / "t.csv"), target="inputs"))
    x, t = contents(prepared.train)
    assert prepared.schema.task.count == x.shape[1] == 4  # c is missing in some rows
    np.testing.assert_array_equal(x, t)
    assert "task: reconstruction of 4 inputs" in prepared.notes
