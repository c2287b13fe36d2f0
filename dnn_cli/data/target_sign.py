"""The sign of numbers to predict: losses of counts and amounts have no value for others."""

from __future__ import annotations

from dnn_cli.base.errors import DataError
from dnn_cli.base.task import TargetSign
from dnn_cli.base.types import Array
from dnn_cli.data.place import Place, positions


def check_sign(targets: Array, sign: TargetSign, place: Place, names: tuple[str, ...]) -> None:
    """Refuse targets (n, k), in columns called `names`, that the loss cannot take.

    Raises:
        DataError: says how many there are, and where the first.
    """
    if sign == "any":
        return
    wrong = targets < 0 if sign == "not negative" else targets <= 0
    if wrong.any():
        told = "below 0" if sign == "not negative" else "not above 0"
        raise DataError(
            f"{int(wrong.sum())} of {wrong.size} targets are {told}, such as "
            f"{float(targets[wrong][0]):.6g}",
            where=place.where(positions(wrong), names),
            why=f"the loss takes only numbers that are {sign}",
            fix="correct these rows, or train with another loss",
        )
