"""One table in every format that has columns: the same columns, the same network, byte for byte."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from dnn_cli.app.evaluate import evaluate_model
from dnn_cli.app.predict import predict_file
from dnn_cli.app.train import train_run
from dnn_cli.base.errors import DataError
from dnn_cli.data.prepare import prepare
from dnn_cli.data.source import SOURCES, source_of
from dnn_cli.data.spec import DataSpec, SplitSpec
from dnn_cli.data.table import Columns

NUMBERS, WORDS, ROWS = ("age", "fare", "level"), ("city", "member", "joined"), 120
CONFIG = (
    "data: {{source: '{}', target: kind, split: {{valid: 0.2, test: 0.2}}}}\n"
    "model: {{hidden: [8]}}\n"
    "training: {{epochs: 2, batch_size: 16}}\n"
)


def table() -> pandas.DataFrame:
    """Numbers with gaps, whole ones, words with gaps, a boolean, dates and a target of words."""
    rng = np.random.Generator(np.random.Philox(3))
    fare = rng.normal(30.0, 9.0, ROWS)
    fare[rng.random(ROWS) < 0.1] = np.nan
    city = np.array(["Köln", "New York", "Oslo", None], object)[rng.integers(0, 4, ROWS)]
    days = np.datetime64("2024-01-01T10:00:30") + rng.integers(0, 9**8, ROWS)
    return pandas.DataFrame(
        {
            "age": rng.integers(18, 90, ROWS),
            "fare": fare,
            "level": rng.integers(0, 5, ROWS),
            "city": city,
            "member": rng.random(ROWS) < 0.5,
            "joined": days,
            "kind": np.array(["ash", "oak"])[(fare > 30).astype(int)],
        }
    )


def cells(frame: pandas.DataFrame) -> pandas.DataFrame:
    """The same with booleans and dates in the words that all formats have."""
    written = frame.copy()
    written["member"] = written["member"].map({True: "true", False: "false"})
    written["joined"] = written["joined"].astype(str)
    return written


def to_csv(frame: pandas.DataFrame, path: Path) -> None:
    cells(frame).to_csv(path, index=False)


def to_jsonl(frame: pandas.DataFrame, path: Path) -> None:
    rows = cells(frame).to_dict("records")
    for place, row in enumerate(rows):
        row["member"] = row["member"] == "true"
        gaps = [name for name, value in row.items() if value is None or value != value]
        for name in gaps:  # a gap is null, or no key at all
            row[name] = None
            if place:
                del row[name]
    text = "".join(json.dumps(row, ensure_ascii=bool(i % 2)) + "\n" for i, row in enumerate(rows))
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


def arrays(frame: pandas.DataFrame) -> dict[str, Any]:
    found = {name: frame[name].to_numpy() for name in frame}
    found["city"] = np.array(frame["city"].fillna("").tolist())
    found["kind"] = np.array(frame["kind"].tolist())
    return found


def to_npz(frame: pandas.DataFrame, path: Path) -> None:
    np.savez_compressed(path, **arrays(frame))


def to_npy(frame: pandas.DataFrame, path: Path) -> None:
    found = arrays(frame)
    fields = np.empty(len(frame), np.dtype([(n, a.dtype) for n, a in found.items()], align=True))
    for name, values in found.items():
        fields[name] = values
    np.save(path, fields)


WRITERS: dict[str, Callable[[pandas.DataFrame, Path], None]] = {
    "t.csv": to_csv,
    "t.jsonl": to_jsonl,
    "t.ndjson.gz": to_jsonl,
    "t.parquet": lambda frame, path: frame.to_parquet(path),
    "t.feather": lambda frame, path: frame.to_feather(path),
    "t.npz": to_npz,
    "t.npy": to_npy,
}
OTHERS = [name for name in WRITERS if name != "t.csv"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the table in every format, and its halves as several files."""
    found = tmp_path_factory.mktemp("tables")
    for name, write in WRITERS.items():
        write(table(), found / name)
        (found / f"parts-{name}").mkdir()
        ends = "".join(Path(name).suffixes)
        write(table()[:50], found / f"parts-{name}" / f"p9{ends}")
        write(table()[50:], found / f"parts-{name}" / f"p10{ends}")
    return found


