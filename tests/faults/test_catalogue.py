"""The catalogue of faults against the tests: no row without its test, no such test without a row.

A row of `CATALOGUE.md` begins with an id such as C07 and ends with the tests that prove it,
`file.py::test_C07_`, or with the reason why there is none. Tests are found by reading the files.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TESTS = HERE.parent
TABLE = HERE / "CATALOGUE.md"
_ROW = re.compile(r"\|\s*([A-Z]\d\d)\s*\|.*\|\s*(\S.*?)?\s*\|\s*")
_TEST = re.compile(r"test_([A-Z]\d\d)_")
_CLAIM = re.compile(r"([\w/]+\.py)::(test_[A-Z]\d\d_\w*)")


def rows() -> list[tuple[str, str]]:
    """(id, last cell) of every row."""
    lines = TABLE.read_text("utf-8").splitlines()
    return [(found[1], found[2] or "") for line in lines if (found := _ROW.fullmatch(line))]


def functions() -> dict[str, set[str]]:
    """The names of the test functions in each file, which is given as from `tests`."""
    found = defaultdict(set)
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found[path.relative_to(TESTS).as_posix()].add(node.name)
    return found


CATALOGUE = rows()
NAMES = functions()
IDS = {found[1] for names in NAMES.values() for name in names if (found := _TEST.match(name))}


def test_no_row_is_there_twice() -> None:
    ids = [row for row, _ in CATALOGUE]
    assert ids and len(ids) == len(set(ids))


@pytest.mark.parametrize(("row", "proof"), CATALOGUE, ids=[row for row, _ in CATALOGUE])
def test_every_row_has_its_tests_or_a_reason(row: str, proof: str) -> None:
    claims = _CLAIM.findall(proof)
    assert (row in IDS) == (f"test_{row}_" in proof)
    for file, prefix in claims:
        assert any(name.startswith(prefix) for name in NAMES.get(file, ())), f"{file}::{prefix}"
    assert claims or len(proof.split()) >= 3, "neither a test nor a reason"


def test_every_test_of_a_fault_is_of_a_row() -> None:
    assert {row for row, _ in CATALOGUE} >= IDS


def test_the_sum_at_the_end_is_right() -> None:
    tested = sum(row in IDS for row, _ in CATALOGUE)
    assert f"Of {len(CATALOGUE)} rows, {tested} have tests" in TABLE.read_text("utf-8")
