"""Tables that are wrong, odd or meant to do harm: each is refused with its place, or read by rule.

What is read goes all the way: drafted, trained, and predicted again, a prediction for each row.
"""

from __future__ import annotations

import csv
import gzip
import io
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.base.types import Array
from dnn_cli.cli.application import run
from dnn_cli.config.load import load_config
from dnn_cli.data.inference import guess
from dnn_cli.data.raw_columns import Words
from dnn_cli.data.sources.csv import CsvSpec
from dnn_cli.data.table import Columns

ROWS = 40
GOOD = "".join(f"{i % 5 + 0.5},{'uvw'[i % 3]},{i % 2}\n" for i in range(ROWS))
TABLE = "a,b,y\n" + GOOD


def cells(values: list[str], name: str = "a") -> str:
    """A table whose first column holds `values` again and again."""
    rows = "".join(f'"{values[i % len(values)]}",{i % 7},{i % 2}\n' for i in range(ROWS))
    return f'"{name}",b,y\n' + rows


def packed(data: bytes, kind: str) -> bytes:
    if kind == "gzip":
        return gzip.compress(data, mtime=0)
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w") as archive:
        archive.writestr("x.csv", data)
    return found.getvalue()


PICKLE = b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00}\x94."
REFUSED: dict[str, tuple[str | bytes, str, str]] = {
    # name: (file, what is said, where)
    "short row": (TABLE + "1,u\n" + GOOD, "2 cells in a row; the header has 3", "x.csv:42:3"),
    "long row": (TABLE + "1,u,0,1\n" + GOOD, "4 cells in a row; the header has 3", "x.csv:42:4"),
    "two wrong rows that add up": (TABLE + "1,u\n1,u,0,1\n", "2 cells in a row", "x.csv:42:3"),
    "last row cut short": (TABLE + "1,u", "2 cells in the last row", "x.csv:42:3"),
    "sum below the table": (TABLE + "40 rows\n", "the file was cut short", "x.csv:42:2"),
    "header one name short": ("b,y\n" + GOOD, "the first column has no name: an index", ":2:3"),
    "rows end in the separator": (
        "a,b,y\n" + GOOD.replace("\n", ",\n"), "they end in the separator", "x.csv:2:4",
    ),
    "empty line between rows": (TABLE + "\n" + GOOD, "an empty line between rows", "x.csv:42"),
    "empty line in one column": ("y\n1\n\n0\n" * 2, "an empty line", "x.csv:3"),
    "quote that is never closed": (TABLE + '1,"u,0\n' + GOOD, "unexpected end of data", "x.csv:42"),
    "text behind a quote": (TABLE + '1,"u"x,0\n', "expected after", "x.csv:42"),
    "quote in a name": ('a,5",y\n' + GOOD, "a quote inside a name", "x.csv:1"),
    "NUL in a cell": (TABLE + "1,u\0,0\n", "a NUL character", "x.csv:42"),
    "NUL in a name": ("a,b\0,y\n" + GOOD, "a NUL character", "x.csv:1"),
    "nothing": (b"", "is empty", "x.csv"),
    "a mark alone": (b"\xef\xbb\xbf", "is empty", "x.csv"),
    "a line break alone": ("\n", "the first line is empty", "x.csv:1"),
    "an empty first line": ("\n" + TABLE, "the first line is empty", "x.csv:1"),
    "names alone": ("a,b,y\n", "there are no rows", "x.csv"),
    "a name twice": ("a,a,y\n" + GOOD, "columns 1 and 2 are both called `a`", "x.csv:1:2"),
    "a name twice but for blanks": ("a, a,y\n" + GOOD, "are both called `a`", "x.csv:1:2"),
    "a name twice but for its composition": (
        "\u00e9,e\u0301,y\n" + GOOD, "with other code points for the same characters", "x.csv:1:2",
    ),
    "Hangul composed and not": ("\uac00,\u1100\u1161,y\n" + GOOD, "other code points", ":1:2"),
    "Angstrom and A with a ring": ("\u212b,\u00c5,y\n" + GOOD, "other code points", "x.csv:1:2"),
    "a column without a name": ("a,,y\n" + GOOD, "column 2 has no name", "x.csv:1:2"),
    "a name of 5,000 letters": ("n" * 5000 + ",b,y\n" + GOOD, "has 5,000 characters", "x.csv:1:1"),
    "one byte that is no UTF-8": (
        cells(["é", "ü"]).encode() + b"\xff,1,0\n", "UTF-8 but for 1 byte", "x.csv:42:1",
    ),
    "a slash of two bytes": (TABLE.encode() + b"1,\xc0\xaf,0\n", "not UTF-8 text", "x.csv:42:2"),
    "half a surrogate pair": (TABLE.encode() + b"1,\xed\xa0\x80,0\n", "not UTF-8", "x.csv:42:2"),
    "half a character at the end": (TABLE.encode() + b"1,u,\xc3", "not UTF-8 text", "x.csv:42:3"),
    "Cyrillic in cp1251": (cells(["Москва", "Псков"]).encode("cp1251"), "in cp1251", ":2:1"),
    "Cyrillic in KOI8": (cells(["Москва", "Псков"]).encode("koi8-r"), "in koi8-r", "x.csv:2:1"),
    "Japanese in Shift-JIS": (cells(["東京", "大阪"]).encode("cp932"), "in shift_jis", "x.csv:2:1"),
    "Chinese in GBK": (cells(["北京", "上海"]).encode("gbk"), "in gb18030", "x.csv:2:1"),
    "UTF-16 without a mark": (TABLE.encode("utf-16-le"), "NUL", "x.csv"),
    "UTF-16 cut in half": (TABLE.encode("utf-16")[:-1], "is not utf-16 text", "x.csv"),
    "a packed table cut short": (packed(TABLE.encode(), "gzip")[:-9], "cannot unpack", "x.csv"),
    "a packed table changed": (
        packed(TABLE.encode(), "gzip")[:-8] + bytes(8), "cannot unpack", "x.csv",
    ),
    "an archive": (packed(TABLE.encode(), "zip"), "a zip archive", "x.csv"),
    "a pickle": (PICKLE, "a Python pickle, which is never loaded", "x.csv"),
    "an SQLite database": (b"SQLite format 3\0" + bytes(99), "an SQLite database", "x.csv"),
    "a Parquet file": (b"PAR1\x15\x04\x15\0" + bytes(60), "a Parquet file", "x.csv"),
    "a cell of 10 MB": (TABLE + f"1,{'u' * 10_000_000},0\n", "a cell of 10,000,000 bytes", ":42:2"),
    "a label of 10 MB": (TABLE + f"1,u,{'z' * 10_000_000}\n", "a cell of 10,000,000", "x.csv:42:3"),
    "a row without an end": (TABLE + '"' + "u" * (1 << 24), "more than 16,777,216 bytes", ":42"),
    "a number beyond float32": (TABLE + "1e39,u,0\n", "is too large for float32", "x.csv:42:1"),
    "a number beyond float64": (TABLE + "-1e400,u,0\n", "is too large for float32", "x.csv:42:1"),
    "infinity among numbers": (cells(["1.5", "2.5", "inf"]), "it is not finite", "row 3"),
    "a formula that failed": (cells(["1.5", "2.5", "#DIV/0!"]), "a formula that failed", "row 3"),
    "two decimal signs": (
        "a;b;y\n" + "1,5;2.25;0\n2,5;3.75;1\n" * 20, "it has a decimal comma", "row 1",
    ),
    "a decimal sign of its own": (
        "a;b;y\n" + "1,5;2;0\n2,5;3;1\n" * 300 + "1,5;2.75;0\n" * 3,
        "`2.75` in column `b`", "row 601",
    ),
    "a date that is none": (
        cells([*(f"2024-01-{d:02}" for d in range(1, 32)), "2024-02-30"]), "is no date", "row 32",
    ),
    "no training row with a target": (
        "a,split,y\n" + "".join(f"{i},{'test' if i % 2 else 'train'},{i if i % 2 else ''}\n"
                                for i in range(ROWS)),
        "the target is missing in all 20 training rows", "x.csv",
    ),
    "a part that does not exist": (
        "a,b,y\n" + GOOD.replace("u", "train") + "oops", "1 cell in the last row", "x.csv:42",
    ),
}  # fmt: skip
ACCEPTED: dict[str, tuple[str | bytes, str]] = {
    # name: (file, what the configuration says)
    "as it should be": (TABLE, "b: category"),
    "lines end in CR": (TABLE.replace("\n", "\r"), "b: category"),
    "lines end in CR LF": (TABLE.replace("\n", "\r\n"), "b: category"),
    "lines end in either": ("a,b,y\r\n" + GOOD, "b: category"),
    "no end of the last line": (TABLE.rstrip("\n"), "b: category"),
    "a mark before UTF-8": (b"\xef\xbb\xbf" + TABLE.encode(), "a: number"),
    "two marks": (b"\xef\xbb\xbf\xef\xbb\xbf" + TABLE.encode(), '"\\ufeffa": number'),
    "UTF-16": (TABLE.encode("utf-16"), "b: category"),
    "UTF-32": (TABLE.encode("utf-32"), "b: category"),
    "packed": (packed(TABLE.encode(), "gzip"), "b: category"),
    "names that differ in capitals": (TABLE.replace("a,b", "b,B"), "b: number"),
    "a name that moves the cursor": (TABLE.replace("a,", "\x1b[2J,", 1), '"\\u001b[2J": number'),
    "a name that turns the line": (TABLE.replace("a,", "\u202ea,", 1), "number"),
    "names that are formulas": (TABLE.replace("a,b", "=1+1,@b"), '"=1+1": number'),
    "levels that are formulas": (cells(["=1+1", "@SUM(A1)", "+1-1", "-x"]), "a: category"),
    "levels that move the cursor": (cells(["\x1b[31mred", "\x9b2J", "\u202eb"]), "a: category"),
    "levels of two lines": (cells(["one\ntwo", "one\r\ntwo", "x"]), "a: category"),
    "quotes in quotes": (cells(['say ""no""', 'x"",""y']), "a: category"),
    "a name of two lines": (TABLE.replace("a,", '"a\nb",', 1), '"a\\nb": number'),
    "an index without a name": (
        ",a,y\n" + "".join(f"{i},{i % 5}.5,{i % 2}\n" for i in range(ROWS)), "a: number",
    ),
    "separators at all ends": (TABLE.replace("\n", ",\n"), "b: category"),
    "what Excel says first": ("sep=;\n" + TABLE.replace(",", ";"), 'delimiter: ";"'),
    "no names": (GOOD, "header: false"),
    "gaps in many words": (cells(["1.5", "", "NA", "n/a", "NULL", "?", "nan", "2"]), "a: number"),
    "a column of gaps": (cells([""]), "a: unused"),
    "one value": (cells(["7.5"]), "a: unused"),
    "a word after 50,000 numbers": (
        "a,b,y\n" + "".join(f"{i % 5},{i % 7},{i % 2}\n" for i in range(200_000)) + "x,1,0\n" * 9,
        "a: category",
    ),
    "codes with zeros": (cells(["007", "010", "123"]), "leading zeros"),
    "numbers and words": (cells(["1", "two", "3", "four"]), "a: category"),
    "hexadecimal": (cells(["0x1F", "0xFF"]), "a: category"),
    "digits of other scripts": (cells(["٣", "٤"]), "a: category"),
    "the minus of typesetting": (cells(["\u22121.5", "2.5", "\u22123"]), "-3 to 2.5"),
    "narrow blanks between thousands": (cells(["1\u202f250", "22\u202f500"]), "1250 to 22500"),
    "no-break blanks": (cells(["1\u00a0250,5", "22\u00a0500,5"]), "1250.5 to 22500.5"),
    "dates out of range": (cells(["0000-01-01", "2024-13-01", "99999-01-01"]), "a: category"),
    "dates of the first year and the last": (cells(["0001-01-01", "9999-12-31"]), "form: iso"),
    "dates with zones": (
        cells(["2024-01-31T10:00+14:00", "2024-02-01T00:00-12:00", "2024-02-01T23:59Z"]),
        "form: iso",
    ),
    "dates some of which have zones": (
        cells(["2024-01-31T10:00+02:00", "2024-02-01T10:00"]), "a: ",
    ),
    "years of two digits": (cells(["31.01.24", "01.02.25", "03.04.23"]), "a: category"),
    "times": (cells(["08:15", "12:30", "23:59", "00:00"]), "form: time"),
    "durations": (cells(["100:20", "-1:30", "26:00:05"]), "form: duration"),
    "rows of the test without a target": (
        "a,split,y\n" + "".join(f"{i % 7},{('train', 'valid', 'test')[i % 3]},"
                                f"{'' if i % 3 == 2 else i % 2}\n" for i in range(ROWS)),
        "split: {column: split}",
    ),
    "Latin-1": (cells(["Köln", "Málaga", "Genève"]).encode("cp1252"), "encoding: cp1252"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(content: str | bytes) -> None:
    Path("x.csv").write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize("name", REFUSED)
def test_D26_is_refused_with_its_place(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    content, what, where = REFUSED[name]
    write(content)
    assert run(["init", "x.csv", "--target", "y"]) == 4
    captured = capsys.readouterr()
    assert captured.out == "" and "Traceback" not in captured.err
    assert what in captured.err, captured.err
    place = next(line for line in captured.err.splitlines() if line.startswith("  --> "))
    assert where in place, place


@pytest.mark.parametrize("name", ACCEPTED)
def test_D26_is_read_by_rule_and_predicted(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    content, says = ACCEPTED[name]
    write(content)
    target = "-1" if name == "no names" else "y"
    assert run(["init", "x.csv", "--target", target, "-o", "x.yaml"]) == 0
    assert says in Path("x.yaml").read_text(encoding="utf-8")
    small = ["model={hidden: [2]}", "training={epochs: 1}", "optimizer=adam", "--run-dir", "r"]
    assert run(["train", "x.yaml", *small]) == 0
    assert run(["predict", "x.csv", "--model", "r", "-o", "p.csv"]) == 0
    captured = capsys.readouterr()
    shown = set(captured.err + captured.out) - {"\n"}
    assert not {unicodedata.category(one) for one in shown} & {"Cc", "Cf", "Zl", "Zp", "Co", "Cn"}
    with Path("p.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == (200_009 if "50,000" in name else ROWS)


def test_D26_a_million_levels_are_read_and_left_out() -> None:
    count = 1_000_000
    codes = np.char.mod("k%07d", np.arange(count))
    lines = [f"{code},{i % 7},{i % 2}" for i, code in enumerate(codes.tolist())]
    write("\n".join(["a,b,y", *lines, ""]))
    table = next(CsvSpec(path=Path("x.csv")).tables(Columns(target=("y",))))
    assert table.columns is not None
    column = table.columns["a"]
    assert isinstance(column, Words) and column.levels == tuple(codes.tolist())
    assert np.array_equal(column.codes, np.arange(count))
    assert guess("a", column, np.arange(20_000), 5).spec.spec_name == "identifier"


def wide(width: int) -> Array:
    """Write a table of so many columns, and return its numbers."""
    numbers = np.stack([(np.arange(width) * (i + 3)) % 11 for i in range(8)])
    rows = [",".join(map(str, row)) + f",{i % 2}" for i, row in enumerate(numbers.tolist())]
    write("\n".join([",".join(f"c{i}" for i in range(width)) + ",y", *rows, ""]))
    return numbers


def test_D26_a_hundred_thousand_columns_are_read() -> None:
    numbers = wide(100_000)
    table = next(CsvSpec(path=Path("x.csv")).tables(Columns(target=("y",))))
    assert np.array_equal(table.as_array().inputs, numbers)


def test_D26_thousands_of_columns_train_and_resume() -> None:
    wide(4_000)
    assert run(["init", "x.csv", "--target", "y", "-o", "x.yaml"]) == 0
    assert len(Path("x.yaml").read_bytes()) < 256 * 1024
    load_config("x.yaml")
    small = ["model={hidden: [2]}", "training={epochs: 1}", "optimizer=adam", "--run-dir", "r"]
    assert run(["train", "x.yaml", "-q", *small]) == 0
    assert run(["predict", "x.csv", "--model", "r", "-o", "p.csv"]) == 0
    assert run(["resume", "r", "-q", "--set", "training.epochs=2"]) == 0
