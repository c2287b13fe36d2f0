"""Targets that are text because a few cells among many numbers are none.

Rule       more different numbers than classes would have, and at most a tenth of the rows that
           are none: the column is meant as numbers, and the first such cell is an error; so are
           numbers all or some of which have signs in them (1,5 and 1 000)
Why        read as classes they would be hundreds, of a row each, and a network would be trained
           on them without a word
"""

from __future__ import annotations

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array
from dnn_cli.data.place import Place
from dnn_cli.data.readers.csv_dialect import setting
from dnn_cli.data.readers.numerals import is_number, why_no_number, with_signs

FEW_VALUES = 20  # as many whole numbers may be classes without being numbered from 0
_SHARE = 0.1  # of the rows that may be slips


def all_numbers(targets: Array) -> bool:
    """Whether targets of text (n,) are numbers, too many different ones to be classes."""
    values = np.unique(targets)
    return len(values) > FEW_VALUES and all(map(is_number, values.tolist()))


def require_no_slips(targets: Array, name: str, place: Place, surely: bool = False) -> None:
    """Refuse targets of text (n,) that are numbers but for a few cells, or, `surely`, for any.

    Raises:
        DataError: names the first cell that is no number, and its row.
    """
    values, inverse = np.unique(targets, return_inverse=True)
    odd = ~np.fromiter(map(is_number, values.tolist()), np.bool_, len(values))
    rows = np.flatnonzero(odd[inverse])
    many = np.count_nonzero(~odd) > FEW_VALUES and len(rows) <= _SHARE * len(targets)
    if not len(rows) or not (many or surely):
        return
    cell = str(targets[rows[0]])
    why, fix = why_no_number(cell, setting(of_model=False))
    more = f", and {len(rows) - 1:,} more cells are none" if len(rows) > 1 else ""
    mend = fix or f"mend or remove the row, or add `{safe_text(cell, 40)}` to `data.missing`"
    raise DataError(
        f"`{safe_text(cell, 40)}` in the target column `{safe_text(name)}` is not a number{more}",
        where=place.where(rows[:1, None]),
        why=why or "nearly all others are numbers",
        fix=mend if surely else f"{mend}; `task: multiclass` takes all of them as classes",
    )


def require_no_signs(values: list[str], place: Place) -> None:
    """Refuse targets of text that would be numbers with other signs in them.

    Raises:
        DataError: names one, and asks which was meant.
    """
    signs = [value for value in values if not is_number(value) and with_signs(value)]
    if signs and all(is_number(value) or with_signs(value) for value in values):
        why, fix = why_no_number(signs[0], setting(of_model=False))
        raise DataError(
            f"the targets are text, such as `{safe_text(signs[0], 40)}`",
            where=safe_text(place.origin),
            why=why,
            fix=f"{fix}; `task: multiclass` takes them as classes",
        )
