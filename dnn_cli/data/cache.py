"""Data sets that are too large to ship: fetched once into the user's cache, by name.

Place      $DNN_CACHE, or the user's cache folder of this system, with a folder a data set
Sources    a folder at hand, or mirrors in turn: the one given, $DNN_DATA_MIRROR/<name>, the known
Checked    the SHA-256 of the unpacked bytes, which do not depend on who packed them
Written    unpacked, to a temporary file that takes its place only when it is whole and on disk
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from dnn_cli.base.errors import DataError, FileSystemError, UsageError
from dnn_cli.base.text import listing, nearest, safe_text
from dnn_cli.data.catalogue import CACHED, SHIPPED, CachedFile, CachedSet
from dnn_cli.data.column_files import sync
from dnn_cli.data.readers.bytes_in import CHUNK, GZIP, Gunzip, Readable, open_regular

# File, unpacked bytes so far, of how many: all of them once the file is checked and in place.
Progress: TypeAlias = Callable[[str, int, int], None]
TIMEOUT = 30.0  # seconds without a byte


@dataclass(frozen=True, slots=True)
class Status:
    """What `dnn data list` shows of a data set."""

    name: str
    title: str
    licence: str
    state: Literal["shipped", "fetched", "not fetched"]
    path: Path | None  # its folder in the cache, if it has to be fetched


def folder_of(name: str) -> Path:
    """The folder of the data set `name` in the cache, whether it is there or not."""
    chosen = os.environ.get("DNN_CACHE")
    if chosen:
        return Path(chosen) / name
    import platformdirs

    return Path(platformdirs.user_cache_dir("dnn")) / name


def is_fetched(name: str) -> bool:
    """Whether all files of the data set `name` are in the cache, each of its size."""
    folder = folder_of(name)
    return all(_size(folder / file.name) == file.size for file in CACHED[name].files)


def status() -> list[Status]:
    """Every data set that has a name."""
    shipped = [Status(name, *texts, "shipped", None) for name, texts in SHIPPED.items()]
    fetched = [
        Status(
            one.name,
            one.title,
            one.licence,
            "fetched" if is_fetched(one.name) else "not fetched",
            folder_of(one.name),
        )
        for one in CACHED.values()
    ]
    return sorted(shipped + fetched, key=lambda one: one.name)


def fetch(
    name: str,
    mirror: str | None = None,
    from_dir: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Put the data set `name` into the cache and return its folder.

    `from_dir` holds its files, plain or gzip-packed; else they are downloaded, from the folder
    at the URL `mirror` first. Files that are there and whole are kept.

    Raises:
        UsageError: no such data set, or a mirror that is no http(s) URL.
        DataError: no source has the files, or their bytes are not the known ones.
        FileSystemError: the cache cannot be written.
    """
    wanted = _known(name)
    if mirror is not None and from_dir is not None:
        raise UsageError("a mirror and a folder at hand exclude each other")
    mirrors = _mirrors(wanted, mirror)
    folder = folder_of(name)
    report = progress or (lambda file, done, total: None)
    for file in wanted.files:
        if _is_whole(folder / file.name, file):
            report(file.name, file.size, file.size)
        elif from_dir is not None:
            _take(file, from_dir, folder, report)
        else:
            _download(wanted, file, mirrors, folder, report)
    return folder


def _known(name: str) -> CachedSet:
    if name in CACHED:
        return CACHED[name]
    if name in SHIPPED:
        raise UsageError(
            f"`{name}` comes with dnn: there is nothing to fetch",
            fix=f"use it as it is: {{type: builtin, name: {name}}}",
        )
    close = nearest(name, CACHED)
    raise UsageError(
        f"unknown data set `{safe_text(name)}`; there are {listing(CACHED)}",
        fix=f"did you mean `{close}`?" if close else "",
    )


def _mirrors(wanted: CachedSet, mirror: str | None) -> list[str]:
    root = os.environ.get("DNN_DATA_MIRROR")
    chosen = [mirror] if mirror is not None else []
    if root:
        chosen.append(f"{root.rstrip('/')}/{wanted.name}")
    for url in chosen:
        if not url.startswith(("https://", "http://")):
            raise UsageError(f"`{safe_text(url)}` is no http or https address")
    return [*chosen, *wanted.mirrors]


def _take(file: CachedFile, source: Path, folder: Path, report: Progress) -> None:
    for name in (file.name, f"{file.name}.gz"):
        if (source / name).exists():
            with open_regular(source / name) as opened:
                _store(_unpacked(opened, str(source / name)), file, folder, report)
            return
    shown = safe_text(source)
    raise DataError(f"`{shown}` holds neither {file.name} nor {file.name}.gz", where=shown)


def _download(
    wanted: CachedSet, file: CachedFile, mirrors: list[str], folder: Path, report: Progress
) -> None:
    import http.client
    import urllib.request

    failures = []
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{file.name}.gz"
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
                _store(_unpacked(answer, url), file, folder, report)
            return
        except (OSError, http.client.HTTPException, ValueError) as error:
            failures.append(f"{safe_text(url)}: {safe_text(error)}")
        except DataError as error:
            failures.append(safe_text(error, 400))
    names = ", ".join(f"{one.name}.gz" for one in wanted.files)
    raise DataError(
        f"cannot download {file.name} of {wanted.name}",
        why="; ".join(failures),
        fix=f"get {names} by other means, then: dnn data fetch {wanted.name} --from FOLDER",
        state="files that were fetched whole are kept",
    )


def _unpacked(stream: Readable, origin: str) -> Iterator[bytes]:
    head = stream.read(CHUNK)
    if not head or not head.startswith(GZIP):
        while head:
            yield head
            head = stream.read(CHUNK)
        return
    unpack, buffer = Gunzip(stream, origin, head), bytearray(CHUNK)
    while count := unpack.readinto(memoryview(buffer)):
        yield bytes(buffer[:count])


def _store(chunks: Iterator[bytes], file: CachedFile, folder: Path, report: Progress) -> None:
    """Write `chunks` as `file` if they are its bytes; nothing is left behind if they are not."""
    import hashlib
    import tempfile

    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as out:
            digest, done = hashlib.sha256(), 0
            for chunk in chunks:
                done += len(chunk)
                if done > file.size:
                    break
                digest.update(chunk)
                with _writing(folder):
                    out.write(chunk)
                if done < file.size:
                    report(file.name, done, file.size)
            if done != file.size or digest.hexdigest() != file.sha256:
                raise DataError(f"{file.name}: not the {file.size:,} known bytes (SHA-256)")
            with _writing(folder):
                out.flush()
                os.fsync(out.fileno())
        with _writing(folder):
            os.chmod(name, 0o644)  # a cache may be shared; mkstemp makes files private
            os.replace(name, folder / file.name)
            sync(folder)
        report(file.name, file.size, file.size)
    finally:
        Path(name).unlink(missing_ok=True)


def _is_whole(path: Path, file: CachedFile) -> bool:
    import hashlib

    if _size(path) != file.size:
        return False
    with open_regular(path) as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest() == file.sha256


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Tell a failure to write from a failure of the network: both are `OSError`."""
    try:
        yield
    except OSError as error:
        raise FileSystemError(
            f"cannot write to the cache `{safe_text(folder)}`: {error.strerror or error}",
            where=safe_text(folder),
            fix="free some space, or set DNN_CACHE to another folder",
            state="no incomplete file was left behind",
        ) from None
