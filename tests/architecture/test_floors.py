"""Who may import whom: the floors of the house, read from the source."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import dnn_cli

PACKAGE = Path(dnn_cli.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

BELOW = {
    "base": set(),
    "nn": {"base"},
    "data": {"base"},
    "training": {"base", "nn", "data"},
    "config": {"base", "nn", "data", "training"},
    "runs": {"base", "nn", "data", "training"},
    "console": {"base", "nn", "data", "training"},
    "app": {"base", "nn", "data", "training", "config", "runs"},
    "cli": {"base", "console", "app"},
}
THIRD_PARTY = {
    "base": {"numpy"},
    "nn": {"numpy"},
    "data": {"numpy", "platformdirs", "PIL", "pyarrow"},
    "training": {"numpy"},
    "config": {"yaml"},
    "runs": {"numpy", "threadpoolctl"},
    "console": {"rich"},
    "app": {"numpy", "pyarrow", "threadpoolctl"},
    "cli": {"typer"},
}


def imports(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found.append(node.module or "")
    return found


def floor_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_only_what_lies_below(path: Path) -> None:
    floor = floor_of(path)
    if not floor:  # __init__ and __main__ stand at the door
        return
    for name in imports(ast.parse(path.read_text("utf-8"))):
        root, _, rest = name.partition(".")
        if root == "dnn_cli":
            target = rest.split(".")[0]
            allowed = target in ("", floor) or target in BELOW[floor]
            assert allowed, f"{floor} imports {name}"
        elif root not in sys.stdlib_module_names:
            assert root in THIRD_PARTY[floor], f"{floor} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_file_reads_in_one_sitting(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_nothing_forbidden(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    names = set(imports(tree))
    assert not names & {"pickle", "marshal", "shelve", "dill", "click"}
    calls = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"eval", "exec", "compile", "__import__"}
    if floor_of(path) not in ("console", "cli", ""):
        assert "print" not in calls
    legacy = re.compile(r"np\.random\.(?!Generator|Philox)")
    assert not legacy.search(path.read_text("utf-8")), "randomness comes from base.random"


def modules() -> dict[str, set[str]]:
    """Each module with those of the package that it imports: anywhere, for types alone too."""
    paths = {".".join(p.relative_to(PACKAGE.parent).with_suffix("").parts): p for p in FILES}
    paths = {name.removesuffix(".__init__"): path for name, path in paths.items()}
    found = {}
    for name, path in paths.items():
        named: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    one = f"{node.module}.{alias.name}"
                    named.add(one if one in paths else str(node.module))
        found[name] = {one for one in named if one in paths}
    return found


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a ring; nothing if there is none."""
    left = {name: set(targets) for name, targets in graph.items()}
    while ends := [name for name, targets in left.items() if not targets & left.keys()]:
        for name in ends:
            del left[name]
    if not left:
        return []
    path = [min(left)]
    while (following := min(left[path[-1]] & left.keys())) not in path:
        path.append(following)
    return [*path[path.index(following) :], following]


def test_no_circle_of_imports() -> None:
    graph = modules()
    assert len(graph) == len(FILES)
    assert circle(graph) == []
    ring = {"a": {"b"}, "b": {"c", "d"}, "c": {"b"}, "d": set[str]()}
    assert circle(ring) == ["b", "c", "b"]


@pytest.mark.parametrize("contract", ["layer", "chain", "scratch", "initializer", "schedule"])
def test_the_contracts_know_nothing_of_execution(contract: str) -> None:
    reached, ahead, graph = set[str](), [f"dnn_cli.nn.{contract}"], modules()
    while ahead:
        name = ahead.pop()
        reached.add(name)
        ahead += graph[name] - reached
    assert not [name for name in reached if name.startswith("dnn_cli.nn.execution")]


def test_the_test_sees_a_forbidden_import() -> None:
    tree = ast.parse("from rich.table import Table\nimport dnn_cli.cli.commands")
    assert imports(tree) == ["rich.table", "dnn_cli.cli.commands"]
    assert "rich" not in THIRD_PARTY["nn"] and "cli" not in BELOW["nn"]


def test_registry_names_are_file_names() -> None:
    from dnn_cli.data.source import SOURCES
    from dnn_cli.nn.initializer import INITIALIZERS
    from dnn_cli.nn.layer import LAYERS
    from dnn_cli.nn.loss import LOSSES
    from dnn_cli.nn.optimizer import OPTIMIZERS
    from dnn_cli.nn.schedule import SCHEDULES

    for registry in (LAYERS, LOSSES, OPTIMIZERS, SCHEDULES, INITIALIZERS, SOURCES):
        for name, spec in registry.all().items():
            assert spec.spec_name == name
            assert spec.__module__.rsplit(".", 1)[1] == name
            assert spec.__doc__


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["train", "--help"]])
def test_help_starts_without_the_engine(words: list[str]) -> None:
    code = (
        "import sys\n"
        "sys.argv = ['dnn', *sys.argv[1:]]\n"
        "from dnn_cli.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "heavy = {'numpy', 'yaml', 'rich.live'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
