"""`kill -9` at random: a run that is killed and resumed must end with the bytes of one that is not.

Every process is a real one, ended by SIGKILL: half of them after a random time, half at a random
system call of a save. They are forked from this one, so that a start costs milliseconds.

    python tests/faults/kills.py --kills 300 --seed 1
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from harness import CONFIGS, Outcome, patched, resume, train, write_config

from dnn_cli.app.lifecycle.continuing import read_last
from dnn_cli.base.errors import DnnError
from dnn_cli.runs.directory import RunDirectory

_CALLS = 500  # of a whole run, about


@dataclass
class Tally:
    """What happened."""

    kills: int = 0
    before_the_run: int = 0  # killed before the directory was one
    before_a_checkpoint: int = 0
    within_an_epoch: int = 0
    at_a_system_call: int = 0
    lost: int = 0  # a checkpoint that cannot be read, or an older step than before
    different: int = 0

    def __str__(self) -> str:
        return ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in vars(self).items())


def forked(work: Callable[[], Any]) -> int:
    """Run `work` in a process of its own; returns the process id."""
    with warnings.catch_warnings():
        # Python warns where there are other threads: the test runner has some, which hold nothing.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child:
        return child
    code = 99
    try:
        work()
        code = 0
    except DnnError as error:
        code = error.exit_code
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def ended(child: int) -> int:
    """The exit code of a child; negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def dying(work: Callable[[], Any], at: int, before: bool) -> Callable[[], Any]:
    """`work` that kills itself before or after its `at`th system call."""
    count = 0

    def wrap(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count == at and before:
                os.kill(os.getpid(), signal.SIGKILL)
            found = real(*args, **options)
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return found

        return call

    def run() -> None:
        with patched(wrap):
            work()

    return run


def kill_once(work: Callable[[], Any], rng: random.Random, seconds: float, tally: Tally) -> bool:
    """Run `work` and kill it; False if it had ended before."""
    aimed = rng.random() < 0.5
    if aimed:
        child = forked(dying(work, rng.randint(1, _CALLS), rng.random() < 0.5))
    else:
        child = forked(work)
        time.sleep(rng.uniform(0.0, seconds))
        os.kill(child, signal.SIGKILL)
    code = ended(child)
    tally.at_a_system_call += aimed and code != 0
    if code not in (0, -signal.SIGKILL):
        raise SystemExit(f"a process ended with {code}")
    return code != 0


def disturb(name: str, folder: Path, rng: random.Random, tally: Tally, kills: int) -> int:
    """One run of the configuration `name`, killed up to `kills` times; returns how often."""
    config = write_config(folder, CONFIGS[name])
    train(config, folder / "whole")
    began = time.monotonic()
    if ended(forked(lambda: train(config, folder / "again"))):
        raise SystemExit(f"{name}: the undisturbed run failed")
    seconds = time.monotonic() - began
    run, done, step = folder / "killed-0", 0, -1
    while done < kills:
        begun = RunDirectory(run).config.exists()
        if not begun:
            run = folder / f"killed-{done}"
        work = (lambda: resume(run)) if begun else (lambda: train(config, run))  # noqa: B023
        if not kill_once(work, rng, seconds, tally):
            break
        done += 1
        step = examine(RunDirectory(run), step, tally)
    if RunDirectory(run).config.exists():
        work = lambda: resume(run)
    else:
        run = folder / "late"
        work = lambda: train(config, run)
    if ended(forked(work)):
        raise SystemExit(f"{name}: the last resumption failed")
    if Outcome.of(run) != Outcome.of(folder / "whole"):
        tally.different += 1
        sys.stderr.write(f"{name}: differs after {done} kills\n")
    return done


def examine(run: RunDirectory, before: int, tally: Tally) -> int:
    """Look at what a kill left; returns the step of its checkpoint."""
    tally.kills += 1
    if not run.config.exists():
        tally.before_the_run += 1
        return -1
    try:
        found = read_last(run)
    except DnnError as error:
        tally.lost += 1
        sys.stderr.write(f"{run.path}: {error}\n")
        return before
    if found is None:
        tally.before_a_checkpoint += 1
        tally.lost += before >= 0
        return before
    tally.within_an_epoch += found.state["index"] > 0
    tally.lost += found.state["step"] < before
    return int(found.state["step"])


def main() -> int:
    """Kill until there were enough kills."""
    words = argparse.ArgumentParser()
    words.add_argument("--kills", type=int, default=300)
    words.add_argument("--each", type=int, default=4, help="kills of one run, at the most")
    words.add_argument("--seed", type=int, default=0)
    words.add_argument("--folder", type=Path, help="where to work, instead of a temporary one")
    given = words.parse_args()
    rng, tally, runs = random.Random(given.seed), Tally(), 0
    began = time.monotonic()
    names = list(CONFIGS)
    rng.shuffle(names)
    while tally.kills < given.kills:
        name = names[runs % len(names)]
        runs += 1
        with tempfile.TemporaryDirectory(prefix="kills-", dir=given.folder) as folder:
            each = min(given.each, given.kills - tally.kills)
            disturb(name, Path(folder), rng, tally, rng.randint(1, each))
    print(f"{runs} runs of {min(runs, len(names))} configurations: {tally}")
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if tally.lost or tally.different else 0


if __name__ == "__main__":
    sys.exit(main())
