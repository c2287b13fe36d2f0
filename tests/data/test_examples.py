"""Flat rows and images, bytes and whole numbers: what is read as what, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dnn_cli.base.errors import DataError
from dnn_cli.base.task import Task
from dnn_cli.base.types import Array, Shape
from dnn_cli.data.encoding import Encoding
from dnn_cli.data.examples import InputKind, adapted, check_channels_last
from dnn_cli.data.raw_columns import Numbers
from dnn_cli.data.scaling import Scaling
from dnn_cli.data.schema import DataSchema
from dnn_cli.data.table import Table

RNG = np.random.default_rng(0)
WORDS = Encoding(Task("binary", 2, ("cat", "dog")), ("cat", "dog"))
ORDER = "in row-major order"


def pixels(*shape: int, dtype: Any = np.uint8) -> Array:
    return RNG.integers(0, 256, shape).astype(dtype)


def model(shape: Shape, kind: InputKind = "bytes") -> DataSchema:
    return DataSchema(shape, kind, None, Scaling("none"), WORDS)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ((6, 20), (4, 5, 1)),
        ((6, 60), (4, 5, 3)),
        ((6, 4, 5), (20,)),
        ((6, 4, 5, 3), (60,)),
        ((0, 20), (4, 5, 1)),
    ],
)
@pytest.mark.parametrize("kind", ["bytes", "numbers"])
def test_flat_rows_and_images_are_the_same_in_row_major_order(
    found: Shape, wanted: Shape, kind: InputKind
) -> None:
    inputs = pixels(*found, dtype=np.uint8 if kind == "bytes" else np.float32)
    table = adapted(Table(inputs.copy(), notes=("first",)), wanted, kind)
    assert table.inputs.dtype == inputs.dtype
    assert np.array_equal(table.inputs, np.reshape(inputs, (len(inputs), *wanted), order="C"))
    assert table.notes[0] == "first" and ORDER in table.notes[1] and len(table.notes) == 2
    data = model(wanted, kind).dataset(table, with_targets=False)
    assert data.input_shape == wanted


@pytest.mark.parametrize("shape", [(3, 4, 5), (3, 1, 4, 5), (3, 4, 1, 5)])
def test_axes_of_length_one_make_no_difference(shape: Shape) -> None:
    numbers = pixels(*shape, dtype=np.float32)
    table = adapted(Table(numbers), (4, 5, 1), "numbers")
    assert table.inputs.shape == (3, 4, 5, 1) and ORDER in table.notes[0]
    assert table.inputs.tobytes() == numbers.tobytes()


def test_what_fits_is_left_alone_without_a_word() -> None:
    for inputs, wanted, kind in (
        (pixels(3, 4, 5, 1), (4, 5, 1), "bytes"),
        (pixels(3, 4, 5), (4, 5, 1), "bytes"),  # bytes (h, w) always were images
        (pixels(3, 20, dtype=np.float32), (20,), "numbers"),
    ):
        table = adapted(Table(inputs), wanted, kind)  # type: ignore[arg-type]
        assert table.notes == () and np.shares_memory(table.inputs, inputs)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("found", [(2000, 64), (2000, 8, 8), (2000, 8, 8, 1)])
def test_whole_numbers_are_read_as_the_bytes_that_they_are(dtype: Any, found: Shape) -> None:
    """A table of pixels has numbers: more than one chunk of them here."""
    whole = pixels(*found)
    whole.flat[:2] = 0, 255
    table = adapted(Table(whole.astype(dtype)), (8, 8, 1), "bytes")
    assert table.inputs.dtype == np.uint8
    assert np.array_equal(table.inputs.reshape(2000, -1), whole.reshape(2000, -1))
    assert any("read as bytes" in note for note in table.notes)


@pytest.mark.parametrize("value", [-1, 255.5, 256, 0.1, np.nan, np.inf, -np.inf])
def test_numbers_that_are_no_bytes_are_located(value: float) -> None:
    inputs = np.zeros((3000, 64), np.float32)
    inputs[2999, 7] = value
    names = tuple(f"pixel{i}" for i in range(64))
    with pytest.raises(DataError) as caught:
        adapted(Table(inputs, names=names, origin="a.csv", first_row=10), (8, 8, 1), "bytes")
    [problem] = caught.value.problems
    assert problem.what == f"the training rows were bytes (0 to 255), here is {np.float32(value):g}"
    assert problem.where == "a.csv: row 3010 column `pixel7`"
    assert ("np.rint(255 * x)" in problem.fix) == (value == 0.1)
    assert "whole numbers from 0 to 255" in problem.fix


def test_bytes_for_a_model_of_numbers_are_refused_whatever_their_shape() -> None:
    """Nobody knows in which range its numbers were."""
    table = adapted(Table(pixels(3, 4, 5)), (20,), "numbers")
    with pytest.raises(DataError, match="inputs are bytes") as caught:
        model((20,), "numbers").dataset(table, with_targets=False)
    assert "x.astype(np.float32)" in caught.value.problems[0].fix


@pytest.mark.parametrize("found", [(9, 24), (9, 6, 4), (9, 6, 4, 1)])
def test_bytes_of_another_shape_are_spoken_of_as_the_bytes_that_they_are(found: Shape) -> None:
    table = adapted(Table(pixels(*found)), (6, 4), "numbers")
    assert table.notes == ()
    with pytest.raises(DataError, match="inputs are bytes"):
        model((6, 4), "numbers").dataset(table, with_targets=False)


@pytest.mark.parametrize("kind", ["bytes", "numbers"])
@pytest.mark.parametrize(
    ("found", "wanted"), [((6, 4), (24,)), ((4, 3, 2), (6, 4)), ((24, 1), (6, 4, 1))]
)
def test_a_single_example_of_another_shape_may_be_reshaped(
    found: Shape, wanted: Shape, kind: InputKind
) -> None:
    inputs = pixels(*found, dtype=np.uint8 if kind == "bytes" else np.float32)
    schema = model(wanted, kind)
    with pytest.raises(DataError) as caught:
        schema.dataset(schema.adapted(Table(inputs)), with_targets=False)
    advice = "x.reshape(1, " + ", ".join(map(str, wanted)) + ")"
    assert advice in caught.value.problems[0].fix
    assert schema.dataset(Table(inputs.reshape(1, *wanted)), with_targets=False).rows == 1


@pytest.mark.parametrize(
    ("found", "wanted", "said"),
    [
        ((5, 785), (28, 28, 1), "it has 785 numbers, theirs 784"),
        ((5, 28, 28), (785,), "it has 784 numbers, theirs 785"),
        ((5, 28, 27), (28, 28, 1), "it has 756 numbers, theirs 784"),
        ((5, 28, 28, 3), (28, 28, 1), "it has 2,352 numbers, theirs 784"),
        ((5, 4, 6, 1), (3, 8, 1), "both have 24 numbers, but nobody knows which axis is which"),
    ],
)
@pytest.mark.parametrize("kind", ["bytes", "numbers"])
def test_other_sizes_are_given_both_and_nothing_else(
    found: Shape, wanted: Shape, said: str, kind: InputKind
) -> None:
    inputs = pixels(*found, dtype=np.uint8 if kind == "bytes" else np.float32)
    with pytest.raises(DataError) as caught:
        model(wanted, kind).dataset(adapted(Table(inputs), wanted, kind), with_targets=False)
    [problem] = caught.value.problems
    assert f"the training rows had {wanted}" in problem.what
    assert (problem.why, problem.fix) == (said, "")


@pytest.mark.parametrize(
    ("found", "wanted"), [((28, 28), (28, 28, 1)), ((32, 32, 3), (32, 32, 3)), ((9, 5), (9, 5))]
)
def test_a_single_example_is_told_apart(found: Shape, wanted: Shape) -> None:
    with pytest.raises(DataError) as caught:
        model(wanted).dataset(adapted(Table(pixels(*found)), wanted, "bytes"), with_targets=False)
    assert "first axis of length 1: save x[None]" in caught.value.problems[0].fix
    names = tuple(f"c{i}" for i in range(found[-1]))
    if len(found) == 2:  # rows of a file with column names are rows
        columns = {
            n: Numbers(v.astype(float)) for n, v in zip(names, pixels(*found).T, strict=True)
        }
        table = Table(np.empty((found[0], 0)), columns=columns)
        with pytest.raises(DataError) as caught:
            model(wanted).dataset(model(wanted).adapted(table), with_targets=False)
        assert caught.value.problems[0].fix == ""


@pytest.mark.parametrize("c", [1, 3])
def test_I04_channels_first_where_a_model_says_what_they_are(c: int) -> None:
    last = pixels(5, 6, 7, c)
    first = np.ascontiguousarray(last.transpose(0, 3, 1, 2))
    schema = model((6, 7, c))
    if c == 1:  # the same numbers in the same order
        assert np.array_equal(schema.adapted(Table(first)).inputs, last)
        return
    with pytest.raises(DataError) as caught:
        schema.dataset(schema.adapted(Table(first)), with_targets=False)
    assert "np.transpose(x, (0, 2, 3, 1))" in caught.value.problems[0].fix
    turned = np.transpose(first, (0, 2, 3, 1))
    assert np.array_equal(schema.dataset(Table(turned), with_targets=False).inputs, last)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 8, 8), (1, 28, 28), (3, 480, 640), (3, 32, 8)])
def test_I04_channels_first_are_refused_before_training(dtype: Any, shape: Shape) -> None:
    with pytest.raises(DataError) as caught:
        check_channels_last(np.zeros((2, *shape), dtype), "x.npy")
    [problem] = caught.value.problems
    assert f"the shape {shape}" in problem.what and problem.where == "x.npy"
    assert "np.transpose(x, (0, 2, 3, 1))" in problem.fix
    array = np.zeros((2, *shape), dtype)
    check_channels_last(np.transpose(array, (0, 2, 3, 1)), "x.npy")  # both ways out are ways out
    check_channels_last(np.swapaxes(array, 1, 2), "x.npy")


@pytest.mark.parametrize(
    "shape",
    [
        (3, 4, 5), (3, 3, 3), (1, 1, 1), (1, 5, 5), (3, 7, 7), (3, 100, 3), (1, 100, 1),
        (1, 128, 9),  # 128 steps of 9 sensors, as an image of height 1
        (3, 33, 8), (2, 8, 8), (4, 32, 32), (8, 8, 3), (28, 28, 1), (3, 8), (64,), (1, 8, 8, 8),
    ],
)  # fmt: skip
def test_arrays_that_may_be_anything_are_read(shape: Shape) -> None:
    check_channels_last(np.zeros((2, *shape), np.float32), "x.npy")
