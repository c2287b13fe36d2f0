"""CSV files that are right: every value against the csv module and Python's float."""

import csv
import io
import os
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.base.spec import SpecError
from dnn_cli.data.readers import csv_cells, csv_columns, csv_records
from dnn_cli.data.source import SourceSpec
from dnn_cli.data.sources.csv import CsvSpec
from dnn_cli.data.table import Columns

RNG = np.random.default_rng(0)


@pytest.fixture
def spec(tmp_path):
    def make(text: str | bytes, **options) -> CsvSpec:
        (tmp_path / "x.csv").write_bytes(text.encode() if isinstance(text, str) else text)
        return CsvSpec(path=tmp_path / "x.csv", **options)

    return make


@pytest.fixture(params=[60, 1 << 20])
def block(request, monkeypatch):
    """Blocks of a few rows, so that they end everywhere, and blocks of many."""
    monkeypatch.setattr(csv_records, "BLOCK", request.param)


def reference(text: str, delimiter: str = ",") -> dict[str, list[str]]:
    rows = list(csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=delimiter))
    return {n.strip(): [r[i].strip(" \t") for r in rows[1:] if r] for i, n in enumerate(rows[0])}


ROWS = "a,b,label\n1,2.5,yes\n-3e-2,+.5,no\n 4. ,\t7,yes\n1e3,-0,no way\n" + "5,6,no\n" * 40
VARIANTS = {
    "plain": ROWS,
    "no last line break": ROWS.rstrip("\n"),
    "empty last lines": ROWS + "\n\n\n",
    "CR LF": ROWS.replace("\n", "\r\n"),
    "CR": ROWS.replace("\n", "\r"),
    "byte order mark": "\ufeff" + ROWS,
    "quoted text": ROWS.replace("yes", '"yes"'),
    "all quoted": "\n".join(
        ",".join(f'"{c}"' for c in row.split(",")) for row in ROWS.splitlines()
    ),
    "separator in quotes": ROWS.replace("yes", '"yes, sir"'),
    "line break in quotes": ROWS.replace("yes", '"yes,\nsir"').replace("no way", '"n\no"'),
    "CR LF in quotes": ROWS.replace("no way", '"no,\nway"').replace("\n", "\r\n"),
    "quote in quotes": ROWS.replace("yes", '"he said ""yes"""'),
    "not ASCII": ROWS.replace("yes", "ja, süß".replace(",", "")).replace("label", "größe"),
    "spaces in the header": ROWS.replace("a,b,", "a, b ,"),
}


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize("variant", VARIANTS)
def test_values(spec, whole, streamed, same, variant):
    text = VARIANTS[variant]
    made = spec(text)
    expected = reference(text)
    label = list(expected)[2]
    table = whole(made, target=(label,))
    assert table.inputs.dtype == np.float64
    assert table.inputs[:, 0].tolist() == [float(c) for c in expected["a"]]
    assert table.inputs[:, 1].tolist() == [float(c) for c in expected["b"]]
    lf = [c.replace("\r\n", "\n") for c in expected[label]]
    assert table.targets.tolist() == lf and table.targets.dtype.kind == "U"
    assert table.feature_names == ("a", "b") and table.target_names == (label,)
    for rows in (1, 7, 1000):
        same(table, streamed(made, rows, target=(label,)))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("variant", VARIANTS)
def test_blocks_may_end_anywhere(spec, whole, same, monkeypatch, variant, size):
    made = spec(VARIANTS[variant])
    expected = whole(made, target=(-1,))
    monkeypatch.setattr(csv_records, "BLOCK", size)
    same(expected, whole(made, target=(-1,)))


@pytest.mark.parametrize("delimiter", [";", "\t", "|", " "])
def test_delimiters(spec, whole, delimiter):
    text = "a,b,y\n1,2,x\n3,4,z\n".replace(",", delimiter)
    table = whole(spec(text, delimiter=delimiter), target=("y",))
    assert table.inputs.tolist() == [[1, 2], [3, 4]] and table.targets.tolist() == ["x", "z"]


@pytest.mark.parametrize("delimiter", ["", ",,", "1", "a", '"', ".", "-", "\n", "é", "_", "+"])
def test_delimiters_that_cannot_be(delimiter):
    with pytest.raises(SpecError, match="cannot separate"):
        CsvSpec(path=Path("x"), delimiter=delimiter)


@pytest.mark.usefixtures("block")
def test_a_large_file_and_numbers_of_every_size(spec, whole, streamed, same):
    x = RNG.normal(size=(3000, 5)) * 10.0 ** RNG.integers(-40, 38, (3000, 5))
    text = "a,b,c,d,e\n" + "\n".join(",".join(repr(v) for v in row) for row in x.tolist())
    table = whole(spec(text))
    assert np.array_equal(table.inputs, x)
    same(table, streamed(spec(text), 500))


def test_columns_are_picked_by_name_in_the_order_wanted(spec, whole):
    made = spec("id,b,text,a,y\nr1,2,hello,1,0\nr2,4,world,3,1\n")
    table = whole(made, features=("a", "b"), target=("y",), extra=("id", "text"))
    assert table.inputs.tolist() == [[1, 2], [3, 4]] and table.feature_names == ("a", "b")
    assert table.targets.tolist() == [0, 1]
    assert table.extra["id"].tolist() == ["r1", "r2"]
    assert table.extra["text"].tolist() == ["hello", "world"]
    table = whole(made, exclude=("id", "text"), target=(-1,))
    assert table.feature_names == ("b", "a") and table.target_names == ("y",)
    table = whole(made, exclude=("id", "text"), target=("y", 1))
    assert table.feature_names == ("a",) and table.targets.tolist() == [[0, 2], [1, 4]]


