"""In every room that may use `runs`, and in those that write nothing, `runs/disk.py` alone opens
a file for writing, renames or removes one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import dnn_cli

ROOT = Path(dnn_cli.__file__).parent
ROOMS = ("app", "base", "config", "console", "nn", "runs", "training")
METHODS = {
    *("write_text", "write_bytes", "touch", "mkdir", "rmdir", "unlink", "rename", "makedirs"),
    *("symlink_to", "hardlink_to", "rmtree", "savez", "savetxt", "tofile", "memmap", "save_file"),
}
FUNCTIONS = {
    *("os.replace", "os.remove", "os.link", "os.symlink", "os.truncate", "os.ftruncate"),
    *("os.write", "os.fsync", "shutil.move", "shutil.copyfile", "shutil.copy", "np.save"),
}


def calls(tree: ast.AST) -> Iterator[tuple[str, str, list[str]]]:
    """Owner and name of every function called, and the texts of its plain arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            owner, _, name = ast.unparse(node.func).rpartition(".")
            values = [*node.args, *(keyword.value for keyword in node.keywords)]
            yield owner, name, [ast.unparse(value) for value in values]


def opens_to_write(owner: str, name: str, arguments: list[str]) -> bool:
    if name not in ("open", "fdopen"):
        return False
    if owner == "os":
        return any(flag in a for a in arguments for flag in ("WRONLY", "RDWR", "CREAT", "APPEND"))
    modes = [a.strip("'") for a in arguments if a.startswith("'")]
    return any(set(m) & set("wax+") and set(m) <= set("rwaxbt+") for m in modes)


def writes(code: str) -> list[str]:
    return [
        f"{owner}.{name}"
        for owner, name, arguments in calls(ast.parse(code))
        if owner != "disk"
        and (
            name in METHODS
            or f"{owner}.{name}" in FUNCTIONS
            or opens_to_write(owner, name, arguments)
        )
    ]


@pytest.mark.parametrize(
    "code",
    [
        *("open(path, 'w')", "path.open(mode='ab')", "os.replace(a, b)", "p.write_text('')"),
        *("np.save(p, a)", "os.open(p, os.O_RDWR)", "gzip.open(p, 'wb')", "run.path.mkdir()"),
    ],
)
def test_the_search_finds_writes(code: str) -> None:
    assert writes(code)


@pytest.mark.parametrize(
    "code",
    ["open('rows.csv')", "open(p, 'rb')", "os.open(p, os.O_RDONLY)", "text.replace('w', 'a')"],
)
def test_the_search_lets_reads_pass(code: str) -> None:
    assert not writes(code)


def test_no_other_module_writes() -> None:
    found = {
        str(path.relative_to(ROOT)): writes(path.read_text("utf-8"))
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if path != ROOT / "runs" / "disk.py"
    }
    pipes = {"nn/execution/ranks.py": ["os.write"]}  # to another process
    assert {path: lines for path, lines in found.items() if lines} == pipes
