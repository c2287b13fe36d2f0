"""Where large arrays lie: in memory, or in files that the system maps and may put aside.

Mapped     a file without a name, which goes with the process, however that ends. Its room is taken
           before it is used: a disk that is full is an error, not a signal in the middle of a sum
Passes     over mapped arrays go block by block of rows, all columns of a block at once, so that
           each page is written once
"""

from __future__ import annotations

import mmap
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, final

import numpy as np
from numpy.typing import DTypeLike

from dnn_cli.base.errors import FileSystemError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array, Shape, size_of
from dnn_cli.data.readers.memory import require_memory

_ROWS = 1 << 16  # of a block


class Room(ABC):
    """Makes arrays."""

    @abstractmethod
    def empty(self, shape: Shape, dtype: DTypeLike, origin: str) -> Array:
        """An array to be written; `origin` is for messages.

        Raises:
            LimitError: there is not enough memory.
            FileSystemError: there is not enough room on the disk.
        """

    @abstractmethod
    def blocks(self, rows: int) -> Iterator[slice]:
        """`rows` rows in as many pieces as a pass over its arrays should have."""

    @abstractmethod
    def taken(self, values: Array, rows: Array) -> Array:
        """The rows `rows` (m,) of `values` (n, …), in their order, as an array of its own."""


@final
class Heap(Room):
    """Memory: everything at once."""

    def empty(self, shape: Shape, dtype: DTypeLike, origin: str) -> Array:
        """See `Room.empty`."""
        require_memory(size_of(shape) * np.dtype(dtype).itemsize, origin)
        return np.empty(shape, dtype)

    def blocks(self, rows: int) -> Iterator[slice]:
        """One."""
        yield slice(0, rows)

    def taken(self, values: Array, rows: Array) -> Array:
        """See `Room.taken`."""
        found: Array = values[rows]
        return found


@final
class Disk(Room):
    """Files without names in `folder`, mapped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def empty(self, shape: Shape, dtype: DTypeLike, origin: str) -> Array:
        """See `Room.empty`."""
        size = size_of(shape) * np.dtype(dtype).itemsize
        if not size:
            return np.empty(shape, dtype)
        with writing(self.folder), nameless(self.folder) as file:
            os.posix_fallocate(file.fileno(), 0, size)
            return mapped(file, shape, dtype)

    def blocks(self, rows: int) -> Iterator[slice]:
        """Some 65,536 rows each."""
        yield from (slice(start, min(start + _ROWS, rows)) for start in range(0, rows, _ROWS))

    def taken(self, values: Array, rows: Array) -> Array:
        """See `Room.taken`."""
        found = self.empty((len(rows), *values.shape[1:]), values.dtype, "")
        for block in self.blocks(len(rows)):
            np.take(values, rows[block], axis=0, out=found[block], mode="clip")
        return found


HEAP = Heap()


def nameless(folder: Path) -> IO[bytes]:
    """A new file in `folder` that nobody else sees."""
    import tempfile

    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryFile(dir=folder, buffering=0)


def mapped(file: IO[bytes], shape: Shape, dtype: DTypeLike, writable: bool = True) -> Array:
    """The contents of `file` as an array, which keeps them after the file is closed."""
    if not size_of(shape):
        return np.empty(shape, dtype)
    access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
    size = size_of(shape) * np.dtype(dtype).itemsize
    return np.ndarray(shape, dtype, buffer=mmap.mmap(file.fileno(), size, access=access))


def on_disk(array: Array) -> bool:
    """Whether an array lies in a file that is mapped."""
    base: Any = array
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    return isinstance(base, mmap.mmap)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Tell what fails while files are written to `folder`.

    Raises:
        FileSystemError: they cannot be.
    """
    try:
        yield
    except OSError as error:
        shown = safe_text(folder)
        raise FileSystemError(
            f"cannot write to `{shown}`: {error.strerror or error}",
            where=shown,
            why="the table does not fit into memory, or `data.memory` is disk",
            fix="free some space there, or set `data.cache` to a folder with more",
        ) from error
