"""CSV files that are wrong: what is said, and where."""

import numpy as np
import pytest

from dnn_cli.data.readers import csv_cells, csv_records
from dnn_cli.data.readers.numerals import is_number
from dnn_cli.data.sources.csv import CsvSpec


@pytest.fixture
def spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def make(text: str | bytes, **options) -> CsvSpec:
        from pathlib import Path

        Path("x.csv").write_bytes(text.encode() if isinstance(text, str) else text)
        return CsvSpec(path=Path("x.csv"), **options)

    return make


@pytest.fixture(params=["fast way first", "slow way only"], autouse=True)
def both_ways(request, monkeypatch):
    if request.param == "slow way only":
        monkeypatch.setattr(csv_cells.CellFinder, "_fast", lambda *_: None)


@pytest.fixture
def refused(refused):
    """As everywhere, with columns that are known to be numbers."""
    numbers = dict.fromkeys(("a", "b", "c", "a\x1b[31m"), "number")
    return lambda made, *more, **columns: refused(made, *more, **{"types": numbers, **columns})


GOOD = "1,2,3\n"


@pytest.mark.parametrize(
    ("rows", "where", "what"),
    [
        ("1,2\n", "x.csv:102:3", "2 cells in a row; the header has 3"),
        ("1,2,3,4\n", "x.csv:102:4", "4 cells in a row; the header has 3"),
        ("1,2\n1,2,3,4\n", "x.csv:102:3", "2 cells in a row"),  # their sum is right
        ("1,2,3,4\n1,2\n", "x.csv:102:4", "4 cells in a row"),
        ("1\n2,3,1,2,3\n", "x.csv:102:2", "1 cell in a row"),
        ("\n", "x.csv:102", "an empty line between rows"),
        ("1,2,x\n", "x.csv:102:3", "`x` in column `c` is not a number"),
        ('1,2,"3\n', "x.csv:102", "unexpected end of data"),
        ('1,2,"3"x\n', "x.csv:102", "expected after"),
        ('"1\n",2,x\n', "x.csv:102:1", "`1\\n` in column `a`"),
        ("1,2,3\0\n", "x.csv:102", "a NUL character"),
        ('1,2,"3\n"\n', "x.csv:102:3", "`3\\n` in column `c` is not a number"),
        ('1,2,"\n"\n', "x.csv:102:3", "`\\n` in column `c` is not a number"),
        ("1e39,2,3\n", "x.csv:102:1", "1e39 in column `a` is too large for float32"),
        ("1,2,-1e400\n", "x.csv:102:3", "too large for float32"),
    ],
)
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_D17_says_where(spec, refused, rows, where, what, line_break):
    text = ("a,b,c\n" + GOOD * 100 + rows + GOOD * 100).replace("\n", line_break)
    message = refused(spec(text))
    assert what in message and f"\n{where}\n" in message


@pytest.mark.parametrize("rows", ["1,2\n1,2,3,4\n", "1,2,3,4\n1,2\n"])
def test_D17_rows_are_checked_beyond_the_columns_that_are_read(spec, refused, rows):
    assert "cells in a row" in refused(spec("a,b,c\n" + GOOD + rows), exclude=("c",))


def test_D17_lines_are_counted_through_quoted_line_breaks_and_blocks(spec, refused, monkeypatch):
    monkeypatch.setattr(csv_records, "BLOCK", 50)
    text = 'a,"y\n\n",c\n' + '1,"2\n",3\n' * 100 + "1,2,x\n"
    assert "x.csv:204:3" in refused(spec(text), target=(1,))


def test_D17_an_empty_line_in_a_single_column_is_no_gap(spec, refused, whole):
    assert "an empty line between rows" in refused(spec("a\n1\n\n2\n", delimiter=","))
    table = whole(spec('a\n1\n""\n2\n', delimiter=","))
    assert np.isnan(table.inputs[1, 0]) and table.inputs.tolist()[::2] == [[1], [2]]


