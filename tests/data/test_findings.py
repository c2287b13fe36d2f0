"""What float32 cannot tell apart, and what says nothing, is said by name."""

from __future__ import annotations

import numpy as np
import pytest

from dnn_cli.data.findings import merged_columns, sample_of, silent_columns
from dnn_cli.data.scaling import fit_scaling
from dnn_cli.data.statistics import statistics_of

RNG = np.random.default_rng(4)
STEPS = RNG.permutation(2000).astype(np.float64)


def merged(columns, kind="standard"):
    scaling = fit_scaling(kind, statistics_of(columns))
    return merged_columns(columns, scaling, ("a", "b"))


@pytest.mark.parametrize("kind", ["standard", "minmax", "robust"])
def test_milliseconds_since_1970_are_told_apart(kind):
    assert merged(np.stack([1.7e12 + 10 * STEPS, STEPS], axis=1), kind) == []


def test_without_scaling_they_are_not():
    (note,) = merged(np.stack([1.7e12 + 10 * STEPS, STEPS], axis=1), "none")
    kept = len(np.unique((1.7e12 + 10 * STEPS).astype(np.float32)))
    assert note.startswith(f"column `a`: 2,000 different values are {kept} in float32 after")


def test_one_zero_among_them_hides_the_others():
    times = 1.7e12 + 10 * STEPS
    times[7] = 0
    scaled = ((times - times.mean()) / times.std()).astype(np.float32)
    (note,) = merged(np.stack([STEPS, times], axis=1))
    assert note.startswith(f"column `b`: 2,000 different values are {len(np.unique(scaled)):,} in")


@pytest.mark.parametrize("columns", [1, 20, 3000])
def test_ordinary_numbers_lose_nothing_worth_a_word(columns):
    rows = RNG.standard_normal((20_000 if columns < 100 else 500, columns))
    rows[:, 0] = np.exp(3 * rows[:, 0])  # a long tail
    assert merged_columns(rows, fit_scaling("standard", statistics_of(rows)), None) == []


def test_a_sample_is_bounded_and_even():
    rows = np.arange(3_000_000.0).reshape(-1, 3)
    sample = sample_of(rows)
    assert sample.size < 3 << 20 and len(sample) > 300_000
    assert (np.diff(sample[:, 0]) == sample[1, 0]).all()
    sample[...] = 0
    assert rows[1, 0] == 3
    assert len(sample_of(rows[:50])) == 50


def test_columns_without_use_are_named():
    train = np.stack([np.full(50, 3.5), 1 + np.arange(50) % 2 * 2e-16, STEPS[:50]], axis=1)
    statistics = statistics_of(train)
    found = silent_columns(statistics, fit_scaling("standard", statistics), ("a", "b", "c"))
    assert found == [
        "constant in training, so of no use: 1 column(s): a",
        "varying no more in training than its type rounds, so of no use: 1 column(s): b",
    ]
