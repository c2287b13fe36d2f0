"""Levels of categories in another part that no training row has.

Figure     the share of the part's rows that have such a level
Threshold  a hundredth, and twice the share of training rows whose level no other has, which is what
           one may expect of new rows (Good, Biometrika 1953)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np

from dnn_cli.base.text import safe_text
from dnn_cli.data.examination import Examination
from dnn_cli.data.open_column import OpenColumn
from dnn_cli.data.raw_columns import Words
from dnn_cli.training.finding import FINDERS, Finder, Finding, other_parts, percent

SOME = 0.01
_SHOWN = 3


@final
@FINDERS.register("unseen_levels")
@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenLevelsFinder(Finder):
    """What validation and test have and training lacks."""

    def column(self, column: OpenColumn, found: Examination) -> Iterator[Finding]:
        """Of a column of words that is used as levels."""
        train, kind = column.train, "" if column.spec is None else column.spec.spec_name
        if not column.used or not isinstance(train, Words) or kind == "text":
            return
        counts = train.counts()
        seen = {train.levels[i] for i in np.flatnonzero(counts).tolist()}
        limit = max(SOME, 2 * float(np.count_nonzero(counts == 1)) / max(1, train.rows))
        for part in other_parts(column):
            raw = column.raw[part]
            assert isinstance(raw, Words)
            there = raw.counts()
            new = [i for i in np.flatnonzero(there).tolist() if raw.levels[i] not in seen]
            if not new:
                continue
            rows = int(there[new].sum())
            share = rows / raw.rows
            new.sort(key=lambda i: -int(there[i]))
            shown = ", ".join(safe_text(raw.levels[i], 20) for i in new[:_SHOWN])
            more = ", …" if len(new) > _SHOWN else ""
            yield Finding(
                "warning" if share >= limit else "note",
                f"{len(new):,} levels that training lacks, in {rows:,} rows ({percent(share)}): "
                f"{shown}{more}",
                column.name,
                part,
                share,
                limit,
                "they are all read as one: are they spelled otherwise, or of another time?"
                if share >= limit
                else "",
            )
