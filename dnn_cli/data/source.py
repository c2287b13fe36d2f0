"""Sources: where rows come from. One file a kind in `sources/`."""

from __future__ import annotations

import os
import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from dnn_cli.base.errors import DataError, UsageError
from dnn_cli.base.path import local_path
from dnn_cli.base.registry import Registry
from dnn_cli.base.spec import Spec, SpecError
from dnn_cli.base.text import safe_text
from dnn_cli.base.types import Shape
from dnn_cli.data.readers import image_file
from dnn_cli.data.readers.byte_stream import holds_json
from dnn_cli.data.readers.bytes_in import no_file
from dnn_cli.data.table import Columns, Table

SOURCES: Registry[SourceSpec]

_SUFFIXES = {".npy": "npy", ".npz": "npz"}
_TEXT = (".csv", ".tsv", ".tab", ".txt")
_LINES = (".jsonl", ".ndjson")
_SUFFIXES |= dict.fromkeys((*_TEXT, *(f"{suffix}.gz" for suffix in _TEXT)), "csv")
_SUFFIXES |= dict.fromkeys((*_LINES, *(f"{suffix}.gz" for suffix in _LINES)), "jsonl")
_SUFFIXES |= {".parquet": "parquet", ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow"}
_SUFFIXES |= dict.fromkeys(image_file.SUFFIXES, "image_folder")
_NAMES = (
    "give a folder of images, or a file whose name ends as its type does: .csv, .npy, .npz, .png"
)
_IDX = re.compile(r"(\.idx|[.-]idx\d-\w+)(\.gz)?\Z", re.IGNORECASE)  # how such names end


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec(Spec):
    """A place that rows are read from."""

    registry: ClassVar[Registry[SourceSpec]]
    path_option: ClassVar[str] = "path"  # the option that a bare path fills

    @abstractmethod
    def tables(self, columns: Columns, rows: int | None = None) -> Iterator[Table]:
        """Read the source: as one table, or as pieces of at most `rows` rows.

        Validates every declared size against the bytes there before it allocates. A source
        with no rows gives one table of zero rows.

        Raises:
            DataError: the source is missing, damaged, or lacks a wanted column.
        """

    def table_files(self) -> tuple[Path, ...]:
        """The files of a table of columns with names, to be read as often as needed; or none."""
        return ()

    @property
    def tabular(self) -> bool:
        """Whether its rows are those of a table, whose columns have names and kinds."""
        return False

    def target_advice(self, inputs: Shape) -> str:
        """What to write in the configuration where this source has no targets beside `inputs`."""
        return "name the target column in `data.target`"

    @classmethod
    def infer(cls, path: str, directory: Path | None = None) -> type[SourceSpec]:
        """The spec that reads a bare path, relative to `directory`.

        By how its name ends: `.csv`, `.tsv`, `.tab`, `.txt`, `.jsonl`, `.ndjson`, `.idx`,
        `-idx3-ubyte` (all perhaps with `.gz`), `.parquet`, `.arrow`, `.feather`, `.ipc`, `.npy`,
        `.npz`, or an image's suffix; a folder is one of images.

        Raises:
            SpecError: the name says nothing, and there is no folder; or it is an address.
        """
        local = local_path(path)
        ends = [suffix.lower() for suffix in Path(path).suffixes]
        packed = ends[-1:] == [".gz"]
        kind = _SUFFIXES.get("".join(ends[-2:] if packed else ends[-1:]))
        if kind is None and _IDX.search(path):
            kind = "idx"
        if kind is None and path and os.path.isdir((directory or Path()) / local):
            kind = "image_folder"
        if kind is None:
            if path and (error := no_file((directory or Path()) / local)):
                raise SpecError(error.problems[0].what, fix=error.problems[0].fix)
            raise SpecError(
                f"cannot tell the type of `{safe_text(path)}` from its name, and it is no folder",
                fix="write {type: …} with one of " + ", ".join(SOURCES.names()),
            )
        return SOURCES.get(kind)


def source_of(
    path: str, labelled: bool = False, dialect: Mapping[str, str] | None = None
) -> SourceSpec:
    """The source that reads the file or folder at `path`; `-` is CSV or JSON lines.

    With `labelled` the labels of IDX images are looked for beside them: those of
    `t10k-images-idx3-ubyte` in `t10k-labels-idx1-ubyte`, packed or not. `dialect` is what was
    asked for on the command line of how a CSV file is written.

    Raises:
        UsageError: a dialect that cannot be, or of a source that is no CSV file.
        DataError: the name says nothing, there are no labels, or it is an address.
    """
    if path == "-":
        if not dialect and holds_json():
            return SOURCES.get("jsonl")(path=Path(path))  # type: ignore[call-arg]
        return _with_dialect(SOURCES.get("csv"), Path(path), dialect or {})
    try:
        local = local_path(path)
    except SpecError as error:
        raise DataError(str(error), where=safe_text(path), fix=error.fix) from error
    try:
        kind = SourceSpec.infer(path)
    except SpecError as error:
        missing = no_file(local) if path else None
        raise missing or DataError(str(error), where=safe_text(path), fix=_NAMES) from error
    if kind.spec_name == "csv":
        return _with_dialect(kind, local, dialect or {})
    if dialect:
        raise UsageError(
            f"{safe_text(path)} is no CSV file", fix=f"leave out {' '.join(map(_option, dialect))}"
        )
    options: dict[str, Any] = {kind.path_option: local}
    if labelled and kind.spec_name == "idx":
        options["labels"] = _labels_beside(local)
    return kind(**options)


def _with_dialect(kind: type[SourceSpec], path: Path, dialect: Mapping[str, str]) -> SourceSpec:
    try:
        return kind(path=path, **dialect)  # type: ignore[call-arg]
    except SpecError as error:
        option = _option(str(error.path[0])) if error.path else ""
        raise UsageError(f"{option}: {error}", fix=error.fix) from None


def _option(name: str) -> str:
    return f"--{name}"


def _labels_beside(images: Path) -> Path:
    """The IDX file of the labels that belong to `images`, by its name."""
    names = names_of_labels(images)
    found = next(
        (images.with_name(name) for name in names if images.with_name(name).exists()), None
    )
    if found is not None:
        return found
    if missing := no_file(images):
        raise missing
    raise DataError(
        f"the labels of `{safe_text(images)}` are not beside it",
        where=safe_text(images),
        fix=f"they are looked for in {' and '.join(safe_text(name) for name in names)}"
        if names
        else "call the files like …-images-idx3-ubyte and …-labels-idx1-ubyte",
    )


def names_of_labels(images: Path) -> tuple[str, ...]:
    """How the IDX file of the labels that belong to `images` may be called, plain or packed."""
    plain = images.name[:-3] if images.name.lower().endswith(".gz") else images.name
    before, found, after = plain.rpartition("images")
    name = re.sub(r"idx\d", "idx1", before + ("labels" if found else "") + after)
    return (name, f"{name}.gz") if name != plain else ()


SOURCES = Registry("source", "dnn_cli.data.sources")
SourceSpec.registry = SOURCES
