"""Small tables with one fault each, written to a file and looked at as `dnn check` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dnn_cli.base.errors import DataError
from dnn_cli.data.examination import Examination, examine, remembered
from dnn_cli.data.prepare import prepare, read
from dnn_cli.data.source import source_of
from dnn_cli.data.spec import DataSpec, SplitSpec
from dnn_cli.training.finding import Finding
from dnn_cli.training.findings import findings

ROWS = 400


def sound() -> dict[str, Any]:
    """A table without a fault: parts, two numbers, a category, a target of two classes."""
    rng = np.random.default_rng(5)
    part = np.array(["train"] * 240 + ["valid"] * 80 + ["test"] * 80)
    a, b = rng.normal(size=(2, ROWS)).round(6)
    return {
        "split": part,
        "a": a,
        "b": b,
        "c": rng.choice(["x", "y", "z"], ROWS),
        "y": np.where(a + rng.normal(size=ROWS) > 0, "yes", "no"),
    }


@pytest.fixture
def table() -> dict[str, Any]:
    return sound()


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Examination]:
    """The examination of a table, as far as a training would come."""

    def laid(columns: Mapping[str, Any], **more: Any) -> Examination:
        path = tmp_path / "t.csv"
        pd.DataFrame(columns).to_csv(path, index=False)
        given = {"target": "y", "split": SplitSpec(column="split"), **more}
        spec = DataSpec(source=source_of(str(path)), **given)
        reading = remembered(read)
        try:
            prepared = prepare(spec, reading)
        except DataError:
            prepared = None
        return examine(spec, prepared, reading)

    return laid


@pytest.fixture
def found(opened: Callable[..., Examination]) -> Callable[..., list[Finding]]:
    """The findings of one kind, or of all."""

    def look(columns: Mapping[str, Any], kind: str = "", **more: Any) -> list[Finding]:
        return [f for f in findings(opened(columns, **more)) if kind in ("", f.kind)]

    return look
