"""Files of other countries and programs: decimal commas, signs between thousands, encodings.

What is expected comes from the numbers that were written, not from reading them.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dnn_cli.app.predict import predict_file
from dnn_cli.base.errors import CheckpointError, DataError, UsageError
from dnn_cli.base.spec import SpecError
from dnn_cli.cli.application import run
from dnn_cli.data.prepare import prepare
from dnn_cli.data.raw_columns import Numbers, Words
from dnn_cli.data.readers.numerals import Numerals
from dnn_cli.data.schema import DataSchema
from dnn_cli.data.source import source_of
from dnn_cli.data.sources.csv import CsvSpec
from dnn_cli.data.spec import DataSpec
from dnn_cli.data.table import Columns, Table

RNG = np.random.default_rng(0)
NUMBERS = [*np.round(RNG.normal(size=200) * 10.0 ** RNG.integers(0, 8, 200), 2).tolist(), 0.0, -0.5]


def matrix_of(table: Table) -> Table:
    """A table of numbers with them as its inputs, too."""
    columns = (table.columns or {}).values()
    values = [one.values for one in columns if isinstance(one, Numbers)]
    return replace(table, inputs=np.stack(values, axis=1)) if values else table


def table(path: Path, content: str | bytes, rows: int | None = None, **options: Any) -> Table:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    columns = Columns(target=("y",), types={"a": "number"})
    return matrix_of(next(CsvSpec(path=path, **options).tables(columns, rows)))


def shown(number: float, decimal: str, thousands: str) -> str:
    """`number` as people of some country write it."""
    text = f"{number:,}" if thousands else f"{number:f}"
    return text.translate(str.maketrans({",": thousands, ".": decimal}))


@pytest.mark.parametrize("rows", [None, 7])
@pytest.mark.parametrize("delimiter", [";", "\t", ","])
@pytest.mark.parametrize(
    ("decimal", "thousands"),
    [
        (",", ""), (",", "."), (",", " "), (",", "\u202f"), (",", "\u00a0"), (".", ","),
        (".", "'"), (".", "\u2019"), (".", "_"), (",", "'"), (".", " "),
    ],
)  # fmt: skip
def test_numbers_are_what_was_written(
    tmp_path: Path, delimiter: str, decimal: str, thousands: str, rows: int | None
) -> None:
    cells = [shown(number, decimal, thousands) for number in NUMBERS]
    quote = '"' if delimiter in (decimal, thousands) else ""
    text = "".join(f'{quote}{c}{quote}{delimiter}1{delimiter}"a,b.c"\n' for c in cells)
    given = {"\u202f": " ", "\u00a0": " ", "\u2019": "'"}.get(thousands, thousands or None)
    found = table(
        tmp_path / "x.csv",
        delimiter.join(("a", "b", "y")) + "\n" + text,
        rows,
        decimal=decimal,
        thousands=given,
    )
    read = found.inputs[:, 0].tolist()
    assert read == NUMBERS[: len(read)] and len(read) == (rows or len(NUMBERS))
    assert found.targets is not None and set(found.targets.tolist()) == {"a,b.c"}


@pytest.mark.parametrize("decimal", [",", "."])
def test_targets_have_the_same_signs(tmp_path: Path, decimal: str) -> None:
    rows = "".join(f"1;{shown(n, decimal, '')}\n" for n in NUMBERS)
    found = table(tmp_path / "x.csv", "a;y\n" + rows, decimal=decimal)
    assert found.targets is not None and found.targets.tolist() == NUMBERS
    rows = "".join(f"1;{n}\n" for n in (1, 2, 30))
    found = table(tmp_path / "x.csv", "a;y\n" + rows, decimal=decimal)
    assert found.targets is not None and found.targets.dtype == np.int64


@pytest.mark.parametrize(
    ("cell", "decimal", "thousands"),
    [
        ("1.5", ",", None), ("1,25", ".", ","), ("12,34,567", ".", ","), ("1,234,56", ".", ","),
        ("1234,567", ".", ","), (",123", ".", ","), ("1.234.56", ",", "."), ("1.5,000", ",", "."),
        ("1,5,5", ",", None), ("1 23", ".", " "), ("inf", ",", "."), ("1,234.5", ",", "."),
    ],
)  # fmt: skip
def test_what_only_resembles_a_number_is_none(
    tmp_path: Path, cell: str, decimal: str, thousands: str | None
) -> None:
    assert Numerals(decimal, thousands).plain(cell) is None
    with pytest.raises(DataError, match="is not a number"):
        table(tmp_path / "x.csv", f'a;b;y\n1;2;u\n"{cell}";1;v\n', decimal=decimal,
              thousands=thousands)  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "advice"),
    [
        ("1,125", ('decimal: ","` in the source (--decimal \',\') if it is 1.125',
                   'thousands: ","` in the source')),
        ("1,12", ('it has a decimal comma', 'decimal: ","')),
        ("1,234,567", ('between thousands', 'thousands: ","')),
        ("1.234.567,5", ('thousands', 'thousands: "."` in the source', ' and `decimal: ","')),
        ("1'234.5", ('thousands: "\'"',)),
        ("1 234", ('thousands: " "',)),
    ],
)  # fmt: skip
def test_the_option_to_write_is_named(tmp_path: Path, cell: str, advice: tuple[str, ...]) -> None:
    with pytest.raises(DataError) as caught:
        table(tmp_path / "x.csv", f'a;y\n"{cell}";u\n1.5;u\n')
    (problem,) = caught.value.problems
    assert all(part in f"{problem.why} {problem.fix}" for part in advice)
    (tmp_path / "x.csv").write_text(f'a;y\n"{cell}";u\n')
    with pytest.raises(DataError) as caught:
        columns = Columns(
            features=("a",), of_model=True, target_required=False, types={"a": "number"}
        )
        next(CsvSpec(path=tmp_path / "x.csv").tables(columns))
    fix = caught.value.problems[0].fix
    assert "--decimal ','" in fix or "--thousands" in fix
    assert "source" not in fix


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", None), ("utf-8-sig", None), ("utf-16", None), ("utf-32", None),
        ("latin-1", "latin-1"), ("cp1252", "cp1252"), ("cp1250", "windows-1250"),
        ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf_16_be"), ("gb18030", "gb18030"),
        ("utf-8", "UTF-8"), ("utf-8-sig", "utf-8"), ("cp037", "cp037"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("packed", [False, True])
def test_encodings(tmp_path: Path, encoding: str, name: str | None, packed: bool) -> None:
    import gzip

    words = ["köln", "łódź" if encoding == "cp1250" else "genève", "übermaß"] * 1000
    text = "größe;y\r\n" + "".join(f"{i},5;{word}\r\n" for i, word in enumerate(words))
    content = text.encode(encoding)
    found = table(
        tmp_path / "x.csv",
        gzip.compress(content) if packed else content,
        encoding=name,
        decimal=",",
    )
    assert found.feature_names == ("größe",) and found.targets is not None
    assert found.targets.tolist() == words
    assert found.inputs[:, 0].tolist() == [i + 0.5 for i in range(len(words))]


def test_text_that_is_not_in_the_encoding(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="byte 6 is 0xe9") as caught:
        table(tmp_path / "x.csv", "a,y\n1,é\n".encode("latin-1"))
    assert "name its encoding" in caught.value.problems[0].fix
    for content, encoding, byte in (
        ("a,y\n1,é\n".encode("latin-1"), "ascii", 6),
        (b"\xff\xfea\0,\0y\0\n\0" + b"\0\xdc", None, 10),
        ("a,y\n1,x\n".encode("utf-16-le")[:-1], "utf-16-le", 14),
    ):
        with pytest.raises(DataError, match=f"text: byte {byte}"):
            table(tmp_path / "x.csv", content, encoding=encoding)


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"encoding": "klingon"}, "encoding"), ({"encoding": "rot13"}, "encoding"),
        ({"encoding": "base64"}, "encoding"), ({"encoding": "a\0b"}, "encoding"),
        ({"thousands": "."}, "thousands"), ({"thousands": ",", "decimal": ","}, "thousands"),
        ({"delimiter": "."}, "delimiter"),
    ],
)  # fmt: skip
def test_what_cannot_be(options: dict[str, Any], path: str) -> None:
    with pytest.raises(SpecError) as caught:
        CsvSpec(path=Path("x.csv"), **options)
    assert caught.value.path == (path,)
    with pytest.raises(UsageError, match=f"--{path}"):
        source_of("x.csv", dialect=options)
    with pytest.raises(UsageError, match="no CSV file"):
        source_of("x.npy", dialect={"decimal": ","})


def test_the_schema_keeps_what_is_unusual(tmp_path: Path) -> None:
    rows = "".join(f"{i}.000,5;{i % 2}\n" for i in range(1, 41))
    (tmp_path / "x.csv").write_text("a;y\n" + rows, encoding="utf-16")
    source = CsvSpec(path=tmp_path / "x.csv", decimal=",", thousands=".", encoding="UTF16")
    schema = prepare(DataSpec(source=source, target="y")).schema
    kept = {"delimiter": ";", "decimal": ",", "thousands": ".", "encoding": "UTF16"}
    document = json.loads(json.dumps(schema.to_json()))
    assert document["dialect"] == kept
    assert DataSchema.from_json(document, schema.arrays()).columns(True).dialect == kept
    (tmp_path / "plain.csv").write_text("a,y\n" + "1,0\n2,1\n3,0\n4,1\n" * 20)
    plain = CsvSpec(path=tmp_path / "plain.csv", decimal=".", encoding="utf-8")
    assert "dialect" not in prepare(DataSpec(source=plain, target="y")).schema.to_json()
    for wrong in ({"x": ","}, {"decimal": ";"}, {"decimal": 3}, {"encoding": "\0"}, [], None,
                  {"decimal": ",", "thousands": ","}, {"delimiter": "ab"}):  # fmt: skip
        with pytest.raises(CheckpointError, match="`dialect`"):
            DataSchema.from_json({**document, "dialect": wrong}, schema.arrays())


@pytest.fixture(scope="module")
def german(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a table with semicolons, decimal commas and points between thousands, in Latin-1."""
    folder = tmp_path_factory.mktemp("german")
    rows = "".join(f"{i}.000,5;{'groß' if i > 50 else 'klein'}\n" for i in range(1, 101))
    (folder / "t.csv").write_text("größe;maß\n" + rows, encoding="latin-1")
    (folder / "t.yaml").write_text(
        'data: {source: {type: csv, path: t.csv, decimal: ",", thousands: ".", encoding: latin-1},'
        " target: maß, split: {valid: 0.2}}\ntraining: {epochs: 60}\n"
        "optimizer: {type: adam, learning_rate: 1e-2}\n",
        encoding="utf-8",
    )
    assert run(["train", str(folder / "t.yaml"), "--run-dir", str(folder / "run"), "-q"]) == 0
    return folder


