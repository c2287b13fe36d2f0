import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnn_cli.base.errors import DataError
from dnn_cli.data.place import Place
from dnn_cli.data.prepare import Prepared, prepare
from dnn_cli.data.sources.csv import CsvSpec
from dnn_cli.data.spec import DataSpec, SplitSpec
from dnn_cli.data.split import (
    Parts,
    counted,
    leaves_room,
    part_sizes,
    partition,
    rare_classes,
    split_by_column,
    split_by_share,
)

shares = st.floats(0, 0.49).filter(lambda x: x == 0 or x > 0.01)


@pytest.mark.parametrize(
    ("rows", "valid", "test", "expected"),
    [
        (10, 0.2, 0.1, (7, 2, 1)),
        (150, 0.1, 0.1, (120, 15, 15)),
        (10, 0.25, 0.25, (5, 3, 2)),  # 2.5 each: the tie goes to validation
        (3, 1 / 3, 1 / 3, (1, 1, 1)),
        (7, 0.1, 0.0, (6, 1, 0)),
        (60000, 0.1, 0.0, (54000, 6000, 0)),
    ],
)
def test_sizes(rows, valid, test, expected):
    assert part_sizes(rows, valid, test) == expected


@pytest.mark.parametrize(
    ("rows", "valid", "test", "name"),
    [(4, 0.1, 0.0, "valid"), (3, 0.45, 0.45, "train"), (9, 0.5, 0.04, "test")],
)
def test_an_empty_part_is_refused(rows, valid, test, name):
    with pytest.raises(DataError, match=f"the {name} part would be empty"):
        part_sizes(rows, valid, test)


@given(st.integers(2, 3000), shares, shares, st.integers(0, 2**70), st.integers(1, 6), st.data())
def test_parts_are_exact_disjoint_complete_and_stratified(rows, valid, test, seed, count, data):
    if valid + test == 0:
        valid = 0.3
    split = SplitSpec(valid=valid, test=test, seed=seed)
    strata = np.random.default_rng(seed).integers(0, count, rows) if count > 1 else None
    try:
        sizes = part_sizes(rows, valid, test)
    except DataError:
        return
    assert sum(sizes) == rows
    for size, share in zip(sizes, (1 - valid - test, valid, test), strict=True):
        assert abs(size - rows * share) < 1
    parts = split_by_share(rows, split, strata)
    assert tuple(map(len, (parts.train, parts.valid, parts.test))) == sizes
    together = np.concatenate([parts.train, parts.valid, parts.test])
    np.testing.assert_array_equal(np.sort(together), np.arange(rows))
    assert all((np.diff(part) > 0).all() for part in (parts.train, parts.valid, parts.test))
    if strata is None:
        return
    totals = np.bincount(strata, minlength=count)
    for rows_of, size, within in (
        (parts.test, sizes[2], 1),
        (parts.valid, sizes[1], 2 if test else 1),
    ):
        shares_of_classes = totals * size / rows
        assert (
            abs(np.bincount(strata[rows_of], minlength=count) - shares_of_classes) < within
        ).all()


def test_equal_seeds_give_equal_parts_and_others_do_not():
    def rows(seed):
        return split_by_share(100, SplitSpec(valid=0.2, seed=seed), None).valid.tolist()

    assert rows(3) == rows(3)
    assert rows(3) != rows(4)
    assert rows(0) != list(range(20))


def test_chance_is_uniform():
    chosen = np.zeros(20)
    for seed in range(2000):
        chosen[split_by_share(20, SplitSpec(test=0.25, seed=seed), None).test] += 1
    assert abs(chosen / 2000 - 0.25).max() < 0.05  # five standard deviations


@pytest.mark.parametrize(
    ("strata", "split", "expected"),
    [
        ([0, 0, 1], SplitSpec(valid=0.5), {1: 1}),
        ([0, 0, 1, 1], SplitSpec(valid=0.5), {}),
        ([0, 0, 0, 1, 1, 2], SplitSpec(valid=0.3, test=0.3), {1: 2, 2: 1}),
        ([0, 0, 2, 2], SplitSpec(test=0.5), {}),  # class 1 has no row at all
    ],
)
def test_rare_classes(strata, split, expected):
    assert rare_classes(np.array(strata), split) == expected


@given(st.integers(0, 2**31), st.integers(0, 4))
def test_rare_classes_are_training_rows_and_the_others_keep_their_shares(seed, singles):
    rng = np.random.default_rng(seed)
    strata = np.concatenate([rng.integers(0, 3, 200), np.arange(3, 3 + singles)])
    rng.shuffle(strata)
    split = SplitSpec(valid=0.1, test=0.1, seed=seed)
    rare = rare_classes(strata, split)
    parts = split_by_share(len(strata), split, strata, "", rare)
    sizes = tuple(map(len, (parts.train, parts.valid, parts.test)))
    assert sizes == part_sizes(len(strata), 0.1, 0.1)
    together = np.concatenate([parts.train, parts.valid, parts.test])
    np.testing.assert_array_equal(np.sort(together), np.arange(len(strata)))
    assert all((np.diff(part) > 0).all() for part in (parts.train, parts.valid, parts.test))
    assert all(np.isin(np.flatnonzero(strata == k), parts.train).all() for k in rare)
    common = np.bincount(strata)[:3]
    for chosen, within in ((parts.test, 1), (parts.valid, 2)):
        share = common * len(chosen) / common.sum()
        assert (abs(np.bincount(strata[chosen], minlength=3) - share) < within).all()


