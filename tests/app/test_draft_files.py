"""Drafts of tables as the world writes them: what init writes trains, and predict reads the file.

The truth is what was written: the label follows from the number, so that one read wrongly shows.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dnn_cli.app.draft import draft
from dnn_cli.base.errors import DataError, UsageError
from dnn_cli.cli.application import run
from dnn_cli.config.load import load_config, load_text

RNG = np.random.default_rng(5)
N = 160
NUMBERS = np.round(RNG.uniform(1000, 2_000_000, N), 2)
LABELS = np.where(NUMBERS > 1e6, "high", "low")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(name: str, cells: list[str], delimiter: str = ";", encoding: str = "utf-8") -> str:
    text = io.StringIO()
    rows = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    rows.writerow(["a", "b", "y"])
    rows.writerows(
        [cell, i % 7, label] for i, (cell, label) in enumerate(zip(cells, LABELS, strict=True))
    )
    Path(name).write_bytes(text.getvalue().encode(encoding))
    return name


def as_written(decimal: str, thousands: str, places: int = 2) -> list[str]:
    signs = str.maketrans({",": thousands, ".": decimal})
    return [f"{number:,.{places}f}".translate(signs) for number in NUMBERS.tolist()]


def extremes(text: str) -> str:
    """What the configuration says of column `a`."""
    return next(line for line in text.splitlines() if line.startswith("    a: "))


def right(path: str) -> float:
    with Path(path).open(newline="") as file:
        found = [row["prediction"] for row in csv.DictReader(file)]
    return float(np.mean(np.array(found) == LABELS))


@pytest.mark.parametrize(
    ("decimal", "thousands", "delimiter"),
    [
        (".", ",", ";"), (".", ",", ","), (",", ".", ";"), (",", " ", ";"), (".", "\u202f", "\t"),
        (",", "\u00a0", ";"), (".", "'", ","), (".", "\u2019", ";"), (",", "", ","),
    ],
)  # fmt: skip
def test_three_commands_with_signs_between_thousands(
    decimal: str, thousands: str, delimiter: str
) -> None:
    name = written("t.csv", as_written(decimal, thousands), delimiter)
    assert run(["init", name, "--target", "y", "-o", "t.yaml"]) == 0
    text = Path("t.yaml").read_text()
    assert "# doubt: source" not in text
    assert re.search(r"# \d{4,5}(\.\d+)? to 1\.9\d+e\+06", extremes(text))
    assert run(["train", "t.yaml", "-q", "training.epochs=60"]) == 0
    assert run(["predict", name, "-o", "p.csv"]) == 0
    assert right("p.csv") > 0.95
    line = ["train", name, "--target", "y", "-q", "training.epochs=1", "--run-dir", "two"]
    assert run(line) == 0 and Path("two/config.yaml").read_text() == text


WAYS = [
    ["--thousands", ","], ["data.source.thousands=','"], ["--set", 'data.source.thousands=","'],
    ["--decimal", "."],
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("command", ["init", "train"])
def test_a_doubt_is_said_and_the_other_reading_can_be_asked_for(
    command: str, way: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    cells = [f"{number:,.0f}" for number in np.linspace(1001, 9987, N).tolist()]
    name = written("t.csv", cells)
    end = ["-o", "t.yaml"] if command == "init" else ["--run-dir", "run", "training.epochs=1"]
    config = Path("t.yaml" if command == "init" else "run/config.yaml")
    assert run([command, name, "--target", "y", *end]) == 0
    said, text = capsys.readouterr().err, config.read_text()
    assert "is read as" in said and "--decimal '.' --thousands ','" in said
    source = '{type: csv, path: t.csv, delimiter: ";", decimal: ".", thousands: ","}'
    assert f"  # doubt: source: {source}  # if " in text
    assert " to 9.9" in extremes(text)
    end = ["-o", "other.yaml"] if command == "init" else ["--run-dir", "other", *end[2:]]
    config = Path("other.yaml" if command == "init" else "other/config.yaml")
    assert run([command, name, "--target", "y", *end, *way]) == 0
    text = config.read_text()
    assert "# doubt: source" not in text and " to 99" in extremes(text)
    assert 'thousands: ","' in text


def test_what_is_said_of_the_data_reaches_the_draft(capsys: pytest.CaptureFixture[str]) -> None:
    name = written("t.csv", [*as_written(".", "")[:-1], "broken"], ",")
    assert run(["init", name, "--target", "y"]) == 4
    assert "data.columns.NAME=category" in capsys.readouterr().err
    for change, kind in (
        ("data.columns.a=category", "category"),
        ("data.missing=[broken]", "number"),
    ):
        assert run(["init", name, "--target", "y", change, "-o", f"{kind}.yaml"]) == 0
        columns = load_config(f"{kind}.yaml").spec.data.columns or {}
        assert columns["a"].spec_name == kind
    assert load_config("number.yaml").spec.data.missing == ("broken",)
    assert run(["init", name, "data.target=y", "data.split.valid=0.3", "data.exclude=[a]"]) == 0
    text = capsys.readouterr().out
    assert "split: {valid: 0.3, test: 0.15}" in text and "exclude: [a]" in text
    assert run(["init", name, "--target", "y", "training.epochs=3"]) == 2
    assert run(["init", name, "--target", "y", "data.sauce=3"]) == 3


def test_encodings_are_said_or_refused(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["Köln", "Genève", "Málaga"]
    cells = [f"{words[i % 3]}" for i in range(N)]
    name = written("t.csv", cells, ",", "cp1252")
    assert run(["init", name, "--target", "y", "-o", "t.yaml"]) == 0
    assert "read as cp1252, since it is not UTF-8 text: byte 7 is 0xf6" in capsys.readouterr().err
    text = Path("t.yaml").read_text()
    assert "# doubt: source: {type: csv, path: t.csv, encoding: cp1250}" in text
    other = written("r.csv", ["Москва", "Казань"] * (N // 2), ",", "cp1251")
    for command in (["init"], ["train"]):
        assert run([*command, other, "--target", "y"]) == 4
        assert "--encoding cp1251" in capsys.readouterr().err
    assert run(["init", other, "--target", "y", "--encoding", "cp1251"]) == 0
    assert "Казань, Москва" in capsys.readouterr().out


def test_a_table_without_a_header_keeps_all_its_rows(capsys: pytest.CaptureFixture[str]) -> None:
    name = written("t.csv", as_written(".", ""), ",")
    Path(name).write_text(Path(name).read_text().partition("\n")[2])
    assert run(["train", name, "--target", "-1", "training.epochs=1"]) == 0
    said = capsys.readouterr().err
    assert "no row names columns" in said and "if it names them: --header" in said
    split = next(line for line in said.splitlines() if line.startswith("split: "))
    assert sum(int(word) for word in split.split() if word.isdigit()) == N  # seed 0 is not a row
    Path("c.yaml").write_text(f"data: {{source: {name}, target: -1, split: {{valid: 0.2}}}}")
    assert run(["train", "c.yaml", "training.epochs=1"]) == 0
    assert "`header: false` in the source (--no-header)" in capsys.readouterr().err
    assert run(["train", "c.yaml", "training.epochs=1", "--no-header"]) == 0


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=12)
ODD = [
    "\ufeffx", "a\x7f", "b\x85", "c\u2028d", ".nan", "~", "null", "yes", "  blanks ", 'q"q', "# x",
    "k: v", "'", "-", "- a", "...", "---", "!a", "&a", "*a", "{", "[", "%", "@", "`", "0x1F",
    "1:30", "010", ".5", "1e3", "<<", "=", "?", "? a", "|", ">", "a,b", "\ue000", "\U0001f600",
    "x" * 1000, "\t", "true", "é", "y", "N", ".inf", "2024-01-01", "a #b", "\\n", "\x1b[2J",
    "\xa0", "\uffff",
]  # fmt: skip


def is_distinct(names: list[str]) -> bool:
    return len({name.strip(" \t") for name in names}) == len(names)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(ODD)
@given(st.lists(NAMES | st.sampled_from(ODD), min_size=1, max_size=4).filter(is_distinct))
def test_every_name_that_is_read_comes_back(names: list[str]) -> None:
    text = io.StringIO()
    rows = csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n")
    rows.writerow([*names, "the target"])
    rows.writerows([*(f"{x:.2f}" for x in RNG.normal(size=len(names))), i % 2] for i in range(24))
    Path("n.csv").write_text(text.getvalue(), encoding="utf-8")
    try:
        made = draft("n.csv", ("the target",), None, Path()).text
    except DataError:
        return  # refused with a reason: no name, or two that look alike
    kept = [name.strip(" \t") for name in names]
    kept = [name for name in kept if name]
    assert list(yaml.safe_load(made)["data"]["columns"]) == kept
    assert list(load_text(made.encode(), Path("n.yaml")).spec.data.columns or ()) == kept


def test_odd_names_train_and_predict(capsys: pytest.CaptureFixture[str]) -> None:
    names = [name for name in ODD if name.strip(" \t")]
    text = io.StringIO()
    rows = csv.writer(text, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\n")
    rows.writerow([*names, ".nan " + "y"])
    rows.writerows([*(f"{x:.2f}" for x in RNG.normal(size=len(names))), i % 2] for i in range(60))
    Path("n.csv").write_text(text.getvalue(), encoding="utf-8")
    assert run(["init", "n.csv", "--target", ".nan y", "-o", "n.yaml"]) == 0
    assert run(["train", "n.yaml", "-q", "training.epochs=1", "--run-dir", "run"]) == 0
    assert run(["predict", "n.csv", "--model", "run", "-o", "p.csv"]) == 0
    assert run(["resume", "run", "--set", "training.epochs=2"]) == 0
    assert "\x1b" not in capsys.readouterr().err


def test_a_name_beyond_the_limit_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    Path("n.csv").write_text("a" * 5000 + ",y\n1,0\n2,1\n")
    assert run(["init", "n.csv", "--target", "y"]) == 4
    assert "the name of column 1 has 5,000 characters" in capsys.readouterr().err


def test_a_wide_table_of_words_trains_and_resumes() -> None:
    width = 2500
    rows = [",".join("abc"[k] for k in RNG.integers(0, 3, width)) + f",{i % 2}" for i in range(40)]
    names = ",".join(f"c{i}" for i in range(width))
    Path("w.csv").write_text("\n".join([f"{names},y", *rows, ""]))
    assert run(["init", "w.csv", "--target", "y", "-o", "w.yaml"]) == 0
    assert "# columns: what the 2,500 are" in Path("w.yaml").read_text()
    small = ["model={hidden: [2]}", "training={epochs: 1}", "-q", "--run-dir", "run"]
    assert run(["train", "w.yaml", *small]) == 0
    assert run(["resume", "run", "--set", "training.epochs=2", "-q"]) == 0


def test_standard_input_is_no_draft(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError):
        draft("-", ("y",), None, Path())
