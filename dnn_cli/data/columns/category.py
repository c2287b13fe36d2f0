"""A category: one of some levels.

Code       1 to K for the levels with at least `min_count` training rows, in the order of their
           text; K + 1 for a gap, if training had gaps; 0 for everything else: rarer levels, those
           that training did not have, and gaps where it had none
Why        levels of a few rows teach the network those rows; pooled they teach it what a new
           level is like
Source     scikit-learn's OrdinalEncoder has the same order of levels
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from dnn_cli.base.spec import option
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data import stored as checks
from dnn_cli.data.column import COLUMNS, Column, ColumnSpec, Fitting, Surprises
from dnn_cli.data.place import Place
from dnn_cli.data.raw_columns import RawColumn, words_of

MANY_ROWS, RARE = 1000, 5  # from so many training rows on, a level needs this many
_SHOWN = 3  # levels that a message shows


@final
class CategoryColumn(Column):
    """Codes of known levels."""

    kind = "category"
    type = "word"

    def __init__(self, name: str, known: tuple[str, ...], gaps: bool) -> None:
        super().__init__(name)
        self.known, self.gaps = known, gaps
        self._code = {level: code for code, level in enumerate(known, start=1)}

    @property
    def outputs(self) -> tuple[str, ...]:
        """None: it is a code."""
        return ()

    @property
    def levels(self) -> tuple[int, ...]:
        """The known levels, and a gap if that is one."""
        return (len(self.known) + self.gaps,)

    def encode(self, raw: RawColumn, numbers: Array, codes: Array, place: Place) -> Surprises:
        """Write the codes."""
        words = words_of(raw)
        gap = len(self.known) + 1 if self.gaps else 0
        new = np.array([*(self._code.get(level, 0) for level in words.levels), gap], np.float32)
        codes[:, 0] = new[words.codes]
        unseen = [i for i, level in enumerate(words.levels) if level not in self._code]
        counts = words.counts()[unseen] if unseen else np.zeros(0, np.int64)
        examples = [words.levels[i] for i, n in zip(unseen, counts.tolist(), strict=True) if n]
        filled = 0 if self.gaps else int(words.missing.sum())
        return Surprises(filled, int(counts.sum()), examples[:_SHOWN])

    def describe(self) -> str:
        """How many levels it has, and some of them."""
        shown = ", ".join(safe_text(level, 20) for level in self.known[:_SHOWN])
        more = ", …" if len(self.known) > _SHOWN else ""
        gaps = ", and gaps as a level" if self.gaps else ""
        return f"{len(self.known)} levels{gaps}: {shown}{more}"

    def to_json(self) -> dict[str, Any]:
        """The levels."""
        return {"levels": list(self.known), "gaps": self.gaps}

    @classmethod
    def from_json(cls, name: str, stored: Mapping[str, Any], arrays: Mapping[str, Array]) -> Column:
        """See `Column.from_json`."""
        checks.require_fields(stored, "columns", {"gaps", "levels"})
        return cls(
            name,
            checks.names(stored["levels"], "columns.levels"),
            checks.switch(stored["gaps"], "columns.gaps"),
        )


@COLUMNS.register("category")
@dataclass(frozen=True, slots=True, kw_only=True)
class CategorySpec(ColumnSpec):
    """One of some levels: a code that the network's first layer expands."""

    column: ClassVar[type[Column] | None] = CategoryColumn
    plural: ClassVar[str] = "categories"
    min_count: int | None = option(
        "training rows that a level needs to be one of its own; null: 5 of 1,000 rows and more, "
        "else 1",
        None,
        minimum=1,
    )

    def fit(self, name: str, raw: RawColumn, fitting: Fitting) -> Column | None:
        """The levels with enough training rows."""
        words = words_of(raw).take(fitting.rows)
        needed = self.min_count or fitting.min_count
        counts = words.counts().tolist()
        kept = [level for level, n in zip(words.levels, counts, strict=True) if n >= needed]
        return CategoryColumn(name, tuple(sorted(kept)), bool(words.missing.any()))
