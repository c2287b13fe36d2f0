"""CSV tables, and text from data on its way to a terminal, to JSON and to CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from oracle import Target, attempt, one_line, require, scratch

from dnn_cli.app.prediction_formats import as_csv, as_jsonl, as_npy
from dnn_cli.app.prediction_rows import Rows
from dnn_cli.base.errors import DataError
from dnn_cli.base.task import Task
from dnn_cli.base.text import listing, safe_text
from dnn_cli.console.errors import render
from dnn_cli.console.json_text import json_text
from dnn_cli.data.raw_columns import DEFAULT_MISSING, Numbers, RawColumn
from dnn_cli.data.readers.csv_examination import examine
from dnn_cli.data.readers.text_encoding import encoding_marked
from dnn_cli.data.sources.csv import CsvSpec
from dnn_cli.data.table import Columns, Table

_BLANKS = " \t"
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_CODE = re.compile(r"0[0-9]")
_EXCEL = re.compile(r"\"?sep=[^\w\"+\-.'\x00-\x08\x0a-\x1f\x7f-\U0010ffff]\"?\n", re.IGNORECASE)
_FORMULA = re.compile(r"[=+\-@\t\r]")
_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x80-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def feed_csv(data: bytes) -> bool:
    """A table: every column a feature; then the last column, if there are two, the target."""
    path = scratch("x.csv", data)
    spec = CsvSpec(path=path, delimiter=";" if b";" in data[:100] else ",")
    accepted = False
    for columns in (Columns(), Columns(target=(-1,)), Columns(target=(-1,), target_required=False)):
        tables = attempt(lambda columns=columns: list(spec.tables(columns)))
        if tables is None:
            continue
        accepted = True
        [table] = tables
        _require_cells(table, data, spec.delimiter)
        assert table.columns is not None
        kinds = {
            n: "number" if isinstance(c, Numbers) else "word" for n, c in table.columns.items()
        }
        typed = replace(columns, types=kinds)
        if table.targets is not None and _some_beyond(table.targets.tolist()):
            continue  # a label such as 1e400 is a word among words, and too large a number alone
        pieces = attempt(lambda typed=typed: list(spec.tables(typed, 2)))
        require(pieces is not None, "accepted whole, refused in pieces")
        for name, column in table.columns.items():
            parts = [cell for piece in pieces or () for cell in _cells(piece.columns[name])]
            require(parts == _cells(column), "pieces differ from the whole")
    return accepted


def feed_examination(data: bytes) -> bool:
    """A table of which nothing is known: what is found out reads it, or says why it cannot."""
    path = scratch("x.csv", data)
    found = attempt(lambda: examine(path, {}))
    if found is None:
        return False
    for sentence in (*found.notes, *(doubt.when for doubt in found.doubts)):
        require(one_line(sentence), f"a note with control characters: {sentence!r:.200}")
    spec = CsvSpec(path=path, **found.options)
    for doubt in found.doubts:
        options = {**found.options, **doubt.options}
        if options.get("decimal", ".") == options.get("thousands"):
            del options["thousands"]
        CsvSpec(path=path, **options)
    tables = attempt(lambda: list(spec.tables(Columns(target_required=False))))
    return tables is not None


def _cells(column: RawColumn) -> list[object]:
    """Numbers, None where there is a gap, or words, empty where there is one."""
    if isinstance(column, Numbers):
        return [None if np.isnan(value) else value for value in column.values.tolist()]
    return column.as_text().tolist()


def _require_cells(table: Table, data: bytes, delimiter: str) -> None:
    """The numbers, words and targets are those that the csv module and `float` find."""
    header, *rows = _rows(data, delimiter)
    if not (header[0] and header[-1]):  # an index, and what a separator at the end makes
        kept = [column for column, name in enumerate(header) if name]
        header, *rows = [[row[column] for column in kept] for row in (header, *rows)]
    names = [*(table.feature_names or ()), *(table.target_names or ())]
    require(names == header, "other columns")
    for place, name in enumerate(table.columns or ()):
        column, cells = table.columns[name], ["" if _gap(r[place]) else r[place] for r in rows]
        if isinstance(column, Numbers):
            cells = [_plain(cell, table) for cell in cells]
        if isinstance(column, Numbers):
            require(all(_NUMBER.fullmatch(cell) for cell in cells if cell), "no number of ours")
            wanted = [float(cell) if cell else None for cell in cells]
            require(_cells(column) == wanted, "other numbers than `float` reads")
        else:
            require(_cells(column) == cells, "other words")
            plain = all(_NUMBER.fullmatch(c) and not _CODE.match(c) for c in cells if c)
            require(not plain or not any(cells), "numbers read as words")
    if table.targets is not None:
        cells = ["" if _gap(row[-1]) else row[-1] for row in rows]
        found, kind = table.targets.tolist(), table.targets.dtype.kind
        if kind in "if":
            cells = [_plain(cell, table) for cell in cells]
        if kind == "f":
            same = all(_same(value, cell) for value, cell in zip(found, cells, strict=True))
            require(same, "other targets")
        else:
            require(
                found == ([int(float(c)) for c in cells] if kind == "i" else cells), "other targets"
            )


def _plain(cell: str, table: Table) -> str:
    """A number with the signs that the table was read with as Python writes it."""
    if table.dialect.get("decimal") == ",":
        require("." not in cell, "a point where a comma is the decimal sign")
        cell = cell.replace(",", ".")
    return cell.replace("\u2212", "-")


def _some_beyond(labels: list[object]) -> bool:
    texts = (label for label in labels if isinstance(label, str) and _NUMBER.fullmatch(label))
    return any(np.isinf(float(label)) for label in texts)


def _gap(cell: str) -> bool:
    return not cell or cell.casefold() in {word.casefold() for word in DEFAULT_MISSING}


def _same(value: float, cell: str) -> bool:
    return bool(np.isnan(value)) if not cell else value == float(cell)


def _rows(data: bytes, delimiter: str) -> Iterator[list[str]]:
    wide = [name for name in ("utf-32", "utf-16") if encoding_marked(data) == name]
    text = data.decode(wide[0] if wide else "utf-8-sig")
    text = text.removeprefix("\ufeff") if wide else text  # utf-16-le keeps its mark, too
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _EXCEL.match(text):
        text = text.partition("\n")[2]
    for row in csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter, strict=True):
        if row:
            yield [cell.strip(_BLANKS) for cell in row]


def feed_text(data: bytes) -> bool:
    """Names, divided by U+001E: shown, in errors, in JSON, and as labels of predictions."""
    text = data.decode("utf-8", "surrogateescape")
    names = tuple(dict.fromkeys(name for name in text.split("\x1e") if name))
    for name in names:
        require(one_line(shown := safe_text(name)), "safe_text is not safe")
    require(one_line(listing(names)), "a listing is not one line")
    error = DataError(f"`{text}`", where=text, why=text, fix=text)
    require(all(one_line(line) for line in render(error).split("\n")), "an error that acts")
    shown = attempt(lambda: json_text({"names": names, "by name": dict.fromkeys(names, 0.5)})) or ""
    require(not _CONTROLS.search(shown), "JSON with control characters")
    require(json.loads(shown)["names"] == list(names), "JSON that does not come back")
    if len(names) > 1 and not any("\ud800" <= c <= "\udfff" for c in text):
        _require_predictions(names)
        return True
    return False


def _require_predictions(labels: tuple[str, ...]) -> None:
    """Each class predicted once: what other readers find in CSV, JSON lines and npy."""
    task = Task("multiclass", len(labels), labels)
    found = np.eye(len(labels), dtype=np.float32)
    columns = ["prediction", *(f"p_{name}" for name in labels)]
    table = attempt(lambda: b"".join(as_csv(Rows(task, True), [found]))) or b""
    header, *rows = csv.reader(io.StringIO(table.decode(), newline=""), strict=True)
    require(header == columns, "CSV with other columns")
    for row, name in zip(rows, labels, strict=True):
        require(row[0].removeprefix("'") == name.removeprefix("'"), "CSV with another label")
        require(not _FORMULA.match(row[0]) or _is_number(row[0]), "CSV with a formula")
    lines = (attempt(lambda: b"".join(as_jsonl(Rows(task, True), [found]))) or b"").decode()
    require(not _CONTROLS.search(lines), "JSON with control characters")
    told = [json.loads(line) for line in lines.split("\n")[:-1]]
    require([one["prediction"] for one in told] == list(labels), "JSON with another label")
    whole = attempt(lambda: b"".join(as_npy(Rows(task, False), [found]))) or b""
    read = np.load(io.BytesIO(whole), allow_pickle=False).tolist()
    require(read == [name.rstrip("\0") for name in labels], "npy with another label")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


_NUMBERS = b"1e39 -1e400 1e-46 0.1 nan inf 1_0 007 -0 +1. .5 1,5 0x1F 9223372036854775808"
_MARKS = (b'"', b'""', b",", b";", b"\n", b"\r", b"\r\n", b"\t", b" ", b"\0", b"\xff")
CSV_WORDS = (
    *_NUMBERS.split(),
    *_MARKS,
    *(b"\xef\xbb\xbf", b"\xc2\xa0", b"\xd9\xa1", b"a,b\n1,2\n"),
)
EXAMINED_WORDS = (
    *(b"1,234", b"1.234,5", b"1 234", b"1'234", b"\xe2\x80\xaf", b"\xe2\x88\x92", b"sep=;\n"),
    *(b"2024-01-31", b"12:30", b"K\xf6ln", b"\xcc\xee\xf1\xea\xe2\xe0", b"\xff\xfe", b"\x1f\x8b"),
)
_ACTING = "\x1b[31m \x9b \u202e \u2066 \u200f \u2028 \x85 \ufeff \U000e0041 \ud800"
_FORMULAS = "=1+1 @a -1 +1 '=1 \\ ' é 漢"
TEXT_WORDS = (
    *(word.encode("utf-8", "surrogatepass") for word in f"{_ACTING} {_FORMULAS}".split(" ")),
    *(*_MARKS, b"\x1e", b"\x7f"),
)
TARGETS = (
    Target("csv", feed_csv, CSV_WORDS, longest=1024),
    Target("examination", feed_examination, (*CSV_WORDS, *EXAMINED_WORDS), longest=1024),
    Target("text", feed_text, TEXT_WORDS, longest=512),
)
