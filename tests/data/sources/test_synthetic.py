import numpy as np
import pytest
from sklearn import datasets

from dnn_cli.base.spec import SpecError
from dnn_cli.data.sources.synthetic import SyntheticSpec

KINDS = ["xor", "moons", "circles", "spirals", "blobs", "linear", "sine", "random"]


@pytest.mark.parametrize("kind", KINDS)
def test_equal_seeds_give_equal_rows(whole, streamed, same, kind):
    spec = SyntheticSpec(kind=kind, rows=23, seed=5)
    table = whole(spec)
    same(table, whole(SyntheticSpec(kind=kind, rows=23, seed=5)))
    same(table, streamed(spec, 4))
    other = whole(SyntheticSpec(kind=kind, rows=23, seed=6))
    if kind != "xor":
        assert not np.array_equal(table.inputs, other.inputs)
    assert table.inputs.dtype == np.float32 and table.rows == len(table.targets) == 23
    assert table.targets.dtype == (np.float64 if kind in ("linear", "sine") else np.int64)
    assert np.isfinite(table.inputs).all() and table.feature_names is None


def test_xor_is_the_four_corners(whole):
    table = whole(SyntheticSpec(kind="xor"))
    assert table.inputs.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert table.targets.tolist() == [0, 1, 1, 0]
    more = whole(SyntheticSpec(kind="xor", rows=10))
    assert np.array_equal(more.inputs[4:8], table.inputs) and more.targets[8:].tolist() == [0, 1]


def sorted_rows(x, y):
    rows = np.column_stack([np.round(x.astype(np.float64), 5) + 0.0, y])
    return rows[np.lexsort(rows.T)]


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("moons", lambda: datasets.make_moons(40, shuffle=False, noise=None)),
        ("circles", lambda: datasets.make_circles(40, shuffle=False, noise=None, factor=0.5)),
    ],
)
def test_shapes_equal_those_of_another_library(whole, kind, make):
    table = whole(SyntheticSpec(kind=kind, rows=40, noise=0))
    assert np.allclose(sorted_rows(table.inputs, table.targets), sorted_rows(*make()), atol=2e-5)


@pytest.mark.parametrize("kind", ["xor", "moons", "circles", "spirals", "blobs", "linear", "sine"])
def test_noise_has_the_standard_deviation_asked_for(whole, kind):
    rows = 4000
    clean = whole(SyntheticSpec(kind=kind, rows=rows, noise=0))
    noisy = whole(SyntheticSpec(kind=kind, rows=rows, noise=0.3))
    regression = kind in ("linear", "sine")
    a, b = (clean.targets, noisy.targets) if regression else (clean.inputs, noisy.inputs)
    assert abs((b - a).std() - 0.3) < 0.02 and abs((b - a).mean()) < 0.02


def test_spirals(whole):
    table = whole(SyntheticSpec(kind="spirals", rows=300, classes=3, noise=0))
    radius = np.hypot(*table.inputs.T)
    angle = np.arctan2(table.inputs[:, 1], table.inputs[:, 0])
    turned = angle - 3 * np.pi * radius - 2 * np.pi * table.targets / 3
    assert np.allclose(np.cos(turned), 1, atol=1e-4)
    assert np.bincount(table.targets).tolist() == [100, 100, 100] and radius.max() <= 1.0001


def test_blobs_lie_around_their_centres(whole):
    table = whole(SyntheticSpec(kind="blobs", rows=3000, classes=4, features=5, noise=0.5))
    assert table.inputs.shape == (3000, 5) and np.bincount(table.targets).tolist() == [750] * 4
    for label in range(4):
        mine = table.inputs[table.targets == label]
        assert np.allclose(mine.std(axis=0), 0.5, atol=0.06)
        assert (abs(mine.mean(axis=0)) < 10.2).all()


def test_linear_is_linear_and_sine_a_sine(whole):
    table = whole(SyntheticSpec(kind="linear", rows=500, features=3, noise=0))
    design = np.column_stack([table.inputs, np.ones(500)])
    solution = np.linalg.lstsq(design, table.targets, rcond=None)[0]
    assert np.allclose(design @ solution, table.targets, atol=1e-5)
    table = whole(SyntheticSpec(kind="sine", noise=0))
    assert table.inputs.shape == (1000, 1) and abs(table.inputs).max() <= np.float32(np.pi)
    assert np.allclose(table.targets, np.sin(table.inputs[:, 0]), atol=1e-6)


def test_random_is_the_small_job(whole):
    table = whole(SyntheticSpec(kind="random"))
    assert table.inputs.shape == (100, 10) and set(table.targets.tolist()) == {0, 1}
    big = whole(SyntheticSpec(kind="random", rows=20_000, classes=4, features=3))
    assert abs(big.inputs.mean() - 0.5) < 0.01 and big.inputs.min() >= 0
    assert np.bincount(big.targets, minlength=4).min() > 4700


def test_the_rows_do_not_change_between_releases(whole):
    found = whole(SyntheticSpec(kind="random", rows=2, features=2, seed=7))
    assert np.allclose(found.inputs, GOLDEN, atol=1e-7), found.inputs.tolist()


GOLDEN = [[0.048739832, 0.810922265], [0.3434349, 0.321819276]]


@pytest.mark.parametrize(
    ("kind", "option"),
    [("xor", "classes"), ("moons", "features"), ("random", "noise"), ("linear", "classes")],
)
def test_options_a_kind_does_not_have(kind, option):
    with pytest.raises(SpecError, match=f"`{kind}` has no option `{option}`"):
        SyntheticSpec(kind=kind, **{option: 3})


@pytest.mark.parametrize(
    "wrong", [{"rows": 0}, {"noise": -1.0}, {"classes": 1}, {"features": 0}, {"seed": -1}]
)
def test_bounds(wrong):
    with pytest.raises(SpecError):
        SyntheticSpec(kind="blobs", **wrong)


def test_D23_too_many_rows(refused):
    from dnn_cli.base.errors import LimitError

    refused(SyntheticSpec(kind="random", rows=10**15), LimitError)
