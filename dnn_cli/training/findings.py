"""All findings of a table: every kind of `doctor` looks at every column, once."""

from __future__ import annotations

from dataclasses import replace

from dnn_cli.data.examination import Examination
from dnn_cli.training.finding import FINDERS, Finder, Finding

_ORDER = ("severe", "warning", "note")


def findings(found: Examination) -> tuple[Finding, ...]:
    """The findings, the severe ones first, each kind in the order of the columns."""
    finders: list[Finder] = [kind() for kind in FINDERS.all().values()]
    told: dict[str, list[Finding]] = {one.spec_name: [] for one in finders}
    contents: dict[str, tuple[int, int]] = {}
    for column in found.columns():
        if column.different > 1:
            contents[column.name] = column.content
        for one in finders:
            told[one.spec_name] += one.column(column, found)
    for one in finders:
        told[one.spec_name] += one.table(found, contents)
    every = [replace(f, kind=kind) for kind, some in told.items() for f in some]
    return tuple(sorted(every, key=lambda f: _ORDER.index(f.severity)))
