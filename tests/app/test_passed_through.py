"""Columns of the input beside the predictions, read back by other libraries."""

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.app.passed_through import PassedThrough
from dnn_cli.app.predict import predict_file
from dnn_cli.base.errors import DataError, UsageError

Command = Callable[..., subprocess.CompletedProcess[str]]

# Cells that a reader which looks at what they mean would change.
CELLS = [
    "007", "12345678901234567890", "1.50", "+3", "1e3", "NA", "null", "", " blank ", "a,b",
    'say "no"', "two\nlines", "two\r\nlines", "a\rb", "ä€😀", "'", "0x1F", "1_000", "True", "\t",
]  # fmt: skip


def rows_of(path: Path, cells: list[str] = CELLS) -> Path:
    """A table with `code` in front of the columns that the model takes, in another order."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["noise", "code", "height", "mark", "width"])
        for i, cell in enumerate(cells):
            out.writerow([i / 10, cell, i % 3 * 3.0, f"r{i}", -2.0 * (i % 3)])
    return path


def predicted(path: Path, run: Path, format: str = "csv", **options: object) -> bytes:
    stream = io.BytesIO()
    predict_file(str(path), model=str(run), output=stream, format=format, **options)  # type: ignore[arg-type]
    return stream.getvalue()


def records(text: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.decode(), newline=""), delimiter=delimiter))


@pytest.mark.parametrize(("format", "delimiter"), [("csv", ","), ("tsv", "\t")])
@pytest.mark.parametrize("size", [1, 3, 4096])
def test_cells_come_out_as_they_were_written(
    format: str, delimiter: str, size: int, table_run: Path, tmp_path: Path
) -> None:
    passed = PassedThrough(id="code", keep=("mark", "code"))
    table = rows_of(tmp_path / "a.csv")
    found = records(predicted(table, table_run, format, passed=passed, batch_size=size), delimiter)
    alone = records(predicted(table, table_run, batch_size=size))
    assert found[0] == ["code", "mark", "prediction"]
    guarded = [f"'{cell}" if cell == "\t" else cell for cell in CELLS]
    assert [row[0] for row in found[1:]] == guarded
    assert [row[1] for row in found[1:]] == [f"r{i}" for i in range(len(CELLS))]
    assert [row[2:] for row in found] == alone  # as many, in their order


def test_json_has_every_cell_as_text(table_run: Path, tmp_path: Path) -> None:
    table = rows_of(tmp_path / "a.csv")
    text = predicted(table, table_run, "jsonl", passed=PassedThrough(all=True), proba=True)
    found = [json.loads(line) for line in text.decode().splitlines()]
    assert [one["code"] for one in found] == CELLS
    assert list(found[0])[:6] == ["noise", "code", "height", "mark", "width", "prediction"]
    assert found[3]["noise"] == "0.3" and isinstance(found[3]["p_ash"], float)


def test_rows_without_quotes_keep_their_blanks(table_run: Path, tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_bytes(b"height,width, c ,noise\n 1 ,2,  x\t,3\n1,2,,3\n1,2,\xc3\xa4 ,3\n")
    text = predicted(table, table_run, passed=PassedThrough(keep=("c",)))
    assert [row[0] for row in records(text)] == ["c", "  x\t", "", "ä "]


def test_all_columns_and_an_identifier_in_front(table_run: Path, tmp_path: Path) -> None:
    table = rows_of(tmp_path / "a.csv", ["1", "2"])
    text = predicted(table, table_run, passed=PassedThrough(id="mark", all=True))
    found = list(csv.DictReader(io.StringIO(text.decode())))
    assert list(found[0]) == ["mark", "noise", "code", "height", "width", "prediction"]
    with table.open(newline="") as file:
        before = list(csv.DictReader(file))
    assert [{name: row[name] for name in before[0]} for row in found] == before


def test_a_column_without_a_name_stays_behind(table_run: Path, tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text(",height,width,noise,\n0,1,2,3,\n")
    text = predicted(table, table_run, passed=PassedThrough(all=True))
    assert records(text)[0] == ["height", "width", "noise", "prediction"]


def test_T07_formulas_are_guarded_and_counted(table_run: Path, tmp_path: Path) -> None:
    table, told = rows_of(tmp_path / "a.csv", ["=1+1", "-5", "@x", "ok", "-", "=1+1"]), list[str]()
    passed = PassedThrough(keep=("code",))
    text = predicted(table, table_run, passed=passed, say=told.append)
    cells = [row[0] for row in records(text)[1:]]
    assert cells == ["'=1+1", "-5", "'@x", "ok", "'-", "'=1+1"]
    assert len(told) == 1 and told[0].startswith("4 cells ")
    exact = predicted(table, table_run, "jsonl", passed=passed).decode().splitlines()
    assert json.loads(exact[0])["code"] == "=1+1"


def test_T13_every_missing_column_is_named_at_once(table_run: Path, tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("height,mark\n1,2\n")
    with pytest.raises(DataError) as caught:
        predicted(table, table_run, passed=PassedThrough(id="marc", keep=("zip",)))
    problem = caught.value.problems[0]
    assert "lacks 4 columns: `width`, `noise`, `marc`, `zip`" in problem.what
    assert problem.why == "its columns are height, mark"
    with pytest.raises(DataError, match="lacks the column `marc` of --id") as caught:
        rows_of(table)
        predicted(table, table_run, passed=PassedThrough(id="marc", all=True))
    assert "code" in caught.value.problems[0].why


@pytest.mark.parametrize(
    ("passed", "fix"),
    [
        (PassedThrough(keep=("prediction",)), "leave --keep prediction out"),
        (PassedThrough(id="p_oak"), "leave --id p_oak out"),
        (PassedThrough(all=True), "--keep instead of --keep-all"),
    ],
)
def test_T13_a_column_called_like_one_of_the_output(
    passed: PassedThrough, fix: str, table_run: Path, tmp_path: Path
) -> None:
    table = tmp_path / "a.csv"
    table.write_text("height,width,noise,prediction,p_oak\n1,2,3,4,5\n")
    stream = io.BytesIO()
    with pytest.raises(UsageError) as caught:
        predict_file(str(table), model=str(table_run), output=stream, passed=passed, proba=True)
    assert fix in caught.value.problems[0].fix and stream.getvalue() == b""


def test_T13_what_has_no_columns_cannot_pass_any_through(digits_run: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((2, 8, 8), np.uint8))
    for passed in (PassedThrough(id="x"), PassedThrough(all=True)):
        with pytest.raises(DataError, match="no columns with names to pass through"):
            predicted(tmp_path / "a.npy", digits_run, passed=passed)


def test_T13_npy_has_no_room_for_them(table_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="npy holds the predictions alone"):
        predicted(rows_of(tmp_path / "a.csv"), table_run, "npy", passed=PassedThrough(all=True))


def test_no_rows_have_the_same_header(table_run: Path, tmp_path: Path) -> None:
    table = rows_of(tmp_path / "a.csv", [])
    assert predicted(table, table_run, passed=PassedThrough(id="mark")) == b"mark,prediction\n"
    assert predicted(table, table_run, "jsonl", passed=PassedThrough(id="mark")) == b""


def test_columns_without_a_header_are_called_by_position(tmp_path: Path) -> None:
    from dnn_cli.app.train import train_run

    (tmp_path / "a.csv").write_text("".join(f"{i + 5},{'yn'[i % 2]},a{i}\n" for i in range(40)))
    (tmp_path / "a.yaml").write_text(
        f"data: {{source: {{type: csv, path: {tmp_path}/a.csv, header: false}}, target: 1}}\n"
        "training: {epochs: 1}\n"
    )
    run = train_run(str(tmp_path / "a.yaml"), runs=str(tmp_path / "runs")).run
    text = predicted(tmp_path / "a.csv", Path(run), passed=PassedThrough(id="2"))
    assert [row[0] for row in records(text)] == ["2", *(f"a{i}" for i in range(40))]


def test_as_a_filter(table_run: Path, tmp_path: Path, dnn: Command) -> None:
    text = rows_of(tmp_path / "a.csv", ["007", "x"]).read_text()
    words = ("predict", "-", "--model", str(table_run), "--id", "code", "--keep", "mark")
    done = dnn(*words, "--keep", "noise", stdin=text)
    found = records(done.stdout.encode())
    assert done.returncode == 0 and done.stderr == ""
    assert [row[:3] for row in found] == [
        ["code", "mark", "noise"], ["007", "r0", "0.0"], ["x", "r1", "0.1"],
    ]  # fmt: skip
    refused = dnn(*words, "--keep-all", stdin=text)
    assert refused.returncode == 2 and "leave --keep out" in refused.stderr


def test_rows_with_gaps_are_predicted_and_counted(tmp_path: Path, table_run: Path) -> None:
    table = tmp_path / "a.csv"
    table.write_text("height,width,noise\n1,,3\n,,\n1,2,NA\n\n")
    stream = io.BytesIO()
    found = predict_file(str(table), model=str(table_run), output=stream)
    assert found.rows == 3 and stream.getvalue().count(b"\n") == 4