def coded(path: str) -> tuple[Any, Any]:
    split = SplitSpec(valid=0.2, test=0.2)
    found = prepare(DataSpec(source=source_of(path), target="kind", split=split))
    parts = (found.train, found.valid, found.test)
    return [(p.inputs.tobytes(), p.targets.tobytes()) for p in parts], found.schema.to_json()


def run_of(folder: Path, data: str) -> Path:
    config = folder / "c.yaml"
    config.write_text(CONFIG.format(data))
    return Path(train_run(str(config), runs=str(folder / "runs")).run)


def test_every_source_with_columns_is_here() -> None:
    kinds = {source_of(name).spec_name for name in WRITERS}
    assert kinds == set(SOURCES.names()) - {"builtin", "idx", "image_folder", "synthetic"}


@pytest.mark.parametrize("name", OTHERS)
def test_the_same_table_is_the_same_matrix(folder: Path, name: str) -> None:
    assert coded(str(folder / name)) == coded(str(folder / "t.csv"))


@pytest.mark.parametrize("name", [n for n in WRITERS if n not in ("t.npz", "t.npy")])
def test_several_files_are_the_table(folder: Path, name: str) -> None:
    pattern = str(folder / f"parts-{name}" / "*")
    ends = "".join(Path(name).suffixes)
    assert coded(f"{pattern}{ends}") == coded(str(folder / "t.csv"))


def test_the_same_table_makes_the_same_model(folder: Path) -> None:
    models = {name: (run_of(folder, name) / "model.safetensors").read_bytes() for name in WRITERS}
    assert all(model == models["t.csv"] for model in models.values())


@pytest.mark.parametrize("trained", ["t.csv", "t.parquet"])
def test_a_model_predicts_and_measures_any_format(folder: Path, trained: str) -> None:
    run, found, measured = run_of(folder, trained), {}, {}
    for name in WRITERS:
        out = folder / f"{name}.out.csv"
        predict_file(str(folder / name), model=str(run), output=str(out), proba=True, force=True)
        found[name] = out.read_bytes()
        measured[name] = evaluate_model(str(run), data=str(folder / name)).metrics
    assert len(found["t.csv"].splitlines()) == ROWS + 1
    assert all(one == found["t.csv"] for one in found.values())
    assert all(one == measured["t.csv"] for one in measured.values())


@pytest.mark.parametrize("name", WRITERS)
def test_columns_are_taken_by_name_and_pieces_are_the_whole(folder: Path, name: str) -> None:
    types: Any = dict.fromkeys(NUMBERS, "number") | dict.fromkeys(WORDS, "word")
    columns = Columns(features=(*WORDS, *NUMBERS), types=types, of_model=True)
    source = source_of(str(folder / name))
    [whole] = source.tables(columns)
    assert whole.feature_names == (*WORDS, *NUMBERS) and whole.rows == ROWS
    for rows in (1, 7, 5000):
        pieces = list(source.tables(columns, rows))
        assert all(piece.rows <= rows for piece in pieces)
        for column in whole.feature_names:
            assert whole.columns is not None
            texts = [text for piece in pieces for text in as_texts((piece.columns or {})[column])]
            assert texts == as_texts(whole.columns[column])


def as_texts(column: Any) -> list[str]:
    return list(map(str, column.values if hasattr(column, "values") else column.as_text()))


@pytest.mark.parametrize("rows", [None, 7])
@pytest.mark.parametrize("name", WRITERS)
def test_missing_columns_are_named(folder: Path, name: str, rows: int | None) -> None:
    columns = Columns(features=("street", "age", "zip"), of_model=True)
    with pytest.raises(DataError, match="lacks 2 columns: `street`, `zip`"):
        list(source_of(str(folder / name)).tables(columns, rows))


@pytest.mark.parametrize("name", WRITERS)
def test_cells_pass_through_as_text(folder: Path, name: str) -> None:
    kept = ("city", "level", "member", "fare")
    columns = Columns(features=("age",), verbatim=kept, of_model=True)
    pieces = list(source_of(str(folder / name)).tables(columns, 50))
    found = {k: [text for piece in pieces for text in piece.verbatim[k]] for k in kept}
    frame = cells(table()).astype({"fare": object})
    wanted = {k: ["" if v is None or v != v else str(v) for v in frame[k]] for k in kept}
    assert found == wanted
