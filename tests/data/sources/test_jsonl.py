"""JSON lines: what a line may hold, what is refused and where, against `json` and pandas."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas
import pytest

from dnn_cli.base.errors import DataError
from dnn_cli.data.raw_columns import Words
from dnn_cli.data.source import source_of
from dnn_cli.data.sources.jsonl import JsonlSpec
from dnn_cli.data.table import Columns
from tests.data.sources.whole_tables import cells, read


def written(path: Path, text: str | bytes) -> JsonlSpec:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return JsonlSpec(path=path)


def test_columns_are_all_keys_as_they_first_appear(tmp_path: Path) -> None:
    text = '{"b": 1, "a": "x"}\n{"a": "y", "c": true}\n{}\n{"b": null, "c": false}\n'
    table = read(written(tmp_path / "a.jsonl", text))
    assert table.feature_names == ("b", "a", "c")
    assert cells(table, "b") == [1, None, None, None]
    assert cells(table, "a") == ["x", "y", "", ""]
    assert cells(table, "c") == ["", "true", "", "false"]
    theirs = pandas.read_json(io.StringIO(text), lines=True)
    assert list(theirs) == ["b", "a", "c"] and len(theirs) == table.rows


def test_a_key_that_appears_after_the_first_block_is_a_column(tmp_path: Path) -> None:
    rows = [{"a": i, "w": "x" * 40} for i in range(30_000)]
    late: list[dict[str, Any]] = [*rows, {"a": 1, "z": 5}, {"y": 6, "a": 2}]
    text = "".join(json.dumps(row) + "\n" for row in late)
    assert len(text) > 1 << 20
    spec = written(tmp_path / "a.jsonl", text)
    table = read(spec, target=("a",))
    assert table.feature_names == ("w", "z", "y")
    assert cells(table, "z") == [*[None] * 30_000, 5, None]
    pieces = list(spec.tables(Columns(target=("a",)), 9_000))
    assert [piece.feature_names for piece in pieces] == [("w", "z", "y")] * 4


def test_a_word_after_the_first_block_makes_a_column_of_words(tmp_path: Path) -> None:
    rows = [*({"a": i % 7, "w": "x" * 40} for i in range(30_000)), {"a": "seven", "w": "x"}]
    table = read(written(tmp_path / "a.jsonl", "".join(json.dumps(r) + "\n" for r in rows)))
    assert cells(table, "a") == [str(row["a"]) for row in rows]


@pytest.mark.parametrize(
    "numbers",
    [
        ["0.1", "1e300", "-0.0", "2.2250738585072014e-308"],
        ["123456789012345678", "1.7976931348623157e308", "3", "-4"],
    ],
)
def test_numbers_are_those_of_json(tmp_path: Path, numbers: list[str]) -> None:
    small = [text for text in numbers if abs(float(text)) < 3e38]
    spec = written(tmp_path / "a.jsonl", "".join(f'{{"a": {text}}}\n' for text in small))
    found = cells(read(spec), "a")
    assert np.array(found).tobytes() == np.array([float(text) for text in small]).tobytes()


def test_a_label_is_exact_where_float64_is_not(tmp_path: Path) -> None:
    text = '{"x": 1, "y": 9007199254740993}\n{"x": 2, "y": 9007199254740992}\n'
    spec = written(tmp_path / "a.jsonl", text)
    targets = read(spec, target=("y",)).targets
    assert targets is not None and targets.tolist() == ["9007199254740993", "9007199254740992"]


def test_text_is_read_as_a_cell_of_csv(tmp_path: Path) -> None:
    rows = [{"n": "39", "zip": "007", "w": " é\n"}, {"n": 40, "zip": "12", "w": "NA"}]
    spec = written(tmp_path / "a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    table = read(spec)
    assert cells(table, "n") == [39, 40] and cells(table, "zip") == ["007", "12"]
    assert cells(table, "w") == ["é\n", ""]
    [piece] = spec.tables(Columns(verbatim=None), 5)
    assert piece.verbatim == {"n": ["39", "40"], "zip": ["007", "12"], "w": [" é\n", "NA"]}


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": 1}\r\n{"a": 2}\r\n',
        b'\xef\xbb\xbf{"a": 1}\n{"a": 2}',
        b'\n{"a": 1}\n\n  \n{"a": 2}\n\n',
        ' {"a":1} \n\t{"a":2}'.encode("utf-16"),
        gzip.compress(b'{"a": 1}\n{"a": 2}\n'),
    ],
)
def test_lines_end_and_files_begin_in_several_ways(tmp_path: Path, data: bytes) -> None:
    assert cells(read(written(tmp_path / "a.jsonl", data)), "a") == [1, 2]


GOOD = '{"a": 1, "b": "x"}\n'
FAULTS = [
    ('{"a": [1]}', ("a.jsonl:2", "`a` is a list", "exclude: [a]")),
    ('{"a": {"c": [1]}}', ("a.jsonl:2", "`a` is an object", "columns of their own")),
    ('{"a": NaN}', ("a.jsonl:2:7", "`NaN` is no JSON", "write null")),
    ('{"a": -Infinity}', ("a.jsonl:2:7", "`-Infinity`")),
    ('{"a": 1, "b": 2, "a": 1}', ("a.jsonl:2", "the key `a` is there twice")),
    ('{"a": 1,}', ("a.jsonl:2:", "no JSON")),
    ("{'a': 1}", ("a.jsonl:2:2", "no JSON")),
    ('{"a": 1} {"a": 2}', ("a.jsonl:2:10", "no JSON: extra data")),
    ('{"a": "\\ud800"}', ("a.jsonl:2", "surrogate pair in `a`")),
    ('{"a": "x\\u0000"}', ("a.jsonl:2", "a NUL character in `a`")),
    ('{"a": "\t\n"}', ("a.jsonl:2:8", "no JSON")),
    ("7", ("a.jsonl:2", "here is `7`")),
    ("null", ("a.jsonl:2", "here is null")),
    ("[1]", ("a.jsonl:2", "here is a list")),
    ('{"a": 1e39}', ("a.jsonl:2", "`a` is too large for float32")),
    ('{"a": ' + "[" * 100_000, ("a.jsonl:2", "values in values")),
    ('{"": 1}', ("a key without a character",)),
    ('{"\\ud800": 1}', ("`\\ud800` cannot name a column",)),
]


@pytest.mark.parametrize(("line", "parts"), FAULTS)
def test_faults_are_named_where_they_are(
    tmp_path: Path, refused: Callable[..., str], line: str, parts: tuple[str, ...]
) -> None:
    message = refused(written(tmp_path / "a.jsonl", GOOD + line + "\n" + GOOD))
    assert all(part in message for part in parts), message


def test_bytes_that_are_no_text(tmp_path: Path, refused: Callable[..., str]) -> None:
    message = refused(written(tmp_path / "a.jsonl", GOOD.encode() + b'{"a": "\xe9"}\n'))
    assert "a.jsonl:2" in message and "byte 8 of the line is 0xe9" in message


def test_a_last_line_that_is_cut_short(tmp_path: Path, refused: Callable[..., str]) -> None:
    message = refused(written(tmp_path / "a.jsonl", GOOD + '{"a": 1, "b'))
    assert "a.jsonl:2" in message and "cut short" in message and "last line" in message


@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "holds no object"),
        (b"{}\n", "holds no object"),
        (b'[{"a": 1}]\n', "a list of JSON"),
        (b'[\n  {"a": 1}\n]\n', "a list of JSON"),
        (b'{\n  "a": 1\n}\n', "an object goes on after its line"),
        (b"a,b\n1,2\n", "no JSON"),
        (b"PAR1\x80\xff", "a Parquet file"),
    ],
)
def test_other_files(tmp_path: Path, refused: Callable[..., str], data: bytes, part: str) -> None:
    assert part in refused(written(tmp_path / "a.jsonl", data))


def test_what_is_not_wanted_may_be_nested(tmp_path: Path) -> None:
    spec = written(tmp_path / "a.jsonl", '{"a": 1, "t": [1]}\n{"a": 2, "t": {}}\n')
    assert cells(read(spec, exclude=("t",)), "a") == [1, 2]
    [piece] = spec.tables(Columns(features=("a",), of_model=True), 9)
    assert cells(piece, "a") == [1, 2]


@pytest.mark.parametrize("rows", [None, 1])
def test_a_column_that_no_line_has_is_missing(tmp_path: Path, rows: int | None) -> None:
    spec = written(tmp_path / "a.jsonl", GOOD * 3)
    with pytest.raises(DataError, match="lacks the column `c`"):
        list(spec.tables(Columns(features=("a", "c"), of_model=True), rows))
    (tmp_path / "a.jsonl").write_text(GOOD * 3 + '{"c": 5}\n')
    tables = spec.tables(Columns(features=("a", "c"), of_model=True), rows)
    assert [c for table in tables for c in cells(table, "c")] == [None, None, None, 5]


class Pipe(io.BytesIO):
    """Standard input that gives a few bytes at a time, and tells how many it gave."""

    def read1(self, count: int | None = -1) -> bytes:
        return super().read1(min(count or 1, 40))

    def peek(self, count: int = 0) -> bytes:
        return self.getvalue()[:1]


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], Pipe]:
    def give(data: bytes) -> Pipe:
        found = Pipe(data)
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=found))
        return found

    return give


def test_standard_input_is_told_by_its_first_byte(piped: Callable[[bytes], Pipe]) -> None:
    piped(GOOD.encode())
    assert source_of("-").spec_name == "jsonl"
    assert source_of("-", dialect={"delimiter": ";"}).spec_name == "csv"
    piped(b"a,b\n1,2\n")
    assert source_of("-").spec_name == "csv"


def test_standard_input_is_read_whole_and_as_it_comes(piped: Callable[[bytes], Pipe]) -> None:
    text = "".join(f'{{"a": {i}, "b": "w{i % 3}"}}\n' for i in range(50)).encode()
    spec = JsonlSpec(path=Path("-"))
    piped(text)
    assert cells(read(spec, target=("b",)), "a") == list(range(50))
    pipe = piped(text)
    pieces = spec.tables(Columns(features=("a",), of_model=True), 100)
    first = next(pieces)
    assert first.rows < 5 and pipe.tell() < 200
    assert first.rows + sum(piece.rows for piece in pieces) == 50
    piped(text)
    pieces = spec.tables(Columns(features=("a", "z"), of_model=True), 100)
    assert next(pieces).rows
    with pytest.raises(DataError, match="lacks the column `z`"):
        list(pieces)


def test_levels_pass_from_piece_to_piece(tmp_path: Path) -> None:
    spec = written(tmp_path / "a.jsonl", "".join(f'{{"w": "w{i % 9}"}}\n' for i in range(400)))
    columns = Columns(features=("w",), types={"w": "word"}, of_model=True)
    pieces = [piece.columns["w"] for piece in spec.tables(columns, 50) if piece.columns]
    assert all(isinstance(one, Words) and len(one.levels) == 9 for one in pieces)
