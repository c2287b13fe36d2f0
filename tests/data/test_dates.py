"""Dates against Python's datetime, which reads each of them alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnn_cli.base.errors import DataError
from dnn_cli.data.column import COLUMNS, Fitting
from dnn_cli.data.date_forms import FORMS, find_form
from dnn_cli.data.date_parts import PARTS, default_parts, part
from dnn_cli.data.place import Place
from dnn_cli.data.prepare import prepare
from dnn_cli.data.raw_columns import Words
from dnn_cli.data.source import source_of
from dnn_cli.data.spec import DataSpec

RNG = np.random.default_rng(5)
EPOCH = datetime(1970, 1, 1)
SECONDS = RNG.integers(-60_000_000_000, 200_000_000_000, 20_000).tolist()
MOMENTS = [EPOCH + timedelta(seconds=s) for s in SECONDS]
MOMENTS += [datetime(y, m, d) for y in (1, 1600, 1700, 1900, 2000, 2024, 2100, 9999)
            for m, d in ((1, 1), (2, 28), (3, 1), (12, 31))]  # fmt: skip
MOMENTS += [datetime(2000, 2, 29), datetime(2024, 2, 29, 23, 59, 59)]


def days(moment: datetime) -> float:
    return (moment - EPOCH) / timedelta(days=1)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("iso", "%Y-%m-%d"), ("iso", "%Y/%m/%d"), ("iso", "%Y-%m-%dT%H:%M:%S"),
        ("iso", "%Y-%m-%d %H:%M"), ("iso", "%Y-%m-%d %H:%M:%S.%f"), ("day_first", "%d.%m.%Y"),
        ("day_first", "%d.%m.%Y %H:%M"), ("day_first", "%d/%m/%Y"), ("day_first", "%d-%m-%Y"),
        ("month_first", "%m/%d/%Y"), ("month_first", "%m/%d/%Y %I:%M %p"),
        ("day_name", "%d %b %Y"), ("day_name", "%d-%B-%Y"), ("month_name", "%b %d, %Y"),
        ("month_name", "%B %d %Y %H:%M:%S"), ("year_month", "%Y-%m"),
    ],
)  # fmt: skip
def test_forms(name: str, write: str) -> None:
    plain = [m for m in MOMENTS if m.year >= 1000]  # strftime writes no zeros before others
    cells = [moment.strftime(write) for moment in plain]
    form = find_form(cells)
    assert form is not None and form.name == name and not form.ambiguous
    wanted = [days(datetime.strptime(cell, write)) for cell in cells]
    np.testing.assert_allclose(form.days(cells), wanted, rtol=0, atol=2e-10)


def test_years_from_1_to_9999() -> None:
    found = FORMS["iso"].days([moment.isoformat() for moment in MOMENTS])
    np.testing.assert_allclose(found, [days(m) for m in MOMENTS], rtol=0, atol=2e-10)


def test_zones_become_utc() -> None:
    zone = timezone(timedelta(hours=-5, minutes=-30))
    aware = [moment.replace(tzinfo=zone) for moment in MOMENTS[:500]]
    cells = [one.isoformat() for one in aware]
    form = find_form(cells)
    wanted = [days(one.astimezone(UTC).replace(tzinfo=None)) for one in aware]
    assert form is not None
    np.testing.assert_allclose(form.days(cells), wanted, rtol=0, atol=2e-10)
    assert find_form(["2025-01-01T10:00Z", "2025-01-01T10:00"]) is None
    assert find_form(["2025-01-01T10:00Z", "2025-01-01T10:00+0200"]) == FORMS["iso"]


def test_the_day_first_and_whether_it_may_be_the_month() -> None:
    form = find_form(["01/02/2025", "11/12/2024"])
    assert form is not None and form.name == "day_first" and form.ambiguous
    assert form.days(["01/02/2025"])[0] == days(datetime(2025, 2, 1))
    assert FORMS["month_first"].days(["01/02/2025"])[0] == days(datetime(2025, 1, 2))
    for cells in (["01/02/2025", "13/01/2025"], ["01.02.2025"]):
        form = find_form(cells)
        assert form is not None and form.name == "day_first" and not form.ambiguous
    assert find_form(["01/02/2025", "01/13/2025"]) == FORMS["month_first"]


@pytest.mark.parametrize(
    "cells",
    [
        [], ["x"], ["2025-02-30"], ["2025-13-01"], ["2025-00-10"], ["2025-01-01 24:00"],
        ["2025-01-01 10:60"], ["2025-01-01 10:00:60"], ["31.01.25"], ["20250131"], ["1.5"],
        ["2025-01-01", "01.01.2025"], ["0000-01-01"], ["٢٠٢٥-٠١-٠١"], ["2025-01-01\0"],
        ["1900-02-29"],
        ["2025-01/01"], ["13:00 2025-01-01"], ["01/02/2025 13:00 PM"], ["2025-01-01 " * 50],
    ],
)  # fmt: skip
def test_no_dates(cells: list[str]) -> None:
    assert find_form(cells) is None
    assert all(np.isnan(form.days(cells[:1])).all() or len(cells) > 1 for form in FORMS.values())


@given(st.lists(st.text(max_size=30), max_size=5))
def test_no_text_stops_it(cells: list[str]) -> None:
    form = find_form(cells)
    for one in FORMS.values():
        assert one.days(cells).shape == (len(cells),)
    assert form is None or np.isfinite(form.days(cells)).all()


def test_parts_are_those_of_the_calendar() -> None:
    given_ = np.array([days(moment) for moment in MOMENTS])
    wanted = {
        "year": [m.year for m in MOMENTS], "month": [m.month for m in MOMENTS],
        "day": [m.day for m in MOMENTS], "weekday": [m.weekday() for m in MOMENTS],
    }  # fmt: skip
    for name, values in wanted.items():
        assert part(name, given_).tolist() == values
    hours = [m.hour + m.minute / 60 + m.second / 3600 for m in MOMENTS]
    np.testing.assert_allclose(part("hour", given_), hours, atol=1e-6)
    np.testing.assert_allclose(
        part("month_sin", given_), [np.sin(2 * np.pi * m.month / 12) for m in MOMENTS], atol=1e-12
    )
    assert all(np.isnan(part(name, np.array([np.nan]))).all() for name in PARTS)


@pytest.mark.parametrize(
    ("moments", "parts"),
    [
        ([datetime(2025, 1, 1)] * 3, ()),
        ([datetime(2025, 1, 1), datetime(2026, 1, 1)], ("elapsed",)),
        ([datetime(2025, m, 1) for m in range(1, 13)],
         ("elapsed", "month_sin", "month_cos", "weekday_sin", "weekday_cos")),
        ([datetime(2025, 1, 6, h) for h in range(9)], ("elapsed", "hour_sin", "hour_cos")),
    ],
)  # fmt: skip
def test_the_parts_that_differ(moments: list[datetime], parts: tuple[str, ...]) -> None:
    assert default_parts(np.array([days(m) for m in moments])) == parts


def test_a_column_is_fitted_to_its_training_rows_and_fills_gaps() -> None:
    cells = tuple(f"2025-{m:02}-{d:02}" for m in range(1, 13) for d in (1, 5, 9, 13, 17, 28))
    codes = np.array([*range(len(cells)), -1], np.int32)
    fitting = Fitting(np.arange(len(codes)), Place("t.csv"), "standard", 1)
    column = COLUMNS.get("date")().fit("when", Words(codes, cells), fitting)
    assert column is not None
    out = np.empty((len(codes), len(column.outputs)), np.float32)
    column.encode(Words(codes, cells), out, np.empty((len(codes), 0), np.float32), Place("t.csv"))
    elapsed = np.array([days(datetime.fromisoformat(c)) for c in cells])
    np.testing.assert_allclose(
        out[:-1, 0], (elapsed - elapsed.mean()) / elapsed.std(), rtol=1e-5, atol=1e-6
    )
    assert column.outputs[-1] == "when missing" and out[:, -1].tolist() == [0.0] * 72 + [1.0]
    assert out[-1, 0] == pytest.approx(
        (np.median(elapsed) - elapsed.mean()) / elapsed.std(), rel=1e-4
    )
    again = type(column).from_json("when", column.to_json(), {})
    assert again.to_json() == column.to_json()
    bad = Words(np.array([0, 1], np.int32), ("2025-01-01", "soon"))
    with pytest.raises(DataError, match="`soon` in column `when` is no date") as caught:
        column.encode(bad, out[:2], out[:2, :0], Place("n.csv"))
    assert caught.value.problems[0].where == "n.csv: row 2"


@pytest.mark.parametrize("slip", ["0000-00-00", "2024-02-30", "unknown"])
@pytest.mark.parametrize("columns", [{}, {"columns": {"when": COLUMNS.get("date")()}}])
def test_a_cell_that_is_no_date_among_many_that_are_is_named(
    tmp_path: Path, slip: str, columns: dict[str, Any]
) -> None:
    days = [f"2024-{1 + k % 12:02}-{1 + k % 28:02}" for k in range(100)]
    rows = [f"{day},{k % 2}" for k, day in enumerate([*days[:40], slip, *days[40:]])]
    (tmp_path / "t.csv").write_text("\n".join(["when,y", *rows, ""]), encoding="utf-8")
    spec = DataSpec(source=source_of(str(tmp_path / "t.csv")), target="y", **columns)
    with pytest.raises(DataError, match=f"`{slip}` in column `when` is no date") as found:
        prepare(spec)
    [problem] = found.value.problems
    assert problem.where.endswith("row 41") and "category" in problem.fix


def test_times_are_shares_of_a_day() -> None:
    moments = [EPOCH + timedelta(seconds=s) for s in RNG.integers(0, 86400, 500).tolist()]
    for write in ("%H:%M", "%H:%M:%S", "%I:%M %p", "%H:%M:%S.%f"):
        cells = [moment.strftime(write) for moment in moments]
        form = find_form(cells)
        assert form is not None and form.name == "time" and not form.ambiguous
        wanted = [(datetime.strptime(cell, write) - datetime(1900, 1, 1)) / timedelta(days=1)
                  for cell in cells]  # fmt: skip
        np.testing.assert_allclose(form.days(cells), wanted, rtol=0, atol=1e-12)
        found = default_parts(form.days(cells), form.name)
        assert found == ("elapsed", "hour_sin", "hour_cos")


@pytest.mark.parametrize("hours", [30, 900_000])
def test_durations_go_on_beyond_a_day(hours: int) -> None:
    spans = [timedelta(seconds=s) for s in RNG.integers(-3600 * hours, 3600 * hours, 300).tolist()]
    cells = []
    for span in spans:
        minutes, seconds = divmod(abs(span) // timedelta(seconds=1), 60)
        sign = "-" if span < timedelta() else ""
        cells.append(f"{sign}{minutes // 60}:{minutes % 60:02}:{seconds:02}")
    form = find_form(cells)
    assert form is not None and form.name == "duration"
    wanted = [span / timedelta(days=1) for span in spans]
    np.testing.assert_allclose(form.days(cells), wanted, rtol=0, atol=1e-9)
    assert default_parts(form.days(cells), form.name) == ("elapsed",)


@pytest.mark.parametrize(
    "cells", [["1:60"], ["1:30:60"], ["1:3"], [":30"], ["1234567:00"], ["a:30"]]
)
def test_what_only_resembles_a_time_is_none(cells: list[str]) -> None:
    assert find_form(cells) is None and np.isnan(FORMS["duration"].days(cells)).all()
