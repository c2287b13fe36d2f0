"""Image files: a folder of folders, whose names are the labels, or of images, or a single image.

Order      by the names of the folders, then of the files
Shapes     inputs (n, h, w, c) of uint8; c is 1 or 3. Without `size` and `channels` they are those
           that the model takes, and in training those of the first image; then the others must
           have them too
Memory     the array that training uses, and one decoded image; in pieces: one piece
Needs      the extra `image` (Pillow)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, final

import numpy as np

from dnn_cli.base.errors import DataError
from dnn_cli.base.spec import option
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Array, Shape
from dnn_cli.data.readers.array_tables import pieces
from dnn_cli.data.readers.image_file import Size, read_image
from dnn_cli.data.readers.image_paths import ImagePaths, image_paths
from dnn_cli.data.readers.memory import require_memory
from dnn_cli.data.source import SOURCES, SourceSpec
from dnn_cli.data.table import Columns, Table


@final
@SOURCES.register("image_folder")
@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFolderSpec(SourceSpec):
    """Images in one folder a class; without labels: images in a folder, or one image."""

    path: Path = option("the folder, or a single image")
    size: tuple[int, int] | None = option(
        "height and width that every image is resized to; nothing: all have the same",
        None,
        minimum=1,
        maximum=1 << 14,
    )
    channels: Literal[1, 3] | None = option(
        "1: grey, 3: colour; nothing: all images are the same", None
    )

    def tables(self, columns: Columns, rows: int | None = None) -> Iterator[Table]:
        """See `SourceSpec.tables`."""
        found, origin = image_paths(self.path), str(self.path)
        _check_target(columns, found, origin)
        reader = _Reader(*self._wanted(columns))
        for first, count in pieces(len(found.paths), rows):
            part = slice(first, first + count)
            yield Table(
                inputs=reader.read(found.paths[part], origin),
                targets=None if found.labels is None else np.array(found.labels[part]),
                origin=origin,
                first_row=first,
            )

    def _wanted(self, columns: Columns) -> tuple[Size | None, int | None]:
        """The size and the channels: as configured, else as the model takes them."""
        size, channels = self.size, self.channels
        if columns.image is None:
            return size, channels
        h, w, c = columns.image
        if channels is None and c not in (1, 3):
            raise DataError(
                f"the model takes images of {c} channels, image files have 1 or 3",
                where=safe_text(self.path),
                fix="give the images as an array: .npy or .npz",
            )
        return size or (h, w), channels or c


@final
class _Reader:
    """Reads images that must all have one shape: the one given, or that of the first."""

    def __init__(self, size: Size | None, channels: int | None) -> None:
        self._size, self._channels = size, channels
        self._shape: Shape = ()
        self._first = ""

    def read(self, paths: Sequence[str], origin: str) -> Array:
        """The images (len(paths), h, w, c) as bytes."""
        inputs = np.empty(0, np.uint8)
        for row, path in enumerate(paths):
            image = read_image(Path(path), self._size, self._channels)
            self._check(image.shape, path)
            if row == 0:
                require_memory(len(paths) * image.size, origin)
                inputs = np.empty((len(paths), *image.shape), np.uint8)
            inputs[row] = image
        return inputs

    def _check(self, shape: Shape, path: str) -> None:
        if not self._shape:
            self._shape, self._first = shape, path
        if shape == self._shape:
            return
        same_size = shape[:2] == self._shape[:2]
        raise DataError(
            f"`{safe_text(path)}` is {_described(shape)}, but the first image, "
            f"`{safe_text(self._first)}`, is {_described(self._shape)}",
            where=safe_text(path),
            fix="set `channels` to 1 or 3" if same_size else "set `size: [height, width]`",
        )


def _described(shape: Shape) -> str:
    return f"{'grey' if shape[2] == 1 else 'colour'} of {shape[0]}x{shape[1]} pixels"


def _check_target(columns: Columns, found: ImagePaths, origin: str) -> None:
    """Labels are the names of folders, or there are none."""
    if not columns.target_required:
        return
    if columns.target:
        raise DataError(
            "images have no columns to be targets: their labels are the names of their folders",
            where=safe_text(origin),
            fix="remove `target`",
        )
    if found.labels is None:
        raise DataError(
            f"the images in `{safe_text(origin)}` have no labels",
            where=safe_text(origin),
            fix="put the images of each class into a folder of their own, named like the class",
        )
