"""Text tables as people save them: other separators, packed, with an index, without a header."""

from __future__ import annotations

import gzip
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris

from dnn_cli.app.predict import predict_file
from dnn_cli.base.errors import DataError
from dnn_cli.cli.application import run
from dnn_cli.data.raw_columns import Numbers
from dnn_cli.data.source import SourceSpec, source_of
from dnn_cli.data.sources.csv import CsvSpec
from dnn_cli.data.table import Columns, Table

ROWS = "a,b,y\n1,2.5,up\n3,4,down\n"
NAMES = {";": "semicolons", "\t": "tabs", "|": "bars"}


def made(folder: Path, text: str, **options: Any) -> CsvSpec:
    (folder / "x.csv").write_text(text)
    return CsvSpec(path=folder / "x.csv", **options)


def matrix_of(table: Table) -> Table:
    """A table of numbers with them as its inputs, too."""
    columns = (table.columns or {}).values()
    values = [one.values for one in columns if isinstance(one, Numbers)]
    return replace(table, inputs=np.stack(values, axis=1)) if values else table


def first(spec: SourceSpec, rows: int | None = None, **columns: Any) -> Table:
    return matrix_of(next(spec.tables(Columns(**columns), rows)))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("rows", [None, 1])
def test_the_delimiter_is_found_and_said(tmp_path: Path, delimiter: str, rows: int | None) -> None:
    table = first(made(tmp_path, ROWS.replace(",", delimiter)), rows, target=("y",))
    assert table.feature_names == ("a", "b") and table.inputs[0].tolist() == [1, 2.5]
    said = f"{tmp_path}/x.csv: cells are separated by {NAMES.get(delimiter)}"
    assert table.notes == ((said,) if delimiter != "," else ())


@pytest.mark.parametrize(
    ("header", "separator", "found"),
    [
        ('"a, b, c";d;e', ";", ("a, b, c", "d", "e")), ("a,b;c,d", ",", ("a", "b;c", "d")),
        ("a b,c d", ",", ("a b", "c d")), ("a\tb,c\td", "\t", ("a", "b,c", "d")),
        ("a;b,c", ",", ("a;b", "c")),
    ],
)  # fmt: skip
def test_the_first_row_decides_outside_quotes(
    tmp_path: Path, header: str, separator: str, found: tuple[str, ...]
) -> None:
    table = first(made(tmp_path, f"{header}\n{separator.join('12345'[: len(found)])}\n"))
    assert table.feature_names == found


def test_what_is_given_is_not_looked_for(tmp_path: Path) -> None:
    table = first(made(tmp_path, "a;b,c;d\n1,2\n", delimiter=","))
    assert table.feature_names == ("a;b", "c;d") and table.notes == ()


@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.tab", "x.txt", "x.TSV"])
@pytest.mark.parametrize("packed", [False, True])
def test_names_and_packing(tmp_path: Path, name: str, packed: bool) -> None:
    path = tmp_path / (f"{name}.gz" if packed else name)
    content = ROWS.replace(",", "\t").encode()
    path.write_bytes(gzip.compress(content) if packed else content)
    table = first(source_of(str(path)), target=("y",))
    assert table.inputs.tolist() == [[1, 2.5], [3, 4]]
    assert table.targets is not None and table.targets.tolist() == ["up", "down"]


def test_a_large_packed_table_is_the_plain_one(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).normal(size=(60_000, 6))
    rows = "\n".join(",".join(map(repr, row)) for row in numbers.tolist())
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(f"a,b,c,d,e,f\n{rows}\n".encode(), 1))
    assert np.array_equal(first(source_of(str(tmp_path / "x.csv.gz"))).inputs, numbers)


@pytest.mark.parametrize("cut", [10, 40, -1, -8])
def test_damaged_packing_is_refused(tmp_path: Path, cut: int) -> None:
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(ROWS.encode() * 9)[:cut])
    with pytest.raises(DataError):
        first(source_of(str(tmp_path / "x.csv.gz")))


