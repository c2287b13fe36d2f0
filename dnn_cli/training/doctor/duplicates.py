"""Columns that hold the same: cell by cell, or one-to-one (`f` and `m` for `0` and `1`).

Figure     training rows that are compared
Rule       hashes of 64 bits are equal; of columns that vary, of 20 training rows and more
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from dnn_cli.base.text import safe_text
from dnn_cli.data.examination import Examination
from dnn_cli.training.finding import FINDERS, Contents, Finder, Finding, without

_ROWS = 20  # fewer are one-to-one by chance


@final
@FINDERS.register("duplicates")
@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicatesFinder(Finder):
    """A column that another one makes superfluous."""

    def table(self, found: Examination, contents: Contents) -> Iterator[Finding]:
        """Each column beside the first that has its content."""
        rows = found.rows["train"]
        if rows < _ROWS:
            return
        first: dict[tuple[int, int], str] = {}
        alike: dict[int, str] = {}
        for name, content in contents.items():
            if content in first:
                yield Finding(
                    "warning",
                    f"holds the same as `{safe_text(first[content])}` in all training rows",
                    name,
                    figure=float(rows),
                    fix=without(name, found),
                )
            elif content[0] in alike:
                yield Finding(
                    "note",
                    f"tells the same as `{safe_text(alike[content[0]])}` in other words: "
                    "each value of one belongs to one value of the other",
                    name,
                    figure=float(rows),
                    fix="one of them is enough",
                )
            first.setdefault(content, name)
            alike.setdefault(content[0], name)
