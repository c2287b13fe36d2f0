"""Findings as a table: the severe ones first, each with what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

from dnn_cli.base.text import safe_text
from dnn_cli.console.grid import Grid

if TYPE_CHECKING:  # it brings NumPy along
    from dnn_cli.training.finding import Finding

MOST = 20  # of a kind and a severity
_WIDTH = 100
_TEXT = 2000


def findings(found: Sequence[Finding]) -> Grid:
    """What was found, or that nothing was."""
    rows: list[tuple[str, str, str]] = []
    told: Counter[tuple[str, str]] = Counter()
    for one in found:
        told[one.kind, one.severity] += 1
        if told[one.kind, one.severity] <= MOST:
            rows += _rows(one)
    notes = [
        f"{number - MOST:,} more of the kind {kind} ({severity}): --json lists all"
        for (kind, severity), number in told.items()
        if number > MOST
    ]
    columns = ("finding", "column", "what, and what to do")
    return Grid("", rows, columns, frozenset(columns), notes=notes)


def _rows(one: Finding) -> Iterator[tuple[str, str, str]]:
    part = f"{one.part}: " if one.part else ""
    head: tuple[str, str] = (one.severity, one.column)
    for line in wrap(safe_text(part + one.what, _TEXT), _WIDTH):
        yield (*head, line)
        head = ("", "")
    for line in wrap(f"fix: {safe_text(one.fix, _TEXT)}" if one.fix else "", _WIDTH):
        yield ("", "", line)
