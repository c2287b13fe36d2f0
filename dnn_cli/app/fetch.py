"""Public data sets in the user's cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dnn_cli.app.say import Say, ignore
from dnn_cli.data.cache import fetch, status
from dnn_cli.data.catalogue import CACHED


@dataclass(frozen=True, slots=True)
class FetchResult:
    """A data set that is now in the cache."""

    name: str
    directory: str
    files: tuple[str, ...]
    bytes: int
    licence: str


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """One data set that has a name; `bytes` unpacked, 0 for those in the package."""

    name: str
    summary: str
    bytes: int
    present: bool
    directory: str
    licence: str


def fetch_dataset(
    name: str, *, mirror: str | None = None, source: str | None = None, say: Say = ignore
) -> FetchResult:
    """Put a data set into the cache: downloaded, or from the folder `source`.

    Raises:
        UsageError: there is no such data set.
        DataError: no source has the files, or their bytes are not the known ones.
        FileSystemError: the cache cannot be written.
    """

    def progress(file: str, done: int, total: int) -> None:
        if done == total:
            say(f"{file}: {total:,} bytes, checked")

    folder = fetch(name, mirror, None if source is None else Path(source), progress)
    wanted = CACHED[name]
    return FetchResult(
        name=name,
        directory=str(folder),
        files=tuple(file.name for file in wanted.files),
        bytes=sum(file.size for file in wanted.files),
        licence=wanted.licence,
    )


def list_datasets() -> tuple[DatasetRow, ...]:
    """Every data set that `{type: builtin, name: …}` knows."""
    return tuple(
        DatasetRow(
            name=one.name,
            summary=one.title,
            bytes=sum(f.size for f in CACHED[one.name].files) if one.name in CACHED else 0,
            present=one.state != "not fetched",
            directory="" if one.path is None else str(one.path),
            licence=one.licence,
        )
        for one in status()
    )