def predicted(folder: Path, content: str, encoding: str, **options: Any) -> list[str]:
    (folder / "new.csv").write_text(content, encoding=encoding)
    predict_file(
        str(folder / "new.csv"), model=str(folder / "run"), output=str(folder / "p.csv"),
        force=True, **options,
    )  # fmt: skip
    return (folder / "p.csv").read_text().splitlines()[1:]


def test_a_model_reads_new_rows_as_its_training_file_was_written(german: Path) -> None:
    answers = ["klein", "groß"]
    assert predicted(german, "größe\n2.000,5\n99.000,5\n", "latin-1") == answers
    both = "x;größe\n1;2.000,5\n1;99.000,5\n"
    assert predicted(german, both, "latin-1") == answers
    assert predicted(german, both.replace(";", "\t"), "latin-1") == answers
    assert predicted(german, both.replace(";", "|"), "utf-16", dialect={"encoding": "utf-16"})
    english = "größe,x\n2000.5,1\n99000.5,1\n"
    options = {"decimal": ".", "thousands": ",", "encoding": "utf-8"}
    assert predicted(german, english, "utf-8", dialect=options) == answers
    with pytest.raises(DataError, match="is not a number") as caught:
        predicted(german, "größe\n2,000.5\n", "latin-1")
    assert "--thousands ','" in caught.value.problems[0].fix


