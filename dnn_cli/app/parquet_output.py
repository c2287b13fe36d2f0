"""Predictions as Parquet, a row group a piece, so that memory does not grow with the rows.

Types      columns passed through and labels that are words: string; labels that are whole numbers:
           int64; decisions on labels: uint8; probabilities: float32; values: as computed
Memory     one piece, and some 100 bytes a column of each row group for the end of the file
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, final

from dnn_cli.app.prediction_rows import Rows
from dnn_cli.base.errors import MissingExtraError
from dnn_cli.base.types import Array


def as_parquet(rows: Rows, pieces: Iterable[Array]) -> Iterator[bytes]:
    """One file; nothing of it before the first rows could be predicted.

    Raises:
        MissingExtraError: PyArrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise MissingExtraError(
            "writing parquet needs PyArrow, which is not installed",
            fix="pip install 'dnn-cli[parquet]'",
        ) from None
    out, writer = _Out(), None
    for piece in pieces:
        table = _table(pyarrow, rows, piece)
        if writer is None:
            writer = parquet.ParquetWriter(out, table.schema)
        writer.write_table(table)
        yield out.taken()
    if writer is None:
        writer = parquet.ParquetWriter(out, _table(pyarrow, rows, rows.none).schema)
    writer.close()
    yield out.taken()


def _table(pyarrow: Any, rows: Rows, predictions: Array) -> Any:
    columns = [
        pyarrow.array(values, pyarrow.string()) if isinstance(values, list | tuple) else values
        for values in rows.typed(predictions)
    ]
    return pyarrow.table(columns, names=rows.columns)


@final
class _Out:
    """A file whose bytes are taken as they are written."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> int:
        """Keep a copy of `data`."""
        self._parts.append(bytes(data))
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        """How much was written."""
        return self._size

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """There is nothing to close."""

    def taken(self) -> bytes:
        """What was written since."""
        found = b"".join(self._parts)
        self._parts.clear()
        return found
