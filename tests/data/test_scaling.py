import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.base.errors import DataError
from dnn_cli.data.scaling import Scaling, fit_scaling
from dnn_cli.data.statistics import CHUNK, chunks, statistic_shape, statistics_of

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "scaling_constants.json").read_text(encoding="utf-8")
)
KINDS = ["none", "unit", "standard", "minmax", "robust"]


def scaled(kind, inputs):
    out = np.empty(inputs.shape, np.float32)
    fit_scaling(kind, statistics_of(inputs)).apply(inputs, out)
    return out


@pytest.mark.parametrize("kind", ["unit", "standard", "minmax", "robust"])
def test_tables_scale_as_scikit_learn_scales_them(kind):
    table = np.array(GOLDEN["table"], dtype=np.float32)
    np.testing.assert_allclose(scaled(kind, table), GOLDEN["scaled"][kind], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("kind", ["unit", "standard", "minmax", "robust"])
def test_large_numbers_lose_nothing_before_they_are_scaled(kind):
    # Milliseconds since 1970, seconds, a 16-digit number: all differ by less than float32 tells.
    steps = np.random.default_rng(1).permutation(2000).astype(np.float64)
    table = np.stack([1.7e12 + 10 * steps, 1.7e9 + steps, 1e15 + steps, steps], axis=1)
    expected = {  # of 0 to 1999 in any order, exact
        "standard": (steps - 999.5) / np.sqrt((2000**2 - 1) / 12),
        "minmax": steps / 1999,
        "robust": (steps - 999.5) / 999.5,
    }
    found = scaled(kind, table)
    assert found.dtype == np.float32
    if kind == "unit":
        np.testing.assert_allclose(found, table / table.max(axis=0), rtol=1e-6)
        return
    for column in found.T:
        np.testing.assert_allclose(column, expected[kind], rtol=1e-6, atol=1e-7)
        assert len(np.unique(column)) == 2000


def test_a_constant_far_from_zero_stays_silent_in_many_rows():
    # The sum of so many rounds by more than the last digit: the mean must not.
    train = np.full((300_000, 2), 0.1)
    train[:, 1] = 1.7e12 + np.arange(300_000) % 7
    scaling = fit_scaling("standard", statistics_of(train))
    assert scaling.scale[0] == 0
    np.testing.assert_allclose(1 / scaling.scale[1], train[:, 1].std(), rtol=1e-9)


def test_statistics_are_those_of_the_whole_in_float64():
    rng = np.random.default_rng(0)
    table = (1e6 + rng.normal(size=(3 * CHUNK // 5 + 7, 5))).astype(np.float32)  # several chunks
    assert len(list(chunks(table))) == 4
    found = statistics_of(table)
    wide = table.astype(np.float64)
    np.testing.assert_allclose(found.moments[0], wide.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(found.moments[1], wide.std(axis=0), rtol=1e-10)
    np.testing.assert_array_equal(found.extremes, [wide.min(axis=0), wide.max(axis=0)])
    np.testing.assert_allclose(found.quartiles, np.quantile(wide, [0.25, 0.5, 0.75], axis=0))


@pytest.mark.parametrize(
    ("shape", "of_bytes", "expected"),
    [
        ((7,), False, (7,)),
        ((7,), True, ()),
        ((4, 5), False, ()),
        ((4, 5), True, ()),
        ((4, 5, 3), False, (3,)),
        ((4, 5, 3), True, (3,)),
    ],
)
@pytest.mark.parametrize("rows", [1, 2, 1013])
def test_images_have_one_statistic_a_channel_or_altogether(shape, of_bytes, expected, rows):
    rng = np.random.default_rng(1)
    inputs = rng.integers(0, 256, (rows, *shape), dtype=np.uint8)
    inputs = inputs if of_bytes else (inputs * np.float32(0.37) - 3).astype(np.float32)
    assert statistic_shape(shape, of_bytes) == expected
    found = statistics_of(inputs)
    wide = inputs.astype(np.float64).reshape(-1, *expected)
    np.testing.assert_allclose(found.moments, [wide.mean(axis=0), wide.std(axis=0)], atol=1e-12)
    np.testing.assert_array_equal(found.extremes, [wide.min(axis=0), wide.max(axis=0)])
    np.testing.assert_allclose(found.quartiles, np.quantile(wide, [0.25, 0.5, 0.75], axis=0))


def test_unit_divides_bytes_by_255_and_numbers_by_their_largest_size():
    some = np.array([[0, 51], [100, 204]], dtype=np.uint8)
    np.testing.assert_allclose(scaled("unit", some), some / 255, rtol=1e-6)
    pixels = np.array([0.0, 51, 255, 204], dtype=np.float32).reshape(1, 2, 2)
    np.testing.assert_allclose(scaled("unit", pixels), pixels / 255, rtol=1e-6)
    table = np.array([[-4.0, 1], [2, 0]], dtype=np.float32)
    np.testing.assert_array_equal(scaled("unit", table), [[-1, 1], [0.5, 0]])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("shape", [(6,), (3, 4), (3, 4, 2)])
def test_fitted_arrays_have_the_shape_of_the_statistics(kind, dtype, shape):
    inputs = np.random.default_rng(0).integers(0, 99, (9, *shape)).astype(dtype)
    expected = statistic_shape(shape, dtype is np.uint8)
    scaling = fit_scaling(kind, statistics_of(inputs))
    single = kind == "unit" and dtype is np.uint8
    for values in (scaling.shift, scaling.scale):
        if values is not None:
            assert values.dtype == np.float64
            assert values.shape == (() if single else expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *itertools.product(["standard", "minmax", "robust"], [0.0, 1e-42, 3.0, 2.0**24, -3e38]),
        *[("unit", 0.0), ("unit", 1e-42)],
    ],
)
def test_a_column_without_spread_stays_silent_whatever_it_holds_later(kind, value):
    train = np.full((50, 2), value, dtype=np.float32)
    train[:, 1] = np.arange(50)
    scaling = fit_scaling(kind, statistics_of(train))
    later = np.array([[5.0, 49.0]], dtype=np.float32)
    scaling.apply(later, later)
    assert later[0, 0] == 0
    assert later[0, 1] > 0


def test_spread_within_the_rounding_of_float32_is_none():
    train = np.full((1000, 1), 16777216.0, dtype=np.float32)
    train[0] = 16777218.0  # the next number
    assert fit_scaling("standard", statistics_of(train)).scale[0] == 0
    train[0] = 16778240.0
    assert fit_scaling("minmax", statistics_of(train)).scale[0] == 1 / 1024


def test_robust_falls_back_to_the_range_where_the_quartiles_coincide():
    train = np.zeros((20, 1), dtype=np.float32)
    train[3] = 8
    assert scaled("robust", train).max() == 2.0  # RealMLP's rule: a rare 1 becomes 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(6,), (3, 4), (3, 4, 2)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_in_place_and_copied_and_of_either_type_are_the_same_bits(kind, shape, dtype):
    rng = np.random.default_rng(2)
    numbers = rng.normal(size=(40_000, *shape)).astype(np.float32)  # several chunks
    scaling = fit_scaling(kind, statistics_of(numbers))
    copied = np.empty_like(numbers)
    scaling.apply(numbers, copied)
    given = numbers.astype(dtype)
    found = scaling.scaled(given)
    assert (found is given) == (dtype is np.float32)
    assert found.tobytes() == copied.tobytes()
    given.flags.writeable = False
    assert scaling.scaled(given).dtype == np.float32


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(6,), (3, 4), (3, 4, 2)])
def test_bytes_scale_as_numbers_do(kind, shape):
    pixels = np.random.default_rng(2).integers(0, 256, (400, *shape), dtype=np.uint8)
    scaling, spread = fit_scaling(kind, statistics_of(pixels)), np.empty(pixels.shape, np.float32)
    scaling.spread(shape).apply(pixels, spread)
    np.testing.assert_allclose(spread, scaling.scaled(pixels.astype(np.float64)), atol=1e-6)


@pytest.mark.parametrize("scaling", [Scaling("none"), fit_scaling("unit", statistics_of(
    np.ones((1, 2), np.uint8)))], ids=["none", "unit"])  # fmt: skip
def test_bytes_become_float32(scaling):
    inputs = np.arange(256, dtype=np.uint8).reshape(-1, 2)
    out = np.empty(inputs.shape, np.float32)
    scaling.apply(inputs, out)
    expected = inputs if scaling.scale is None else inputs / np.float64(255)
    np.testing.assert_allclose(out, expected, rtol=1e-6)


def test_values_beyond_float32_after_scaling_are_refused_by_name():
    train = np.array([[0.0, 1.0], [1e-6, 2.0]], dtype=np.float32)
    scaling = fit_scaling("minmax", statistics_of(train))
    with pytest.raises(DataError, match="column 0 cannot be scaled") as caught:
        scaling.check(np.zeros(2), np.array([1e38, 1.0]), "f.csv", "column {}".format)
    assert caught.value.problems[0].where == "f.csv"
    scaling.check(np.zeros(2), np.array([1e30, 1.0]), "f.csv", "column {}".format)
