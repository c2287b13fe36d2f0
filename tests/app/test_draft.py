"""From a table to predictions without a line of configuration: init, train FILE, predict."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.app.draft import draft
from dnn_cli.base.errors import DataError, UsageError
from dnn_cli.cli.application import run
from dnn_cli.config.load import load_config

RNG = np.random.default_rng(2)
N = 240
A, B = RNG.normal(size=(2, N))
CITY = RNG.choice(["köln", "bonn", "mainz"], N)
YES = (A + (CITY == "bonn") > 0.3).tolist()
HEADER = ["a", "b", "city", "when", "id", "y"]
ROWS = [
    [f"{a:.4f}", "" if i % 9 == 0 else f"{b:.4f}", c, f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}",
     f"C-{i:05}", "yes" if y else "no"]
    for i, (a, b, c, y) in enumerate(zip(A, B, CITY, YES, strict=True))
]  # fmt: skip


def written(path: Path, delimiter: str = ",", header: bool = True, decimal: str = ".",
            encoding: str = "utf-8") -> Path:  # fmt: skip
    rows = [HEADER, *ROWS] if header else ROWS
    lines = [[c.replace(".", decimal) if i < 2 else c for i, c in enumerate(row)] for row in rows]
    text = "".join(delimiter.join(line) + "\n" for line in lines)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode(encoding)))
    else:
        path.write_bytes(text.encode(encoding))
    return path


def predicted(path: Path) -> list[str]:
    with path.open(newline="") as file:
        return [row["prediction"] for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("t.csv", {}), ("t.tsv", {"delimiter": "\t"}), ("t.csv.gz", {}),
        ("t.csv", {"delimiter": ";", "decimal": ","}), ("t.csv", {"encoding": "cp1252"}),
        ("t.csv", {"encoding": "utf-16"}),
    ],
)  # fmt: skip
def test_three_commands_from_a_table_to_predictions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, options: dict[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / name, **options)  # type: ignore[arg-type]
    assert run(["init", name, "--target", "y", "-o", "t.yaml"]) == 0
    assert run(["train", "t.yaml", "-q", "training.epochs=40"]) == 0
    assert run(["predict", name, "-o", "p.csv"]) == 0
    assert np.mean([p == r[-1] for p, r in zip(predicted(Path("p.csv")), ROWS, strict=True)]) > 0.9
    found = load_config("t.yaml").spec.data
    kinds = {n: s.spec_name for n, s in (found.columns or {}).items()}
    assert kinds == {"a": "number", "b": "number", "city": "category", "when": "date",
                     "id": "identifier"}  # fmt: skip


def test_train_on_a_table_is_init_and_train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "t.csv")
    assert run(["init", "t.csv", "--target", "y", "-o", "t.yaml"]) == 0
    assert run(["train", "t.yaml", "-q", "--run-dir", "one", "training.epochs=3"]) == 0
    line = ["train", "t.csv", "--target", "y", "-q", "--run-dir", "two", "training.epochs=3"]
    assert run(line) == 0
    one, two = (Path(name, "model.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two
    assert Path("two/config.yaml").read_text() == Path("t.yaml").read_text()


def test_a_file_without_a_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{a:.4f},{b:.4f},{int(a > 0)}\n" for a, b in zip(A, B, strict=True))
    Path("n.csv").write_text(rows)
    assert run(["train", "n.csv", "--target", "-1", "-q", "training.epochs=20"]) == 0
    assert run(["predict", "n.csv", "-o", "p.csv"]) == 0
    wanted = [str(int(a > 0)) for a in A]
    assert np.mean(np.array(predicted(Path("p.csv"))) == wanted) > 0.9


def test_without_a_target_the_columns_are_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "t.csv")
    assert run(["init", str(path)]) == 2
    said = capsys.readouterr().err
    assert "--target" in said and "a (numbers), b (numbers), city (words)" in said
    assert run(["init", str(path), "--target", "price"]) == 2
    assert "no column `price`" in capsys.readouterr().err
    np.save(tmp_path / "x.npy", np.zeros((3, 2)))
    assert run(["init", str(tmp_path / "x.npy"), "--target", "y"]) == 2


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = written(tmp_path / "t.csv"), tmp_path / "t.yaml"
    out.write_text("mine")
    assert run(["init", str(path), "--target", "y", "-o", str(out)]) == 6
    assert out.read_text() == "mine" and "exists" in capsys.readouterr().err


def test_doubts_and_splits_are_written_down(tmp_path: Path) -> None:
    rows = "".join(
        f"{i % 7},{i % 12 + 1:02}/{i % 9 + 1:02}/2024,{'train' if i % 4 else 'test'},{i % 11 / 2}\n"
        for i in range(N)
    )
    (tmp_path / "d.csv").write_text("grade,day,Split,y: z\n" + rows)
    out = tmp_path / "d.yaml"
    assert run(["init", str(tmp_path / "d.csv"), "--target", "y: z", "-o", str(out)]) == 0
    text = out.read_text()
    assert "# doubt: grade: category" in text
    assert "# doubt: day: {type: date, form: month_first}" in text
    assert "split: {column: Split}" in text and "task: regression" in text
    other = text.replace("    grade: number", "    #").replace("# doubt: grade:", "grade:")
    out.write_text(other)
    columns = load_config(str(out)).spec.data.columns or {}
    assert columns["grade"].spec_name == "category"


def test_a_table_in_the_place_of_a_configuration_asks_for_its_target(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", str(written(tmp_path / "t.csv"))]) == 2
    said = capsys.readouterr().err
    assert "name the column to predict with --target" in said and "city (words)" in said
    assert not (tmp_path / "runs").exists()


def test_info_tells_how_numbers_of_a_table_are_scaled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "t.csv")
    assert run(["train", "t.csv", "--target", "y", "-q", "training.epochs=1"]) == 0
    capsys.readouterr()
    assert run(["info", "runs/t-001"]) == 0
    shown = capsys.readouterr().out
    facts = [line.split(maxsplit=1) for line in shown.splitlines()]
    assert ["scaling", "robust_smooth_clip"] in facts and ["features", "a, b, city, when"] in facts


def test_a_target_named_twice_is_one_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{k},{k % 3},{k % 2}" for k in range(60)]
    Path("t.csv").write_text("\n".join(["a,b,y", *rows, ""]), encoding="utf-8")
    assert run(["init", "t.csv", "--target", "y", "--target", "-1", "-o", "t.yaml"]) == 0
    assert "target: y\n" in Path("t.yaml").read_text(encoding="utf-8").replace('"', "")


@pytest.mark.parametrize("name", ["nosuch", "nosuch.npy", "nosuch.csv", "nosuch.png", "no/such"])
def test_a_table_that_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="no such file"):
        draft(str(tmp_path / name), ("y",), None, tmp_path)


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        draft(str(tmp_path), ("y",), None, tmp_path)
