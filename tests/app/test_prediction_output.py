"""Formats by name and by option, and what a stream is said to have got."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.app.predict import predict_file
from dnn_cli.app.prediction_formats import FORMATS
from dnn_cli.app.prediction_output import format_of, write_file, write_stream
from dnn_cli.app.prediction_rows import Rows
from dnn_cli.base.errors import DataError, UsageError
from dnn_cli.base.task import Task

TASK = Task("binary", 2, ("no", "yes"))


@pytest.mark.parametrize(
    ("asked", "output", "kind"),
    [
        (None, io.BytesIO(), "csv"), ("npy", io.BytesIO(), "npy"),
        (None, "o.csv", "csv"), (None, "o.CSV", "csv"), (None, "a.b/o.jsonl", "jsonl"),
        ("jsonl", "o.jsonl", "jsonl"), ("csv", "o.txt", "csv"), ("csv", "o", "csv"),
        ("jsonl", "o.json", "jsonl"), ("csv", "a.npy/o", "csv"),
    ],
)  # fmt: skip
def test_the_format(asked: str | None, output: str | io.BytesIO, kind: str) -> None:
    assert format_of(asked, output) == kind


@pytest.mark.parametrize(
    ("asked", "output", "fix"),
    [
        ("csv", "o.npy", "o.csv"), ("jsonl", "o.csv", "o.jsonl"), ("npy", "o.CSV", "o.npy"),
        (None, "o.csv.gz", "name it o.csv "), ("csv", "o.csv.gz", "name it o.csv "),
        (None, "o.jsonl.gz", "name it o.jsonl "), (None, "o.npy.zip", "name it o.npy "),
        (None, "o.gz", "name it o.csv "), (None, "o.csv.BZ2", "| gzip"),
        (None, "o.csv.xz", "| gzip"), (None, "o.csv.zst", "| gzip"),
        (None, "o", "--format"), (None, "o.json", "--format"), ("xml", "o.xml", "--format"),
        ("xml", io.BytesIO(), "--format"), (None, "o.c\x1bsv", "--format"),
    ],
)  # fmt: skip
def test_T10_a_name_and_a_format_that_cannot_be(
    asked: str | None, output: str | io.BytesIO, fix: str
) -> None:
    with pytest.raises(UsageError) as caught:
        format_of(asked, output)
    problem = caught.value.problems[0]
    assert fix in problem.fix and problem.what.isprintable()


def pieces(failure: BaseException, count: int) -> Iterator[np.ndarray]:
    for _ in range(count):
        yield np.array([[0.2, 0.8], [0.7, 0.3]], np.float32)
    raise failure


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_stream_that_is_cut_off_by_the_data(kind: str, count: int) -> None:
    sink, rows = io.BytesIO(), Rows(TASK, False)
    with pytest.raises(DataError) as caught:
        write_stream(sink, FORMATS[kind](rows, pieces(DataError("bad"), count)), rows)
    expected = f"{2 * count} predictions are out" if count else "nothing was written"
    assert caught.value.state == expected
    header = kind == "csv" and count > 0
    assert sink.getvalue().count(b"\n") == 2 * count + header


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), MemoryError(), OSError(), ValueError()])
def test_what_is_out_is_noted_on_errors_of_others(failure: BaseException, tmp_path: Path) -> None:
    rows = Rows(TASK, False)
    with pytest.raises(type(failure)) as caught:
        write_stream(io.BytesIO(), FORMATS["csv"](rows, pieces(failure, 2)), rows)
    assert caught.value.__notes__ == ["4 predictions are out"]
    del failure.__notes__  # type: ignore[attr-defined]
    with pytest.raises(type(failure)) as caught:
        write_file(str(tmp_path / "o"), FORMATS["csv"](rows, pieces(failure, 2)), force=False)
    assert caught.value.__notes__ == ["nothing was written"]
    assert list(tmp_path.iterdir()) == []


class Full(io.BytesIO):
    """A stream that takes `room` bytes."""

    room = 30

    def write(self, data: object) -> int:
        taken = super().write(bytes(data)[: self.room - self.tell()])  # type: ignore[call-overload]
        if taken < len(bytes(data)):  # type: ignore[call-overload]
            raise OSError("full")
        return taken


def test_a_stream_that_takes_no_more() -> None:
    sink, rows = Full(), Rows(TASK, False)
    with pytest.raises(OSError, match="full") as caught:
        write_stream(sink, FORMATS["csv"](rows, pieces(ValueError(), 9)), rows)
    # "prediction" and a line feed are 11 bytes, a piece is "yes" and "no": 7.
    assert caught.value.__notes__ == ["4 predictions are out, and perhaps a part of the next 2"]


def test_labels_changed_in_csv_are_counted_and_exact_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dnn_cli.app.train import train_run

    monkeypatch.chdir(tmp_path)
    lines = [f"{i % 2},{i}," + ("+pos" if i % 2 else "no") for i in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,y", *lines, ""]))
    (tmp_path / "t.yaml").write_text(
        "data: {source: t.csv, target: y}\nmodel: {hidden: [8]}\n"
        "optimizer: {type: adam, learning_rate: 0.05}\ntraining: {epochs: 60}\n"
    )
    run = train_run("t.yaml").run

    def said(output: str, **options: bool) -> list[str]:
        told: list[str] = []
        predict_file("t.csv", model=run, output=output, say=told.append, **options)  # type: ignore[arg-type]
        return told

    (line,) = said("o.csv", proba=True)
    cells = (tmp_path / "o.csv").read_text().splitlines()
    assert cells[0] == "prediction,p_+pos,p_no"
    changed = sum(cell.startswith("'+pos") for cell in cells)
    assert changed > 0 and line.startswith(f"{changed} cells ") and "jsonl or parquet" in line
    assert said("o.jsonl") == said("o.npy") == []
    labels = np.load(tmp_path / "o.npy").tolist()
    assert labels.count("+pos") == changed and set(labels) == {"+pos", "no"}
    assert f'"prediction": "{labels[0]}"' in (tmp_path / "o.jsonl").read_text()


def test_names_of_columns_changed_in_csv_are_counted() -> None:
    rows = Rows(Task("multilabel", 2, ("=a", "-1")), False)
    text = b"".join(FORMATS["csv"](rows, [np.array([[0.2, 0.8]], np.float32)]))
    assert text == b"'=a,-1\n0,1\n" and rows.guarded == 1


@pytest.mark.parametrize("proba", [False, True])
@pytest.mark.parametrize(
    ("task", "width"),
    [
        (TASK, 2), (Task("multiclass", 3, ("a", "b", "c")), 3), (Task("regression", 1, ("t",)), 1),
        (Task("multilabel", 2, ("a", "b")), 2), (Task("reconstruction", 4), 4),
    ],
)  # fmt: skip
def test_npy_of_no_rows_has_the_shape_and_type_of_npy_of_some(
    task: Task, width: int, proba: bool
) -> None:
    def array(rows: int) -> np.ndarray:
        values = [np.full((rows, width), 0.5, np.float32)] if rows else []
        return np.load(io.BytesIO(b"".join(FORMATS["npy"](Rows(task, proba), values))))  # type: ignore[no-any-return]

    none, some = array(0), array(2)
    assert (none.shape, none.dtype) == ((0, *some.shape[1:]), some.dtype)
