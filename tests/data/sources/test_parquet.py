"""Parquet and Arrow files: every type, what is refused by name, against PyArrow's own tables."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from pyarrow import feather, ipc, parquet

from dnn_cli.base.errors import MissingExtraError
from dnn_cli.data.source import SourceSpec, source_of
from dnn_cli.data.table import Columns
from tests.data.sources.whole_tables import cells, read


def write_stream(table: pyarrow.Table, path: str) -> None:
    with ipc.new_stream(path, table.schema) as out:
        out.write_table(table, max_chunksize=2)


FORMATS: dict[str, Callable[[pyarrow.Table, str], None]] = {
    "a.parquet": parquet.write_table,
    "a.feather": feather.write_feather,
    "a.arrow": write_stream,
}


@pytest.fixture(params=FORMATS)
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., SourceSpec]:
    def make(**columns: Any) -> SourceSpec:
        path = str(tmp_path / request.param)
        FORMATS[request.param](pyarrow.table(columns), path)
        return source_of(path)

    return make


BERLIN = timezone(timedelta(hours=1))
NOON = datetime(2025, 1, 31, 12, 0, 0, 250_000)
KINDS = [
    (pyarrow.array([1, None, -3], pyarrow.int8()), [1, None, -3], ["1", "", "-3"]),
    (pyarrow.array([1, None, 2**63], pyarrow.uint64()), [1, None, 2.0**63], ["1", "", str(2**63)]),
    (pyarrow.array([0.5, None, np.nan], pyarrow.float16()), [0.5, None, None], ["0.5", "", ""]),
    (pyarrow.array([0.1, None, 3.0], pyarrow.float32()), [float(np.float32(0.1)), None, 3.0],
     ["0.1", "", "3.0"]),
    (pyarrow.array([0.1, None, 1e300]).filter([True, True, False]), [0.1, None], ["0.1", ""]),
    (pyarrow.array([True, None, False]), ["true", "", "false"], ["true", "", "false"]),
    (pyarrow.array(["x", None, " é "]), ["x", "", "é"], ["x", "", " é "]),
    (pyarrow.array(["x", None, "NA"], pyarrow.large_string()), ["x", "", ""], ["x", "", "NA"]),
    (pyarrow.array(["39", None, "40"]), [39, None, 40], ["39", "", "40"]),
    (pyarrow.array(["v", None, "v"]).dictionary_encode(), ["v", "", "v"], ["v", "", "v"]),
    (pyarrow.array([7, None, 7]).dictionary_encode(), [7, None, 7], ["7", "", "7"]),
    (pyarrow.array([Decimal("1.50"), None, Decimal("-0.01")]), [1.5, None, -0.01],
     ["1.50", "", "-0.01"]),
    (pyarrow.array([date(2025, 1, 31), None, date(1969, 2, 3)]), ["2025-01-31", "", "1969-02-03"],
     ["2025-01-31", "", "1969-02-03"]),
    (pyarrow.array([NOON, None, NOON], pyarrow.timestamp("ms")), ["2025-01-31 12:00:00.25", "",
     "2025-01-31 12:00:00.25"], None),
    (pyarrow.array([NOON.replace(tzinfo=BERLIN), None], pyarrow.timestamp("us", "Europe/Berlin")),
     ["2025-01-31 11:00:00.25Z", ""], None),
    (pyarrow.nulls(3), [None, None, None], ["", "", ""]),
]  # fmt: skip


@pytest.mark.parametrize(("array", "found", "verbatim"), KINDS)
def test_types(
    made: Callable[..., SourceSpec], array: Any, found: list[Any], verbatim: list[str] | None
) -> None:
    spec = made(a=array, b=pyarrow.array(range(len(array))))
    assert cells(read(spec), "a") == found
    pieces = list(spec.tables(Columns(features=("b",), verbatim=("a",)), 2))
    assert [t for piece in pieces for t in piece.verbatim["a"]] == (verbatim or found)


@pytest.mark.parametrize(
    ("array", "name"),
    [
        (pyarrow.array([[1], [2]]), "list<"),
        (pyarrow.array([{"x": 1}, {"x": 2}]), "struct<x: int64>"),
        (pyarrow.array([b"x", b"y"]), "binary"),
        (pyarrow.array([timedelta(1), timedelta(2)]), "duration"),
        (pyarrow.array([[("k", 1)], []], pyarrow.map_(pyarrow.string(), pyarrow.int64())), "map<"),
    ],
)
def test_types_that_are_refused_by_name(
    made: Callable[..., SourceSpec], refused: Callable[..., str], array: Any, name: str
) -> None:
    spec = made(a=array, b=pyarrow.array([1, 2]))
    message = refused(spec)
    assert "the column `a` is of type" in message and name in message and "exclude: [a]" in message
    assert cells(read(spec, exclude=("a",)), "b") == [1, 2]
    assert cells(read(spec, features=("b",), of_model=True), "b") == [1, 2]


def test_a_label_is_exact_where_float64_is_not(made: Callable[..., SourceSpec]) -> None:
    table = read(made(x=[1, 2], y=[2**53 + 1, 2**53]), target=("y",))
    assert table.targets is not None
    assert table.targets.tolist() == ["9007199254740993", "9007199254740992"]
    assert read(made(x=[1, 2], y=[1, 0]), target=("y",)).targets.tolist() == [1, 0]


def test_words_of_a_column_of_numbers(made: Callable[..., SourceSpec]) -> None:
    table = read(made(x=[1.0, None, 2.5], y=[7, 8, None]), types={"x": "word", "y": "word"})
    assert cells(table, "x") == ["1", "", "2.5"] and cells(table, "y") == ["7", "8", ""]


def test_numbers_that_cannot_be(made: Callable[..., SourceSpec], refused: Any) -> None:
    assert "row 2" in (message := refused(made(a=[1.0, 1e39, 2.0]))) and "float32" in message
    assert "not finite" in refused(made(a=[1.0, float("inf")]))
    message = refused(made(a=["1", "x"]), types={"a": "number"})
    assert "`x` in column `a` is not a number" in message and "row 2" in message
    assert "a NUL character in `a`" in refused(made(a=["x", "y\0"]))


def test_an_index_of_pandas_is_left_out(tmp_path: Path) -> None:
    import pandas

    frame = pandas.DataFrame({"a": [1, 2]}, index=[5, 7])
    frame.to_parquet(tmp_path / "a.parquet")
    table = read(source_of(str(tmp_path / "a.parquet")))
    assert table.feature_names == ("a",) and "__index_level_0__ is left out" in table.notes[0]


def test_a_word_late_in_a_file_makes_a_column_of_words(made: Callable[..., SourceSpec]) -> None:
    texts = [*map(str, range(90_000)), "x"]
    assert cells(read(made(a=texts)), "a") == texts


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
@pytest.mark.parametrize(
    ("data", "part"),
    [
        (b"", "the file is empty"),
        (b"a,b\n1,2\n", "it begins like text"),
        (b"PK\3\4", "a zip archive"),
    ],
)
def test_other_files(tmp_path: Path, refused: Any, name: str, data: bytes, part: str) -> None:
    (tmp_path / name).write_bytes(data)
    assert part in refused(source_of(str(tmp_path / name)))


def test_damaged_files(made: Callable[..., SourceSpec], refused: Any) -> None:
    spec = made(a=list(range(1000)), b=["x"] * 1000)
    path = Path(spec.path)  # type: ignore[attr-defined]
    whole = path.read_bytes()
    for size in (8, len(whole) // 2, len(whole) - 9):
        path.write_bytes(whole[:size])
        assert "cannot read" in refused(spec)


def test_a_first_feather_file_is_named(tmp_path: Path, refused: Any) -> None:
    (tmp_path / "a.feather").write_bytes(b"FEA1" + bytes(60))
    assert "version 1" in refused(source_of(str(tmp_path / "a.feather")))


def test_without_pyarrow(
    made: Callable[..., SourceSpec], refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = made(a=[1, 2])
    for name in [name for name in sys.modules if name.split(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "pip install 'dnn-cli[parquet]'" in refused(spec, MissingExtraError)
    assert MissingExtraError.exit_code == 12


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    import tracemalloc

    peaks = []
    for rows in (200_000, 800_000):
        path = str(tmp_path / f"{rows}.parquet")
        values = np.arange(rows, dtype=float)
        parquet.write_table(pyarrow.table({"a": values, "b": values}), path, row_group_size=50_000)
        tracemalloc.start()
        columns = Columns(features=("a", "b"), of_model=True)
        total = sum(table.rows for table in source_of(path).tables(columns, 8192))
        peaks.append(tracemalloc.get_traced_memory()[1] + pyarrow.total_allocated_bytes())
        tracemalloc.stop()
        assert total == rows
    assert peaks[1] < 1.3 * peaks[0]
