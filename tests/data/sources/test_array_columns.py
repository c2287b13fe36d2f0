"""Arrays with names: members of an archive and fields of a type are the columns of a table."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnn_cli.data.source import SourceSpec, source_of
from dnn_cli.data.sources.npz import NpzSpec
from dnn_cli.data.table import Columns
from tests.data.sources.whole_tables import cells, read

Make = Callable[..., SourceSpec]


@pytest.fixture(params=["npz", "fields"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    def make(**columns: Any) -> SourceSpec:
        found = {name: np.asarray(values) for name, values in columns.items()}
        if request.param == "npz":
            np.savez_compressed(tmp_path / "a.npz", **found)
            return source_of(str(tmp_path / "a.npz"))
        rows = len(next(iter(found.values())))
        kind = np.dtype([(name, one.dtype) for name, one in found.items()], align=True)
        table = np.zeros(rows, kind)
        for name, one in found.items():
            table[name] = one
        np.save(tmp_path / "a.npy", table)
        return source_of(str(tmp_path / "a.npy"))

    return make


KINDS = [
    (np.array([1.5, np.nan, -2.0]), [1.5, None, -2.0], ["1.5", "", "-2.0"]),
    (np.array([0.1, 2.0], ">f4"), [float(np.float32(0.1)), 2.0], ["0.1", "2.0"]),
    (np.array([1, 2**63], "u8"), [1, 2.0**63], ["1", str(2**63)]),
    (np.array([-7, 3], ">i2"), [-7, 3], ["-7", "3"]),
    (np.array([True, False]), ["true", "false"], ["true", "false"]),
    (np.array(["x", " é ", "NA"]), ["x", "é", ""], ["x", " é ", "NA"]),
    (np.array(["y", "漢"], ">U2"), ["y", "漢"], ["y", "漢"]),
    (np.array(["ß".encode(), b"z"]), ["ß", "z"], ["ß", "z"]),
    (np.array(["39", "40"]), [39, 40], ["39", "40"]),
    (np.array(["2025-01-31", "NaT"], "M8[D]"), ["2025-01-31", ""], ["2025-01-31", ""]),
    (np.array(["2025-01"], "M8[M]"), ["2025-01-01"], ["2025-01-01"]),
    (np.array(["2025-01-31T10:20:30.5"], "M8[ns]"), ["2025-01-31 10:20:30.5"], None),
    (np.array(["1969-12-31T23"], "M8[h]"), ["1969-12-31 23:00:00"], None),
]


@pytest.mark.parametrize(("array", "found", "verbatim"), KINDS)
def test_types(made: Make, array: Any, found: list[Any], verbatim: list[str] | None) -> None:
    spec = made(a=array, b=np.arange(len(array)))
    assert cells(read(spec), "a") == found
    pieces = list(spec.tables(Columns(features=("b",), verbatim=("a",)), 2))
    assert [t for piece in pieces for t in piece.verbatim["a"]] == (verbatim or found)


def test_targets(made: Make) -> None:
    spec = made(x=[1.0, 2.0], size=[5, 6], long=[2**53 + 1, 1], y=["cat", "dog"])
    table = read(spec, target=("y",))
    assert table.targets is not None and table.targets.tolist() == ["cat", "dog"]
    assert table.feature_names == ("x", "size", "long") and table.target_names == ("y",)
    assert read(spec, target=("size",)).targets.tolist() == [5, 6]
    assert read(spec, target=("long",)).targets.tolist() == ["9007199254740993", "1"]
    assert read(spec, target=(-1,)).target_names == ("y",)


def test_cells_that_cannot_be(made: Make, refused: Callable[..., str]) -> None:
    assert "row 2" in (message := refused(made(a=[1.0, 1e39]))) and "float32" in message
    assert "not finite" in refused(made(a=[1.0, np.inf]))
    message = refused(made(a=["1", "x"]), types={"a": "number"})
    assert "`x` in column `a` is not a number" in message and "row 2" in message
    assert "a NUL character" in (message := refused(made(a=["x", "y\0z"]))) and "row 2" in message
    assert "not UTF-8" in refused(made(a=np.array([b"\xff", b"x"])))


def test_no_rows(made: Make) -> None:
    spec = made(a=np.zeros(0), b=np.array([], "U1"))
    assert [table.rows for table in spec.tables(Columns())] == [0]
    assert [table.rows for table in spec.tables(Columns(), 3)] == [0]


def test_arrays_of_other_lengths(tmp_path: Path, refused: Callable[..., str]) -> None:
    np.savez(tmp_path / "a.npz", a=np.zeros(3), b=np.zeros(4))
    message = refused(NpzSpec(path=tmp_path / "a.npz"))
    assert "`a` has 3 rows, `b` 4" in message


def test_an_array_of_two_dimensions_makes_no_table(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((3, 2)), y=np.arange(3))
    table = read(NpzSpec(path=tmp_path / "a.npz"))
    assert table.columns is None and table.inputs.shape == (3, 2)
    np.savez(tmp_path / "b.npz", x=np.zeros(3), y=np.arange(3))
    assert read(NpzSpec(path=tmp_path / "b.npz"), target=("y",)).feature_names == ("x",)


def test_a_member_that_is_no_column_is_named(tmp_path: Path, refused: Callable[..., str]) -> None:
    np.savez(tmp_path / "a.npz", a=np.zeros(2), b=np.array(["x", None], object))
    spec = NpzSpec(path=tmp_path / "a.npz")
    assert "a.npz[b]" in (message := refused(spec)) and "never loaded" in message
    assert cells(read(spec, exclude=("b",)), "a") == [0, 0]


def test_fields_that_are_no_columns(tmp_path: Path, refused: Callable[..., str]) -> None:
    spec = source_of(str(tmp_path / "a.npy"))
    for kind, part in (
        ([("a", "f4", (2,)), ("b", "i4")], "an array"),
        ([("a", "c8")], "the type `<c8`"),
        ([(("title", "a"), "f4")], "titled"),
    ):
        np.save(tmp_path / "a.npy", np.zeros(3, kind))  # type: ignore[call-overload]
        assert part in refused(spec)
    np.save(tmp_path / "a.npy", np.zeros((3, 1), [("a", "f4")]))
    assert "array.ravel()" in refused(spec)


def test_names_beyond_ascii(tmp_path: Path) -> None:
    for names in (("größe", "b"), ("漢", "b")):
        table = np.zeros(2, [(name, "i4") for name in names])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of version 3 of the format
            np.save(tmp_path / "a.npy", table)
        assert read(source_of(str(tmp_path / "a.npy"))).feature_names == names
