"""Numbers that are taken for words, since a few cells are none.

Figure     the share of all cells that are no number
Threshold  at most a tenth, of more than 20 different numbers
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
from dnn_cli.data.readers.numerals import is_number
from dnn_cli.training.finding import FINDERS, Finder, Finding

SHARE, MANY = 0.1, 20


@final
@FINDERS.register("spoiled_numbers")
@dataclass(frozen=True, slots=True, kw_only=True)
class SpoiledNumbersFinder(Finder):
    """A column that would be one of numbers."""

    def column(self, column: OpenColumn, found: Examination) -> Iterator[Finding]:
        """Its words in all parts."""
        if column.spec is not None and column.spec.spec_name in ("number", "date"):
            return  # its cells are faults
        odd: list[str] = []
        cells, numbers, different = 0, 0, 0
        for raw in column.raw.values():
            if not isinstance(raw, Words):
                return
            counts = raw.counts()
            used = np.flatnonzero(counts).tolist()
            good = [i for i in used if is_number(raw.levels[i])]
            known = set(good)
            odd += [raw.levels[i] for i in used if i not in known]
            cells, numbers = cells + int(counts.sum()), numbers + int(counts[good].sum())
            different = max(different, len(good))
        spoiled = cells - numbers
        if different > MANY and 0 < spoiled <= SHARE * cells:
            shown = safe_text(odd[0], 40)
            yield Finding(
                "severe",
                f"{spoiled:,} of {cells:,} cells are no numbers, such as `{shown}`: so the column "
                "is taken for words",
                column.name,
                figure=spoiled / cells,
                threshold=SHARE,
                fix=f"correct them, or, if `{shown}` stands for a gap, add it to `data.missing`",
            )
