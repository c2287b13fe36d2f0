"""Folds have the properties of scikit-learn's splitters."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, StratifiedKFold, TimeSeriesSplit

from dnn_cli.base.errors import DataError
from dnn_cli.base.spec import SpecError
from dnn_cli.data.fold_spec import FoldSpec
from dnn_cli.data.folds import hold_out, times_of
from dnn_cli.data.prepare import Prepared, prepare
from dnn_cli.data.sources.csv import CsvSpec
from dnn_cli.data.spec import DataSpec, SplitSpec

ROWS = 233


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.Generator(np.random.Philox(4))
    lines = ["a,y,who,when,part"]
    for i in range(ROWS):
        part = ("train", "train", "valid", "test")[i % 4]
        day = rng.permutation(np.arange(28))[0] + 1
        label, who = "xyz"[min(2, int(rng.exponential()))], int(rng.exponential(9))
        when = f"2024-{i % 12 + 1:02}-{day:02}"
        lines.append(f"{rng.normal():.4f},{label},p{who},{when},{part}")
    path = tmp_path_factory.mktemp("folds") / "t.csv"
    path.write_text("\n".join([*lines, ""]))
    return path


def column(table: Path, name: str) -> np.ndarray:
    cells = [line.split(",") for line in table.read_text().splitlines()]
    return np.array([row[cells[0].index(name)] for row in cells[1:]])


def folds(table: Path, count: int, repeat: int = 1, **options: object) -> list[Prepared]:
    found = []
    chosen = {k: options.pop(k) for k in ("group", "time") if k in options}
    for number in range(1, count + 1):
        fold = FoldSpec(number=number, count=count, repeat=repeat, **chosen)
        split = SplitSpec(fold=fold, **options)
        exclude = tuple({"who", "when", "part"} - set(split.columns))
        found.append(prepare(DataSpec(source=CsvSpec(path=table), target="y", split=split,
                                      exclude=exclude)))  # fmt: skip
    return found


def held(one: Prepared) -> np.ndarray:
    assert one.test_rows is not None
    return one.test_rows - 1


def test_stratified_folds_have_their_share_of_every_class(table: Path) -> None:
    y = column(table, "y")
    parts = [held(one) for one in folds(table, 5)]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(ROWS))
    theirs = [test for _, test in StratifiedKFold(5).split(y, y)]
    for label in np.unique(y):
        share = np.count_nonzero(y == label) / 5
        for mine in (parts, theirs):
            assert all(abs(np.count_nonzero(y[rows] == label) - share) < 1 for rows in mine)
    assert {len(rows) for rows in parts} == {len(rows) for rows in theirs} == {46, 47}


def test_repeats_divide_otherwise_and_seeds_too(table: Path) -> None:
    one = [held(p).tolist() for p in folds(table, 3)]
    assert one == [held(p).tolist() for p in folds(table, 3)]
    assert one != [held(p).tolist() for p in folds(table, 3, repeat=2)]
    assert one != [held(p).tolist() for p in folds(table, 3, seed=1)]


def test_groups_stay_together(table: Path) -> None:
    who = column(table, "who")
    mine = folds(table, 4, group="who", valid=0.2)
    parts = [held(one) for one in mine]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(ROWS))
    names = [set(who[rows]) for rows in parts]
    assert sum(map(len, names)) == len(set(who))
    theirs = [len(test) for _, test in GroupKFold(4).split(who, groups=who)]
    assert sorted(map(len, parts)) == sorted(theirs)  # both deal out the largest first
    for one, rows in zip(mine, parts, strict=True):
        assert one.valid is not None
        assert one.train.rows + one.valid.rows + len(rows) == ROWS
        assert 0.1 * ROWS < one.valid.rows < 0.4 * ROWS
        assert one.train.input_shape == (1,)


def test_time_trains_on_what_was_before(table: Path) -> None:
    when = column(table, "when")
    order = np.argsort(when, kind="stable")
    for one, (before, test) in zip(
        folds(table, 4, time="when", valid=0.1), TimeSeriesSplit(4).split(order), strict=True
    ):
        rows = held(one)
        assert one.valid is not None
        start, last = when[order[test[0]]], test[-1] == ROWS - 1
        wanted = (when >= start) & (last | (when < when[order[min(test[-1] + 1, ROWS - 1)]]))
        np.testing.assert_array_equal(rows, np.flatnonzero(wanted))
        assert one.train.rows + one.valid.rows == np.count_nonzero(when < start) <= len(before)


def test_time_without_ties_is_scikit_learns() -> None:
    moments = np.random.Generator(np.random.Philox(1)).permutation(101).astype(str)
    order = np.argsort(moments.astype(float))
    for number, (before, test) in enumerate(TimeSeriesSplit(5).split(order), 1):
        fold = FoldSpec(number=number, count=5, time="t")
        train, out = hold_out(fold, np.arange(101), None, moments, 0, "")
        np.testing.assert_array_equal(train, np.sort(order[before]))
        np.testing.assert_array_equal(out, np.sort(order[test]))


def test_rows_of_a_test_part_are_in_no_fold(table: Path) -> None:
    part = column(table, "part")
    mine = folds(table, 3, column="part")
    assert set(part[np.concatenate([held(one) for one in mine])]) == {"train", "valid"}
    for one in mine:
        assert one.valid is not None
        free = np.isin(np.arange(ROWS), held(one), invert=True)
        assert one.valid.rows == np.count_nonzero(free & (part == "valid"))
        assert one.train.rows == np.count_nonzero(free & (part == "train"))
    shares = folds(table, 3, valid=0.2, test=0.2)
    plain = DataSpec(source=CsvSpec(path=table), target="y", split=SplitSpec(valid=0.2, test=0.2),
                     exclude=("who", "when", "part"))  # fmt: skip
    usual = held(prepare(plain))
    out = np.concatenate([held(one) for one in shares])
    np.testing.assert_array_equal(np.sort(np.append(out, usual)), np.arange(ROWS))
    for one in shares:
        assert one.valid is not None
        left = one.train.rows + one.valid.rows
        assert left + len(held(one)) == len(out) and abs(one.valid.rows - left / 4) < 1


def test_what_cannot_be(table: Path) -> None:
    with pytest.raises(DataError, match="233 rows cannot be divided into 300"):
        folds(table, 300)
    with pytest.raises(DataError, match="tells no time"):
        folds(table, 3, time="who")
    with pytest.raises(DataError, match="groups for 200 folds"):
        folds(table, 200, group="who")
    with pytest.raises(SpecError, match="not both"):
        FoldSpec(number=1, count=2, group="a", time="b").check()
    with pytest.raises(SpecError, match="there are 2 folds"):
        FoldSpec(number=3, count=2).check()
    spec = DataSpec(source=CsvSpec(path=table), target="y",
                    split=SplitSpec(fold=FoldSpec(number=1, count=2)))  # fmt: skip
    with pytest.raises(SpecError, match="test part of its run"):
        replace(spec, test=CsvSpec(path=table)).check()


@pytest.mark.parametrize("cells", [["1", "x"], ["2024-01-01", ""], ["", "2"], ["nan", "1"]])
def test_what_tells_no_time(cells: list[str]) -> None:
    with pytest.raises(DataError, match="tells no time"):
        times_of(np.array(cells), "when", "t.csv")


def test_times() -> None:
    dates = times_of(np.array(["2024-03-01", "2023-01-31T09:30", "2024-02-29 23:59"]), "t", "")
    assert np.argsort(dates).tolist() == [1, 2, 0]
    assert np.argsort(times_of(np.array(["10", "9.5", "-1"]), "t", "")).tolist() == [2, 1, 0]
