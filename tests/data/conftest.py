from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from dnn_cli.data.source import SourceSpec
from dnn_cli.data.table import Columns, Table


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MemorySource(SourceSpec):
    """Rows that a test made; a new copy each time, as if read."""

    inputs: Any
    targets: Any = None
    names: tuple[str, ...] | None = None
    target_names: tuple[str, ...] | None = None
    extra: Any = None
    asked: Any = None  # the columns asked for are appended

    def tables(self, columns: Columns, rows: int | None = None) -> Iterator[Table]:
        if self.asked is not None:
            self.asked.append(columns)
        targets = None if self.targets is None else np.array(self.targets)
        extra = {name: np.array(values) for name, values in (self.extra or {}).items()}
        yield Table(
            self.inputs.copy(), targets, self.names, self.target_names, extra, origin="rows.csv"
        )


@pytest.fixture
def memory() -> Callable[..., MemorySource]:
    def source(inputs: Any, targets: Any = None, **more: Any) -> MemorySource:
        if not (isinstance(inputs, np.ndarray) and inputs.dtype == np.uint8):
            inputs = np.asarray(inputs, dtype=np.float32)
        return MemorySource(inputs=inputs, targets=targets, **more)

    return source