def test_other_parts_inherit_what_the_source_says(tmp_path: Path) -> None:
    for name in ("a", "b"):
        rows = "".join(f"{i},5;{i % 2}\n" for i in range(1, 41))
        (tmp_path / f"{name}.csv").write_text("a;y\n" + rows)
    source = CsvSpec(path=tmp_path / "a.csv", decimal=",")
    spec = DataSpec(source=source, target="y", test=CsvSpec(path=tmp_path / "b.csv"))
    assert prepare(spec).test is not None


def of_a_model(path: Path, dialect: dict[str, str], **options: str) -> list[float]:
    columns = Columns(
        features=("größe",), of_model=True, target_required=False, dialect=dialect,
        types={"größe": "number"},
    )  # fmt: skip
    found = next(CsvSpec(path=path, **options).tables(columns)).columns
    assert found is not None
    values: list[float] = found["größe"].values.tolist()  # type: ignore[union-attr]
    return values


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_says_more_than_the_training_file(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "n.csv").write_text("größe,b\n1.5,u\n", encoding=encoding)
    assert of_a_model(tmp_path / "n.csv", {"encoding": "cp1252"}) == [1.5]


def test_a_decimal_sign_that_is_asked_for_is_no_thousands_sign_any_more(tmp_path: Path) -> None:
    (tmp_path / "n.csv").write_text("größe,b\n126.5,u\n", encoding="utf-8")
    german = {"decimal": ",", "thousands": "."}
    assert of_a_model(tmp_path / "n.csv", german, decimal=".") == [126.5]
    (tmp_path / "n.csv").write_text('größe,b\n"1.126,5",u\n', encoding="utf-8")
    assert of_a_model(tmp_path / "n.csv", german) == [1126.5]


