"""Findings on a screen: each with what to do, and no more than a person reads."""

from __future__ import annotations

from dnn_cli.console.findings import findings
from dnn_cli.console.grid import text
from dnn_cli.training.finding import Finding

SHOWN = """\
finding  column       what, and what to do
severe   \\x1b[31mage  test: \\x1b[2J is no number
                      fix: mend it
note                  all is well
"""


def test_a_line_each_and_no_escapes():
    told = [
        Finding("severe", "\x1b[2J is no number", "\x1b[31mage", "test", fix="mend it", kind="a"),
        Finding("note", "all is well", kind="b"),
    ]
    assert text(findings(told)) == SHOWN


def test_many_of_a_kind_are_counted_and_long_ones_go_on_below():
    told = [Finding("note", f"word {i} " * 30, f"c{i}", kind="missing") for i in range(25)]
    shown = text(findings(told)).splitlines()
    assert shown[-1] == "5 more of the kind missing (note): --json lists all"
    assert max(map(len, shown)) < 130 and sum(line.startswith("note") for line in shown) == 20
