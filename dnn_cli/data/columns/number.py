"""A number, scaled; a gap becomes the median of the training rows.

Formula    z = (x - shift) · factor, by `scale` as in `data/scaling.py`, and beyond those

    robust_smooth_clip   robust, then z / sqrt(1 + (z/3)²): within (-3, 3)
    quantile             z = Φ⁻¹(share of the training rows below x), by linear interpolation
                         between at most 1,000 quantiles, within ±5.2

Gaps       where training had gaps a second number says so: 1 for a gap, else 0
Errors     computed in float64 and rounded to float32 last. A column that varies in training no more
           than float64 rounds is 0 always
Source     RealMLP for the smooth clip: Holzmüller, Grinsztajn, Steinwart, "Better by default",
           NeurIPS 2024; scikit-learn's QuantileTransformer (normal) for the quantiles
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final, get_args

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.spec import option
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data import stored as checks
from dnn_cli.data.column import COLUMNS, Column, ColumnSpec, Fitting, NumberScale, Surprises
from dnn_cli.data.normal_scores import fit_quantiles, normal_scores
from dnn_cli.data.place import Place, positions
from dnn_cli.data.raw_columns import Numbers, RawColumn, Words
from dnn_cli.data.readers.csv_dialect import setting
from dnn_cli.data.readers.numerals import is_number, why_no_number
from dnn_cli.data.scaling import fit_scaling
from dnn_cli.data.spec import ScaleKind
from dnn_cli.data.statistics import NumberStatistics

CLIP = 3.0
_LARGEST = float(np.finfo(np.float32).max)
_QUANTILES = "quantiles"
_SOME = 10_000  # rows
_ROWS = 1 << 15  # at a time: 256 KB stay in the cache through all passes


@final
class NumberColumn(Column):
    """A scaled number, and perhaps whether it was there."""

    kind = "number"
    type = "number"

    def __init__(
        self,
        name: str,
        scale: NumberScale,
        shift: float,
        factor: float,
        fill: float,
        gaps: bool,
        quantiles: Array | None = None,
        extremes: tuple[float, float] | None = None,
    ) -> None:
        super().__init__(name)
        self.scale, self.shift, self.factor = scale, shift, factor
        self.fill, self.gaps, self.quantiles = fill, gaps, quantiles
        self.extremes = extremes  # of the training rows; not kept in a model file

    @property
    def outputs(self) -> tuple[str, ...]:
        """The number, and whether it was missing."""
        return (self.name, f"{self.name} missing") if self.gaps else (self.name,)

    def encode(self, raw: RawColumn, numbers: Array, codes: Array, place: Place) -> Surprises:
        """Write the scaled number, and 1 where there was a gap."""
        values, filled = numbers_of(self.name, raw, place), 0
        for start in range(0, len(values), _ROWS):
            part = slice(start, start + _ROWS)
            filled += self._encode(values[part], numbers[part], place, start)
        return Surprises(0 if self.gaps else filled)

    def _encode(self, values: Array, numbers: Array, place: Place, start: int) -> int:
        """The same for some rows, of which the first is row `start`; how many gaps there are."""
        missing = np.isnan(values)
        gaps = int(np.count_nonzero(missing))
        if gaps:
            values = np.where(missing, self.fill, values)
        with np.errstate(over="ignore"):
            scaled = self._scaled(values)
        large = ~(np.abs(scaled) <= _LARGEST)
        if large.any():
            raise DataError(
                f"column `{safe_text(self.name)}` cannot be scaled in float32",
                where=place.where(positions(large) + start),
                why=f"its values reach from {values.min():.3g} to {values.max():.3g}",
                fix="correct such values, or remove their rows",
            )
        numbers[:, 0] = scaled
        if self.gaps:
            numbers[:, 1] = missing
        return gaps

    def _scaled(self, values: Array) -> Array:
        if self.quantiles is not None:
            return normal_scores(values, self.quantiles)
        found: Array = (values - self.shift) * self.factor
        if self.scale == "robust_smooth_clip":
            found /= np.sqrt(1.0 + np.square(found / CLIP))
        return found

    @property
    def varies(self) -> bool:
        """Whether its numbers differ at all."""
        return self.factor != 0

    def describe(self) -> str:
        """Its range, if it is known, and its gaps."""
        if not self.varies:
            return "0 always: in training it varies no more than it is rounded"
        low, high = self.extremes or (np.nan, np.nan)
        ranged = f"{low:.6g} to {high:.6g}" if self.extremes else f"around {self.fill:.6g}"
        return ranged + (f", gaps become {self.fill:.6g}" if self.gaps else "")

    def to_json(self) -> dict[str, Any]:
        """The constants of the formula: float64, exact in JSON."""
        return {
            "scale": self.scale,
            "shift": self.shift,
            "factor": self.factor,
            "fill": self.fill,
            "gaps": self.gaps,
        }

    def arrays(self) -> dict[str, Array]:
        """The quantiles, if there are some."""
        return {} if self.quantiles is None else {_QUANTILES: self.quantiles}

    @classmethod
    def from_json(cls, name: str, stored: Mapping[str, Any], arrays: Mapping[str, Array]) -> Column:
        """See `Column.from_json`."""
        checks.require_fields(stored, "columns", {"scale", "shift", "factor", "fill", "gaps"})
        scale = checks.choice(stored["scale"], "columns.scale", get_args(NumberScale))
        quantiles = arrays.get(_QUANTILES)
        if (quantiles is not None) != (scale == "quantile"):
            checks.damaged("columns.scale", f"is {scale}, and the quantiles do not fit")
        if quantiles is not None and not _ascending(quantiles):
            checks.damaged("columns.quantiles", "are not finite and ascending float64")
        return cls(
            name,
            scale,
            checks.number(stored["shift"], "columns.shift"),
            checks.number(stored["factor"], "columns.factor"),
            checks.number(stored["fill"], "columns.fill"),
            checks.switch(stored["gaps"], "columns.gaps"),
            quantiles,
        )


def _ascending(values: Array) -> bool:
    if values.dtype != np.float64 or values.ndim != 1 or not len(values):
        return False
    return bool(np.isfinite(values).all() and (np.diff(values) >= 0).all())


def numbers_of(name: str, raw: RawColumn, place: Place) -> Array:
    """The values (n,) float64 of a column, NaN where there is a gap.

    Raises:
        DataError: a word among them; says where.
    """
    if isinstance(raw, Numbers):
        return raw.values
    values = np.array([float(level) if is_number(level) else np.inf for level in raw.levels])
    found = raw.mapped(values)
    wrong = np.isinf(found)
    if wrong.any():
        raise _word(name, raw, wrong, place)
    return found


def _word(name: str, raw: Words, wrong: Array, place: Place) -> DataError:
    row = int(np.argmax(wrong))
    shown, column = safe_text(raw.levels[int(raw.codes[row])], 40), safe_text(name)
    count = int(wrong.sum())
    why, fix = why_no_number(raw.levels[int(raw.codes[row])], setting(of_model=False))
    return DataError(
        f"`{shown}` in column `{column}` is not a number"
        + (f", and {count - 1:,} more cells are none" if count > 1 else ""),
        where=place.where(positions(wrong)),
        why=why,
        fix=fix
        or f"correct the cells; if `{shown}` stands for a gap, add it to `missing`; if they are "
        f"levels, `columns: {{{column}: category}}`",
    )


@COLUMNS.register("number")
@dataclass(frozen=True, slots=True, kw_only=True)
class NumberSpec(ColumnSpec):
    """A number, scaled."""

    column: ClassVar[type[Column] | None] = NumberColumn
    plural: ClassVar[str] = "numbers"
    scale: NumberScale | None = option("its scaling; null: that of data.scale", None)

    def fit(self, name: str, raw: RawColumn, fitting: Fitting) -> Column | None:
        """The constants of the scaling, and what fills a gap."""
        values = numbers_of(name, raw, fitting.place)[fitting.rows]
        missing = np.isnan(values)
        known = values[~missing] if missing.any() else values
        scale = self.scale or fitting.scale
        if not len(known):
            return NumberColumn(name, "none", 0.0, 1.0, 0.0, bool(missing.any()))
        statistics = NumberStatistics(known[:, None])
        extremes = (float(known.min()), float(known.max()))
        fill = float(np.median(known)) if missing.any() else _middle(statistics)
        gaps = bool(missing.any())
        if scale == "quantile":
            found = fit_quantiles(known)
            return NumberColumn(name, scale, 0.0, 1.0, fill, gaps, found, extremes)
        linear: ScaleKind = "robust" if scale == "robust_smooth_clip" else scale
        scaling = fit_scaling(linear, statistics)
        shift = 0.0 if scaling.shift is None else float(scaling.shift[0])
        factor = 1.0 if scaling.scale is None else float(scaling.scale[0])
        return NumberColumn(name, scale, shift, factor, fill, gaps, None, extremes)


def _middle(statistics: NumberStatistics) -> float:
    """What fills a gap that only new rows have: the median of some rows, evenly taken."""
    return float(np.median(statistics.inputs[:: max(1, len(statistics.inputs) // _SOME)]))
