"""What a file is found to be: whether its first row is one of names, and what is in doubt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris

from dnn_cli.data.readers.csv_examination import Examination, examine


def examined(folder: Path, text: str | bytes, **given: Any) -> Examination:
    path = folder / "x.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return examine(path, given)


def iris(order: list[int]) -> list[str]:
    """The rows of iris with the word at the end, columns in another order."""
    found = load_iris()
    words = found.target_names[found.target]
    table = [[*map(str, row), word] for row, word in zip(found.data.tolist(), words, strict=True)]
    return [",".join(row[i] for i in order) for row in table]


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 0, 1, 2, 3], [0, 4, 1], [3, 4]])
def test_a_row_of_data_is_no_header_wherever_its_word_stands(
    tmp_path: Path, order: list[int]
) -> None:
    rows = "\n".join(iris(order))
    found = examined(tmp_path, rows + "\n")
    assert found.options == {"header": False} and "no row names" in found.notes[0]
    assert found.doubts[0].options == {"header": True}
    names = ",".join("abcde"[i] for i in order)
    assert examined(tmp_path, f"{names}\n{rows}\n") == Examination()
    assert examined(tmp_path, rows, header=True).options == {"header": True}


@pytest.mark.parametrize(
    ("text", "named", "certain"),
    [
        ("1,2,3\n4,5,6\n", False, True), ("1,5;2;3\n4,5;6;7\n", False, True),
        ("1,2\n", False, True),
        ("a,b\n", True, True), ("a,b\nx,y\nz,w\n", True, True), ("a,b\n1,x\n", True, True),
        ("2024-01-01,x\n2024-01-02,y\n2024-01-03,x\n", False, False),
        ("day,x\n2024-01-01,x\n2024-01-03,y\n", True, True),
        ("country,2019,2020\nde,1.5,2.5\nfr,1,2\n", True, False),
        ("id,2019,2020\n1,1.5,2.5\n2,1,2\n", True, False),
        ("de,2019,2020\nde,1.5,2.5\nfr,1,2\n", False, False),
        ("p,x,s\ne,x,y\np,b,s\np,x,s\n", False, False),
        ("p,q,s\ne,x,y\np,b,s\np,x,s\n", True, True),
        ("word\na\nb\nword\n", True, True), (",0,1\n0,5.5,6.5\n1,7.5,8.5\n", True, False),
        ("?,5,6\n1,7,8\n2,9,10\n", False, True), ("NA,x\n1,y\n", True, True), ("", True, True),
        ("a,5\n1.5,6\n2.5,7\n", True, False),
    ],
)  # fmt: skip
def test_every_column_is_asked(tmp_path: Path, text: str, named: bool, certain: bool) -> None:
    found = examined(tmp_path, text)
    assert found.options.get("header", True) is named
    assert [dict(one.options) for one in found.doubts] == (
        [] if certain else [{"header": not named}]
    )


def test_a_line_for_excel_names_the_separator(tmp_path: Path) -> None:
    found = examined(tmp_path, "sep=;\na,b;c\n1,5;2\n2,5;3\n")
    assert found.options == {"delimiter": ";", "decimal": ","}
    assert examined(tmp_path, "sep=;\r\n1,5;2\r\n2,5;3\r\n").options["header"] is False


def test_what_is_given_is_not_looked_for(tmp_path: Path) -> None:
    text = "größe;b\n1,125;x\n2,250;y\n".encode("cp1252")
    found = examined(tmp_path, text, encoding="latin-1", decimal=".")
    assert found.options == {
        "encoding": "latin-1", "delimiter": ";", "decimal": ".", "thousands": ",",
    }  # fmt: skip
    found = examined(tmp_path, text)
    assert found.options == {"encoding": "cp1252", "delimiter": ";", "decimal": ","}
    assert [dict(one.options) for one in found.doubts] == [
        {"encoding": "cp1250"}, {"decimal": ".", "thousands": ","},
    ]  # fmt: skip
    assert any("byte 2 is 0xf6 (line 1, cell 1: `größe`)" in note for note in found.notes)
    assert any("1,125 is read as 1.125; if it is 1125: --decimal '.'" in n for n in found.notes)


def test_a_wide_table_is_examined_too(tmp_path: Path) -> None:
    width = 100_000
    row = ",".join(map(str, np.arange(width) % 7))
    text = ",".join(f"c{i}" for i in range(width)) + f"\n{row}\n{row}\n"
    assert examined(tmp_path, text) == Examination()
