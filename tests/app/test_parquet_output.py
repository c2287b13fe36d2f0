"""Predictions as Parquet, read back by PyArrow."""

import io
import sys
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from dnn_cli.app.passed_through import PassedThrough
from dnn_cli.app.predict import predict_file
from dnn_cli.app.prediction_formats import FORMATS
from dnn_cli.app.prediction_rows import Rows
from dnn_cli.base.errors import MissingExtraError
from dnn_cli.base.task import Task

BINARY = Task("binary", 2, ("no", "yes"))


def written(rows: Rows, pieces: list[np.ndarray]) -> pyarrow.Table:
    return parquet.read_table(io.BytesIO(b"".join(FORMATS["parquet"](rows, iter(pieces)))))


def drawn(rows: int, columns: int) -> np.ndarray:
    rng = np.random.Generator(np.random.Philox(rows))
    p = rng.random((rows, columns)).astype(np.float32)
    return np.asarray(p / p.sum(axis=1, keepdims=True))


def test_words_numbers_and_columns_beside_them() -> None:
    rows, p = Rows(BINARY, True), drawn(4, 2)
    rows.beside = {"id": ["007", "", "=1", "ä"]}
    found = written(rows, [p])
    assert found.schema.names == ["id", "prediction", "p_no", "p_yes"]
    assert list(map(str, found.schema.types)) == ["string", "string", "float", "float"]
    assert found["id"].to_pylist() == ["007", "", "=1", "ä"]
    assert found["prediction"].to_pylist() == [("no", "yes")[k] for k in p.argmax(axis=1)]
    np.testing.assert_array_equal(found["p_yes"].to_numpy(), p[:, 1])
    assert (rows.count, rows.guarded) == (4, 0)


@pytest.mark.parametrize(
    ("rows", "width", "type", "expected"),
    [
        (Rows(BINARY, False, (3, 1 << 60)), 2, "int64", [1 << 60, 3]),
        (Rows(Task("multilabel", 2, ("a", "b")), False), 2, "uint8", [0, 1]),
        (Rows(Task("regression", 1, ("y",)), False), 1, "float", [0.25, 0.75]),
        (Rows(Task("regression", 1, ("y",)), False, decimals=(3,)), 1, "double", [0.25, 0.75]),
    ],
)
def test_types(rows: Rows, width: int, type: str, expected: list[float]) -> None:
    p = np.array([[0.25, 0.75], [0.75, 0.25]], np.float64 if rows.decimals else np.float32)
    found = written(rows, [p[:, :width]])
    assert str(found.schema.types[0]) == type
    assert found[0].to_pylist() == expected
    assert written(rows, []).schema == found.schema and written(rows, []).num_rows == 0


def test_every_piece_is_a_row_group_and_leaves_at_once() -> None:
    rows, pieces = Rows(BINARY, True), [drawn(n, 2) for n in (50, 7, 1)]
    parts = list(FORMATS["parquet"](rows, iter(pieces)))
    assert len(parts) == 4 and all(parts)
    file = parquet.ParquetFile(io.BytesIO(b"".join(parts)))
    assert [file.metadata.row_group(k).num_rows for k in range(3)] == [50, 7, 1]
    np.testing.assert_array_equal(file.read()["p_no"].to_numpy(), np.concatenate(pieces)[:, 0])


def test_a_table_as_in_csv(table_run: Path, tmp_path: Path) -> None:
    table = table_run.parent.parent / "trees.csv"
    passed = PassedThrough(id="noise", all=True)
    for name in ("o.csv", "o.parquet"):
        predict_file(
            str(table), model=str(table_run), output=str(tmp_path / name), passed=passed,
            proba=True, batch_size=40,
        )  # fmt: skip
    found = parquet.read_table(tmp_path / "o.parquet").to_pylist()
    lines = (tmp_path / "o.csv").read_text().splitlines()
    assert lines[0].split(",") == list(found[0])
    for line, row in zip(lines[1:], found, strict=True):
        cells = line.split(",")
        assert cells[:5] == list(row.values())[:5]
        assert np.float32(cells[5:]).tolist() == list(row.values())[5:]


def test_without_pyarrow_the_error_says_what_to_install(
    table_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    table = str(table_run.parent.parent / "trees.csv")
    with pytest.raises(MissingExtraError) as caught:
        predict_file(table, model=str(table_run), output=str(tmp_path / "o.parquet"))
    assert caught.value.exit_code == 12
    assert caught.value.problems[0].fix == "pip install 'dnn-cli[parquet]'"
    assert list(tmp_path.iterdir()) == []


def test_it_is_imported_only_when_it_is_used(
    table_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    table, stream = str(table_run.parent.parent / "trees.csv"), io.BytesIO()
    predict_file(table, model=str(table_run), output=stream)
    assert stream.getvalue()
