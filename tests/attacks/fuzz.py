"""Attacks readers with inputs that coverage leads to, for as long as it is told.

    pip install atheris
    python tests/attacks/fuzz.py TARGET|all [--seconds S | --runs N] [--seed N]
                                 [--work DIR] [--table FILE]

Each target runs in a process of its own. A broken promise does not end it: the input is kept in
DIR/TARGET/findings, one for each place in the code, and the attack goes on. What reaches new code
is kept in DIR/TARGET/corpus and used again. FILE gathers the figures of several runs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

HERE = Path(__file__).parent
INSTRUMENTED = ["dnn_cli", "yaml", "zipfile", "PIL"]
ROOM = 1 << 30  # bytes of address space that reading may take beside what the program has
PATIENCE = 20  # seconds until an input counts as hanging; the judge complains after one
_INITED = re.compile(r"INITED\s+cov: (\d+) ft: (\d+)")
_LATEST = re.compile(r"cov: (\d+) ft: (\d+)")
_RUNS = re.compile(r"(?m)^(?:#|stat::number_of_executed_units: )(\d+)")


def main() -> int:
    """Attack what the command line names; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("target", help="a target, or all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--runs", type=int, default=-1, help="inputs for each target, at most")
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir(), "dnn-attacks"))
    parser.add_argument("--table", type=Path, help="where figures are gathered (JSON)")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return attack(options)
    known = sorted(path.name for path in (HERE / "corpus").iterdir())
    names = known if options.target == "all" else [options.target]
    if not set(names) <= set(known):
        parser.error(f"there are {', '.join(known)}")
    table = _read(options.table)
    for name in names:
        _add(table, name, _started(name, options))
        if options.table:
            options.table.write_text(json.dumps(table, indent=1) + "\n")
    print(markdown(table))
    return int(any(row["findings"] for row in table.values()))


def _started(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """The figures of one target, attacked in a new process."""
    work = options.work / name
    for folder in ("corpus", "findings"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    flags = [f"--seconds={options.seconds}", f"--runs={options.runs}", f"--seed={options.seed}"]
    words = [sys.executable, __file__, name, *flags, f"--work={options.work}", "--child"]
    shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    began, log = time.monotonic(), work / "log"
    with tempfile.TemporaryDirectory(dir=shared) as scratch, log.open("wb") as file:
        environment = {**os.environ, "TMPDIR": scratch, "OPENBLAS_NUM_THREADS": "1"}
        code = subprocess.run(words, env=environment, stdout=file, stderr=file).returncode
    text = log.read_text(errors="replace")
    first, latest, runs = _INITED.search(text), _LATEST.findall(text), _RUNS.findall(text)
    if not first:
        raise SystemExit(f"{name}: the attack did not begin, see {log}")
    findings = len(list((work / "findings").iterdir()))
    how = f" and stopped with {code}: see {log}" if code else ""
    print(f"{name}: {runs[-1]} executions, {findings} findings{how}", file=sys.stderr, flush=True)
    return {
        "executions": int(runs[-1]),
        "seconds": time.monotonic() - began,
        "edges_of_seeds": int(first[1]),
        "edges": int(latest[-1][0]),
        "features": int(latest[-1][1]),
        "findings": findings,
    }


def _read(table: Path | None) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    if table and table.exists():
        found = json.loads(table.read_text())
    return found


def _add(table: dict[str, dict[str, Any]], name: str, new: dict[str, Any]) -> None:
    old = table.setdefault(name, {**new, "executions": 0, "seconds": 0.0})
    table[name] = {
        "executions": old["executions"] + new["executions"],
        "seconds": old["seconds"] + new["seconds"],
        "edges_of_seeds": old["edges_of_seeds"],
        "edges": max(old["edges"], new["edges"]),
        "features": max(old["features"], new["features"]),
        "findings": new["findings"],
    }


def markdown(table: dict[str, dict[str, Any]]) -> str:
    """The figures as the table of the README."""
    head = ("target", "executions", "per second", "edges of seeds", "edges", "features", "findings")
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, row in sorted(table.items()):
        speed = row["executions"] / max(row["seconds"], 1e-9)
        edges = f"{row['edges_of_seeds']:,} | {row['edges']:,} | {row['features']:,}"
        lines.append(
            f"| `{name}` | {row['executions']:,} | {speed:,.0f} | {edges} | {row['findings']} |"
        )
    total = sum(row["executions"] for row in table.values())
    return "\n".join([*lines, f"| all | {total:,} | | | | | |"])


def attack(options: argparse.Namespace) -> int:
    """Attack one target in this process, which libFuzzer ends."""
    import atheris

    sys.path.insert(0, str(HERE))
    with atheris.instrument_imports(include=INSTRUMENTED):
        from oracle import load_everything, place_of
        from targets import TARGETS, seeds

        load_everything()
    target = TARGETS[options.target]
    work = options.work / target.name
    for seed in seeds(target):
        _quietly(target.feed, seed.read_bytes())

    def feed(data: bytes) -> None:
        try:
            target.feed(data)
        except Exception as error:
            place = re.sub(r"[^\w.-]+", "-", place_of(error)).strip("-")
            kept = work / "findings" / place
            if not kept.exists():
                kept.write_bytes(data)
                print(f"FINDING {place}: {error!r:.300}", file=sys.stderr, flush=True)

    def change(data: bytes, longest: int, seed: int) -> bytes:
        random = Random(seed)
        if target.mutate is not None and random.random() < 0.5:
            found = target.mutate(data, random)
            if len(found) <= longest:
                return found
        mutated: bytes = atheris.Mutate(data, longest)
        return mutated

    words = work / "words"
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words))
    folders = (work / "corpus", HERE / "corpus" / target.name, HERE / "findings" / target.name)
    flags = [
        *(f"-max_total_time={options.seconds}", f"-runs={options.runs}", f"-seed={options.seed}"),
        *(f"-max_len={4 * target.longest}", f"-timeout={PATIENCE}", "-rss_limit_mb=0"),
        *(f"-dict={words}", f"-artifact_prefix={work}/findings/", "-print_final_stats=1"),
        *(str(folder) for folder in folders if folder.exists()),
    ]
    _limit_memory()
    atheris.Setup([sys.argv[0], *flags], feed, custom_mutator=change)
    atheris.Fuzz()
    return 0


def _quietly(feed: Any, data: bytes) -> None:
    """Let a seed do what is done once; what it breaks, it breaks again under observation."""
    try:
        feed(data)
    except Exception:
        return


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    sys.exit(main())
