"""The safety of runs, taken away piece by piece: a test must notice every piece.

Each mutant is one change in a scratch copy of the package: an fsync left out, a check that always
passes, an item of the state that is not restored. The tests of `runs` and `app` run against it,
quick ones first, until one fails.

    python tests/faults/mutants.py [words of names] [--skip n]
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
RUNS = tuple(f"tests/runs/test_{n}.py" for n in ("files", "append_log", "lock", "directory"))
RUNS += tuple(f"tests/runs/test_{n}.py" for n in ("checkpoint", "tensors"))
APP = tuple(f"tests/app/test_{n}.py" for n in ("train", "resume", "crashes"))
APP += tuple(f"tests/app/lifecycle/test_{n}.py" for n in ("state", "signals"))
FIRST = {  # where a mutant is looked for before everywhere else
    "app/lifecycle/state.py": "tests/app/lifecycle/test_state.py",
    "app/resume.py": "tests/app/test_resume.py",
    "app/lifecycle/continuing.py": "tests/faults/test_fallback.py",
    "app/lifecycle/facts.py": "tests/app/test_resume.py",
    "app/lifecycle/signals.py": "tests/app/lifecycle/test_signals.py",
    "__main__.py": "tests/app/lifecycle/test_signals.py",
}
PATIENCE = 600  # seconds until a mutant counts as hanging, which is noticed too


class Mutant(NamedTuple):
    """`old`, which stands once in `file`, replaced by `new`."""

    file: str
    old: str
    new: str


def mutants(path: Path) -> dict[str, Mutant]:
    """The mutants in a file: `= name: file`, then lines to replace (-) and what by (+)."""
    found: dict[str, Mutant] = {}
    for block in path.read_text().split("\n= "):
        head, *lines = block.removeprefix("= ").rstrip("\n").split("\n")
        name, _, file = head.partition(": ")
        old, new = ("\n".join(line[1:] for line in lines if line[0] == mark) for mark in ("-", "+"))
        found[name] = Mutant(file, old, new)
    return found


MUTANTS = mutants(Path(__file__).with_suffix(".txt"))


def apply(mutant: Mutant, scratch: Path) -> None:
    """Make the change in the copy."""
    path = scratch / "dnn_cli" / mutant.file
    text = path.read_text()
    if text.count(mutant.old) != 1:
        raise SystemExit(f"{mutant.file}: {text.count(mutant.old)} times: {mutant.old}")
    path.write_text(text.replace(mutant.old, mutant.new))


def tests_for(file: str) -> list[str]:
    """All tests, those most likely to notice a change of `file` first."""
    rooms = (*RUNS, *APP) if file.startswith("runs/") else (*APP, *RUNS)
    return list(dict.fromkeys([FIRST.get(file, rooms[0]), *rooms]))


def caught_by(scratch: Path, tests: list[str]) -> str:
    """The first test that fails, or nothing."""
    words = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", "-p", "no:cacheprovider"]
    words += [f"--basetemp={scratch}/pytest", *tests]
    environment = {**os.environ, "PYTHONPATH": str(scratch), "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            words, cwd=scratch, env=environment, capture_output=True, text=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return "(it hangs)"
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    if found:
        return found[1]
    if done.returncode:
        raise SystemExit(f"pytest ended with {done.returncode}: {done.stdout[-2000:]}")
    return ""


def main() -> int:
    """Try every mutant whose name holds one of the words given, from the `skip`th on."""
    words = argparse.ArgumentParser()
    words.add_argument("words", nargs="*", default=[""])
    words.add_argument("--skip", type=int, default=0)
    given = words.parse_args()
    wanted = [name for name in MUTANTS if any(w in name for w in given.words)][given.skip :]
    alive = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        scratch, whole = Path(folder), Path(folder) / "whole"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "dnn_cli", whole, ignore=ignored)
        shutil.copytree(ROOT / "tests", scratch / "tests", ignore=ignored)
        shutil.copy(ROOT / "pyproject.toml", scratch)
        for name in ["", *wanted]:  # first none at all: the tests must pass
            shutil.rmtree(scratch / "dnn_cli", ignore_errors=True)
            shutil.copytree(whole, scratch / "dnn_cli")
            if name:
                apply(MUTANTS[name], scratch)
            began = time.monotonic()
            test = caught_by(scratch, tests_for(MUTANTS[name].file if name else ""))
            if not name and test:
                raise SystemExit(f"the tests fail without a mutant: {test}")
            alive += [name] if name and not test else []
            shown = test or ("NOT NOTICED" if name else "the tests pass")
            print(f"{name}: {shown} ({time.monotonic() - began:.0f} s)", flush=True)
    print(f"{len(wanted)} mutants, {len(alive)} not noticed: {alive}")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())