def test_D17_a_single_column_is_checked_too(spec, refused):
    assert "3 cells in a row; the header has 1" in refused(spec("a\n1\n2,3,4\n5\n", delimiter=","))


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ("", "is empty"),
        ("\n", "the first line is empty"),
        (",,\n1,2,3\n", "the first line is empty"),
        ("a,,c\n1,2,3\n", "column 2 has no name"),
        ("a,b,a\n1,2,3\n", "columns 1 and 3 are both called `a`"),
        ("a,b, a\n1,2,3\n", "columns 1 and 3 are both called `a`"),
        ("1,2,3\n4,5,6\n", "there is no header: the first row is 1, 2, 3"),
        ('a,"b\n1,2\n', "unexpected end of data"),
        ('a,"b"x\n1,2\n', "expected after"),
        ("a,b\0\n1,2\n", "a NUL character"),
        ('a,5"\n1,2\n3,4\n', "a quote inside a name that is not quoted"),
        ("\ufeff", "is empty"),
    ],
)
def test_D17_headers(spec, refused, header, what):
    assert what in refused(spec(header))


@pytest.mark.parametrize(("character", "shown"), [(";", ";"), ("\t", "\\t"), ("|", "|")])
def test_D17_another_separator_is_suggested(spec, refused, character, shown):
    made = spec(f"a{character}b{character}y\n1{character}2{character}3\n", delimiter=",")
    for columns in ({"target": ("y",)}, {}):
        assert f'delimiter: "{shown}"' in refused(made, **columns)
    made = spec("a,b,y\n1,2,3\n", delimiter=";")
    assert 'delimiter: ","' in refused(made, target=("y",))


def test_D17_decimal_comma(spec, refused):
    message = refused(spec('a,b\n"1,5",2\n'))
    assert "decimal comma" in message and "x.csv:2:1" in message
    assert "decimal comma" in refused(spec("a;b\n1,5;2\n1.5;2\n", delimiter=";"))


def test_D17_a_field_beyond_the_limit(spec, refused):
    message = refused(spec(f"a,y\n1,{'z' * 100_001}\n"), target=("y",))
    assert "a cell of 100,001 bytes in column `y`" in message and "x.csv:2:2" in message
    message = refused(spec(f"a,b\n1,{'9' * 200_000}\n"))
    assert "field limit" in message or "too large for float32" in message
    assert "x.csv:2" in message


def test_D17_a_quote_that_never_closes_is_not_read_to_the_end(spec, refused, monkeypatch):
    monkeypatch.setattr(csv_records, "BLOCK", 100)
    monkeypatch.setattr(csv_records, "MAX_RECORD", 1000)
    message = refused(spec("a,b\n" + "1,2\n" * 50 + '1,"2\n' + "1,2\n" * 10_000))
    assert "more than 1,000 bytes" in message and "never closed" in message


NUMBERS = ["1", "-1", "+1", "1.", ".5", "0.5", "1e5", "1E-5", "-.5e+03", "007", " 1 ", "\t2"]
NO_NUMBERS = [
    *("1_000", "٣", "１２", "0x10", "inf", "-Infinity", "1 2", "1e", "e5"),
    *(".", "-", "+", "--1", "1d5", "1f", "1e5.5", "0b1", "1j", "½", "²", "1\u00a0", "\u20091"),
    *("1\x0b", "\x0c1", "1\x1c", "#1", "1%", "$1", "true", "1e1_0", "1'000"),
]


@pytest.mark.parametrize("cell", NUMBERS)
def test_D18_numbers(spec, whole, cell):
    made = spec(f"a;b\n{cell};1\n", delimiter=";")
    assert whole(made, types={"a": "number"}).inputs[0, 0] == float(cell)
    assert is_number(cell.strip())


