"""Names from data on terminals, in JSON and in tables; outputs that cannot be; crash reports."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.app.prediction_formats import as_csv
from dnn_cli.app.prediction_rows import Rows
from dnn_cli.base.task import Task
from dnn_cli.base.text import LIMIT, safe_text

ROOT = Path(__file__).parents[2]
MARKUP = ["[/red]", "[bold]b[/bold]", "[link=http://x]y[/link]", ":skull:"]
CONTROL = {
    "\x1b[31mred": "\\x1b[31mred",
    "\x1b]52;c;aGk=\x07": "\\x1b]52;c;aGk=\\x07",
    "\x1b]8;;http://x\x1b\\y": "\\x1b]8;;http://x\\x1b\\y",
    "\x9b31m": "\\x9b31m",
    "a\x08b": "a\\x08b",
    "\u202egnp": "\\u202egnp",
    "a\u200bb": "a\\u200bb",
    "line\nbreak": "line\\nbreak",
    "x" * 900: "x" * LIMIT + "…",
}
ROWS = [np.array([row], np.float32) for row in ([0.9, 0.1], [0.2, 0.8])]
LABELS = [*MARKUP, *CONTROL, "=cmd|' /C calc'!A0", 'q"uote', "-1"]


@pytest.fixture
def evil_run(here, dnn, config):
    """A run on a table whose columns and classes have names that would act."""
    with (here / "t.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["=a", "[red]b\x1b[31m", "\x1b]0;title\x07"])
        out.writerows([i % 7, i % 11, LABELS[i % len(LABELS)]] for i in range(10 * len(LABELS)))
    data = '{source: t.csv, target: "\\e]0;title\\a", split: {test: 0.2, valid: 0.1}}'
    found = dnn("train", config(data, training="epochs: 1, batch_size: 64"), "--name", "a")
    assert found.code == 0, found.err
    return found


def shown(*texts: str) -> str:
    """The texts together; every line of them is printable and short."""
    text = "".join(texts)
    lines = text.split("\n")
    assert all(line.isprintable() for line in lines), text
    assert max(map(len, lines)) < 4_000
    return text


COMMANDS = [
    *(("check", "a.yaml"), ("info", "runs/a-001"), ("evaluate", "runs/a-001")),
    *(("evaluate", "runs/a-001", "--fail-if", "f1.\x1b[2J<1"), ("predict", "\x1b[2J.csv")),
    *(("train", "a.yaml", "data.target=\x1b[2J"), ("\x1b[2J",), ("info", "runs/\x1b]52;c;x\x07")),
    ("evaluate", "runs/a-001", "--json"),
]


def test_T01_conditions_that_no_evaluation_can_have(dnn, table, config) -> None:
    table()
    assert dnn("train", config()).code == 0
    for condition in ("r2<1", "f1.maybe<1", "accuracy.yes<1", "loss.yes<1", "test.f1<1", "f1"):
        found = dnn("evaluate", "runs/a-001", "t.csv", "--fail-if", condition)
        assert (found.code, found.out) == (2, ""), found.err
        assert found.err.startswith("error: --fail-if") and "fix: " in found.err


@pytest.fixture
def said(evil_run, dnn) -> str:
    """Everything that the commands say of such a run."""
    found = [evil_run, *(dnn(*command) for command in COMMANDS)]
    assert [one.code for one in found] == [0, 0, 0, 0, 2, 4, 3, 2, 5, 0]
    return shown(*(text for one in found for text in (one.out, one.err)))


def test_T02_markup_is_shown_literally(said) -> None:
    for name in (*MARKUP, "[red]b"):
        assert name in said


def test_T03_control_characters_are_shown_and_long_names_cut(said) -> None:
    for name in CONTROL.values():
        assert name in said or name[:30] in said  # a table may cut it
    assert "x" * (LIMIT + 1) not in said


def test_T03_every_control_and_format_character_is_visible() -> None:
    ranges = ((0x0, 0x20), (0x7F, 0xA0), (0x200B, 0x2010), (0x2028, 0x202F), (0x2060, 0x2070))
    points = [point for first, end in ranges for point in range(first, end)]
    for point in (*points, 0xAD, 0x61C, 0xD800, 0xFEFF, 0xE0001):
        found = safe_text(f"a{chr(point)}b")
        assert found.isprintable() and found.startswith("a\\") and found.endswith("b")
    assert safe_text("é ü 猫") == "é ü 猫"


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


def test_T03_predictions_on_a_terminal_cannot_act(evil_run, dnn, here, monkeypatch) -> None:
    screen = Terminal(io.BytesIO(), encoding="utf-8", newline="")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", screen)
        assert dnn("predict", "t.csv", "--proba").code == 0
    text = screen.buffer.getvalue().decode()  # type: ignore[attr-defined]
    lines = text.split("\n")
    assert all(line.isprintable() for line in lines) and "p_\\x1b]52;c;aGk=\\x07" in lines[0]
    assert dnn("predict", "t.csv", "--proba").out.startswith("prediction,")  # bytes as they are
    assert "\x1b]52;c;aGk=\x07" in dnn("predict", "t.csv", "--proba").out


def bare(*args: str | bytes, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, which knows of this environment only."""
    return subprocess.run(
        [sys.executable, "-m", "dnn_cli", *args], capture_output=True, cwd=cwd, timeout=300,
        check=False, text=True, encoding="latin-1",
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONPATH": str(ROOT),
             "OPENBLAS_NUM_THREADS": "1", **environment},
    )  # fmt: skip


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "cp1252"},
    ],
    ids=["C", "ascii", "cp1252"],
)
def test_T04_foreign_bytes_in_names_and_narrow_streams(here, config, environment) -> None:
    foreign = here / os.fsdecode(b"caf\xe9.csv")
    foreign.write_text("a,y\n" + "1,猫\n2,no\n" * 9, encoding="utf-8")
    (here / "t.csv").write_bytes(foreign.read_bytes())
    run = b"r\xe9"
    words = [
        ("train", config(), "--run-dir", run),
        ("evaluate", run, foreign.name, "--json"),
        ("predict", foreign.name, "--model", run, "-o", b"o\xe9.csv"),
        ("info", run),
    ]
    for arguments in words:
        found = bare(*arguments, cwd=here, **environment)
        assert found.returncode == 0, found.stderr
        assert (found.stdout + found.stderr).isascii()
    assert (here / os.fsdecode(b"o\xe9.csv")).read_text(encoding="utf-8").count("\n") == 19
    assert os.path.isfile(os.path.join(os.fsencode(here), run, b"summary.json"))


