import tracemalloc

import numpy as np
import pytest

from dnn_cli.base.random import Purpose, stream
from dnn_cli.base.spec import SpecError
from dnn_cli.base.task import Task
from dnn_cli.data import augment
from dnn_cli.data.augment import Augmenter, AugmentSpec
from dnn_cli.data.batches import Batches
from dnn_cli.data.dataset import Dataset
from dnn_cli.data.scaling import Scaling, fit_scaling
from dnn_cli.data.statistics import statistics_of

RNG = np.random.default_rng(0)
SHAPE = (6, 8, 2)
BLACK = np.float32([-1, 2])
CLASSES = Task("binary", 2, ("a", "b"))
ALL = AugmentSpec(shift=2, rotation=30, zoom=0.3, flip=True, noise=0.1, cutout=3)


def images(n=5, shape=SHAPE):
    return RNG.random((n, *shape), dtype=np.float32)


def chances(n=5, y=0.5, x=0.5, turn=0.5, size=0.5, flip=0.9, cy=0.5, cx=0.5):
    return np.tile([y, x, turn, size, flip, cy, cx], (n, 1))


def changed(old, drawn, black=BLACK, **options):
    augmenter = Augmenter(AugmentSpec(**options), old.shape[1:], black)
    new = old.copy()
    augmenter.move(new, drawn)
    augmenter.spoil(new, drawn, stream(0, Purpose.AUGMENT))
    return new


def rolled(old, dy, dx):
    h, w = old.shape[1:3]
    framed = np.broadcast_to(BLACK, (len(old), 3 * h, 3 * w, 2)).copy()
    framed[:, h : 2 * h, w : 2 * w] = old
    return np.roll(framed, (dy, dx), axis=(1, 2))[:, h : 2 * h, w : 2 * w]


def test_the_middle_of_all_draws_changes_nothing():
    old = images()
    assert np.array_equal(changed(old, chances(), shift=2, flip=True), old)
    assert np.array_equal(changed(old, chances(), shift=2, rotation=9, zoom=0.5, flip=True), old)


@pytest.mark.parametrize("more", [{}, {"zoom": 1e-9}], ids=["copied", "mapped"])
def test_shift_is_roll_with_a_black_border(more):
    old = images()
    for i, dy in enumerate(range(-3, 4)):
        for k, dx in enumerate(range(-3, 4)):
            drawn = chances(y=(i + 0.5) / 7, x=(k + 0.5) / 7)
            new = changed(old, drawn, shift=3, **more)
            np.testing.assert_allclose(new, rolled(old, dy, dx), atol=1e-6)


@pytest.mark.parametrize("more", [{}, {"zoom": 1e-9}], ids=["copied", "mapped"])
def test_flip_comes_before_the_shift(more):
    old = images()
    drawn = chances(flip=0.49)
    np.testing.assert_allclose(changed(old, drawn, flip=True, **more), old[:, :, ::-1], atol=1e-6)
    drawn = chances(flip=0.49, x=0.99, y=0.01)
    expected = rolled(old[:, :, ::-1], -2, 2)
    np.testing.assert_allclose(changed(old, drawn, flip=True, shift=2, **more), expected, atol=1e-6)
    np.testing.assert_allclose(changed(old, drawn, shift=2, **more), rolled(old, -2, 2), atol=1e-6)


@pytest.mark.parametrize(("turn", "turns"), [(1, 1), (0, -1), (0.5, 0)])
def test_rotation_is_counter_clockwise(turn, turns):
    old = images(shape=(7, 7, 2))
    new = changed(old, chances(turn=turn), rotation=90)
    np.testing.assert_allclose(new, np.rot90(old, turns, axes=(1, 2)), atol=1e-5)
    new = changed(old, chances(turn=turn), rotation=180)
    np.testing.assert_allclose(new, np.rot90(old, 2 * turns, axes=(1, 2)), atol=1e-5)


def test_zoom_is_about_the_centre():
    ramp = np.zeros((1, 9, 9, 2), np.float32)
    ramp[..., 0], ramp[..., 1] = np.mgrid[-4:5, -4:5]
    new = changed(ramp, chances(1, size=1), zoom=0.6)
    np.testing.assert_allclose(new, ramp / 1.6, atol=1e-6)
    new = changed(ramp, chances(1, size=0), zoom=0.5)
    np.testing.assert_allclose(new[:, 2:7, 2:7], 2 * ramp[:, 2:7, 2:7], atol=1e-6)
    assert (new[:, 0] == BLACK).all() and (new[:, :, 8] == BLACK).all()


