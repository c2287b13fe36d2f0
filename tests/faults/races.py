"""Two processes start in one run directory at the same instant: one wins, the other leaves it be.

python tests/faults/races.py --rounds 100
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from harness import CONFIGS, Faults, Outcome, armed, train, write_config
from kills import ended, forked

from dnn_cli.base.errors import FileSystemError, LockedError

LOSING = (FileSystemError.exit_code, LockedError.exit_code)  # came after the winner's first file


def race(config: Path, run: Path, runners: int = 2) -> list[int]:
    """The exit codes of processes that wait for one start signal."""
    ready, go = os.pipe(), os.pipe()

    def work() -> None:
        os.write(ready[1], b".")
        os.read(go[0], 1)
        with armed(Faults()):
            train(config, run)

    children = [forked(work) for _ in range(runners)]
    for _ in children:
        os.read(ready[0], 1)
    os.write(go[1], b"!" * runners)
    codes = [ended(child) for child in children]
    for end in (*ready, *go):
        os.close(end)
    return codes


def main() -> int:
    """Race again and again."""
    words = argparse.ArgumentParser()
    words.add_argument("--rounds", type=int, default=100)
    words.add_argument("--folder", type=Path)
    given = words.parse_args()
    tally: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="races-", dir=given.folder) as name:
        folder = Path(name)
        config = write_config(folder, CONFIGS["short"].replace("epochs: 2", "epochs: 1"))
        train(config, folder / "whole")
        names, wanted = _names(folder / "whole"), Outcome.of(folder / "whole")
        for number in range(given.rounds):
            run = folder / f"{number}"
            codes = sorted(race(config, run))
            right = codes[0] == 0 and codes[1] in LOSING
            tally[f"loser ended with {codes[1]}" if right else f"wrong codes {codes}"] += 1
            tally["wrong files"] += _names(run) != names or Outcome.of(run) != wanted
    print(f"{given.rounds} races: " + ", ".join(f"{k} {v}" for k, v in sorted(tally.items())))
    return 1 if any(v and k.startswith("wrong") for k, v in tally.items()) else 0


def _names(run: Path) -> list[str]:
    return sorted(str(path.relative_to(run)) for path in run.rglob("*"))


if __name__ == "__main__":
    sys.exit(main())
