"""A date, with or without a time: some numbers made of it, each standardised.

Formula    (part - mean) / deviation of the training rows for each of `parts` (see `date_parts`)
Gaps       become the training median; where training had gaps one more number says so
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.spec import option, require
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data import stored as checks
from dnn_cli.data.column import COLUMNS, Column, ColumnSpec, Fitting, Surprises
from dnn_cli.data.date_forms import FORMS, DateForm, find_form, usual_form
from dnn_cli.data.date_parts import PARTS, default_parts, part
from dnn_cli.data.place import Place, positions
from dnn_cli.data.raw_columns import RawColumn, words_of
from dnn_cli.data.scaling import fit_scaling
from dnn_cli.data.statistics import NumberStatistics


@final
class DateColumn(Column):
    """Numbers made of a date."""

    kind = "date"
    type = "word"

    def __init__(
        self,
        name: str,
        form: DateForm,
        parts: tuple[str, ...],
        shifts: tuple[float, ...],
        factors: tuple[float, ...],
        fill: float,
        gaps: bool,
    ) -> None:
        super().__init__(name)
        self.form, self.parts, self.shifts, self.factors = form, parts, shifts, factors
        self.fill, self.gaps = fill, gaps

    @property
    def outputs(self) -> tuple[str, ...]:
        """The parts, and whether the date was missing."""
        gap = (f"{self.name} missing",) if self.gaps else ()
        return (*(f"{self.name} {name}" for name in self.parts), *gap)

    def encode(self, raw: RawColumn, numbers: Array, codes: Array, place: Place) -> Surprises:
        """Write the standardised parts, and 1 where there was a gap."""
        days, missing = days_of(self.name, raw, self.form, place)
        days = np.where(missing, self.fill, days)
        for i, name in enumerate(self.parts):
            numbers[:, i] = (part(name, days) - self.shifts[i]) * self.factors[i]
        if self.gaps:
            numbers[:, -1] = missing
        return Surprises(0 if self.gaps else int(missing.sum()))

    def describe(self) -> str:
        """How it is written, and what becomes of it."""
        return f"written {self.form.name}, becomes {', '.join(self.parts)}" + (
            ", with gaps" if self.gaps else ""
        )

    def to_json(self) -> dict[str, Any]:
        """The form, the parts and their scaling."""
        return {
            "form": self.form.name,
            "parts": list(self.parts),
            "shifts": list(self.shifts),
            "factors": list(self.factors),
            "fill": self.fill,
            "gaps": self.gaps,
        }

    @classmethod
    def from_json(cls, name: str, stored: Mapping[str, Any], arrays: Mapping[str, Array]) -> Column:
        """See `Column.from_json`."""
        wanted = {"form", "parts", "shifts", "factors", "fill", "gaps"}
        checks.require_fields(stored, "columns", wanted)
        parts = checks.names(stored["parts"], "columns.parts")
        if not parts or not set(parts) <= set(PARTS):
            checks.damaged("columns.parts", "are no parts of a date")
        constants = [stored["shifts"], stored["factors"]]
        if not all(isinstance(one, list) and len(one) == len(parts) for one in constants):
            checks.damaged("columns.shifts", "are not as many as the parts")
        shifts, factors = ([checks.number(v, "columns.shifts") for v in one] for one in constants)
        return cls(
            name,
            FORMS[checks.choice(stored["form"], "columns.form", tuple(FORMS))],
            parts,
            tuple(shifts),
            tuple(factors),
            checks.number(stored["fill"], "columns.fill"),
            checks.switch(stored["gaps"], "columns.gaps"),
        )


def days_of(name: str, raw: RawColumn, form: DateForm, place: Place) -> tuple[Array, Array]:
    """(days float64 (n,), gaps bool (n,)) of a column.

    Raises:
        DataError: a cell is no date of the form; says where.
    """
    words = words_of(raw)
    days = words.mapped(form.days(words.levels))
    missing = words.missing
    wrong = np.isnan(days) & ~missing
    if wrong.any():
        shown = words.levels[int(words.codes[int(np.argmax(wrong))])]
        raise DataError(
            f"`{safe_text(shown, 40)}` in column `{safe_text(name)}` is no date, or is written "
            f"otherwise than {form.name}",
            where=place.where(positions(wrong)),
            fix="write it as the other dates are; if it stands for a gap, add it to `missing`; if "
            f"they are levels, `columns: {{{safe_text(name)}: category}}`",
        )
    return days, missing


@COLUMNS.register("date")
@dataclass(frozen=True, slots=True, kw_only=True)
class DateSpec(ColumnSpec):
    """A date, perhaps with a time: numbers for what goes on and what repeats."""

    column: ClassVar[type[Column] | None] = DateColumn
    plural: ClassVar[str] = "dates"
    form: (
        Literal[
            "iso",
            "day_first",
            "month_first",
            "day_name",
            "month_name",
            "year_month",
            "time",
            "duration",
        ]
        | None
    ) = option("how it is written; null: as all training rows are", None)
    parts: tuple[str, ...] | None = option(
        f"what it becomes, of {', '.join(PARTS)}; null: what differs between training rows", None
    )

    def check(self) -> None:
        """The parts exist."""
        for i, name in enumerate(self.parts or ()):
            require(name in PARTS, f"no part `{safe_text(name)}`", "parts", i, fix=", ".join(PARTS))
        require(self.parts != (), "names no part", "parts")

    def fit(self, name: str, raw: RawColumn, fitting: Fitting) -> Column | None:
        """The form, what differs, and its mean and deviation."""
        words = words_of(raw)
        train = words.take(fitting.rows)
        used = [level for level, n in zip(train.levels, train.counts(), strict=True) if n]
        form = FORMS[self.form] if self.form else find_form(used)
        if form is None:  # cells that are none are told by their rows, below
            counts = train.counts()
            form = usual_form(used, counts[counts > 0])
        if form is None:
            raise DataError(
                f"column `{safe_text(name)}` holds no dates, or some of several forms",
                where=safe_text(fitting.place.origin),
                why=f"the forms are {', '.join(FORMS)}",
                fix=f"columns: {{{safe_text(name)}: category}}",
            )
        days, missing = days_of(name, raw, form, fitting.place)
        days, gaps = days[fitting.rows], bool(missing[fitting.rows].any())
        known = days[~np.isnan(days)]
        parts = self.parts or default_parts(known, form.name)
        if not len(known) or not parts:
            return None
        shifts, factors = [], []
        for one in parts:
            scaling = fit_scaling("standard", NumberStatistics(part(one, known)[:, None]))
            assert scaling.shift is not None and scaling.scale is not None
            shifts.append(float(scaling.shift[0]))
            factors.append(float(scaling.scale[0]))
        fill = float(np.median(known))
        return DateColumn(name, FORMS[form.name], parts, tuple(shifts), tuple(factors), fill, gaps)
