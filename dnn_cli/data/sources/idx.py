"""Images and labels in IDX files, plain or gzip-packed: the format of MNIST and its kin.

Layout     two zero bytes, type code, rank; rank lengths of 4 bytes; the numbers, all big-endian
Read       uint8 as it is, other types as float32 or, where that loses digits, float64
Memory     the array that training uses, and one block; in pieces: one piece
Errors     a file holds exactly what its header declares; gzip is told by its first bytes, and is
           unpacked no further than one byte past the declared end
Source     Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits"
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, final

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.spec import option
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Shape, size_of
from dnn_cli.data.readers.array_stream import ArrayStream
from dnn_cli.data.readers.array_tables import array_tables
from dnn_cli.data.readers.bytes_in import (
    INFLATION,
    Gunzip,
    Reader,
    beginning,
    file_size,
    is_gzip,
    open_regular,
    read_up_to,
)
from dnn_cli.data.readers.npy_format import MAX_RANK, MAX_ROW
from dnn_cli.data.source import SOURCES, SourceSpec, names_of_labels
from dnn_cli.data.source_line import source_line
from dnn_cli.data.table import Columns, Table

_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


@final
@SOURCES.register("idx")
@dataclass(frozen=True, slots=True, kw_only=True)
class IdxSpec(SourceSpec):
    """A file of images (rows, height, width) and, if wanted, one of labels (rows,)."""

    path_option: ClassVar[str] = "images"

    images: Path = option("the IDX file of the images, plain or gzip-packed")
    labels: Path | None = option("the IDX file of the labels, plain or gzip-packed", None)

    def tables(self, columns: Columns, rows: int | None = None) -> Iterator[Table]:
        """See `SourceSpec.tables`."""
        with ExitStack() as files:
            images = _stream(self.images, files)
            labels = None if self.labels is None else _stream(self.labels, files)
            if labels is not None and len(images.shape) == 1 and len(labels.shape) > 1:
                raise DataError(
                    f"`{safe_text(self.images)}` holds labels, `{safe_text(self.labels)}` images",
                    where=safe_text(self.images),
                    fix="exchange the two files",
                )
            yield from array_tables(images, labels, columns, rows)

    def target_advice(self, inputs: Shape) -> str:
        """See `SourceSpec.target_advice`; the labels are looked for beside the images."""
        images = Path(self.images)
        names = names_of_labels(images) or ("LABELS",)
        found = next((name for name in names if images.with_name(name).exists()), names[0])
        return source_line("idx", {"images": images, "labels": images.with_name(found)})


def _stream(path: Path, files: ExitStack) -> ArrayStream:
    file = files.enter_context(open_regular(path))
    packed = is_gzip(file)
    reader: Reader = Gunzip(file, str(path)) if packed else file
    shape, dtype = _header(reader, path)
    declared, start = size_of(shape) * dtype.itemsize, 4 + 4 * len(shape)
    size = file_size(file)
    if packed:
        most = size * INFLATION
        if declared > most:
            raise _bad(path, f"{size:,} packed bytes cannot hold the {declared:,} it declares")
    elif size - start != declared:
        state = "is cut short" if size - start < declared else "goes on after its data"
        what = f"it {state}: {dtype} of shape {shape} are {declared:,} bytes, "
        raise _bad(path, f"{what}{size - start:,} are there")
    return ArrayStream(shape, dtype, reader, str(path))


def _header(reader: Reader, path: Path) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    head = read_up_to(reader, 4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _TYPES:
        found = beginning(head + read_up_to(reader, 60))
        raise DataError(
            f"`{safe_text(path)}` is not an IDX file: {found}",
            where=safe_text(path),
            why="an IDX file begins with two zero bytes, then 0x08, 0x09 or 0x0B to 0x0E",
        )
    rank = head[3]
    if not 1 <= rank <= MAX_RANK:
        raise _bad(path, f"it declares {rank} dimensions; 1 to {MAX_RANK} are read")
    raw = read_up_to(reader, 4 * rank)
    if len(raw) < 4 * rank:
        raise _bad(path, "it is cut short inside its header")
    shape = tuple(int.from_bytes(raw[i : i + 4], "big") for i in range(0, 4 * rank, 4))
    if size_of(shape[1:]) > MAX_ROW:
        raise _bad(path, f"one of its rows would hold {size_of(shape[1:]):,} numbers")
    return shape, np.dtype(_TYPES[head[2]])


def _bad(path: Path, reason: str) -> DataError:
    return DataError(f"cannot read `{safe_text(path)}`: {reason}", where=safe_text(path))
