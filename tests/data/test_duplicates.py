import numpy as np
import pytest

from dnn_cli.data.duplicates import row_hashes, shared_rows


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("shape", [(1,), (3,), (8,), (4, 4, 3)])
def test_equal_rows_and_only_those_share_a_hash(dtype, shape):
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 3, (40_000, *shape)).astype(dtype)
    flat = rows.reshape(len(rows), -1)
    _, expected = np.unique(flat, axis=0, return_inverse=True)
    _, found = np.unique(row_hashes(rows), return_inverse=True)
    pairs = np.unique(np.stack([expected.reshape(-1), found], axis=1), axis=0)
    assert len(pairs) == expected.max() + 1 == found.max() + 1


def test_words_count_by_their_place_and_to_their_top_bit():
    rows = np.zeros((4, 16), dtype=np.uint8)
    rows[1, 7], rows[2, 15], rows[3, [7, 15]] = 128, 128, 128
    assert len(set(row_hashes(rows).tolist())) == 4
    assert len(set(row_hashes(np.array([[1.0, 2.0], [2.0, 1.0]])).tolist())) == 2


def test_shared_rows():
    train = np.arange(20, dtype=np.float32).reshape(10, 2)
    test = np.concatenate([train[[3, 3, 7]], train[:4] + 0.5])
    assert shared_rows(test, train) == 3
    assert shared_rows(test[3:], train) == 0
