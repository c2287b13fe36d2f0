"""What a run's numbers depend on besides its configuration: versions, BLAS, threads, CPU.

Equal bits are promised for the same machine type, versions and thread count only, so these are
recorded. Environment variables, the host's name and the home directory are not.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import dnn_cli


def environment(argv: Sequence[str], started: str) -> dict[str, Any]:
    """The content of environment.json; `started` is UTC in ISO 8601."""
    return {
        "started": started,
        "argv": [_homeless(word) for word in argv],
        **versions(),
        "blas": blas(),
        "cpu": {"model": _cpu_model(), "cores": os.cpu_count(), "usable_cores": usable_cores()},
        "platform": {
            "system": platform.system(),
            "release": platform.release(),
            "machine": platform.machine(),
        },
    }


def versions() -> dict[str, str]:
    """Versions of dnn, numpy and Python: the part that a model file holds too."""
    return {
        "dnn": dnn_cli.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def blas() -> dict[str, Any] | None:
    """Name, version, threads and kernels of NumPy's multiplying library; None if not found.

    A process may hold others beside it, such as SciPy's own: NumPy's lies in a folder of its name.
    """
    from threadpoolctl import threadpool_info  # only those who ask pay for the import

    found = [one for one in threadpool_info() if one["user_api"] == "blas"]
    ours = [one for one in found if "numpy" in str(one.get("filepath", ""))]
    for library in ours or found:
        return {
            "name": library["internal_api"],
            "version": library["version"],
            "threads": library["num_threads"],
            "architecture": library.get("architecture"),
        }
    return None


def usable_cores() -> int:
    """Cores that this process may run on, which a container may limit."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _homeless(word: str) -> str:
    """`word` with the home directory in it written as `~`."""
    home = os.path.expanduser("~").rstrip("/")
    return word.replace(home, "~") if home else word