INDEXED = ",a,b,y\n0,1,2,up\n1,3,4,down\n"
ENDED = "a,b,y,\n1,2,up,\n3,4,down,\n"


@pytest.mark.parametrize("rows", [None, 1])
@pytest.mark.parametrize(("text", "said"), [(INDEXED, "an index"), (ENDED, "end in the delimiter")])
def test_columns_without_a_name_are_left_out(
    tmp_path: Path, text: str, said: str, rows: int | None
) -> None:
    for target in ("y", -1):
        table = first(made(tmp_path, text), rows, target=(target,))
        assert table.feature_names == ("a", "b") and table.target_names == ("y",)
        assert table.inputs[0].tolist() == [1, 2] and table.extra == {}
        assert len(table.notes) == 1 and said in table.notes[0]


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ("a,,y\n1,2,3\n", "column 2 has no name", ":1:2"),
        (ENDED.replace("down,", "down,5"), "column 4 has no name, and is not empty", ": row 2"),
        ("a,b,a\n1,2,3\n", "columns 1 and 3 are both called `a`", ":1:3"),
    ],
)
def test_other_columns_without_a_name_are_refused(
    tmp_path: Path, text: str, what: str, where: str
) -> None:
    with pytest.raises(DataError) as caught:
        first(made(tmp_path, text), target=("y",) if "y" in text else ())
    (problem,) = caught.value.problems
    assert problem.what == what and problem.where.endswith(f"x.csv{where}")


def test_what_a_model_does_not_need_is_left_alone(tmp_path: Path) -> None:
    text = "x,,b,x,a,words\n9,,2,9,1,hello\n9,7,4,9,3,\n"
    table = first(made(tmp_path, text), features=("a", "b"), target=("y",), target_required=False)
    assert table.inputs.tolist() == [[1, 2], [3, 4]] and table.notes == ()


def test_without_a_header_columns_are_called_by_position(tmp_path: Path) -> None:
    text = "1,2,up\n3,4,down\n"
    for target in (2, "2", -1):
        table = first(made(tmp_path, text, header=False), target=(target,))
        assert table.feature_names == ("0", "1") and table.target_names == ("2",)
        assert table.inputs.tolist() == [[1, 2], [3, 4]]
    wanted: dict[str, Any] = {"features": ("0", "1"), "target": ("2",), "target_required": False}
    for new in (text, "1,2\n3,4\n", "0,1\n1,2\n3,4\n"):  # the last one says the names
        assert first(made(tmp_path, new), **wanted).inputs.tolist() == [[1, 2], [3, 4]]


