"""A table laid open: cells as pandas reads them, part by part, and every error in them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dnn_cli.base.errors import DataError
from dnn_cli.data.columns.number import NumberSpec
from dnn_cli.data.examination import examine, remembered
from dnn_cli.data.prepare import prepare, read
from dnn_cli.data.source import source_of
from dnn_cli.data.spec import DataSpec, SplitSpec

RNG = np.random.default_rng(11)


@pytest.fixture
def rows():
    days = pd.date_range("2024-01-01", periods=120)
    return pd.DataFrame(
        {
            "part": ["train"] * 80 + ["valid"] * 40,
            "n": RNG.normal(size=120).round(4),
            "day": RNG.permutation(days.strftime("%Y-%m-%d")),
            "c": RNG.choice(["p", "q"], 120),
            "y": RNG.choice(["no", "yes"], 120),
        }
    )


def laid_open(rows, path, stop=False, **more):
    rows.to_csv(path, index=False)
    given = {"target": "y", "split": SplitSpec(column="part"), **more}
    spec = DataSpec(source=source_of(str(path)), **given)
    reading = remembered(read)
    return examine(spec, None if stop else prepare(spec, reading), reading)


@pytest.mark.parametrize("stop", [False, True])
def test_cells_are_those_of_the_file(rows, tmp_path, stop):
    """The same whether a training gets so far or not."""
    found = laid_open(rows, tmp_path / "t.csv", stop)
    columns = {one.name: one for one in found.columns()}
    assert found.rows == {"train": 80, "valid": 40} and found.width == 3 and found.named
    assert columns["n"].raw["valid"].values.tolist() == rows.n[80:].tolist()
    assert columns["c"].train.as_text().tolist() == rows.c[:80].tolist()
    days = (pd.to_datetime(rows.day[80:]) - pd.Timestamp("1970-01-01")).dt.days
    assert columns["day"].raw["valid"].values.tolist() == days.tolist()
    assert (found.targets["valid"] == (rows.y[80:] == found.task.positive)).all()
    for name in ("n", "c", "day"):
        assert columns[name].different == rows[name][:80].nunique() and columns[name].used
    assert len(found.coded["train"]) == 80 and not found.faults


def test_coded_rows_are_the_same_where_a_training_would_stop(rows, tmp_path):
    going, stopped = (laid_open(rows, tmp_path / "t.csv", stop) for stop in (False, True))
    for part in ("train", "valid"):
        whole = np.sort(going.coded[part], axis=1)
        assert np.array_equal(whole, np.sort(stopped.coded[part], axis=1))


def test_words_among_numbers_are_faults_and_gaps(rows, tmp_path):
    spoiled = rows.assign(n=rows.n.astype(object), y2=rows.y)
    spoiled.loc[[3, 90], "n"] = "oops"
    with pytest.raises(DataError):
        laid_open(spoiled, tmp_path / "t.csv", columns={"n": NumberSpec()})
    found = laid_open(spoiled, tmp_path / "t.csv", stop=True, columns={"n": NumberSpec()})
    [fault] = found.faults
    assert fault.column == "n" and "`oops`" in fault.problem.what
    assert "row 4, row 91" in fault.problem.where


def test_a_source_is_read_once():
    asked = []

    def reading(source, columns):
        asked.append(source)
        return len(asked)

    once = remembered(reading)
    source, other = source_of("a.csv"), source_of("b.csv")
    assert [once(one, None) for one in (source, other, source_of("a.csv"))] == [1, 2, 1]
    assert asked == [source, other]