def test_all_together_are_one_map_forwards():
    """A bright pixel goes where the transformation, written forwards, sends it."""
    spec = {"shift": 3, "rotation": 40, "zoom": 0.2, "flip": True}
    drawn = RNG.random((40, 7))
    old = np.zeros((40, 31, 25, 1), np.float32)
    start = np.array([18.0, 9.0])
    old[:, 18, 9] = 1
    new = changed(old, drawn, np.zeros(1, np.float32), **spec)[..., 0].astype(float)
    centre = np.array([15.0, 12.0])
    for image, (y, x, turn, size, flip, _, _) in zip(new, drawn, strict=True):
        angle, zoom = np.deg2rad(40 * (2 * turn - 1)), 0.8 + 0.4 * size
        at = start - centre
        at[1] *= -1 if flip < 0.5 else 1
        turned = complex(at[1], -at[0]) * np.exp(1j * angle)  # the y axis of images points down
        goal = centre + zoom * np.array([-turned.imag, turned.real])
        goal += np.floor(7 * np.array([y, x])) - 3
        grid = np.stack(np.mgrid[:31, :25], -1)
        found = (grid * image[..., None]).sum((0, 1)) / image.sum()
        np.testing.assert_allclose(found, goal, atol=0.4)  # the mean of a sampled tent
        assert 0.4 < image.sum() < 2


@pytest.mark.parametrize("side", [1, 2, 3])
@pytest.mark.parametrize(("cy", "cx"), [(0, 0), (0.5, 0.5), (0.999, 0.2), (0.3, 0.999)])
def test_cutout_is_one_square_around_a_pixel_of_the_image(side, cy, cx):
    old = images()
    new = changed(old, chances(cy=cy, cx=cx), cutout=side)
    y, x = int(cy * 6) - side // 2, int(cx * 8) - side // 2
    inside = np.zeros((6, 8), bool)
    for i, k in np.ndindex(side, side):
        if 0 <= y + i < 6 and 0 <= x + k < 8:
            inside[y + i, x + k] = True
    assert np.array_equal(new[:, ~inside], old[:, ~inside])
    assert inside.any() and (new[:, inside] == BLACK).all()


def test_noise_is_normal_and_independent():
    old = np.full((300, 20, 15, 1), 2, np.float32)
    noise = (changed(old, chances(300), np.zeros(1), noise=0.3) - 2).astype(float) / 0.3
    n = noise.size
    for power, expected, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((noise**power).mean() - expected) < 5 * np.sqrt(variance / n)
    assert abs((np.abs(noise) < 1).mean() - 0.6826895) < 5 * 0.466 / np.sqrt(n)
    flat = noise.reshape(300, -1)
    assert abs((flat[:, 1:] * flat[:, :-1]).mean()) < 5 / np.sqrt(n)  # neighbours
    assert np.abs(np.corrcoef(flat) - np.eye(300)).max() < 6 / np.sqrt(300)  # examples
    assert len(np.unique(flat, axis=0)) == 300


def test_noise_of_an_odd_number_of_pixels():
    old = images(1, (3, 3, 1))
    new = changed(old, chances(1), np.zeros(1), noise=0.1)
    assert np.isfinite(new).all() and (new != old).all()


@pytest.mark.parametrize("options", [{"shift": 2}, {"rotation": 9}, {"noise": 0.1}, {"cutout": 2}])
def test_batches_larger_than_a_block(options, monkeypatch):
    old, drawn = images(50), RNG.random((50, 7))
    once = changed(old, drawn, **options)
    monkeypatch.setattr(augment, "BLOCK", 6 * 8 * 8)  # 8 images: 6 blocks and a small one
    again = changed(old, drawn, **options)
    assert (again != old).any()
    if "noise" in options:
        assert abs(np.std(again - old) - 0.1) < 0.01
    else:
        assert np.array_equal(once, again)


def test_one_change_more_leaves_the_others_as_they_were():
    old = images(200)
    few = Batches(dataset(old), 200, 1, AugmentSpec(shift=2))
    more = Batches(dataset(old), 200, 1, AugmentSpec(shift=2, cutout=1))
    one, other = filled(few, 3, 0)[0], filled(more, 3, 0)[0]
    cut = (one != other).any(axis=3).sum(axis=(1, 2))
    assert cut.max() == 1 and cut.sum() > 100  # the others were cut where they are black


def dataset(inputs, targets=None, scaling=None, task=CLASSES):
    targets = np.arange(len(inputs)) % 2 if targets is None else targets
    return Dataset(inputs, targets, scaling or Scaling("none"), task)


def filled(batches, epoch, index):
    x, t = batches.dataset.buffers(batches.rows(index))
    batches.fill(epoch, index, x, t)
    return x, t


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("size", [8, "full"])
def test_the_same_epoch_and_batch_are_the_same_bits(dtype, size):
    inputs = (images(30) * 255).astype(dtype)
    kept = inputs.copy()
    through = Batches(dataset(inputs), size, 7, ALL)
    seen = {
        (epoch, index): filled(through, epoch, index)
        for epoch in range(3)
        for index in range(through.steps)
    }
    for (epoch, index), (x, t) in reversed(seen.items()):
        resumed = filled(Batches(dataset(inputs), size, 7, ALL), epoch, index)
        assert resumed[0].tobytes() == x.tobytes() and np.array_equal(resumed[1], t)
    assert len({x.tobytes() for x, _ in seen.values()}) == len(seen)
    other = filled(Batches(dataset(inputs), size, 8, ALL), 0, 0)[0]
    assert other.tobytes() != seen[0, 0][0].tobytes()
    assert np.array_equal(inputs, kept)  # the data set itself is never changed


