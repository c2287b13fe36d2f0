"""Which columns of a named table are features, targets and extras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import nearest, safe_text
from dnn_cli.data.table import Columns

_SHOWN = 100  # missing columns that a message names


@dataclass(frozen=True, slots=True)
class Selection:
    """Positions of columns in a header, counted from 0, in the order wanted."""

    features: tuple[int, ...]
    targets: tuple[int, ...]
    extra: tuple[int, ...]
    verbatim: tuple[int, ...] = ()


def select(header: Sequence[str], columns: Columns, origin: str, hint: str = "") -> Selection:
    """Find the wanted `columns` in `header`; `hint` is added to the fix of a missing one.

    Raises:
        DataError: a wanted column is missing, serves twice, or no feature is left.
    """
    place = {name: index for index, name in enumerate(header)}
    missing = [*_missing_targets(columns, place, header), *_missing_names(columns, place)]
    if missing:
        raise _missing(missing, header, origin, hint)
    targets = tuple(_targets(columns, place, len(header)))
    carried = (*columns.extra, *(name for name in columns.optional if name in place))
    extra = tuple(place[name] for name in carried)
    if columns.features is not None:
        features = tuple(place[name] for name in columns.features)
    else:
        others = {*targets, *extra, *(place[name] for name in columns.exclude if name in place)}
        features = tuple(index for index in range(len(header)) if index not in others)
    _check(header, features, targets, origin, hint)
    named = [name for name in header if name]
    names = named if columns.verbatim is None else columns.verbatim
    verbatim = tuple(place[name] for name in names)
    return Selection(features, targets, extra, verbatim)


def _missing_names(columns: Columns, place: dict[str, int]) -> list[str]:
    wanted = [*(columns.features or ()), *columns.extra, *(columns.verbatim or ())]
    if columns.features is None and columns.target_required:
        wanted += columns.exclude
    return [name for name in dict.fromkeys(wanted) if name not in place]


def _missing_targets(columns: Columns, place: dict[str, int], header: Sequence[str]) -> list[str]:
    if not columns.target_required:
        return []
    width = len(header)
    return [
        name if isinstance(name, str) else f"number {name}"
        for name in columns.target
        if (name not in place if isinstance(name, str) else not -width <= name < width)
    ]


def _targets(columns: Columns, place: dict[str, int], width: int) -> list[int]:
    found = []
    for name in columns.target:
        if isinstance(name, str):
            if name in place:
                found.append(place[name])
        elif -width <= name < width:
            found.append(name % width)
    return found


def _check(
    header: Sequence[str],
    features: tuple[int, ...],
    targets: tuple[int, ...],
    origin: str,
    hint: str,
) -> None:
    shown = safe_text(origin)
    for index in targets:
        if index in features or targets.count(index) > 1:
            raise DataError(
                f"the column `{safe_text(header[index])}` of `{shown}` is wanted twice",
                where=shown,
                fix="a column is a feature, or a target, or neither",
            )
    if not features:
        raise DataError(f"`{shown}` has no column left as a feature", where=shown, fix=hint)


def _missing(missing: list[str], header: Sequence[str], origin: str, hint: str) -> DataError:
    shown = ", ".join(f"`{safe_text(name)}`" for name in missing[:_SHOWN])
    more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    close = nearest(missing[0], header)
    fix = hint or (f"did you mean `{safe_text(close)}`?" if close else "")
    noun = "the column" if len(missing) == 1 else f"{len(missing)} columns:"
    columns = ", ".join(safe_text(name) for name in header[:40])
    return DataError(
        f"`{safe_text(origin)}` lacks {noun} {shown}{more}",
        where=safe_text(origin),
        why=f"its columns are {columns}" + (", …" if len(header) > 40 else ""),
        fix=fix,
    )
