"""What tests of several rooms share."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent / "faults"))

from harness import Faults, armed

# A shell that starts the tests in the background lets them ignore Ctrl-C, and with them every
# process that they start and interrupt.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# The same examples everywhere, however long a machine takes over them: a test that fails here
# fails there. What is new is sought by `tests/attacks/fuzz.py`.
settings.register_profile(
    "everywhere", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("everywhere")


@pytest.fixture
def quick() -> Iterator[None]:
    """No fsync, for tests that do not cut the power."""
    with armed(Faults()):
        yield


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes by their length: gzip puts the time into them, and workers must agree on names."""
    return f"{argname}-{len(val)}-bytes" if isinstance(val, bytes) else None