def test_each_example_has_its_own_draw_of_the_whole_range():
    inputs = np.zeros((400, 9, 9, 1), np.float32)
    inputs[:, 4, 4] = 1
    x, _ = filled(Batches(dataset(inputs), "full", 0, AugmentSpec(shift=2)), 0, 0)
    _, y, x = np.nonzero(x[..., 0])
    counts = np.zeros((9, 9), int)
    np.add.at(counts, (y, x), 1)
    assert counts.sum() == 400 and counts[2:7, 2:7].sum() == 400
    assert counts[2:7, 2:7].min() > 2 and counts.max() < 40  # 16 expected in each


def test_batches_of_an_epoch_have_their_own_draws():
    inputs = np.repeat(images(1), 40, axis=0)
    batches = Batches(dataset(inputs), 20, 0, AugmentSpec(shift=2, rotation=20))
    one, other = filled(batches, 0, 0)[0], filled(batches, 0, 1)[0]
    assert (one != other).any(axis=(1, 2, 3)).all()


def test_about_half_are_mirrored():
    inputs = np.zeros((1000, 3, 4, 1), np.float32)
    inputs[:, 1, 0] = 1
    x, _ = filled(Batches(dataset(inputs), "full", 0, AugmentSpec(flip=True)), 0, 0)
    assert 420 < x[:, 1, 3].sum() < 580 and x.sum() == 1000


def test_black_is_what_a_zero_becomes():
    inputs = RNG.integers(0, 256, (20, *SHAPE), dtype=np.uint8)
    scaling = fit_scaling("standard", statistics_of(inputs))
    data = dataset(inputs, scaling=scaling)
    x, _ = filled(Batches(data, 20, 0, AugmentSpec(cutout=5)), 0, 0)
    black = ((0 - scaling.shift) * scaling.scale).astype(np.float32)
    assert (np.isclose(x, black, rtol=1e-6).all(axis=3).sum(axis=(1, 2)) >= 9).all()


def test_targets_that_are_inputs_move_along_without_the_noise():
    task = Task("reconstruction", 96)
    inputs = images(16)
    data = Dataset(inputs, None, Scaling("none"), task)
    moved, targets = filled(Batches(data, 4, 0, AugmentSpec(shift=2, rotation=20)), 1, 2)
    assert np.array_equal(targets, moved.reshape(4, 96))
    noisy = AugmentSpec(shift=2, rotation=20, noise=0.1, cutout=3)
    spoilt, same = filled(Batches(data, 4, 0, noisy), 1, 2)
    assert np.array_equal(same, targets) and (spoilt != moved).any(axis=(1, 2, 3)).all()


def test_validation_is_never_changed():
    inputs = (images(12) * 255).astype(np.uint8)
    data, valid = dataset(inputs), dataset(inputs[:4])
    batches = Batches(data, 4, 0, ALL)
    filled(batches, 0, 0)
    x, t = valid.buffers(4)
    valid.slice(0, 4, x, t)
    assert np.array_equal(x, inputs[:4])
    data.slice(0, 4, x, t)  # how training rows are evaluated
    assert np.array_equal(x, inputs[:4])


def test_nothing_in_use_is_nothing_done():
    assert not AugmentSpec().active
    vectors = dataset(np.zeros((4, 3), np.float32))
    filled(Batches(vectors, 2, 0, AugmentSpec()), 0, 0)
    for option in ("shift", "rotation", "zoom", "flip", "noise", "cutout"):
        assert AugmentSpec(**{option: True if option == "flip" else 0.5}).active


@pytest.mark.parametrize(
    ("options", "shape", "path", "message"),
    [
        ({"flip": True}, (8,), (), "only images can be augmented"),
        ({"flip": True}, (8, 8), (), r"examples have the shape \(8, 8\)"),
        ({"shift": 6}, SHAPE, ("shift",), "6 pixels of images of 6x8 leave none"),
        ({"cutout": 7}, SHAPE, ("cutout",), "leave none"),
    ],
)
def test_inputs_that_cannot_be_augmented(options, shape, path, message):
    with pytest.raises(SpecError, match=message) as caught:
        AugmentSpec(**options).check_shape(shape)
    assert caught.value.path == path
    AugmentSpec(shift=5, cutout=5).check_shape(SHAPE)


@pytest.mark.parametrize(
    "options", [{"shift": -1}, {"zoom": 1.0}, {"rotation": 181}, {"noise": float("nan")}]
)
def test_bounds(options):
    with pytest.raises(SpecError):
        AugmentSpec(**options)


def test_memory_does_not_grow_with_the_batch():
    x = np.zeros((20_000, 28, 28, 1), np.float32)
    augmenter = Augmenter(ALL, (28, 28, 1), np.zeros(1, np.float32))
    rng = stream(0, Purpose.AUGMENT)
    tracemalloc.start()
    try:
        drawn = augmenter.draw(rng, len(x))
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        augmenter.move(x, drawn)
        augmenter.spoil(x, drawn, rng)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak - before < 8 << 20  # the maps and corners; a batch is 63 MB