@pytest.mark.parametrize("cell", NO_NUMBERS)
def test_D18_what_float_or_numpy_would_accept(spec, refused, cell):
    for other in ("1", "é"):  # alone on its line, and among text that is not ASCII
        made = spec(f"a;y;b\n1;x;2\n{cell};{other};1\n", delimiter=";")
        message = refused(made, target=("y",))
        assert "is not a number" in message and "x.csv:3:1" in message, message


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("missing", "it seems to say that the value is not there"),
        ("٣", "ASCII digits, a point and an exponent only"),
        ("1_000", 'thousands: "_"'),
        ("red", "exclude: [a]"),
        ("inf", "it is not finite"),
        ("-Infinity", "it is not finite"),
        ("#N/A", "a formula that failed"),
        ("#DIV/0!", "a formula that failed"),
        ("#name?", "a formula that failed"),
        ("True", "write 1 and 0"),
        ("no", "write 1 and 0"),
        ("12 %", "write 12 alone"),
        ("$1.50", "write 1.50 alone"),
        ("7kg", "write 7 alone"),
    ],
)
def test_D18_says_why(spec, refused, cell, why):
    message = refused(spec(f"a,b\n1,2\n{cell},1\n"))
    assert (why in message and "exclude: [a]" in message) or "alone" in why or "thousands" in why
    for_model = refused(spec(f"a,b\n1,2\n{cell},1\n"), features=("a", "b"), of_model=True)
    assert "exclude" not in for_model and "in the source" not in for_model


def test_D17_a_last_line_that_is_no_row(spec, refused):
    for end in ("", "\n"):
        for last in ("2 rows exported", "1,2"):
            message = refused(spec(f"a,b,c\n1,2,3\n4,5,6\n{last}{end}"))
            assert "in the last row; the header has 3" in message and "x.csv:4" in message
            assert "cut short" in message and "remove its last line" in message
    assert "cut short" not in refused(spec("a,b,c\n1,2\n4,5,6\n"))
    assert "cut short" not in refused(spec("a,b,c\n1,2,3\n4,5,6,7"))


@pytest.mark.parametrize(
    ("content", "byte", "line", "cell"),
    [
        ("a,b\n1,2\nä,1\n".encode("latin-1"), "byte 8 is 0xe4", 3, 1),
        (b"\xef\xbb\xbfa,b\n1,2\n\xff,1\n", "byte 11 is 0xff", 3, 1),
        (b"a,b\r\n1,2\r\n1,\xc3\x28\r\n", "byte 12 is 0xc3", 3, 2),
        (b"a,b\r1,2\r1,\xc3\x28\r", "byte 10 is 0xc3", 3, 2),
        (b'a,b\n"1,0",\xff\n', "byte 10 is 0xff", 2, 2),
        (b"a,\xe9\n1,2\n", "byte 2 is 0xe9", 1, 0),
        (b"a,b\n1,2\xed\xa0\x80\n", "byte 7 is 0xed", 2, 2),  # a surrogate
        (b"a,b\n1,2\n" + b"3,4\n" * 99 + b"\x80,4\n", "byte 404 is 0x80", 102, 1),
    ],
)
def test_D19_not_utf8(spec, refused, monkeypatch, content, byte, line, cell):
    monkeypatch.setattr(csv_records, "BLOCK", 64)
    message = refused(spec(content))
    place = f"x.csv:{line}\n" if line == 1 else f"x.csv:{line}:{cell}\n"
    assert byte in message and place in message and "UTF-8" in message


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_D19_wide_characters_without_a_mark(spec, refused, encoding):
    assert "NUL" in refused(spec("a,b\n1,2\n".encode(encoding)))


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        ({"target": ("price",)}, "lacks the column `price`"),
        ({"target": ("hieght",)}, "did you mean `height`"),
        ({"target": (3,)}, "lacks the column `number 3`"),
        ({"target": (-4,)}, "lacks the column `number -4`"),
        ({"target": ("y", "z")}, "lacks the column `z`"),
        ({"features": ("y",), "target": ("y",)}, "is wanted twice"),
        ({"target": ("y", -1)}, "is wanted twice"),
        ({"exclude": ("wieght",)}, "did you mean `weight`"),
        ({"extra": ("split",)}, "lacks the column `split`"),
        ({"exclude": ("height", "weight"), "target": ("y",)}, "no column left as a feature"),
    ],
)
def test_columns_that_are_not_there(spec, refused, columns, what):
    assert what in refused(spec("height,weight,y\n1,2,3\n"), **columns)


def test_a_target_beyond_float64(spec, refused):
    message = refused(spec("a,y\n1,1.5\n1,1e400\n"), target=("y",))
    assert "too large" in message and "x.csv:3:2" in message


def test_names_are_shown_safely(spec, refused):
    message = refused(spec("a\x1b[31m,b\n\x1b[2J,2\n"))
    assert "\x1b" not in message and "\\x1b[31m" in message
