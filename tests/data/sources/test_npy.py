import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import yaml

from dnn_cli.data.sources.npy import NpySpec

RNG = np.random.default_rng(0)
NUMBERS = ["b1", "f2", "f4", "f8", *(f"{k}{n}" for k in "iu" for n in (1, 2, 4, 8))]


def save(path: Path, array) -> NpySpec:
    np.save(path, array, allow_pickle=False)
    return NpySpec(path=path)


def numbers(code: str, shape) -> np.ndarray:
    if code == "b1":
        return RNG.random(shape) < 0.5
    if code[0] == "f":
        return RNG.normal(size=shape).astype(code)
    info = np.iinfo(code)
    return RNG.integers(info.min, info.max, shape, dtype=code, endpoint=True)


@pytest.mark.parametrize("code", NUMBERS)
@pytest.mark.parametrize("shape", [(7, 3), (1, 1), (5, 2, 3), (4, 2, 3, 2)])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_D08_every_type_order_and_byte_order(
    tmp_path, whole, streamed, same, code, shape, order, byte_order
):
    x = numbers(code, shape)
    stored = np.asarray(x.astype(x.dtype.newbyteorder(byte_order)), order=order)
    spec = save(tmp_path / "x.npy", stored)
    expected = np.load(tmp_path / "x.npy")  # an independent reader
    if code in ("i8", "u8"):  # stay as they are: float64 does not hold all of them
        expected = expected.astype(code)
    elif code != "u1":  # what has more digits than float32 keeps those of float64
        wide = code in ("f8", "i4", "u4")
        expected = expected.astype(np.float64 if wide else np.float32)
    table = whole(spec)
    assert table.inputs.dtype == expected.dtype and table.inputs.flags.c_contiguous
    assert table.inputs.tobytes() == np.ascontiguousarray(expected).tobytes()
    assert table.targets is None and table.feature_names is None
    same(table, streamed(spec, 2))


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_versions(tmp_path, whole, version):
    x = numbers("f4", (3, 2))
    with open(tmp_path / "x.npy", "wb") as file:
        np.lib.format.write_array(file, x, version=version)
    assert np.array_equal(whole(NpySpec(path=tmp_path / "x.npy")).inputs, x)


class TestTargets:
    @pytest.mark.parametrize(
        "y",
        [
            np.arange(6),
            np.arange(6, dtype=">i2"),
            np.array(["b", "ä", "long name", "b", "", "c"]),
            np.array([b"b", b"\xc3\xa4", b"x", b"b", b"", b"c"]),
            np.array(["b", "ä", "x", "b", "", "c"]).astype(">U9"),
            np.arange(6.0).reshape(6, 1),
            np.arange(12.0).reshape(6, 2),
            np.asfortranarray(np.arange(12.0).reshape(6, 2)),
            np.arange(6) % 2 == 0,
        ],
    )
    def test_in_a_second_file(self, tmp_path, whole, streamed, same, y):
        save(tmp_path / "x.npy", np.zeros((6, 2), np.float32))
        save(tmp_path / "y.npy", y)
        spec = NpySpec(path=tmp_path / "x.npy", targets=tmp_path / "y.npy")
        table = whole(spec)
        expected = np.strings.decode(y, "utf-8") if y.dtype.kind == "S" else y
        expected = expected[:, 0] if y.shape == (6, 1) else expected
        assert table.targets.shape == expected.shape and (table.targets == expected).all()
        assert table.targets.dtype.isnative
        same(table, streamed(spec, 4))

    @pytest.mark.parametrize("order", ["C", "F"])
    @pytest.mark.parametrize(
        ("target", "columns"), [((-1,), [3]), ((0,), [0]), ((1, -1), [1, 3]), ((3, 0), [3, 0])]
    )
    def test_among_the_columns(self, tmp_path, whole, streamed, same, order, target, columns):
        x = RNG.normal(size=(11, 4))
        spec = save(tmp_path / "x.npy", np.asarray(x, order=order))
        table = whole(spec, target=target)
        others = [c for c in range(4) if c not in columns]
        assert np.array_equal(table.inputs, x[:, others])
        picked = x[:, columns[0]] if len(columns) == 1 else x[:, columns]
        assert table.targets.dtype == np.float64 and np.array_equal(table.targets, picked)
        same(table, streamed(spec, 4, target=target))

    def test_a_missing_one_is_allowed_when_predicting(self, tmp_path, whole, refused):
        spec = save(tmp_path / "x.npy", np.zeros((3, 4), np.float32))
        assert whole(spec, target=(4,), target_required=False).targets is None
        assert whole(spec, target=("y",), target_required=False).inputs.shape == (3, 4)
        assert "there is no target column 4" in refused(spec, target=(4,))
        assert "no column names" in refused(spec, target=("y",))
        assert "same column" in refused(spec, target=(3, -1))
        assert "all 4 columns" in refused(spec, target=(0, 1, 2, 3))

    def test_of_images_need_a_file(self, tmp_path, refused):
        assert "no table" in refused(save(tmp_path / "x.npy", np.zeros((3, 2, 2))), target=(0,))

    def test_D12_lengths_differ(self, tmp_path, refused):
        save(tmp_path / "x.npy", np.zeros((3, 4)))
        save(tmp_path / "y.npy", np.zeros(5))
        spec = NpySpec(path=tmp_path / "x.npy", targets=tmp_path / "y.npy")
        message = refused(spec)
        assert "3 rows of inputs, but 5 of targets" in message
        assert "x.npy` has the shape (3, 4)" in message and "y.npy` (5,)" in message

    @pytest.mark.parametrize("y", [np.zeros((3, 2, 2)), np.zeros((3, 0)), np.float64(1)])
    def test_D15_impossible_shapes(self, tmp_path, refused, y):
        save(tmp_path / "x.npy", np.zeros((3, 4)))
        save(tmp_path / "y.npy", y)
        spec = NpySpec(path=tmp_path / "x.npy", targets=tmp_path / "y.npy")
        assert "shape" in refused(spec)