def test_predicting_ignores_what_the_model_does_not_need(spec, whole, refused):
    wanted = {"features": ("a", "b"), "target": ("y",), "target_required": False}
    table = whole(spec("x,b,a\nword,1,2\n,3,4\n"), **wanted)
    assert table.inputs.tolist() == [[2, 1], [4, 3]] and table.targets is None
    table = whole(spec("a,b,y\n1,2,\n3,4,c\n"), **wanted)  # a target may be unknown
    assert table.targets.tolist() == ["", "c"]
    assert whole(spec("a,b,y\n1,2,7\n3,4,NA\n"), **wanted).targets.tolist()[0] == 7
    message = refused(spec("a,c,d\n1,2,3\n"), features=("a", "b", "e"), target_required=False)
    assert "lacks 2 columns: `b`, `e`" in message and "its columns are a, c, d" in message


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("0 1 -2", np.array([0, 1, -2])),
        ("9007199254740993 1 2", np.array(["9007199254740993", "1", "2"])),  # beyond float64
        ("9007199254740991 1 2", np.array([9007199254740991, 1, 2])),
        ("9223372036854775808 1 2", np.array(["9223372036854775808", "1", "2"])),
        ("0 1.5 2", np.array([0, 1.5, 2])),
        ("1e2 -.5 3.", np.array([100, -0.5, 3])),
        ("0.1 0 00", np.array(["0.1", "0", "00"])),
        ("007 008 9", np.array(["007", "008", "9"])),
        ("a 1 2.5", np.array(["a", "1", "2.5"])),
        ("1_0 1 2", np.array(["1_0", "1", "2"])),
        ("nan x 2", np.array(["", "x", "2"])),
        ("٣ 1 2", np.array(["٣", "1", "2"])),
        ("1-1 1 2", np.array(["1-1", "1", "2"])),
        ("- e +", np.array(["-", "e", "+"])),
        ("--1 1 2", np.array(["--1", "1", "2"])),
    ],
)
def test_targets_are_whole_numbers_numbers_or_text(spec, whole, cells, expected):
    table = whole(spec("a,y\n" + "".join(f"1,{c}\n" for c in cells.split())), target=("y",))
    assert table.targets.dtype.kind == expected.dtype.kind
    assert table.targets.tolist() == expected.tolist()


def test_several_targets_are_text_if_one_is(spec, whole):
    made = spec("a,y,z\n1,2,u\n3,4,v\n")
    assert whole(made, target=("y", "z")).targets.tolist() == [["2", "u"], ["4", "v"]]
    assert whole(made, target=("y",), exclude=("z",)).targets.tolist() == [2, 4]


def test_D02_D25_a_header_alone_has_no_rows(spec, whole, streamed):
    made = spec("a,b,y\n")
    for table in (whole(made, target=("y",)), streamed(made, 5, target=("y",))):
        assert table.inputs.shape == (0, 2) and table.targets.shape == (0,)
        assert table.feature_names == ("a", "b")


def test_a_bare_path_means_csv():
    assert SourceSpec.infer("a/B.CSV") is CsvSpec


def test_fast_and_slow_agree(spec, monkeypatch, whole, same):
    made = spec(ROWS)
    fast = whole(made, target=("label",))
    monkeypatch.setattr(csv_cells.CellFinder, "_fast", lambda *_: None)
    same(fast, whole(made, target=("label",)))
    nothing = lambda codes, starts, *_: (np.full(len(starts), np.nan), np.zeros(len(starts), bool))
    monkeypatch.setattr(csv_columns, "decimals", nothing)
    same(fast, whole(made, target=("label",)))


def test_clean_files_take_the_fast_way(spec, monkeypatch, whole):
    monkeypatch.setattr(csv_cells.CellFinder, "_slow", None)
    assert whole(spec(ROWS), target=("label",)).rows == 44


def test_standard_input(monkeypatch, streamed, whole):
    def give(text: str) -> CsvSpec:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        return CsvSpec(path=Path("-"))

    table = whole(give(ROWS), target=("label",))
    assert table.rows == 44 and table.origin == "standard input"
    assert np.array_equal(streamed(give(ROWS), 5, target=(-1,)).inputs, table.inputs)


def test_standard_input_is_predicted_as_it_arrives(monkeypatch):
    end, start = os.pipe()
    with open(end) as reading, open(start, "wb", buffering=0) as writing:
        monkeypatch.setattr(sys, "stdin", reading)
        tables = CsvSpec(path=Path("-")).tables(Columns(), 100)
        guard = threading.Timer(20, writing.close)  # a reader that waits for more would hang
        guard.start()
        writing.write(b"a,b\n1,2\n3,")
        assert [one.values.tolist() for one in next(tables).columns.values()] == [[1], [2]]
        writing.write(b"4\n")
        assert [one.values.tolist() for one in next(tables).columns.values()] == [[3], [4]]
        guard.cancel()
        writing.close()
        assert list(tables) == []


def peak_of(read) -> int:
    tracemalloc.start()
    read()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_no_second_copy(spec, monkeypatch):
    monkeypatch.setattr(csv_records, "BLOCK", 1 << 16)
    made = spec("a,b,c,d\n" + "0.123456,-7.5,100,3e-5\n" * 200_000)
    size = 200_000 * 32
    assert peak_of(lambda: list(made.tables(Columns()))) < 1.1 * size + (1.5 * (1 << 20))


def test_pieces_take_constant_memory(spec, monkeypatch):
    monkeypatch.setattr(csv_records, "BLOCK", 1 << 16)
    made = spec("a,b\n" + "1,2\n" * 300_000)
    rows = []
    peak = peak_of(lambda: rows.extend(t.rows for t in made.tables(Columns(), 1000)))
    assert sum(rows) == 300_000 and peak < 3 << 20
