"""A numeric array read forward from bytes, a block at a time, converted on the way.

Inputs are uint8 and whole numbers of 64 bits as they are, float32 if that holds every number of
their type, and float64 otherwise: what is lost before scaling is lost for good. A conversion goes
through one block of about 1 MiB, so that the array never exists a second time in its own type.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array, Shape, size_of
from dnn_cli.data.readers.bytes_in import Reader, fill

BLOCK = 1 << 20  # bytes converted at a time: stays in the second-level cache
_LARGEST = float(np.finfo(np.float32).max)  # of an input, whatever it is scaled by
_LARGEST_CODE_POINT = 0x10FFFF
_SURROGATES = 0xD800 >> 11  # halves of pairs: they cannot be written as UTF-8


def input_dtype(dtype: np.dtype[np.generic]) -> np.dtype[np.generic]:
    """The type that inputs of `dtype` become."""
    if dtype.kind in "iu" and (dtype == np.uint8 or dtype.itemsize == 8):
        return dtype.newbyteorder("=")
    return np.dtype(np.float32 if np.can_cast(dtype, np.float32) else np.float64)


def convert(block: Array, out: Array, place: str) -> None:
    """Write `block` (numbers as stored) to `out` of `input_dtype`; `place` is for messages.

    Raises:
        DataError: a finite number too large for float32.
    """
    if block.dtype == np.bool_:
        block = native(block)
    np.copyto(out, block, casting="same_kind")
    if block.dtype.kind == "f" and block.dtype.itemsize == 8:
        require_range(out, place)


def require_range(block: Array, place: str) -> None:
    """Refuse finite numbers in float64 that are beyond float32, whatever they are scaled by.

    Raises:
        DataError: how many, and the first of them.
    """
    large = (np.abs(block) > _LARGEST) & np.isfinite(block)
    if large.any():
        first = np.argwhere(large)[0]
        raise DataError(
            f"{int(large.sum())} numbers are too large for float32, such as "
            f"{float(block[tuple(first)]):g}",
            where=f"{place}, element {first.tolist()}",
            fix="rescale the data before saving",
        )


def native(block: Array) -> Array:
    """`block` in this machine's byte order; a truth value that is neither 0 nor 1 is true."""
    if block.dtype == np.bool_:
        truth: Array = np.ascontiguousarray(block).view(np.uint8) != 0
        return truth
    return block if block.dtype.isnative else block.astype(block.dtype.newbyteorder("="))


def unicode_text(raw: Array, origin: str) -> Array:
    """Text of fixed width, bytes of UTF-8 (S) or code points (U), in this machine's byte order.

    Raises:
        DataError: it is none.
    """
    where = safe_text(origin)
    if raw.dtype.kind == "S":
        try:
            return np.strings.decode(raw, "utf-8")
        except UnicodeDecodeError:
            raise DataError(f"`{where}` holds labels that are not UTF-8", where=where) from None
    raw = np.ascontiguousarray(raw)
    codes = raw.view(np.dtype(np.uint32).newbyteorder(raw.dtype.byteorder))
    surrogates = codes >> 11 == _SURROGATES
    if codes.size and (int(codes.max()) > _LARGEST_CODE_POINT or surrogates.any()):
        raise DataError(f"`{where}` holds labels that are not Unicode text", where=where)
    return raw.astype(raw.dtype.newbyteorder("="))


@dataclass(slots=True)
class ArrayStream:
    """An array of `shape` and `dtype` whose bytes come from `reader` in order.

    The size of what `reader` holds has been compared with the shape where it can be known;
    `finish` finds the rest.
    """

    shape: Shape
    dtype: np.dtype[np.generic]
    reader: Reader
    origin: str
    fortran: bool = False
    done: int = 0  # rows read

    @property
    def rows(self) -> int:
        """The number of rows declared."""
        return self.shape[0]

    @property
    def width(self) -> int:
        """Numbers in one row."""
        return size_of(self.shape[1:])

    def rows_in_block(self) -> int:
        """How many rows make a block."""
        return max(1, BLOCK // max(1, self.width * self.dtype.itemsize))

    def read(self, count: int) -> Array:
        """The next `count` rows as stored, (count, *shape[1:]); the array is the caller's.

        Raises:
            DataError: the data end too early, or go on after the last row.
        """
        block = np.empty((count, *self.shape[1:]), self.dtype)
        self._fill(block)
        self._advance(count)
        return block

    def read_inputs(self, out: Array) -> None:
        """Read the next rows into `out` (count, *shape[1:]) of `input_dtype`."""
        step = self.rows_in_block()
        for start in range(0, max(1, len(out)), step):  # no rows: their end is looked at, too
            piece = out[start : start + step]
            place = f"{safe_text(self.origin)}: rows from {self.done}"
            if self.dtype != out.dtype:
                convert(self.read(len(piece)), piece, place)
                continue
            self._fill(piece)
            if self.dtype == np.float64:
                require_range(piece, place)
            self._advance(len(piece))

    def read_columns(self) -> Iterator[tuple[int, Array]]:
        """All of a Fortran-ordered array: (position in a C-ordered row, its values (rows,))."""
        order = np.arange(self.width).reshape(self.shape[1:]).ravel(order="F")
        for position in order.tolist():
            column = np.empty(self.rows, self.dtype)
            self._fill(column)
            yield position, column
        self._advance(self.rows)

    def read_targets(self, count: int) -> Array:
        """The next `count` rows as labels: native numbers or text; (n, 1) becomes (n,)."""
        if self.fortran:
            raw = np.empty((count, self.width), self.dtype)
            for position, column in self.read_columns():
                raw[:, position] = column
        else:
            raw = self.read(count)
        raw = unicode_text(raw, self.origin) if self.dtype.kind in "SU" else native(raw)
        return raw[:, 0] if raw.ndim == 2 and raw.shape[1] == 1 else raw

    def _fill(self, block: Array) -> None:
        view = block.reshape(-1).view(np.uint8).data
        found = fill(self.reader, view)
        if found < len(view):
            there = self.done * self.width * self.dtype.itemsize + found
            declared = size_of(self.shape) * self.dtype.itemsize
            raise DataError(
                f"`{safe_text(self.origin)}` is cut short: {self.dtype} of shape {self.shape} "
                f"are {declared:,} bytes, {there:,} are there",
                where=safe_text(self.origin),
            )

    def _advance(self, count: int) -> None:
        self.done += count
        if self.done == self.rows:
            self.finish()

    def finish(self) -> None:
        """Make sure that nothing follows the data; also verifies the checksum of packed data.

        Raises:
            DataError: there are bytes left.
        """
        if self.reader.readinto(memoryview(bytearray(1))):
            raise DataError(
                f"`{safe_text(self.origin)}` goes on after its data, {self.dtype} of shape "
                f"{self.shape}",
                where=safe_text(self.origin),
            )
