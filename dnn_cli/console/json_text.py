"""Results as JSON that every reader accepts (RFC 8259)."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

NON_FINITE = "non_finite"


def json_text(result: Any) -> str:
    """One JSON object, ended by a newline, in ASCII.

    NaN and infinity, which JSON lacks, become null; where that happened, `non_finite` lists the
    paths, such as `metrics.auc`.
    """
    missing: list[str] = []
    plain = _plain(result, "", missing)
    if missing and isinstance(plain, dict):
        plain[NON_FINITE] = missing
    return json.dumps(plain, indent=2, allow_nan=False) + "\n"


def _plain(value: Any, path: str, missing: list[str]) -> Any:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if math.isfinite(value):
            return float(value)
        missing.append(path)
        return None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        start = f"{path}." if path else ""
        return {str(k): _plain(v, f"{start}{k}", missing) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v, f"{path}[{i}]", missing) for i, v in enumerate(value)]
    return _plain(value.tolist(), path, missing)  # a NumPy scalar or array
