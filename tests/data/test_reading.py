"""Tables that lie on disk: the same as in memory, whatever happens to the files."""

import dataclasses
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnn_cli.base.errors import DataError, FileSystemError, LimitError
from dnn_cli.data import column_files, reading, spooling
from dnn_cli.data.columns.category import CategorySpec
from dnn_cli.data.prepare import prepare
from dnn_cli.data.raw_columns import Numbers
from dnn_cli.data.readers import memory, room
from dnn_cli.data.reading import Storage, read
from dnn_cli.data.sources.csv import CsvSpec
from dnn_cli.data.spec import DataSpec, SplitSpec
from dnn_cli.data.table import Columns
from dnn_cli.data.window import Window


@pytest.fixture(autouse=True)
def small_pieces(tmp_path, monkeypatch):
    monkeypatch.setenv("DNN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(spooling, "_PIECE", 7)
    monkeypatch.setattr(room, "_ROWS", 5)


def table(path, rows=40):
    lines = ["age,city,when,odd,y"]
    for i in range(rows):
        odd = "late" if i == 33 else i
        city = "" if i % 11 == 3 else f"c{i * i % 5}"
        lines.append(f"{i * 1.5 if i % 9 else ''},{city},2024-01-{i % 28 + 1:02d},{odd},{i % 2}")
    path.write_text("\n".join(lines) + "\n")
    return CsvSpec(path=path)


def require_same(one, other):
    assert list(one.columns) == list(other.columns)
    for name, column in one.columns.items():
        same = other.columns[name]
        assert type(column) is type(same), name
        if isinstance(column, Numbers):
            np.testing.assert_array_equal(column.values, same.values)
        else:
            assert column.levels == same.levels
            np.testing.assert_array_equal(column.codes, same.codes)
    extra = ((one.extra[name], other.extra[name]) for name in one.extra)
    for a, b in ((one.targets, other.targets), *extra):
        assert (a is None) == (b is None)
        if a is not None:
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
    assert one.target_names == other.target_names
    assert dict(one.dialect) == dict(other.dialect)


@pytest.mark.parametrize("cache", [False, True])
def test_a_table_on_disk_is_the_one_in_memory(tmp_path, cache):
    source, columns = table(tmp_path / "t.csv"), Columns(target=("y",), extra=("city",))
    storage = Storage("disk", tmp_path / "kept" if cache else None)
    whole = read(source, columns, Storage("ram"))
    for _ in range(2):
        found = read(source, columns, storage)
        require_same(whole, found)
        assert all(
            room.on_disk(c.values if isinstance(c, Numbers) else c.codes)
            for c in found.columns.values()
        )
    assert not any((tmp_path / "cache" / "scratch").glob("*"))  # nothing is left behind


CELLS = st.sampled_from(["", "NA", "1", "2.5", "007", "-3e2", "no", "9007199254740993", "x y"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=30))
def test_whatever_its_cells_are(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("any") / "t.csv"
    path.write_text("a,b,y\n" + "".join(",".join(row) + "\n" for row in rows))
    columns = Columns(target=("y",))
    whole = read(CsvSpec(path=path), columns, Storage("ram"))
    found = read(CsvSpec(path=path), columns, Storage("disk"))
    require_same(whole, found)


def prepared_with(source, **options):
    split = SplitSpec(valid=0.2, test=0.2)
    kinds = {"odd": CategorySpec()}
    return prepare(DataSpec(source=source, target="y", split=split, columns=kinds, **options))


def test_what_is_prepared_from_disk_is_what_is_prepared_in_memory(tmp_path):
    source = table(tmp_path / "t.csv", 200)
    one, other = prepared_with(source, memory="ram"), prepared_with(source, memory="disk")
    assert one.schema.to_json() == other.schema.to_json()
    for a, b in zip(
        (one.train, one.valid, one.test), (other.train, other.valid, other.test), strict=True
    ):
        assert a.inputs.tobytes() == b.inputs.tobytes()
        assert a.targets.tobytes() == b.targets.tobytes()
        assert room.on_disk(b.inputs) and not room.on_disk(a.inputs)


def test_rows_without_a_target_are_left_out_on_disk_too(tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"{i},{i % 3},{i % 2 if i % 7 else ''}" for i in range(99)]
    path.write_text("\n".join(["a,b,y", *rows]))
    spec = DataSpec(source=CsvSpec(path=path), target="y", memory="disk")
    found = prepare(spec)
    assert found.train.rows == sum(1 for i in range(99) if i % 7)
    expected = prepare(dataclasses.replace(spec, memory="ram"))
    assert found.train.inputs.tobytes() == expected.train.inputs.tobytes()


def test_what_does_not_fit_lies_on_disk_by_itself(tmp_path, monkeypatch):
    source = table(tmp_path / "t.csv", 200)
    size = source.path.stat().st_size
    monkeypatch.setattr(reading, "available_memory", lambda: size)
    found = prepared_with(source)
    assert room.on_disk(found.train.inputs)
    assert any("200 rows are on disk" in note for note in found.notes)
    assert found.spec.memory == "auto"
    monkeypatch.setattr(reading, "available_memory", lambda: 4 * size)
    assert not room.on_disk(prepared_with(source).train.inputs)


def test_nor_what_fits_read_but_not_coded(tmp_path, monkeypatch):
    source = table(tmp_path / "t.csv", 200)
    monkeypatch.setattr(memory, "LITTLE", 0)
    monkeypatch.setattr(memory, "available_memory", lambda: 5000)  # the coded rows take more
    with pytest.raises(LimitError, match="does not fit into memory"):
        prepared_with(source, memory="ram")
    assert room.on_disk(prepared_with(source).train.inputs)


def test_what_cannot_be_read_twice_is_refused(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="is of tables in files"):
        read(CsvSpec(path=Path("-")), Columns(), Storage("disk"))


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(tmp_path, monkeypatch):
    source, storage = table(tmp_path / "t.csv"), Storage("disk", tmp_path / "kept")
    columns = Columns(target=("y",))
    read(source, columns, storage)
    with monkeypatch.context() as patch:
        patch.setattr(reading, "spool", lambda *_: pytest.fail("read again"))
        assert any("as it was kept" in note for note in read(source, columns, storage).notes)
    table(tmp_path / "t.csv", 41)
    found = read(source, columns, storage)
    assert found.rows == 41
    assert read(source, Columns(), storage).targets is None  # other columns, another cache


def test_a_cache_serves_columns_of_the_types_that_are_wanted_alone(tmp_path):
    source, storage = table(tmp_path / "t.csv"), Storage("disk", tmp_path / "kept")
    read(source, Columns(target=("y",)), storage)
    for types, there in (({"age": "number", "city": "word"}, True), ({"age": "word"}, False)):
        columns = Columns(target=("y",), types=types)
        found = read(source, columns, storage)
        assert any("as it was kept" in note for note in found.notes) == there
        require_same(read(source, columns, Storage("ram")), found)


@pytest.mark.parametrize("name", ["0", "2", "table.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "empty"])
def test_a_damaged_cache_is_made_again(tmp_path, name, damage):
    source, storage = table(tmp_path / "t.csv"), Storage("disk", tmp_path / "kept")
    columns = Columns(target=("y",))
    read(source, columns, storage)
    [path] = (tmp_path / "kept").glob(f"*/{name}")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes({"flip": data, "cut": data[:-1], "empty": b""}[damage])
    found = read(source, columns, storage)
    require_same(read(source, columns, Storage("ram")), found)
    assert any("was damaged, and is made again" in note for note in found.notes)
    assert any("as it was kept" in note for note in read(source, columns, storage).notes)


def killed_while_reading(source, columns, folder, at):
    """Read in a process that kills itself at its call number `at` that writes; its wait status."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    calls = 0

    def counted(real):
        def call(*words, **options):
            nonlocal calls
            calls += 1
            if calls == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*words, **options)

        return call

    column_files.ColumnFiles.append = counted(column_files.ColumnFiles.append)
    column_files.sync = counted(column_files.sync)
    Path.rename = counted(Path.rename)
    try:
        read(source, columns, Storage("disk", folder))
    finally:
        os._exit(calls)


def test_a_cache_that_a_kill_left_half_made_is_never_used(tmp_path):
    source, columns = table(tmp_path / "t.csv", 10), Columns(target=("y",))
    folder, expected = tmp_path / "kept", read(source, columns, Storage("ram"))
    total = os.waitstatus_to_exitcode(killed_while_reading(source, columns, folder, 0))
    assert total > 10
    for at in range(1, total + 1):
        shutil.rmtree(folder)
        status = killed_while_reading(source, columns, folder, at)
        assert os.WTERMSIG(status) == signal.SIGKILL
        half = list(folder.glob("half-*"))
        require_same(expected, read(source, columns, Storage("disk", folder)))
        assert len(half) == (at < total)  # the last call is the folder's own sync, once renamed
        assert not list(folder.glob("half-*"))


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path, monkeypatch):
    source = table(tmp_path / "t.csv", 200)

    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(FileSystemError, match="No space left on device"):
        prepared_with(source, memory="disk")
    assert not any((tmp_path / "cache" / "scratch").glob("*"))


@pytest.mark.parametrize("rows", [1, 3, 8, 60])
def test_a_window_brings_the_rows_of_a_batch_in_any_stretch(tmp_path, rows):
    train = prepared_with(table(tmp_path / "t.csv", 100), memory="disk").train
    window, rng = Window(train, rows), np.random.default_rng(0)
    x, t = train.buffers(7)
    for epoch in range(2):
        order = rng.permutation(train.rows)
        for start in (0, 7, 14, 35, 28, 53):
            stop = min(start + 7, train.rows)
            window.gather(epoch, order, start, stop, x[: stop - start], t[: stop - start])
            np.testing.assert_array_equal(x[: stop - start], train.inputs[order[start:stop]])
            np.testing.assert_array_equal(t[: stop - start], train.targets[order[start:stop]])