def test_a_column_with_a_sign_of_its_own_is_no_column_of_codes(tmp_path: Path) -> None:
    text = "a;b;y\n" + "1,5;1.018;u\n2,5;0.5;v\n" * 20
    for options in ({"decimal": ","}, {"decimal": ",", "encoding": "utf-8"}):
        with pytest.raises(DataError) as caught:
            table(tmp_path / "x.csv", text, **options)
        (problem,) = caught.value.problems
        assert "`1.018` in column `b` is no number with a decimal `,`" in problem.what
        assert problem.where.endswith("row 1") and 'thousands: "."' in problem.fix
        assert "columns: {b: category}" in problem.fix
    (tmp_path / "x.csv").write_text(text)
    source = CsvSpec(path=tmp_path / "x.csv", decimal=",")
    words = Columns(target=("y",), types={"b": "word"})
    columns = next(source.tables(words)).columns
    assert columns is not None and isinstance(columns["b"], Words)
    assert columns["b"].levels == ("1.018", "0.5")
    codes = "a;b;y\n" + "1,5;007;u\n2,5;010;v\n" * 20
    (tmp_path / "x.csv").write_text(codes)
    columns = next(source.tables(Columns(target=("y",)))).columns
    assert columns is not None and isinstance(columns["b"], Words) and columns["b"].levels


@pytest.mark.parametrize("decimal", [".", ","])
def test_the_minus_of_typesetting_is_read(tmp_path: Path, decimal: str) -> None:
    numbers = [-1.5, 2.5, -300.0, -0.25] * 30
    cells = [f"{n}".replace("-", "\u2212").replace(".", decimal) for n in numbers]
    rows = "".join(f"{cell};{cell};u\n" for cell in cells)
    found = table(tmp_path / "x.csv", "a;b;y\n" + rows, decimal=decimal)
    assert found.inputs.tolist() == [[n, n] for n in numbers]


def test_a_point_where_training_had_commas_says_what_reads_it(german: Path) -> None:
    with pytest.raises(DataError) as caught:
        predicted(german, "größe\n126.0\n", "latin-1")
    (problem,) = caught.value.problems
    assert problem.fix == "--decimal '.' if it is 126.0" and "point" in problem.why
    assert predicted(german, "größe\n126.0\n", "latin-1", dialect={"decimal": "."}) == ["klein"]
