"""A target of numbers with a few cells that are none: never hundreds of classes, always the row."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnn_cli.base.errors import DataError
from dnn_cli.data.prepare import Prepared, prepare
from dnn_cli.data.source import source_of
from dnn_cli.data.spec import DataSpec


def prepared(tmp_path: Path, cells: list[str], **options: object) -> Prepared:
    rows = [f"{0.5 * k},{cell}" for k, cell in enumerate(cells)]
    (tmp_path / "t.csv").write_text("\n".join(["x,price", *rows, ""]), encoding="utf-8")
    source = source_of(str(tmp_path / "t.csv"))
    return prepare(DataSpec(source=source, target="price", **options))  # type: ignore[arg-type]


NUMBERS = [f"{1000 + 13.5 * k}" for k in range(200)]


@pytest.mark.parametrize(
    "slip", ["#DIV/0!", "#N/A", "inf", "abc", "-", "250000 EUR", "12.5%", "1.2.3"]
)
@pytest.mark.parametrize("task", ["auto", "regression"])
def test_a_cell_that_is_no_number_among_many_that_are_is_named(
    tmp_path: Path, slip: str, task: str
) -> None:
    cells = [*NUMBERS[:150], slip, *NUMBERS[150:]]
    with pytest.raises(DataError) as found:
        prepared(tmp_path, cells, task=task)
    [problem] = found.value.problems
    assert slip in problem.what and "`price`" in problem.what
    assert problem.where.endswith("row 151") or ":152" in problem.where
    assert "task: multiclass" in problem.fix or task == "regression"


def test_whole_numbers_of_many_digits_are_numbers(tmp_path: Path) -> None:
    found = prepared(tmp_path, [str(10**18 + 10**14 * k) for k in range(200)])
    assert found.schema.task.kind == "regression"


def test_words_that_are_classes_stay_classes(tmp_path: Path) -> None:
    found = prepared(tmp_path, ["a", "b", "7"] * 60)
    assert found.schema.task.labels == ("7", "a", "b")


def test_numbers_are_classes_where_that_is_said(tmp_path: Path) -> None:
    cells = [*["1", "2", "3"] * 60, "other"]
    assert prepared(tmp_path, cells, task="multiclass").schema.task.count == 4
    assert prepared(tmp_path, cells).schema.task.count == 4  # few values: a label among labels
