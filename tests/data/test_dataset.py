import tracemalloc

import numpy as np
import pytest

from dnn_cli.base.task import Task
from dnn_cli.data.batches import Batches
from dnn_cli.data.dataset import Dataset
from dnn_cli.data.scaling import Scaling, fit_scaling
from dnn_cli.data.statistics import statistics_of

CLASSES = Task("multiclass", 10, tuple("0123456789"))


def make(dtype="bytes", shape=(3, 4, 2), rows=57, scale="standard", task=CLASSES):
    rng = np.random.default_rng(0)
    inputs = rng.integers(0, 256, (rows, *shape), dtype=np.uint8)
    scaling = fit_scaling(scale, statistics_of(inputs))
    expected = np.empty(inputs.shape, np.float32)
    scaling.apply(inputs, expected)
    if task.classifies:
        targets = rng.integers(0, 10, rows)
    elif task.kind == "reconstruction":
        targets = None
    else:
        targets = rng.normal(size=(rows, task.count)).astype(np.float32)
    if dtype == "numbers":
        return Dataset(expected.copy(), targets, scaling, task), expected
    return Dataset(inputs, targets, scaling, task), expected


TASKS = {
    "classes": CLASSES,
    "regression": Task("regression", 2, ("a", "b")),
    "reconstruction": Task("reconstruction", 24),
}


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS.keys())
@pytest.mark.parametrize("scale", ["none", "unit", "standard", "robust"])
@pytest.mark.parametrize("dtype", ["bytes", "numbers"])
def test_gather_and_slice_are_indexing(dtype, scale, task):
    data, expected = make(dtype, scale=scale, task=task)
    targets = expected.reshape(57, -1) if data.targets is None else data.targets
    assert (data.rows, data.input_shape, data.labelled) == (57, (3, 4, 2), True)
    for count in (16, 5, 31):  # the buffer of bytes grows, and is used in part
        rows = np.random.default_rng(count).permutation(57)[:count]
        x, t = data.buffers(count)
        assert t.dtype == targets.dtype
        assert t.shape == (count, *targets.shape[1:]) == (count, *data.target_shape)
        x.fill(np.nan)
        data.gather(rows, x, t)
        assert x.dtype == np.float32
        np.testing.assert_array_equal(x, expected[rows])
        np.testing.assert_array_equal(t, targets[rows])
        data.slice(7, 7 + count, x, t)
        np.testing.assert_array_equal(x, expected[7 : 7 + count])
        np.testing.assert_array_equal(t, targets[7 : 7 + count])


@pytest.mark.parametrize("dtype", ["bytes", "numbers"])
def test_without_targets(dtype):
    data, expected = make(dtype)
    data = Dataset(data.inputs, None, data.scaling, CLASSES)
    assert not data.labelled
    x, t = data.buffers(4)
    assert t is None
    data.slice(0, 4, x, None)
    data.gather(np.arange(4), x, None)
    np.testing.assert_array_equal(x, expected[:4])
    with pytest.raises(ValueError, match="no targets"):
        data.slice(0, 4, x, np.empty(4, np.int64))
    with pytest.raises(ValueError, match="no targets"):
        data.gather(np.arange(4), x, np.empty(4, np.int64))


@pytest.mark.parametrize("shape", [(24,), (3, 4, 2)], ids=["flat", "image"])
@pytest.mark.parametrize("dtype", ["bytes", "numbers"])
@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS.keys())
def test_thousands_of_batches_allocate_nothing(dtype, task, shape):
    data, _ = make(dtype, shape, rows=7000, task=task)
    batches = Batches(data, 2000, seed=0)
    x, t = data.buffers(2000)

    def epoch():
        for step in range(batches.steps):
            m = batches.rows(step)
            batches.fill(0, step, x[:m], None if t is None else t[:m])

    epoch()
    tracemalloc.start()
    try:
        epoch()
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        for _ in range(300):
            epoch()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 1000  # bytes after 1200 batches
    # NumPy itself iterates over an image through a buffer of 32 KB, whatever the batch
    assert peak - before < (5000 if shape == (24,) else 40_000)  # a batch is 192,000 bytes


def test_scaling_of_bytes_is_applied_when_gathered():
    inputs = np.array([[0, 255], [51, 102]], dtype=np.uint8)
    data = Dataset(inputs, np.zeros(2, np.int64), Scaling("none"), CLASSES)
    x, t = data.buffers(2)
    data.gather(np.array([1, 0]), x, t)
    np.testing.assert_array_equal(x, [[51, 102], [0, 255]])
    assert data.inputs is inputs
