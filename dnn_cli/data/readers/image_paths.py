"""Which files of a folder are images, and what their labels are.

A folder holds either images, without labels, or one folder a class with images in it. Nothing in
it is passed over but hidden files and what file managers leave behind: a file of another kind is
an error, because it may well be an image that cannot be read.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.data.readers.image_file import SUFFIXES

_LEFT_BEHIND = frozenset(("Thumbs.db", "desktop.ini"))
_SHOWN = 5  # names that one message lists


@dataclass(frozen=True, slots=True)
class ImagePaths:
    """Paths sorted by folder and name, and the name of the folder of each where it is a class."""

    paths: Sequence[str]
    labels: Sequence[str] | None


def image_paths(path: Path) -> ImagePaths:
    """The images at `path`: a folder, or a single image (whose content is not looked at).

    Raises:
        DataError: the folder is empty, cannot be read, or holds anything else.
    """
    if not os.path.isdir(path):
        return ImagePaths([str(path)], None)
    root = os.path.realpath(path)
    folders, files = _content(str(path), root)
    if not folders:
        return ImagePaths(_images(str(path), files), None)
    if files:
        raise _error(
            str(path),
            f"holds folders ({_names(folders)}) and files ({_names(files)})",
            "give one folder a class and nothing beside them, or images and no folders",
        )
    paths: list[str] = []
    labels: list[str] = []
    for name in folders:
        inside = os.path.join(path, name)
        nested, files = _content(inside, root)
        if nested:
            raise _error(
                inside,
                f"is the folder of a class, but holds folders ({_names(nested)})",
                "name the folder whose folders are the classes",
            )
        paths += _images(inside, files)
        labels += [_label(inside, name)] * len(files)
    return ImagePaths(paths, labels)


def _content(folder: str, root: str) -> tuple[list[str], list[str]]:
    """The names of the folders and of the files in `folder`, sorted."""
    folders: list[str] = []
    files: list[str] = []
    try:
        with os.scandir(folder) as entries:
            found = [one for one in entries if not _passed_over(one.name)]
    except OSError as error:
        raise _error(folder, f"cannot be read: {error.strerror}") from None
    for entry in found:
        if entry.is_symlink() and not _inside(entry.path, root):
            raise _error(
                entry.path, "is a link that leads out of the folder", "put the file itself there"
            )
        if entry.is_dir():
            folders.append(entry.name)
        elif entry.is_file():
            files.append(entry.name)
        else:
            raise _error(entry.path, "is neither a file nor a folder")
    return sorted(folders), sorted(files)


def _passed_over(name: str) -> bool:
    return name.startswith(".") or name in _LEFT_BEHIND


def _inside(path: str, root: str) -> bool:
    return os.path.commonpath([os.path.realpath(path), root]) == root


def _images(folder: str, files: list[str]) -> list[str]:
    if not files:
        raise _error(folder, "holds no images")
    others = [name for name in files if os.path.splitext(name)[1].lower() not in SUFFIXES]
    if others:
        raise _error(
            folder,
            f"holds {len(others)} file(s) that are no images by their names: {_names(others)}",
            f"take them out; names of images end in {', '.join(sorted(SUFFIXES))}",
        )
    return [os.path.join(folder, name) for name in files]


def _label(folder: str, name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise _error(folder, "is the folder of a class, but its name is not UTF-8") from None
    return name


def _names(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(safe_text(name, 60) for name in names[:_SHOWN]) + more


def _error(path: str, what: str, fix: str = "") -> DataError:
    shown = safe_text(path)
    return DataError(f"`{shown}` {what}", where=shown, fix=fix)