def test_T05_results_and_progress_do_not_mix(evil_run, dnn, here) -> None:
    assert evil_run.out == ""
    assert "epoch 1/1" in evil_run.err and "\r" not in evil_run.err
    found = dnn("predict", "t.csv")
    assert found.out.startswith("prediction\n") and found.out.count("\n") > 100
    assert found.err == "model: runs/a-001/model.safetensors (latest finished run)\n"
    assert dnn("evaluate", "runs/a-001").err == ""


def strict(text: str) -> dict:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    found: dict = json.loads(text, parse_constant=refuse)
    return found


def test_T06_json_of_an_undefined_metric_is_json(dnn, table, config, here) -> None:
    table()
    odd = here / "r\x1b[2J\n"
    assert dnn("train", config(), "--run-dir", str(odd)).code == 0
    (here / "v.csv").write_text("a,b,y\n1,2,no\n2,3,no\n")
    found = dnn("evaluate", str(odd), "v.csv", "--json")
    assert found.code == 0 and found.out.isascii() and found.err == ""
    result = strict(found.out)
    undefined = [f"metrics.{name}" for name, v in result["metrics"].items() if v is None]
    assert result["non_finite"] == undefined and "metrics.auc" in undefined
    assert [f"metrics.{name}" for name in result["notes"]] == undefined
    assert result["notes"]["auc"].startswith(("no row is of class", "every row is of class"))
    assert result["checkpoint"] == str(odd / "model.safetensors")
    assert strict(json.dumps(result)) == result
    for line in (odd / "metrics.jsonl").read_text().splitlines():
        strict(line)
    for name in ("summary.json", "environment.json"):
        strict((odd / name).read_text())


@pytest.mark.parametrize("label", ["=1", "+a", "-a", "@a", "\ta", "\ra", "\na", "\0a"])
def test_T07_a_label_is_no_formula(label) -> None:
    rows = Rows(Task("binary", 2, (label, "b")), proba=True)
    text = b"".join(as_csv(rows, ROWS[:1])).decode()
    (_, first) = csv.reader(io.StringIO(text, newline=""))
    assert first == [f"'{label}", "0.9", "0.1"]
    several = Rows(Task("multilabel", 2, (label, "b")), proba=False)
    header, *_ = csv.reader(io.StringIO(b"".join(as_csv(several, ROWS[:1])).decode(), newline=""))
    assert header == [f"'{label}", "b"]


