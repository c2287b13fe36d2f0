"""What is said of arrays that a model was not made for: both sizes, and advice that is right."""

from __future__ import annotations

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Shape, size_of
from dnn_cli.data.examples import CHANNELS_LAST, InputKind, as_examples, longer
from dnn_cli.data.table import Table

_KINDS: dict[InputKind, str] = {"bytes": "bytes (0 to 255)", "numbers": "numbers"}
_TO_KIND: dict[InputKind, str] = {
    "bytes": "save them as bytes from 0 to 255: x.astype(np.uint8)",
    "numbers": "save them as numbers in the range that the training rows had: "
    "x.astype(np.float32), divided by 255 if those were from 0 to 1",
}


def wrong_kind(table: Table, found: InputKind, wanted: InputKind) -> DataError:
    """The error for bytes in the place of numbers, or numbers in that of bytes."""
    return DataError(
        f"the inputs are {_KINDS[found]}, the training rows were {_KINDS[wanted]}",
        where=safe_text(table.origin),
        fix=_TO_KIND[wanted],
    )


def wrong_shape(table: Table, wanted: Shape) -> DataError:
    """The error for examples of another shape, with advice where it is plain what is wrong."""
    whole, size, fix = table.inputs.shape, size_of(wanted), ""
    found = tuple(as_examples(table.inputs).shape[1:] if len(whole) < 2 else whole[1:])
    why = f"it has {size_of(found):,} numbers, theirs {size:,}"
    if size_of(found) == size:
        why = f"both have {size:,} numbers, but nobody knows which axis is which"
    if len(wanted) == 3 and found == (wanted[2], *wanted[:2]):
        fix = CHANNELS_LAST
    elif table.feature_names is not None or table.first_row:
        pass  # rows of a table, and pieces of an array, are rows
    elif longer(whole) == longer(wanted):
        fix = "a single example needs a first axis of length 1: save x[None]"
    elif size_of(whole) == size:
        axes = ", ".join(map(str, wanted))
        fix = f"if this is a single example, save x.reshape(1, {axes})"
    return DataError(
        f"an example has the shape {found}, the training rows had {wanted}",
        where=safe_text(table.origin),
        why=why,
        fix=fix,
    )
