"""Image files: a folder of folders, whose names are the labels, or of images, or a single image.

Parts      folders train, valid (val, validation, dev) and test with those folders in each divide
           the images: the training part must have a folder of every class
Order      part by part, then natural by the names of the folders and of the files: digits count
           as numbers
Shapes     inputs (n, h, w, c) of uint8; c is 1 or 3. Without `size` and `channels` they are those
           that the model takes, and in training those of the first image; then the others must
           have them too
Memory     the array that training uses, and one decoded image; in pieces: one piece
Errors     the first image that cannot be read makes all others be looked at, so that one message
           names them all
Needs      the extra `image` (Pillow)
"""

from __future__ import annotations

import os
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
from dnn_cli.data.readers.bytes_in import missing_file
from dnn_cli.data.readers.image_file import Size, read_image
from dnn_cli.data.readers.image_paths import ImagePaths, image_paths
from dnn_cli.data.readers.memory import require_memory
from dnn_cli.data.source import SOURCES, SourceSpec
from dnn_cli.data.table import Columns, Table


@final
@SOURCES.register("image_folder")
@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFolderSpec(SourceSpec):
    """One folder a class with its images, perhaps in parts; unlabelled: images, or one image."""

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
        if not os.path.lexists(self.path):
            raise missing_file(self.path)
        found, origin = image_paths(self.path, columns.target_required), str(self.path)
        _check_target(columns, found, origin)
        reader = _Reader(found.paths, origin, *self._wanted(columns), columns.of_model)
        root = self.path if os.path.isdir(self.path) else Path(self.path).parent
        for first, count in pieces(len(found.paths), rows):
            part = slice(first, first + count)
            inputs = reader.read(first, count)
            yield Table(
                inputs=inputs,
                targets=None if found.labels is None else np.array(found.labels[part]),
                origin=origin,
                first_row=first,
                notes=(*found.notes, *((_DEEP,) if reader.deep else ())),
                parts=None if found.parts is None else np.array(found.parts[part]),
                files=tuple(_inside(path, root) for path in found.paths[part]),
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


_DEEP = "grey images of 16 bits were read as x / 257, rounded to whole numbers from 0 to 255"


@final
class _Reader:
    """Reads images that must all have one shape: the one given, or that of the first."""

    def __init__(
        self,
        paths: Sequence[str],
        origin: str,
        size: Size | None,
        channels: int | None,
        of_model: bool,
    ) -> None:
        self._paths, self._origin, self._of_model = paths, origin, of_model
        self._size, self._channels = size, channels
        self._shape: Shape = ()
        self.deep = False  # whether an image of 16 bits was read

    def read(self, first: int, count: int) -> Array:
        """`count` images from number `first` on, (count, h, w, c) bytes."""
        inputs = np.empty(0, np.uint8)
        for row, path in enumerate(self._paths[first : first + count]):
            try:
                image, deep = read_image(Path(path), self._size, self._channels)
            except DataError as error:
                raise self._unreadable(error, first + row + 1) from None
            self._check(image.shape, path)
            self.deep |= deep
            if row == 0:
                require_memory(count * image.size, self._origin)
                inputs = np.empty((count, *image.shape), np.uint8)
            inputs[row] = image
        return inputs

    def _unreadable(self, error: DataError, start: int) -> DataError:
        """`error` and those of all images from number `start` on."""
        problems = list(error.problems)
        for path in self._paths[start:]:
            try:
                read_image(Path(path), self._size, self._channels)
            except DataError as another:
                problems += another.problems
        return DataError(problems)

    def _check(self, shape: Shape, path: str) -> None:
        self._shape = self._shape or shape
        if shape == self._shape:
            return
        same_size = shape[:2] == self._shape[:2]
        setting = "`channels` to 1 or 3" if same_size else "`size: [height, width]`"
        raise DataError(
            f"`{safe_text(path)}` is {_described(shape)}, but the first image, "
            f"`{safe_text(self._paths[0])}`, is {_described(self._shape)}",
            where=safe_text(path),
            fix="bring all images to one size and kind" if self._of_model else f"set {setting}",
        )


def _described(shape: Shape) -> str:
    return f"{'grey' if shape[2] == 1 else 'colour'} of {shape[0]}x{shape[1]} pixels"


def _inside(path: str, root: Path) -> str:
    """The path as from `root`, as text that can be written: what is not UTF-8 is escaped."""
    return Path(path).relative_to(root).as_posix().encode("utf-8", "backslashreplace").decode()


def _check_target(columns: Columns, found: ImagePaths, origin: str) -> None:
    """Labels are the names of folders, or there are none."""
    if not columns.target_required:
        return
    if columns.target:
        raise DataError(
            "images have no columns to be targets: their labels are the names of their folders",
            where=safe_text(origin),
            fix="give a table, as in training" if columns.of_model else "remove `target`",
        )
    if found.labels is None:
        raise DataError(
            f"the images in `{safe_text(origin)}` have no labels",
            where=safe_text(origin),
            fix="put the images of each class into a folder of their own, named like the class",
        )