def test_rare_classes_may_fill_half_of_the_training_part():
    split = SplitSpec(valid=0.1, test=0.1)  # of 100 rows 80 are for training
    assert leaves_room({}, 100, split)
    assert leaves_room({k: 1 for k in range(40)}, 100, split)
    assert not leaves_room({k: 1 for k in range(41)}, 100, split)


def test_names_with_their_rows():
    assert counted([("a\x1b", 1), ("b", 2)]) == "`a\\x1b` (1 row), `b` (2 rows)"
    assert counted((str(k), 1) for k in range(12)).endswith("`9` (1 row) and 2 more")


@pytest.mark.parametrize(
    ("word", "part"),
    [
        *((word, 0) for word in ("train", "training", "fit", "Train", " TRAINING ", "Fit\t")),
        *((word, 1) for word in ("valid", "val", "validation", "dev", "VAL", " Validation")),
        *((word, 2) for word in ("test", "testing", "holdout", "Test", "HoldOut ")),
    ],
)
def test_words_for_the_parts_of_a_column(word, part):
    parts = split_by_column(np.array(["train", word, "fit"]), Place("f"), "c")
    rows = [parts.train.tolist(), parts.valid.tolist(), parts.test.tolist()]
    expected = [[0, 2], [], []]
    expected[part] = sorted([*expected[part], 1])
    assert rows == expected


@pytest.mark.parametrize(
    ("values", "message", "where"),
    [
        (
            ["train", "Tset", "train", "Tset", ""],
            r"column `c` names parts that do not exist: `` \(1 row\), `Tset` \(2 rows\)",
            "f: row 2, row 4, row 5",
        ),
        (["test", "valid"], "leaves no training rows", "f"),
    ],
)
def test_by_column_refused(values, message, where):
    with pytest.raises(DataError, match=message) as caught:
        split_by_column(np.array(values), Place("f"), "c")
    assert caught.value.problems[0].where == where


@pytest.mark.parametrize("writeable", [True, False])
@pytest.mark.parametrize("rows", [1, 10, 3000])
def test_partition_moves_rows_in_place_or_leaves_what_is_not_ours(rows, writeable):
    rng = np.random.default_rng(rows)
    inputs = rng.normal(size=(rows, 2, 700)).astype(np.float32)  # 3000 rows: several blocks
    kept = inputs.copy()
    which = rng.integers(0, 3, rows)
    parts = Parts(*(np.flatnonzero(which == part) for part in range(3)))
    inputs.flags.writeable = writeable
    for found, chosen in zip(
        partition(inputs, parts), (parts.train, parts.valid, parts.test), strict=True
    ):
        np.testing.assert_array_equal(found, kept[chosen])
    if not writeable:
        np.testing.assert_array_equal(inputs, kept)


def test_partition_holds_no_second_copy():
    inputs = np.ones((100_000, 100), dtype=np.float32)  # 40 MB
    parts = split_by_share(len(inputs), SplitSpec(valid=0.1), None)
    tracemalloc.start()
    try:
        train, _, _ = partition(inputs, parts)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.25 * inputs.nbytes
    assert np.shares_memory(train, inputs)


def spec_of(tmp_path: Path, rows: int, split: str, words: str = "", **more: object) -> Prepared:
    """`rows` rows of two classes prepared; `words` are those of the column `part`, in turn."""
    parts = words.split() or ["-"]
    lines = [f"{k * 7 % 11},{k % 2},{parts[k % len(parts)]}" for k in range(rows)]
    (tmp_path / "t.csv").write_text("\n".join(["x,y,part", *lines, ""]))
    source = CsvSpec(path=tmp_path / "t.csv")
    exclude = () if words else ("part",)
    options = {"valid": "auto"} if split == "auto" else {"valid": "auto", "column": "part"}
    return prepare(
        DataSpec(source=source, target="y", exclude=exclude, split=SplitSpec(**options), **more)  # type: ignore[arg-type]
    )


def test_auto_divides_off_a_fifth_by_class_where_there_are_20_rows(tmp_path: Path) -> None:
    found = spec_of(tmp_path, 20, "auto")
    assert found.valid is not None and (found.train.rows, found.valid.rows) == (16, 4)
    assert found.valid.targets is not None and found.valid.targets.sum() == 2
    assert found.spec.split == SplitSpec(valid=0.2)
    found = spec_of(tmp_path, 19, "auto")
    assert found.valid is None and found.spec.split is None


def test_auto_divides_nothing_where_there_are_validation_rows(tmp_path: Path) -> None:
    found = spec_of(tmp_path, 40, "column", "train train valid test")
    assert found.valid is not None and (found.train.rows, found.valid.rows) == (20, 10)
    found = spec_of(tmp_path, 40, "auto", valid=CsvSpec(path=tmp_path / "t.csv"))
    assert found.valid is not None and (found.train.rows, found.valid.rows) == (40, 40)


def test_auto_divides_the_training_rows_that_a_column_names(tmp_path: Path) -> None:
    found = spec_of(tmp_path, 50, "column", "train train train train test")
    assert found.valid is not None and found.test is not None
    assert (found.train.rows, found.valid.rows, found.test.rows) == (32, 8, 10)
    again = spec_of(tmp_path, 50, "column", "train train train train test")
    assert again.valid is not None and (again.valid.inputs == found.valid.inputs).all()
    assert found.spec.split == SplitSpec(valid="auto", column="part")


def test_a_mistyped_part_gets_its_nearest():
    values = np.array(["train", "trian", "Tset ", "xyzzy"])
    with pytest.raises(DataError) as caught:
        split_by_column(values, Place("t"), "c")
    fix = caught.value.problems[0].fix
    assert "`trian` may mean `train`" in fix and "`Tset ` may mean `test`" in fix
    assert "xyzzy" not in fix