@pytest.mark.parametrize("label", ["a\rb", "a\nb", "a\r\nb", 'a"b', "a,b", "-1.5", "+2", "x'"])
def test_T07_other_labels_come_back_as_they_are(label) -> None:
    rows = Rows(Task("multiclass", 2, (label, "b")), proba=False)
    text = b"".join(as_csv(rows, ROWS)).decode()
    found = list(csv.reader(io.StringIO(text, newline="")))
    assert found == [["prediction"], [label], ["b"]]


def test_T07_numbers_are_never_quoted(here, dnn, table, config) -> None:
    table()
    assert dnn("train", config("{source: t.csv, target: a, exclude: [y]}")).code == 0
    lines = dnn("predict", "t.csv").out.splitlines()[1:]
    assert any(line.startswith("-") for line in lines) and all(float(line) for line in lines)


def test_T07_the_predictions_of_hostile_labels_read_back(evil_run, dnn, here) -> None:
    assert dnn("predict", "t.csv", "-o", "p.csv", "--proba").code == 0
    with (here / "p.csv").open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert len(rows) == 10 * len(LABELS) and {len(row) for row in rows} == {len(header)}
    assert header == ["prediction", *(f"p_{label}" for label in sorted(LABELS))]
    assert {row[0] for row in rows} <= {"'" + x if x[0] == "=" else x for x in LABELS}


@pytest.mark.parametrize(
    ("output", "code", "word"),
    [
        ("there.csv", 6, "exists"),
        ("t.csv", 6, "is the input"),
        (".", 6, "is a folder"),
        ("folder.csv", 6, "is a folder"),
        ("missing/p.csv", 6, "there is no folder"),
        ("t.csv/p.csv", 6, "there is no folder"),
        ("p" * 300 + ".csv", 6, "name too long"),
        ("dangling.csv", 6, "there is no folder"),
        ("pipe.csv", 6, "no regular file"),
        ("p.csv.gz", 2, "not written packed"),
        ("p.JSONL.GZ", 2, "not written packed"),
        ("", 2, "format"),
        ("p.xlsx", 2, "format"),
    ],
)
def test_T10_outputs_that_cannot_be(dnn, table, config, here, output, code, word) -> None:
    table()
    assert dnn("train", config()).code == 0
    (here / "there.csv").write_text("mine")
    (here / "folder.csv").mkdir()
    (here / "dangling.csv").symlink_to("no/such.csv")
    os.mkfifo(here / "pipe.csv")
    before = sorted(here.rglob("*"))
    kept = (here / "t.csv").read_bytes()
    for force in ([], ["--force"]) if output != "there.csv" else ([],):
        found = dnn("predict", "t.csv", "-o", output, *force)
        assert found.code == code and word in found.err, found.err
        assert "fix: " in found.err
        assert found.out == "" and sorted(here.rglob("*")) == before
        assert (here / "there.csv").read_text() == "mine" and (here / "t.csv").read_bytes() == kept


def test_T10_a_failed_prediction_leaves_no_file(dnn, table, config, here) -> None:
    table()
    assert dnn("train", config()).code == 0
    (here / "n.csv").write_text("a,b\n" + "1,2\n" * 5000 + "1,x\n")  # found out after a piece
    assert dnn("predict", "n.csv", "-o", "p.csv").code == 4
    assert not [path for path in here.iterdir() if path.name.startswith((".", "p"))]


def test_T12_a_crash_report_holds_no_cell_and_no_environment(
    here, dnn, table, config, monkeypatch
) -> None:
    table()
    (here / "crash").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(here / "crash"))
    monkeypatch.setenv("SECRET", "secret-environment")
    monkeypatch.setattr("dnn_cli.app.train.build", lambda loaded: {}["inner"])
    found = dnn("train", config(name="secret.yaml"), "--name", "secret-argument")
    assert found.code == 1 and found.err.count("\n") == 1
    (report,) = (here / "crash").iterdir()
    text = report.read_text()
    assert str(report) in found.err and "KeyError: 'inner'" in text and "numpy " in text
    for word in ("secret-", "SECRET", os.environ["PATH"], "yes", "no,"):
        assert word not in text
