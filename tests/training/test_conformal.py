"""Intervals and sets: the quantile rule by hand, and coverage within binomial noise."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from dnn_cli.base.errors import UsageError
from dnn_cli.base.task import Task
from dnn_cli.training.conformal import Scores, coverage_of, fits, quantile, rank_of, scores_of

ONE = Task("regression", 1, ("y",))
TWO = Task("regression", 2, ("y", "z"))
THREE = Task("multiclass", 3, ("a", "b", "c"))


@pytest.mark.parametrize(
    ("level", "rows", "rank"),
    [(0.9, 9, 9), (0.9, 10, 10), (0.9, 19, 18), (0.9, 99, 90), (0.9, 100, 91), (0.7, 9, 7),
     (0.1, 9, 1), (0.07, 99, 7), (0.14, 99, 14), (0.55, 99, 55), (0.5, 1, 1)],
)  # fmt: skip
def test_the_rank_is_that_of_exact_fractions(level: float, rows: int, rank: int) -> None:
    """ceil((rows + 1) level), where floats say 7.000000000000001 and then 8."""
    assert rank_of(level, rows) == rank


def test_the_quantile_by_hand() -> None:
    errors = np.array([[0.4], [-0.1], [0.3], [-0.2], [0.5], [0.9], [-0.7], [0.6], [0.8]])
    scores = scores_of(errors, np.zeros((9, 1)), ONE)
    assert scores is not None and scores.rows == 9
    np.testing.assert_array_equal(quantile(scores, 0.9), [0.9])
    np.testing.assert_array_equal(quantile(scores, 0.8), [0.8])
    np.testing.assert_array_equal(quantile(scores, 0.75), [0.8])  # ceil(7.5) = 8
    np.testing.assert_array_equal(quantile(scores, 0.5), [0.5])
    with pytest.raises(UsageError, match=r"0\.91 needs 11 validation rows, the model .* with 9"):
        quantile(scores, 0.91)


def test_classes_by_hand() -> None:
    p = np.array([[0.7, 0.2, 0.1], [0.1, 0.5, 0.4], [0.2, 0.2, 0.6]], np.float32)
    scores = scores_of(p, np.array([0, 2, 2]), THREE)
    assert scores is not None
    np.testing.assert_allclose(scores.kept, [0.3, 0.4, 0.6], atol=1e-7)
    # Level 0.5 takes rank 2, 0.4: of the classes those with p >= 0.6.
    (found,) = coverage_of(scores, 0.5, p, np.array([0, 2, 1]), THREE).values()
    assert (found.coverage, found.size) == (1 / 3, 2 / 3)


@pytest.mark.parametrize("rows", [4096, 4097, 30_000])
def test_what_is_kept_is_never_narrower_and_hardly_wider(rows: int) -> None:
    rng = np.random.Generator(np.random.Philox(1))
    errors = rng.normal(size=(rows, 2))
    found = scores_of(errors, np.zeros_like(errors), TWO)
    assert found is not None and len(found.kept) == 4096 and fits(found, TWO)
    whole = np.sort(np.abs(errors), axis=0)
    for level in (0.001, 0.5, 0.9, 0.99, 0.9997):
        k = math.ceil((rows + 1) * level)
        q = quantile(found, level)
        assert (q >= whole[k - 1]).all()
        assert (q <= whole[min(k - 1 + -(-rows // 4096), rows - 1)]).all()


def test_many_targets_keep_fewer() -> None:
    task = Task("regression", 100, tuple(map(str, range(100))))
    errors = np.random.Generator(np.random.Philox(1)).normal(size=(5000, 100))
    found = scores_of(errors, np.zeros_like(errors), task)
    assert found is not None and found.kept.size <= 1 << 16 and fits(found, task)


def test_coverage_on_new_rows() -> None:
    """Within 4 deviations, of calibration and test rows together, of the level."""
    rng = np.random.Generator(np.random.Philox(2))
    n = 20_000
    errors = rng.standard_t(3, size=(2 * n, 1))
    scores = scores_of(errors[:n], np.zeros((n, 1)), ONE)
    z = rng.normal(size=(2 * n, 3)) * 2
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    truth = (rng.random((2 * n, 1)) > p.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    p = p.astype(np.float32)
    classes = scores_of(p[:n], truth[:n], THREE)
    assert scores is not None and classes is not None
    for level in (0.5, 0.8, 0.9, 0.99):
        noise = 4 * math.sqrt(2) * binom.std(n, level) / n
        zeros = np.zeros((n, 1))
        (number,) = coverage_of(scores, level, errors[n:], zeros, ONE).values()
        (group,) = coverage_of(classes, level, p[n:], truth[n:], THREE).values()
        assert number.coverage == pytest.approx(level, abs=noise)
        assert group.coverage == pytest.approx(level, abs=noise)


def test_nothing_is_kept_of_what_has_no_score() -> None:
    values = np.zeros((4, 2))
    assert scores_of(values, values, Task("multilabel", 2, ("a", "b"))) is None
    assert scores_of(np.full((4, 2), np.nan), values, TWO) is None


@pytest.mark.parametrize(
    "scores",
    [
        Scores(3, np.array([0.1, 0.2])), Scores(2, np.array([0.2, 0.1])), Scores(0, np.zeros(0)),
        Scores(1, np.array([np.inf])), Scores(1, np.array([-0.1])), Scores(1, np.zeros((1, 1))),
        Scores(1, np.zeros(1, np.float32)), Scores(1, np.array([0.1, 0.2])),
    ],
)  # fmt: skip
def test_what_cannot_be(scores: Scores) -> None:
    assert not fits(scores, THREE)
