import numpy as np
import pytest

from dnn_cli.data.warp import Warp

RNG = np.random.default_rng(0)


def images(n, h, w, c):
    return RNG.random((n, h, w, c), dtype=np.float32)


def mapped(old, maps, outside):
    new = old.copy()
    Warp(len(old), old.shape[1:], np.asarray(outside, np.float32)).apply(new, np.asarray(maps))
    return new


def by_definition(old, maps, outside):
    """Every pixel as a sum over all old ones, weighted by tents around q."""
    n, h, w, _ = old.shape
    new = np.empty(old.shape)
    for i, y, x in np.ndindex(n, h, w):
        qy, qx = maps[i] @ (y, x, 1.0)
        tent = np.multiply.outer(
            np.maximum(0, 1 - np.abs(np.arange(h) - qy)),
            np.maximum(0, 1 - np.abs(np.arange(w) - qx)),
        )
        new[i, y, x] = np.tensordot(tent, old[i].astype(float), 2) + (1 - tent.sum()) * outside
    return new


@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 5, 1), (4, 7, 3), (9, 2, 2)])
def test_any_map_is_its_definition(shape):
    old = images(6, *shape)
    maps = RNG.normal(size=(6, 2, 3)) + np.eye(2, 3)
    maps[0, :, 2] = 1e6, -1e6  # nothing of the image is seen
    maps[1] = np.eye(2, 3)
    outside = np.linspace(-0.5, 2, shape[2])
    new = mapped(old, maps, outside)
    np.testing.assert_allclose(new, by_definition(old, maps, outside), atol=1e-5)
    assert (new[0] == outside.astype(np.float32)).all()
    assert np.array_equal(new[1], old[1])


@pytest.mark.parametrize("side", [5, 6])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_right_angles_are_rot90(side, turns):
    old, c = images(3, side, side, 2), (side - 1) / 2
    turn = np.linalg.matrix_power(np.array([[0.0, 1.0], [-1.0, 0.0]]), turns)
    one = np.concatenate([turn, (np.full(2, c) - turn @ np.full(2, c))[:, None]], axis=1)
    new = mapped(old, np.stack([one] * 3), (9, 9))
    assert np.array_equal(new, np.rot90(old, turns, axes=(1, 2)))


@pytest.mark.parametrize(("dy", "dx"), [(0, 0), (1, 0), (0, -2), (3, 1), (-4, 4)])
def test_whole_pixels_are_roll_with_a_border(dy, dx):
    old = images(2, 6, 5, 1)
    framed = np.pad(old, ((0, 0), (6, 6), (6, 6), (0, 0)), constant_values=-1)
    expected = np.roll(framed, (dy, dx), axis=(1, 2))[:, 6:12, 6:11]
    maps = np.array([[[1, 0, -dy], [0, 1, -dx]]] * 2, float)
    assert np.array_equal(mapped(old, maps, (-1,)), expected)


def test_half_a_pixel_is_the_mean_of_two():
    old = images(1, 4, 4, 1)
    new = mapped(old, [[[1, 0, 0.5], [0, 1, 0]]], (0,))
    np.testing.assert_allclose(new[0, :3], (old[0, :3] + old[0, 1:]) / 2, rtol=1e-6)
    np.testing.assert_allclose(new[0, 3], old[0, 3] / 2, rtol=1e-6)


def test_fewer_images_than_rows_and_what_was_there_before():
    warp = Warp(4, (3, 3, 1), np.zeros(1, np.float32))
    warp.apply(images(4, 3, 3, 1), np.stack([np.eye(2, 3)] * 4))
    old = images(2, 3, 3, 1)
    new = old.copy()
    maps = RNG.normal(size=(2, 2, 3))
    warp.apply(new, maps)
    assert np.array_equal(new, mapped(old, maps, (0,)))
