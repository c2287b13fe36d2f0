import itertools

import numpy as np
import pytest

from dnn_cli.base.task import Task
from dnn_cli.data.batches import Batches
from dnn_cli.data.dataset import Dataset
from dnn_cli.data.scaling import Scaling


def numbered(rows):
    inputs = np.arange(rows, dtype=np.float32).reshape(-1, 1)
    return Dataset(inputs, np.arange(rows), Scaling("none"), Task("binary", 2, ("a", "b")))


def drawn(batches, epoch):
    x, t = batches.dataset.buffers(batches.batch_size)
    found = []
    for step in range(batches.steps):
        t.fill(-1)
        count = batches.rows(step)
        batches.fill(epoch, step, x[:count], t[:count])
        assert (t[count:] == -1).all()
        np.testing.assert_array_equal(x[:count, 0], t[:count])
        found.append(t[:count].tolist())
    return found


@pytest.mark.parametrize(
    ("rows", "size", "counts"),
    [(10, 4, [4, 4, 2]), (8, 4, [4, 4]), (5, 1, [1] * 5), (5, 9, [5]), (5, "full", [5])],
)
def test_every_row_once_an_epoch_and_a_small_last_batch(rows, size, counts):
    batches = Batches(numbered(rows), size, seed=1)
    found = drawn(batches, 0)
    assert [len(batch) for batch in found] == counts
    assert sorted(itertools.chain(*found)) == list(range(rows))
    assert batches.steps == len(counts)
    assert batches.batch_size == max(counts)


def test_any_step_can_be_drawn_without_those_before():
    whole = [drawn(Batches(numbered(50), 8, seed=3), epoch) for epoch in range(3)]
    again = Batches(numbered(50), 8, seed=3)
    x, t = again.dataset.buffers(3)
    again.fill(2, 5, x, t, first=4)
    assert t.tolist() == whole[2][5][4:7]
    assert whole[0] != whole[1] != whole[2]
    assert drawn(Batches(numbered(50), 8, seed=4), 0) != whole[0]
    assert whole[0] != [list(range(50))[i : i + 8] for i in range(0, 50, 8)]


def test_orders_are_intp_permutations_in_one_buffer():
    batches = Batches(numbered(1000), 10, seed=0)
    first = batches.order(0)
    kept = first.copy()
    assert first.dtype == np.intp
    assert np.array_equal(np.sort(first), np.arange(1000))
    second = batches.order(1)
    assert second is first
    assert not np.array_equal(second, kept)
    assert np.array_equal(batches.order(0), kept)


def test_a_full_batch_keeps_the_order():
    batches = Batches(numbered(7), "full", seed=0)
    assert drawn(batches, 0) == drawn(batches, 5) == [list(range(7))]


@pytest.mark.parametrize(("rows", "size"), [(0, 4), (0, "full"), (4, 0), (4, -1)])
def test_refused(rows, size):
    with pytest.raises(ValueError, match="batches of"):
        Batches(numbered(rows), size, seed=0)
