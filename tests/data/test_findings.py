"""What float32 cannot tell apart, and what says nothing, is said by name."""

from __future__ import annotations

import numpy as np
import pytest

from dnn_cli.base.errors import DataError
from dnn_cli.config.load import load_config
from dnn_cli.data.findings import merged_columns, sample_of, silent_columns
from dnn_cli.data.prepare import prepare
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


def table_of(folder, options="", **columns):
    """Prepared data of a table of whole numbers, words and targets, written as text."""
    lines = [
        ",".join(columns),
        *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True)),
    ]
    (folder / "t.csv").write_text("\n".join([*lines, ""]))
    (folder / "t.yaml").write_text(f"data: {{source: t.csv, target: y{options}}}\n")
    return prepare(load_config(str(folder / "t.yaml")).spec.data)


WHOLE = [int(step) for step in STEPS[:600]]
LABELS = ["low" if step < 1000 else "high" for step in WHOLE]


@pytest.mark.parametrize(
    "scale", ["auto", "minmax", "robust", "robust_smooth_clip", "quantile", "unit", "none"]
)
@pytest.mark.parametrize("start", [9 * 10**17, -(2**62), 10**25])
def test_cells_that_float64_makes_one_are_counted_with_the_name(tmp_path, start, scale):
    written = [start + step for step in WHOLE]
    found = table_of(tmp_path, f", scale: {scale}", a=WHOLE, n=written, y=LABELS)
    said = f"600 different whole numbers are {len(set(map(float, written)))} in float64"
    said = "600 different whole numbers, all 1e+25 in float64" if start == 10**25 else said
    assert any("column `n`" in note and said in note for note in found.notes)
    assert not any("column `a`" in note and "float" in note for note in found.notes)


@pytest.mark.parametrize("numbers", [[1.7e12 + k for k in WHOLE], [f"{k}e20" for k in WHOLE]])
def test_numbers_that_float64_holds_are_not_spoken_of(tmp_path, numbers):
    found = table_of(tmp_path, n=[n if isinstance(n, str) else int(n) for n in numbers], y=LABELS)
    assert not any("float64" in note for note in found.notes)


def test_as_names_they_are_all_different(tmp_path):
    options = ", columns: {n: {type: category, min_count: 1}}"
    found = table_of(tmp_path, options, n=[10**25 + step for step in WHOLE], y=LABELS)
    assert len(np.unique(found.train.inputs)) == 600


@pytest.mark.parametrize("far", [9 * 10**17, 10**18])
def test_targets_that_float64_makes_one_are_counted(tmp_path, far):
    written = [far + step for step in WHOLE]
    kept = len(set(map(float, written)))
    notes = table_of(tmp_path, a=WHOLE, y=written).notes
    assert any(f"target `y`: 600 different values are {kept} in float64" in n for n in notes)
    np.savez(tmp_path / "t.npz", x=np.eye(600, 3), y=np.array(written))
    (tmp_path / "n.yaml").write_text("data: {source: t.npz}\n")
    notes = prepare(load_config(str(tmp_path / "n.yaml")).spec.data).notes
    assert any(f"target `target`: 600 different values are {kept} in float64" in n for n in notes)


def test_targets_that_only_float32_makes_one_want_to_be_scaled(tmp_path):
    targets = [1e6 + step / 1000 for step in WHOLE]
    kept = len(np.unique(np.array(targets, np.float32)))
    notes = table_of(tmp_path, ", target_scale: none", a=WHOLE, y=targets).notes
    (said,) = [note for note in notes if note.startswith("target `y`")]
    assert said.startswith(f"target `y`: 600 different values are {kept} in float32")
    assert "`target_scale: standard`" in said
    notes = table_of(tmp_path, a=WHOLE, y=targets).notes
    assert not any(note.startswith("target `y`") for note in notes)


def test_targets_of_which_nothing_is_left_are_refused(tmp_path):
    targets = [1e9 + step / 1000 for step in WHOLE]
    with pytest.raises(
        DataError, match=r"600 different values .* all the same in float32"
    ) as error:
        table_of(tmp_path, ", target_scale: none", a=WHOLE, y=targets)
    assert "target_scale: standard" in error.value.problems[0].fix
    with pytest.raises(DataError, match="all the same in float32") as error:
        table_of(tmp_path, a=WHOLE, y=[10**25 + step for step in WHOLE])
    assert "subtract a constant" in error.value.problems[0].fix


def test_one_far_target_hides_the_others(tmp_path):
    targets = [*[step + 0.5 for step in WHOLE[1:]], 1e12]
    notes = table_of(tmp_path, a=WHOLE, y=targets).notes
    assert any("target `y`: 600 different values are" in n and "(standard)" in n for n in notes)
