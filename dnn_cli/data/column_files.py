"""Columns written to files as they arrive, mapped when they are whole, and perhaps kept.

Half made  in a folder `half-…` under a lock, which goes with the process: what a kill left behind
           is recognised by its lock being free, and removed by the next one
Kept       renamed to its key once all bytes and their SHA-256 are on disk; what does not agree
           with its digest is not used, but made again
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, TypeAlias, final

import numpy as np

from dnn_cli.base.types import Array
from dnn_cli.data.readers.room import mapped, writing

_HALF, _DOCUMENT = "half-", "table.json"
_BUFFER = 1 << 18  # bytes


@final
class ColumnFiles:
    """The columns of one table in the making, in a folder of its own below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[str, IO[bytes]] = {}
        self._types: dict[str, np.dtype[np.generic]] = {}
        self._digests: dict[str, Any] = {}

    def __enter__(self) -> ColumnFiles:
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            _sweep(self.folder)
            self._half = Path(tempfile.mkdtemp(prefix=_HALF, dir=self.folder))
            self._lock = os.open(self._half, os.O_RDONLY)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.begin()
        shutil.rmtree(self._half, ignore_errors=True)  # maps keep what is in it
        os.close(self._lock)

    def begin(self) -> None:
        """Begin again, with no columns."""
        for file in self._files.values():
            with suppress(OSError):  # the rest of a buffer on a full disk
                file.close()
        self._files, self._types, self._digests = {}, {}, {}

    def append(self, name: str, values: Array) -> None:
        """Add (n,) to the column `name`.

        Raises:
            FileSystemError: it cannot be written.
        """
        with writing(self.folder):
            if name not in self._files:
                path = self._half / str(len(self._files))
                self._files[name] = path.open("w+b", buffering=_BUFFER)
                self._types[name] = values.dtype
                self._digests[name] = hashlib.sha256()
            data = np.ascontiguousarray(values).data.cast("B") if len(values) else b""
            self._files[name].write(data)
            self._digests[name].update(data)

    def finish(self, rows: int) -> dict[str, Array]:
        """All columns of `rows` rows, mapped."""
        with writing(self.folder):
            for file in self._files.values():
                file.flush()
            return {
                name: mapped(file, (rows,), self._types[name], writable=False)
                for name, file in self._files.items()
            }

    def keep(self, key: str, document: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
        """Let the columns, further `arrays` and `document` stay under `key`, whole and on disk.

        Raises:
            FileSystemError: they cannot be written.
        """
        entries = [
            [name, self._types[name].str, None, self._digests[name].hexdigest()]
            for name in self._files
        ]
        with writing(self.folder):
            for name, values in arrays.items():
                data = np.ascontiguousarray(values).reshape(-1).view(np.uint8).data
                (self._half / str(len(entries))).write_bytes(data)
                digest = hashlib.sha256(data).hexdigest()
                entries.append([name, values.dtype.str, values.shape, digest])
            content = json.dumps([entries, document])
            digest = hashlib.sha256(content.encode()).hexdigest()
            (self._half / _DOCUMENT).write_text(f"{digest}\n{content}", encoding="utf-8")
            for path in self._half.iterdir():
                sync(path)
            sync(self._half)
            with suppress(FileExistsError):  # another process was faster
                self._half.rename(self.folder / key)
            sync(self.folder)


Kept: TypeAlias = tuple[dict[str, Array], dict[str, Any]]


def kept(folder: Path, key: str) -> Kept | None:
    """The arrays and the document under `key`; None if they are not there, or not as written.

    The document has an entry `rows`.
    """
    try:
        digest, content = (folder / key / _DOCUMENT).read_text("utf-8").split("\n", 1)
        if hashlib.sha256(content.encode()).hexdigest() != digest:
            return None
        entries, document = json.loads(content)
        found = {}
        for index, (name, kind, shape, digest) in enumerate(entries):
            with (folder / key / str(index)).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                    return None
                of = (document["rows"],) if shape is None else tuple(shape)
                found[name] = mapped(file, of, np.dtype(kind), writable=False)
        return found, document
    except (OSError, ValueError):
        return None


def discard(folder: Path, key: str) -> bool:
    """Remove what is under `key`; whether there was anything."""
    there = (folder / key).exists()
    if there:
        shutil.rmtree(folder / key, ignore_errors=True)
    return there


def _sweep(folder: Path) -> None:
    """Remove what processes that are gone left half made."""
    for half in folder.glob(f"{_HALF}*"):
        with suppress(OSError):
            lock = os.open(half, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(half, ignore_errors=True)
            finally:
                os.close(lock)


def sync(path: Path) -> None:
    """Let a file or folder be on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
