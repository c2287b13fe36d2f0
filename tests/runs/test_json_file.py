from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnn_cli.base.errors import CheckpointError
from dnn_cli.runs.json_file import from_text, read_json, to_text, write_json


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    )
)
def test_exact_text_comes_back_equal(value: Any) -> None:
    text = to_text(value, exact=True, sort=True)
    assert from_text(text, exact=True) == value and text.isascii()


def test_what_json_cannot_say_becomes_null() -> None:
    value = {"a": (float("nan"), np.float32("inf"), np.array([1.0, -np.inf])), "b": np.int8(3)}
    assert to_text(value) == '{"a":[null,null,[1.0,null]],"b":3}'


@pytest.mark.parametrize(
    "text",
    [
        *('{"a":1,"a":1}', "NaN", "[-Infinity]", "[1e999]", "[" + "9" * 301 + "]", "{", b"\xff"),
        *("[" * 99_999, "[" * 500 + "]" * 500, "[1]".encode("utf-16")),
    ],
)
def test_text_that_is_refused(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(ValueError):
        from_text(text)
    (tmp_path / "f").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CheckpointError, match="is damaged"):
        read_json(tmp_path / "f")


def test_files(tmp_path: Path) -> None:
    write_json(tmp_path / "f", {"name": "møøns\udc80"})
    assert read_json(tmp_path / "f") == {"name": "møøns\udc80"}
    (tmp_path / "f").write_text("[1]")
    for name, text in (("f", "is damaged"), ("absent", "No such file"), (".", "directory")):
        with pytest.raises(CheckpointError, match=text):
            read_json(tmp_path / name)
