"""Several files that are one table: their order, their columns, and where errors are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnn_cli.base.errors import DataError
from dnn_cli.data.place import Place
from dnn_cli.data.raw_columns import Numbers, Words
from dnn_cli.data.readers.several_files import files_of
from dnn_cli.data.source import source_of
from dnn_cli.data.table import Columns, Table


def made(folder: Path, **texts: str) -> str:
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text)
    return str(folder / "*.csv")


def read(pattern: str, **columns: Any) -> Table:
    [table] = source_of(pattern).tables(Columns(**columns))
    return table


def test_files_come_as_people_count(tmp_path: Path) -> None:
    for name in ("part10.csv", "part2.csv", ".hidden.csv", "b.txt"):
        (tmp_path / name).touch()
    (tmp_path / "part3.csv").mkdir()
    found = files_of(tmp_path / "part*.csv")
    assert [one.name for one in found or ()] == ["part2.csv", "part10.csv"]
    assert files_of(tmp_path / "part2.csv") is None
    (tmp_path / "a[1].csv").touch()
    assert files_of(tmp_path / "a[1].csv") is None
    with pytest.raises(DataError, match="no file is called like"):
        files_of(tmp_path / "q*.csv")


def test_rows_follow_each_other(tmp_path: Path) -> None:
    table = read(made(tmp_path, a2="x,w,y\n1,u,a\n2,v,b\n", a10="y,x,w\nc,3,v\n"), target=("y",))
    assert table.columns is not None and table.targets is not None
    numbers, words = table.columns["x"], table.columns["w"]
    assert isinstance(numbers, Numbers) and numbers.values.tolist() == [1, 2, 3]
    assert isinstance(words, Words) and words.as_text().tolist() == ["u", "v", "v"]
    assert words.levels == ("u", "v") and table.targets.tolist() == ["a", "b", "c"]
    assert [first for first, _ in table.origins] == [0, 2]


def test_a_column_of_words_in_one_file_is_so_in_all(tmp_path: Path) -> None:
    pattern = made(tmp_path, a="x,y\n1.50,1\n,2\n", b="x,y\n007,3\n", c="x,y\n5,z\n")
    table = read(pattern, target=("y",))
    assert table.columns is not None and table.targets is not None
    words = table.columns["x"]
    assert isinstance(words, Words) and words.as_text().tolist() == ["1.50", "", "007", "5"]
    assert table.targets.tolist() == ["1", "2", "3", "z"]


def test_a_file_of_gaps_alone_or_of_no_rows(tmp_path: Path) -> None:
    pattern = made(tmp_path, a="x,y\nu,1\n", b="x,y\n,\n", c="x,y\n")
    table = read(pattern, target=("y",))
    assert table.columns is not None and table.targets is not None
    words = table.columns["x"]
    assert isinstance(words, Words) and words.as_text().tolist() == ["u", ""]
    assert np.array_equal(table.targets, [1, np.nan], equal_nan=True)


@pytest.mark.parametrize("rows", [None, 1])
@pytest.mark.parametrize(
    ("second", "part"),
    [
        ("x\n1\n", "lacks y"),
        ("x,y,z\n1,2,3\n", "has z beside them"),
        ("x,q\n1,2\n", "lacks y and has q"),
    ],
)
def test_a_file_with_other_columns_is_named(
    tmp_path: Path, second: str, part: str, rows: int | None
) -> None:
    pattern = made(tmp_path, a="x,y\n1,2\n", b=second)
    with pytest.raises(DataError) as caught:
        list(source_of(pattern).tables(Columns(), rows))
    [problem] = caught.value.problems
    assert "b.csv" in problem.what and "a.csv" in problem.what and part in problem.why


def test_errors_name_the_file(tmp_path: Path) -> None:
    pattern = made(tmp_path, a="x,y\n1,2\n", b="x,y\n1,2\n3\n")
    with pytest.raises(DataError) as caught:
        read(pattern)
    assert caught.value.problems[0].where.endswith("b.csv:3:2")


def test_a_row_is_counted_in_its_own_file(tmp_path: Path) -> None:
    pattern = made(tmp_path, a="x\n1\n2\n", b="x\n3\n4\n")
    place = Place.of(read(pattern)).part(np.array([3, 0]))
    where = place.where(np.array([[0], [1]])).replace(f"{tmp_path}/", "")
    assert where == "b.csv: row 2, a.csv: row 1"


def test_pieces_are_of_one_file_each(tmp_path: Path) -> None:
    pattern = made(tmp_path, a="x\n1\n2\n3\n", b="x\n4\n")
    pieces = list(source_of(pattern).tables(Columns(features=("x",), of_model=True), 2))
    assert [(Path(one.origin).name, one.first_row, one.rows) for one in pieces] == [
        ("a.csv", 0, 2),
        ("a.csv", 2, 1),
        ("b.csv", 0, 1),
    ]
