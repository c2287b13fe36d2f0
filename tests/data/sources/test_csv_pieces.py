"""Pieces of a CSV file: what one passes on to the next, and how much a pipe gives at a time."""

import os
import threading
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.data.raw_columns import Words, words_of
from dnn_cli.data.readers import csv_columns
from dnn_cli.data.readers.bytes_in import widen
from dnn_cli.data.sources.csv import CsvSpec
from dnn_cli.data.table import Columns, Table

COLUMNS = Columns(features=("w", "x"), types={"w": "word", "x": "number"}, of_model=True)


def levels_of(table: Table) -> Words:
    assert table.columns is not None
    return words_of(table.columns["w"])


@pytest.mark.parametrize("few", [0, 5, 1000])
def test_words_are_the_same_whatever_passes_on(
    few: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.Generator(np.random.Philox(2))
    cells = [f"w{k}" if k else "NA" for k in rng.integers(0, 40, 1000)]
    (tmp_path / "a.csv").write_text("w,x\n" + "".join(f"{c},1\n" for c in cells))
    monkeypatch.setattr(csv_columns, "_FEW", few)
    pieces = list(CsvSpec(path=tmp_path / "a.csv").tables(COLUMNS, 64))
    assert len(pieces) == 16
    texts = [text for piece in pieces for text in levels_of(piece).as_text().tolist()]
    assert texts == [cell.replace("NA", "") for cell in cells]
    assert (len(levels_of(pieces[-1]).levels) == 39) == (few == 1000)


def test_memory_does_not_grow_with_new_words(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("w,x\n" + "".join(f"w{i},1\n" for i in range(20_000)))
    pieces = CsvSpec(path=tmp_path / "a.csv").tables(COLUMNS, 1000)
    most = max(len(levels_of(piece).levels) for piece in pieces)
    assert most <= csv_columns._FEW + 1000


def test_a_pipe_is_made_to_hold_what_is_read_at_a_time() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", buffering=0) as end:
        widen(stream, 1 << 20)
        writer = threading.Thread(target=end.write, args=(bytes(1 << 19),))
        writer.start()
        writer.join(timeout=20)  # as much is written although nobody reads
        assert not writer.is_alive()
        assert len(stream.read1(1 << 20)) == 1 << 19


def test_what_is_no_pipe_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    with (tmp_path / "a").open("rb") as stream:
        widen(stream, 1 << 20)
        assert stream.read() == b"abc"
