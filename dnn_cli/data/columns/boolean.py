"""A boolean: two words that mean yes and no.

Formula    +1 for yes, -1 for no, 0 for a gap and for any other word
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data import stored as checks
from dnn_cli.data.column import COLUMNS, Column, ColumnSpec, Fitting, Surprises
from dnn_cli.data.place import Place
from dnn_cli.data.raw_columns import RawColumn, words_of

PAIRS = (("true", "false"), ("yes", "no"), ("t", "f"), ("y", "n"), ("on", "off"), ("1", "0"))


def pair_of(levels: Iterable[str]) -> tuple[str, str] | None:
    """The pair (yes, no) that all of `levels` belong to, in any case."""
    found = {level.casefold() for level in levels}
    return next((pair for pair in PAIRS if found and found <= set(pair)), None)


@final
class BooleanColumn(Column):
    """One number of two words."""

    kind = "boolean"
    type = "word"

    def __init__(self, name: str, yes: str, no: str, gaps: bool) -> None:
        super().__init__(name)
        self.yes, self.no, self.gaps = yes, no, gaps

    @property
    def outputs(self) -> tuple[str, ...]:
        """The column itself."""
        return (self.name,)

    def encode(self, raw: RawColumn, numbers: Array, codes: Array, place: Place) -> Surprises:
        """Write +1, -1 and 0."""
        words, value = words_of(raw), {self.yes: 1.0, self.no: -1.0}
        found = [value.get(level.casefold(), 0.0) for level in words.levels]
        numbers[:, 0] = np.array([*found, 0.0], np.float32)[words.codes]
        strange = [i for i, one in enumerate(found) if one == 0.0]
        counts = words.counts()[strange] if strange else np.zeros(0, np.int64)
        examples = [words.levels[i] for i, n in zip(strange, counts.tolist(), strict=True) if n]
        filled = 0 if self.gaps else int(words.missing.sum())
        return Surprises(filled, int(counts.sum()), examples[:3])

    def describe(self) -> str:
        """The two words."""
        return f"{self.yes} or {self.no}" + (", with gaps" if self.gaps else "")

    def to_json(self) -> dict[str, Any]:
        """The two words."""
        return {"yes": self.yes, "no": self.no, "gaps": self.gaps}

    @classmethod
    def from_json(cls, name: str, stored: Mapping[str, Any], arrays: Mapping[str, Array]) -> Column:
        """See `Column.from_json`."""
        checks.require_fields(stored, "columns", {"gaps", "no", "yes"})
        yes, no = checks.names([stored["yes"], stored["no"]], "columns.yes")
        return cls(name, yes, no, checks.switch(stored["gaps"], "columns.gaps"))


@COLUMNS.register("boolean")
@dataclass(frozen=True, slots=True, kw_only=True)
class BooleanSpec(ColumnSpec):
    """Two words that mean yes and no: +1 and -1."""

    column: ClassVar[type[Column] | None] = BooleanColumn
    plural: ClassVar[str] = "booleans"

    def fit(self, name: str, raw: RawColumn, fitting: Fitting) -> Column | None:
        """The two words."""
        words = words_of(raw).take(fitting.rows)
        used = [level for level, n in zip(words.levels, words.counts(), strict=True) if n]
        pair = pair_of(used)
        if pair is None:
            strange = next((one for one in used if pair_of([one]) is None), "")
            raise DataError(
                f"column `{safe_text(name)}` is no boolean"
                + (
                    f": it holds `{safe_text(strange, 40)}`" if strange else ": its words mix pairs"
                ),
                where=safe_text(fitting.place.origin),
                why="a boolean is one of " + ", ".join("/".join(pair) for pair in PAIRS),
                fix=f"columns: {{{safe_text(name)}: category}}",
            )
        return BooleanColumn(name, *pair, bool(words.missing.any()))
