"""What tests of several rooms share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "faults"))

from harness import Faults, armed


@pytest.fixture
def quick() -> Iterator[None]:
    """No fsync, for tests that do not cut the power."""
    with armed(Faults()):
        yield
