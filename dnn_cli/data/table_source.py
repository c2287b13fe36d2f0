"""Sources that are files of tables: one, or several by a pattern, read as often as is needed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

from dnn_cli.base.spec import option
from dnn_cli.data.readers.several_files import files_of, tables_of
from dnn_cli.data.source import SourceSpec
from dnn_cli.data.table import Columns, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFilesSpec(SourceSpec):
    """A file of a table whose columns have names, or several by a pattern; `-`: standard input."""

    path: Path = option("the file, or several by a pattern")

    @property
    @final
    def tabular(self) -> bool:
        """See `SourceSpec.tabular`."""
        return True

    @final
    def table_files(self) -> tuple[Path, ...]:
        """See `SourceSpec.table_files`."""
        return () if str(self.path) == "-" else tuple(files_of(self.path) or (self.path,))

    @final
    def tables(self, columns: Columns, rows: int | None = None) -> Iterator[Table]:
        """See `SourceSpec.tables`."""
        return tables_of(self, self.path, type(self).file_tables, columns, rows)

    @abstractmethod
    def file_tables(self, columns: Columns, rows: int | None) -> Iterator[Table]:
        """What `tables` gives of the one file that `path` is."""
