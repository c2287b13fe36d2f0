"""Every process gives the tests the same names: otherwise several cannot share them."""

from __future__ import annotations

import os
import re

import pytest

# A time in a gzip header, an address, this process.
CHANGING = re.compile(
    rf"\\x1f\\x8b\\x08\\x..(?!\\x00\\x00\\x00\\x00)|\b0x[0-9a-f]{{8}}|\b{os.getpid()} "
)


def test_no_name_tells_when_or_where_it_was_made(request: pytest.FixtureRequest) -> None:
    names = [item.nodeid for item in request.session.items]
    assert [name for name in names if CHANGING.search(name)] == []


@pytest.mark.parametrize(
    "name",
    [r"[\x1f\x8b\x08\x00[\xae\x08k\x02\xff]", "[<Table at 0x7f34c9ba99e0>]", f"[{os.getpid()} x]"],
    ids=["time", "address", "process"],
)
def test_the_test_sees_such_a_name(name: str) -> None:
    assert CHANGING.search(name)