def test_a_row_of_numbers_hints_at_it(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        first(made(tmp_path, "1,2,3\n4,5,6\n"))
    assert "header: false" in caught.value.problems[0].fix


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("kind", ["semicolons", "tabs", "gzip", "index", "no header"])
def test_trained_and_predicted_as_saved(tmp_path: Path, kind: str) -> None:
    known = load_iris()
    names = ["sl", "sw", "pl", "pw", "kind"]
    labels = known.target_names[known.target]
    rows = [[*map(str, x), y] for x, y in zip(known.data.tolist(), labels, strict=True)]
    if kind == "index":
        names, rows = ["", *names], [[str(i), *row] for i, row in enumerate(rows)]
    table = rows if kind == "no header" else [names, *rows]
    separator = {"semicolons": ";", "tabs": "\t"}.get(kind, ",")
    content = "".join(separator.join(row) + "\n" for row in table).encode()
    path = tmp_path / ("iris.csv.gz" if kind == "gzip" else "iris.tsv")
    path.write_bytes(gzip.compress(content) if kind == "gzip" else content)
    source, target = path.name, "kind"
    if kind == "no header":
        source, target = f"{{type: csv, path: {path.name}, header: false}}", "4"
    (tmp_path / "c.yaml").write_text(
        f"data: {{source: {source}, target: {target}}}\n"
        "optimizer: {type: adam, learning_rate: 1e-2}\n"
    )
    out = tmp_path / "run"
    assert run(["train", str(tmp_path / "c.yaml"), "--run-dir", str(out)]) == 0
    predict_file(str(path), model=str(out), output=str(tmp_path / "p.csv"))
    found = (tmp_path / "p.csv").read_text().split()[1:]
    assert np.mean(np.array(found) == labels) > 0.95


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("rows", [None, 1])
def test_the_line_of_excel_says_the_separator(tmp_path: Path, end: str, rows: int | None) -> None:
    for line, sign in (("sep=;", ";"), ('"sep=|"', "|"), ("SEP=\t", "\t"), ("sep=,", ",")):
        text = f"{line}\n" + ROWS.replace(",", sign)
        (tmp_path / "x.csv").write_bytes(text.replace("\n", end).encode())
        table = first(CsvSpec(path=tmp_path / "x.csv"), rows, target=("y",))
        assert table.feature_names == ("a", "b") and table.inputs[0].tolist() == [1, 2.5]
        assert "the first line says what separates cells" in table.notes[0]
        assert table.dialect.get("delimiter", ",") == sign
    with pytest.raises(DataError) as caught:
        first(made(tmp_path, "sep=;\na;b\n1;2;3\n"))
    assert caught.value.problems[0].where.endswith("x.csv:3:3")
    with pytest.raises(DataError, match="is empty"):
        first(made(tmp_path, "sep=;\n"))
    assert first(made(tmp_path, "sep=a,b\n1,2\n")).feature_names == ("sep=a", "b")


def test_names_are_the_same_in_either_composition(tmp_path: Path) -> None:
    one, two = "caf\u00e9", "cafe\u0301"
    for wanted, there in ((one, two), (two, one)):
        spec = made(tmp_path, f"{there},b,y\n1,2,3\n")
        table = first(spec, features=("b", wanted), target=("y",))
        assert table.feature_names == ("b", wanted) and table.inputs.tolist() == [[2, 1]]
        assert first(spec, exclude=(wanted,), target=("y",)).feature_names == ("b",)
    both = made(tmp_path, f"{one},{two},y\n1,2,3\n")
    with pytest.raises(DataError, match="columns 1 and 2 are both called") as caught:
        first(both, target=("y",))
    assert "code points" in caught.value.problems[0].what
    model: dict[str, Any] = {"features": (one, two), "of_model": True, "target_required": False}
    assert first(both, types=dict.fromkeys((one, two), "number"), **model).inputs.tolist() == [
        [1, 2]
    ]


def test_a_header_that_looks_like_its_rows_is_said(tmp_path: Path) -> None:
    spec = made(tmp_path, "5.1,3.5,setosa\n4.9,3.0,setosa\n4.7,3.2,virginica\n")
    (note,) = first(spec, target=(-1,)).notes
    assert "are called 5.1, 3.5" in note and "`header: false` in the source (--no-header)" in note
    assert first(spec, target=(-1,), of_model=True, features=("5.1",)).notes == ()
    assert first(made(tmp_path, "a,b\n1,x\n2,y\n")).notes == ()


class Pipe(io.BytesIO):
    """Standard input that gives a few bytes at a time."""

    def read1(self, count: int = -1, /) -> bytes:
        return super().read(min(count, 7) if count >= 0 else 7)


@pytest.mark.parametrize("rows", [None, 1, 1000])
@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_may_be_packed(
    monkeypatch: pytest.MonkeyPatch, rows: int | None, packed: bool
) -> None:
    content = b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(2000))
    stream = Pipe(gzip.compress(content) if packed else content)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(stream))
    tables = list(CsvSpec(path=Path("-")).tables(Columns(), rows))
    found = np.concatenate([matrix_of(table).inputs for table in tables])
    assert found.tolist() == [[i, i * i] for i in range(2000)]


def test_packed_standard_input_cut_short_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Pipe(gzip.compress(b"a,b\n1,2\n")[:-4])
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(stream))
    with pytest.raises(DataError, match="cut short"):
        list(CsvSpec(path=Path("-")).tables(Columns()))