def test_D02_D25_no_rows_is_an_empty_table(tmp_path, whole, streamed):
    spec = save(tmp_path / "x.npy", np.zeros((0, 4), np.float32))
    for table in (whole(spec), streamed(spec, 5), whole(spec, target=(-1,))):
        assert table.rows == 0
    assert whole(spec).inputs.shape == (0, 4)


@pytest.mark.parametrize("shape", [(3, 0), (0, 0), (3, 2, 0)])
def test_D02_no_columns(tmp_path, refused, shape):
    assert "no columns" in refused(save(tmp_path / "x.npy", np.zeros(shape)))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("code", ["u1", "f4", "f8"])
def test_D03_truncated_at_every_length(tmp_path, refused, order, code):
    path = tmp_path / "x.npy"
    spec = save(path, np.asarray(np.arange(6).reshape(3, 2).astype(code), order=order))
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        message = refused(spec)
        assert "cut short" in message or length < 6, message


@pytest.mark.parametrize("extra", [b"\0", b"x" * 1000])
def test_D04_trailing_bytes(tmp_path, refused, extra):
    spec = save(tmp_path / "x.npy", np.zeros((3, 2)))
    with open(tmp_path / "x.npy", "ab") as file:
        file.write(extra)
    message = refused(spec)
    assert "48 bytes" in message and f"{48 + len(extra):,} are there" in message


def test_D13_not_a_number_is_left_to_the_caller(tmp_path, whole):
    x = np.array([[np.nan, np.inf], [-np.inf, 1]])
    assert np.array_equal(whole(save(tmp_path / "x.npy", x)).inputs, x, equal_nan=True)


@pytest.mark.parametrize("order", ["C", "F"])
def test_D14_overflow_of_float32(tmp_path, refused, order):
    x = np.ones((4, 3))
    x[2, 1] = 1e300
    message = refused(save(tmp_path / "x.npy", np.asarray(x, order=order)))
    assert "too large for float32" in message and "1e+300" in message
    assert "element" in message


def test_D14_small_numbers_are_kept(tmp_path, whole):
    x = np.array([[1e-45, 1e-300, 3.4e38]])
    assert np.array_equal(whole(save(tmp_path / "x.npy", x)).inputs, x)


@pytest.mark.parametrize("x", [np.arange(5.0), np.float64(3)])
def test_D25_rank_of_inputs(tmp_path, refused, x):
    assert "rows are needed" in refused(save(tmp_path / "x.npy", x))


@pytest.mark.parametrize("order", ["C", "F"])
def test_no_second_copy_while_converting(tmp_path, whole, order):
    x = np.asarray(RNG.normal(size=(20_000, 100)), order=order)
    spec = save(tmp_path / "x.npy", x)
    tracemalloc.start()
    table = whole(spec)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < table.inputs.nbytes + (4 << 20)


def test_pieces_take_constant_memory(tmp_path):
    from dnn_cli.data.table import Columns

    spec = save(tmp_path / "x.npy", np.zeros((50_000, 100), np.float32))
    tracemalloc.start()
    total = sum(t.rows for t in spec.tables(Columns(target=(0,)), 1000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 50_000 and peak < 4 << 20


@pytest.mark.parametrize(
    ("inputs", "beside", "found"),
    [
        ("X.npy", ["y.npy"], "y.npy"),
        ("X.npy", ["Y.npy", "labels.npy"], "Y.npy"),
        ("x_train.npy", ["y_train.npy", "y.npy", "y_test.npy"], "y_train.npy"),
        ("train_images.npy", ["train_labels.npy", "test_labels.npy"], "train_labels.npy"),
        ("features.npy", ["targets.npy"], "targets.npy"),
        ("train-inputs.npy", ["train-targets.npy"], "train-targets.npy"),
        ("rows.npy", ["labels.npy"], "labels.npy"),
        ("rows.npy", [], "y.npy"),
    ],
)
def test_the_line_that_names_the_file_of_targets(tmp_path, whole, inputs, beside, found):
    spec = save(tmp_path / inputs, np.zeros((3, 2)))
    for name in beside:
        np.save(tmp_path / name, np.arange(3))
    advice = spec.target_advice((3, 2))
    line, _, rest = advice.partition(", or ")
    source = yaml.safe_load(line)["data"]["source"]
    assert source == {"type": "npy", "path": str(spec.path), "targets": str(tmp_path / found)}
    assert ("`data.target: -1`" in rest) == (not beside)
    if beside:
        del source["type"]
        assert whole(NpySpec(**source)).targets.tolist() == [0, 1, 2]
    assert "target: -1" not in spec.target_advice((3, 8, 8))  # no table: it has no last column


def test_a_model_is_given_no_advice_for_a_configuration(tmp_path, refused):
    spec, images = save(tmp_path / "x.npy", np.zeros((3, 2))), np.zeros((3, 2, 2))
    model = {"of_model": True}
    for target, said in ((("y",), "such as a .csv file"), ((5,), "all columns that the training")):
        message = refused(spec, target=target, **model)
        assert said in message and "target: -1" not in message and "positions" not in message
    message = refused(save(tmp_path / "i.npy", images), target=(-1,), **model)
    assert "(rows, columns), as in training" in message and "data.target" not in message
