"""Which files of a folder are images, what their labels are, and which part each belongs to.

A folder holds
    images                                     without labels
    one folder a class, with images in it
    parts: folders called train and valid (val, validation, dev) or test, each with the same
        folders of classes in it (or images, where no labels are wanted)

Order      natural: by the names of the folders, then of the files, in which digits count as
           numbers: cam2 comes before cam10
Left out   hidden files and folders, what file managers and archives leave behind, and files that
           are no images by their names: one note counts them
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dnn_cli.base.errors import DataError
from dnn_cli.base.text import safe_text
from dnn_cli.data.readers.image_file import SUFFIXES

_LEFT_BEHIND = frozenset(("thumbs.db", "desktop.ini", "__macosx"))
_PARTS = {"train": "train", "training": "train"}
_PARTS |= dict.fromkeys(("valid", "val", "validation", "dev"), "valid")
_PARTS |= dict.fromkeys(("test", "testing"), "test")
_SHOWN = 5  # names that one message lists
_DIGITS = re.compile(r"([0-9]+)")


@dataclass(slots=True)
class ImagePaths:
    """Paths in natural order with, of each, the folder of its class and its part, if it has one.

    `empty` are the folders of classes that hold no image, as from the folder given; `notes` what
    the user should know.
    """

    paths: list[str] = field(default_factory=list)
    labels: list[str] | None = None
    parts: list[str] | None = None
    empty: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def image_paths(path: Path, labelled: bool) -> ImagePaths:
    """The images at `path`: a folder, or a single image (whose content is not looked at).

    `labelled` says that labels are wanted: then parts must hold folders of classes.

    Raises:
        DataError: the folder holds no image, cannot be read, or is of another form.
    """
    if not os.path.isdir(path):
        return ImagePaths([str(path)])
    walk = _Walk(str(path))
    folders, files = walk.content(str(path))
    if not folders:
        found = ImagePaths(_joined(str(path), files))
    elif files:
        raise _error(
            str(path),
            f"holds folders ({_names(folders)}) and images ({_names(files)})",
            "give one folder a class and nothing beside them, or images and no folders",
        )
    elif parts := _parts(str(path), folders):
        found = _divided(walk, str(path), parts, labelled)
    else:
        found = _classes(walk, str(path), folders)
    if found.empty and labelled:
        raise _error(
            str(path),
            f"holds folders of classes without images: {_names(found.empty)}",
            "put images into them, or remove them",
            walk.said,
        )
    if not found.paths:
        read = f"names of images end in {', '.join(sorted(SUFFIXES))}"
        raise _error(str(path), "holds no images", read, walk.said)
    if found.empty:
        found.notes.append(f"no images in {_names(found.empty)} of `{safe_text(path)}`")
    if walk.said:
        found.notes.append(walk.said)
    return found


def natural(name: str) -> tuple[list[str | int], str]:
    """The key that sorts names as people do: runs of digits by their value, the rest by character.

    Splitting at the digits puts text at even places and numbers at odd ones, so that only like is
    compared with like; of names that differ in leading zeros alone, the characters decide.
    """
    pieces: list[str | int] = list(_DIGITS.split(name))
    pieces[1::2] = [int(digits) for digits in pieces[1::2]]
    return pieces, name


class _Walk:
    """Looks into folders under one root, and counts what it leaves out."""

    def __init__(self, root: str) -> None:
        self._root, self._shown = os.path.realpath(root), safe_text(root)
        self._hidden, self._others = 0, list[str]()

    def content(self, folder: str) -> tuple[list[str], list[str]]:
        """The names of the folders and of the image files in `folder`, in natural order."""
        folders: list[str] = []
        files: list[str] = []
        try:
            with os.scandir(folder) as entries:
                found = list(entries)
        except OSError as error:
            raise _error(folder, f"cannot be read: {error.strerror}") from None
        for entry in found:
            if entry.name.startswith(".") or entry.name.lower() in _LEFT_BEHIND:
                self._hidden += 1
                continue
            if entry.is_symlink() and not self._inside(entry.path):
                raise _error(
                    entry.path,
                    "is a link that leads out of the folder",
                    "put the file itself there",
                )
            if entry.is_dir():
                folders.append(entry.name)
            elif not entry.is_file():
                raise _error(entry.path, "is neither a file nor a folder")
            elif os.path.splitext(entry.name)[1].lower() in SUFFIXES:
                files.append(entry.name)
            else:
                self._others.append(entry.name)
        return sorted(folders, key=natural), sorted(files, key=natural)

    @property
    def said(self) -> str:
        """What was left out, in one line; empty if nothing was."""
        found = []
        if self._hidden:
            found.append(f"{self._hidden} hidden or system file(s) or folder(s)")
        if self._others:
            names = _names(sorted(self._others, key=natural))
            found.append(f"{len(self._others)} file(s) that are no images by name ({names})")
        return f"left out of `{self._shown}`: {' and '.join(found)}" if found else ""

    def _inside(self, path: str) -> bool:
        return os.path.commonpath([os.path.realpath(path), self._root]) == self._root


def _classes(walk: _Walk, folder: str, names: Sequence[str]) -> ImagePaths:
    """The images in the folders `names` of `folder`, which are classes."""
    found, labels = ImagePaths(), list[str]()
    for name in names:
        inside = os.path.join(folder, name)
        nested, files = walk.content(inside)
        if nested:
            raise _error(
                inside,
                f"is the folder of a class, but holds folders ({_names(nested)})",
                "name the folder whose folders are the classes",
            )
        if not files:
            found.empty.append(name)
        found.paths += _joined(inside, files)
        labels += [_label(inside, name)] * len(files)
    found.labels = labels
    return found


def _parts(root: str, folders: Sequence[str]) -> dict[str, str]:
    """The folder of each part if all `folders` are parts, one of them for training; else none."""
    kinds = [_PARTS.get(name.lower(), "") for name in folders]
    if len(folders) < 2 or "train" not in kinds or "" in kinds:
        return {}
    twice = [name for name, kind in zip(folders, kinds, strict=True) if kinds.count(kind) > 1]
    if twice:
        raise _error(
            root, f"holds folders that mean the same part: {_names(twice)}", "keep one of them"
        )
    named = dict(zip(kinds, folders, strict=True))
    return {kind: named[kind] for kind in ("train", "valid", "test") if kind in named}


def _divided(walk: _Walk, root: str, parts: Mapping[str, str], labelled: bool) -> ImagePaths:
    """The images of `parts` (part: its folder), one part after the other."""
    found, labels, kinds = ImagePaths(), list[str](), list[str]()
    known = set[str]()  # the classes of the training part, which comes first
    for kind, name in parts.items():
        inside = os.path.join(root, name)
        part = _part(walk, inside, labelled)
        there = set(part.labels or ())
        if kind == "train":
            known = there.union(part.empty)
            found.empty = [os.path.join(name, one) for one in part.empty]
        elif labelled:
            _check_known(inside, there - known, os.path.join(root, parts["train"]))
            if lacking := sorted(known.union(part.empty) - there, key=natural):
                found.notes.append(f"no images of {_names(lacking)} in `{safe_text(inside)}`")
        found.paths += part.paths
        labels += part.labels or ()
        kinds += [kind] * len(part.paths)
    found.labels = labels if labelled else None
    found.parts = kinds
    return found


def _part(walk: _Walk, folder: str, labelled: bool) -> ImagePaths:
    """The images of one part."""
    folders, files = walk.content(folder)
    if folders and files:
        raise _error(
            folder,
            f"holds folders ({_names(folders)}) and images ({_names(files)})",
            "give one folder a class and nothing beside them",
        )
    if not folders and labelled:
        raise _error(
            folder,
            "is a part, as its name says, but holds no folders of classes",
            "put the images of each class into a folder of their own, in every part alike",
        )
    found = _classes(walk, folder, folders) if folders else ImagePaths(_joined(folder, files))
    if not found.paths:
        raise _error(folder, "holds no images", "put images into it, or remove it", walk.said)
    return found


def _check_known(folder: str, strange: set[str], train: str) -> None:
    if strange:
        names = _names(sorted(strange, key=natural))
        raise _error(
            folder,
            f"holds classes that `{safe_text(train)}` lacks: {names}",
            "give images of these classes to the training part too, or take them out",
        )


def _joined(folder: str, names: Sequence[str]) -> list[str]:
    return [os.path.join(folder, name) for name in names]


def _label(folder: str, name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise _error(folder, "is the folder of a class, but its name is not UTF-8") from None
    return name


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(safe_text(name, 60) for name in names[:_SHOWN]) + more


def _error(path: str, what: str, fix: str = "", why: str = "") -> DataError:
    shown = safe_text(path)
    return DataError(f"`{shown}` {what}", where=shown, why=why, fix=fix)
