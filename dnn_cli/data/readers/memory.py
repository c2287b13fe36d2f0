"""How much memory there is, asked before a data set is given any.

The smaller of what the machine can spare and what this process's control group still allows.
Page cache counts as free in both: reading a file fills it, and the kernel gives it back.
"""

from __future__ import annotations

from pathlib import Path

from dnn_cli.base.errors import LimitError
from dnn_cli.base.text import safe_text

_CGROUP = Path("/sys/fs/cgroup")
LITTLE = 1 << 20  # bytes: they are there, and to ask takes 300 µs


def require_memory(needed: int, origin: str) -> None:
    """Refuse `needed` bytes for `origin` if they are more than there are.

    Raises:
        LimitError: names the bytes needed and available.
    """
    available = available_memory() if needed > LITTLE else None
    if available is not None and needed > available:
        shown = safe_text(origin)
        raise LimitError(
            f"`{shown}` does not fit into memory: "
            f"{_size(needed)} are needed, {_size(available)} are available",
            where=shown,
            fix="use fewer rows or columns, or a machine with more memory",
        )


def available_memory() -> int | None:
    """Bytes that can be allocated now, or None if the system does not say."""
    figures = [f for f in (_machine(), _group_v2(), _group_v1()) if f is not None]
    return min(figures, default=None)


def _size(count: int) -> str:
    value = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:,.1f} PiB"


def _machine() -> int | None:
    kibibytes = _table(Path("/proc/meminfo")).get("MemAvailable:")
    return None if kibibytes is None else kibibytes * 1024


def _group(controller: str) -> str:
    """The name of this process's control group, as far as the mounted tree has it."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return ""
    names = (line.split(":", 2)[1:] for line in lines)
    return next((name for of, name in names if of == controller), "").lstrip("/")


def _group_v2() -> int | None:
    for folder in (_CGROUP / _group(""), _CGROUP):
        limit, used = _number(folder / "memory.max"), _number(folder / "memory.current")
        if limit is not None and used is not None:
            return max(0, limit - used + _table(folder / "memory.stat").get("file", 0))
    return None


def _group_v1() -> int | None:
    for folder in (_CGROUP / "memory" / _group("memory"), _CGROUP / "memory"):
        limit = _number(folder / "memory.limit_in_bytes")
        used = _number(folder / "memory.usage_in_bytes")
        if limit is not None and used is not None:
            return max(0, limit - used + _table(folder / "memory.stat").get("total_cache", 0))
    return None


def _number(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None  # "max" means no limit


def _table(path: Path) -> dict[str, int]:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.split()[:2] for line in lines)
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdecimal()}
