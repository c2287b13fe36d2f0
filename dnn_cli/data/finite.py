"""Inputs must be numbers: no NaN, no infinity."""

from __future__ import annotations

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.types import Array
from dnn_cli.data.place import SHOWN, Place, positions
from dnn_cli.data.statistics import chunks


def check_finite(inputs: Array, low: Array, high: Array, place: Place) -> None:
    """Refuse `inputs` whose extremes `low` and `high` show that some are not finite.

    The extremes are needed anyway and take no memory, so that only the unlucky pay for a search.

    Raises:
        DataError: how many there are, and where the first ones are.
    """
    if np.isfinite(low).all() and np.isfinite(high).all():
        return
    found: list[Array] = []
    count = start = 0
    for chunk in chunks(inputs):
        at = positions(~np.isfinite(chunk))
        count += len(at)
        if len(at) and len(found) <= SHOWN:
            at[:, 0] += start
            found.append(at)
        start += len(chunk)
    raise DataError(
        f"{count} of {inputs.size} input values are NaN or infinite",
        where=place.where(np.concatenate(found), None, count),
        why="an infinity is also what a number beyond float32 (3.4e38) becomes",
        fix="fill the values in, or remove these rows",
    )
