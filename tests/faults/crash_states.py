"""Power failures, simulated: every state in which a weak file system may leave a run.

Model      writes reach a file's content, and names a directory, in memory only; fsync of a file
           makes its content durable, fsync of a directory its names. At a crash each file with
           content that is not durable has the durable one, all of it, half of it (the rest zero),
           or zeros; of the names changed since a directory was synced any prefix, any single one,
           or all but one arrived
Asked      in each state: is the last checkpoint that was called safe, or a later one, there and
           readable, and does metrics.jsonl hold the lines that it knows of?
Source     the idea of Pillai et al., "All file systems are not created equal", OSDI 2014 (ALICE)

    python tests/faults/crash_states.py
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from harness import CONFIGS, Killed, Log, Outcome, patched, resume, train, write_config

from dnn_cli.app.lifecycle.continuing import read_last
from dnn_cli.base.errors import DnnError
from dnn_cli.runs.append_log import AppendLog
from dnn_cli.runs.directory import RunDirectory
from dnn_cli.runs.model_file import read_model
from dnn_cli.training.events import CheckpointSaved, Event, RunFinished


@dataclass(frozen=True)
class Op:
    """One change: create write cut sync rename link unlink mkdir syncdir; or ack, finished."""

    kind: str
    path: str = ""  # relative to the folder of the run
    to: str = ""
    file: int = -1  # which content, however it is called
    data: bytes = b""
    step: int = -1


@dataclass
class Recorder:
    """Carries out system calls under `root`, and writes down those that change something."""

    root: Path
    ops: list[Op] = field(default_factory=list)
    open: dict[int, tuple[str, int]] = field(default_factory=dict)  # path and file of descriptors
    files: dict[str, int] = field(default_factory=dict)
    made: int = 0
    count: int = 0
    kill_at: int = 0  # the call at which the process is gone; 0: never

    def where(self, name: Any, directory: int | None = None) -> str:
        parent = Path(self.open[directory][0]) if directory is not None else Path()
        path = self.root / parent / name if directory is not None else Path(name)
        return os.path.relpath(path, self.root)

    def wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        handle = getattr(self, f"on_{name}", None)

        def call(*args: Any, **options: Any) -> Any:
            self.count += 1
            if self.kill_at and self.count >= self.kill_at:
                raise Killed
            if name == "fsync":
                return self.on_fsync(*args)
            found = real(*args, **options)
            if handle is not None:
                handle(found, *args, **options)
            return found

        return call

    def on_open(
        self, descriptor: int, name: Any, flags: int, mode: int = 0, dir_fd: int | None = None
    ) -> None:
        path = self.where(name, dir_fd)
        if flags & os.O_CREAT and path not in self.files:
            self.made += 1
            self.files[path] = self.made
            self.ops.append(Op("create", path, file=self.made))
        self.open[descriptor] = (path, self.files.get(path, -1))

    def on_close(self, _: None, descriptor: int) -> None:
        del self.open[descriptor]

    def die(self) -> None:
        """What the kernel does for a process that is gone; the next one begins."""
        self.kill_at = 0
        for descriptor in self.open:
            os.close(descriptor)
        self.open.clear()

    def on_write(self, count: int, descriptor: int, data: Any) -> None:
        path, file = self.open[descriptor]
        self.ops.append(Op("write", path, file=file, data=bytes(memoryview(data)[:count])))

    def on_ftruncate(self, _: None, descriptor: int, length: int) -> None:
        path, file = self.open[descriptor]
        self.ops.append(Op("cut", path, file=file, step=length))

    def on_fsync(self, descriptor: int) -> None:
        path, file = self.open[descriptor]
        self.ops.append(Op("syncdir" if file < 0 else "sync", path, file=file))

    def on_replace(self, _: None, a: str, b: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        source, target = self.where(a, src_dir_fd), self.where(b, dst_dir_fd)
        self.files[target] = self.files.pop(source)
        self.ops.append(Op("rename", source, target, self.files[target]))

    def on_link(
        self, _: None, a: str, b: str, *, src_dir_fd: int, dst_dir_fd: int, follow_symlinks: bool
    ) -> None:
        source, target = self.where(a, src_dir_fd), self.where(b, dst_dir_fd)
        self.files[target] = self.files[source]
        self.ops.append(Op("link", source, target, self.files[target]))

    def on_unlink(self, _: None, name: Any, dir_fd: int | None = None) -> None:
        path = self.where(name, dir_fd)
        self.ops.append(Op("unlink", path, file=self.files.pop(path, -1)))

    def on_mkdir(self, _: None, path: Any, mode: int = 0) -> None:
        self.ops.append(Op("mkdir", self.where(path)))

    def observe(self, event: Event) -> None:
        if isinstance(event, CheckpointSaved):
            self.ops.append(Op("ack", step=event.step))
        elif isinstance(event, RunFinished):
            self.ops.append(Op("finished"))


@contextmanager
def recording(root: Path) -> Iterator[Recorder]:
    """System calls recorded."""
    recorder = Recorder(root)
    with patched(recorder.wrap):
        yield recorder


@dataclass
class Content:
    """What a file holds, and what of it is durable."""

    durable: bytes = b""
    now: bytes = b""

    def versions(self) -> list[bytes]:
        if self.durable == self.now:
            return [self.now]
        size = len(self.now)
        half = min(size, max(len(self.durable), size // 2))
        torn = self.now[:half] + bytes(size - half)
        zeros = self.durable + bytes(max(0, size - len(self.durable)))
        return list(dict.fromkeys([self.durable, self.now, torn, zeros]))


@dataclass
class State:
    """A file system with a past: names that are durable, and changes of names that are not."""

    contents: dict[int, Content] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)  # durable; directories are 0
    pending: list[Op] = field(default_factory=list)
    acked: int = -1
    finished: bool = False

    def take(self, op: Op) -> None:
        if op.kind in ("create", "rename", "link", "unlink", "mkdir"):
            if op.kind == "create":
                self.contents[op.file] = Content()
            self.pending.append(op)
        elif op.kind in ("write", "cut"):
            content = self.contents[op.file]
            content.now = content.now + op.data if op.kind == "write" else content.now[: op.step]
        elif op.kind == "sync":
            self.contents[op.file].durable = self.contents[op.file].now
        elif op.kind == "syncdir":
            mine = [one for one in self.pending if os.path.dirname(one.path) == _inside(op.path)]
            self.names = apply(self.names, mine)
            self.pending = [one for one in self.pending if one not in mine]
        elif op.kind == "ack":
            self.acked = op.step
        elif op.kind == "finished":
            self.finished = True

    def crashes(self) -> Iterator[dict[str, bytes | None]]:
        """Every tree that a crash now may leave: contents by name, None for a directory."""
        n = len(self.pending)
        subsets = [self.pending[:k] for k in range(n + 1)]
        subsets += [[one] for one in self.pending]
        subsets += [self.pending[:k] + self.pending[k + 1 :] for k in range(n)]
        for subset in subsets:
            names = apply(self.names, subset)
            files = sorted({file for file in names.values() if file})
            for choice in product(*(self.contents[file].versions() for file in files)):
                held = dict(zip(files, choice, strict=True))
                yield {name: held[file] if file else None for name, file in names.items()
                       if not os.path.dirname(name) or os.path.dirname(name) in names}  # fmt: skip


def _inside(path: str) -> str:
    return "" if path == "." else path


def apply(names: dict[str, int], ops: list[Op]) -> dict[str, int]:
    """`names` after the changes of names in `ops`."""
    names = dict(names)
    for op in ops:
        if op.kind == "mkdir":
            names[op.path] = 0
        elif op.kind == "create":
            names[op.path] = op.file
        elif op.kind == "unlink":
            names.pop(op.path, None)
        elif op.kind in ("rename", "link"):
            if op.kind == "rename":
                names.pop(op.path, None)
            names[op.to] = op.file
    return names


def lay_out(tree: dict[str, bytes | None], folder: Path) -> None:
    """Make `folder` hold `tree`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in sorted(tree):
        path, content = folder / name, tree[name]
        if content is None:
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def complaint(run: RunDirectory, acked: int, finished: bool) -> str:
    """What is lost in the state that `run` is in, or nothing."""
    try:
        if acked >= 0 and not all(_whole(path) for path in (run.config, run.resolved)):
            return "the configuration is lost"
        if finished and not (_whole(run.summary) and read_model(run.model)):
            return "the end is lost"
        found = read_last(run)
        if found is None:
            return "" if acked < 0 else f"step {acked} was safe, there is no checkpoint"
        if found.state["step"] < acked:
            return f"step {acked} was safe, the checkpoint is of step {found.state['step']}"
        AppendLog.resume(run.metrics, found.state["log_bytes"], found.state["log_sha256"]).close()
    except DnnError as error:
        return str(error)
    return ""


def _whole(path: Path) -> bool:
    """Whether a text file is there and was neither cut nor filled with zeros."""
    content = path.read_bytes() if path.is_file() else b""
    return content.endswith(b"\n") and b"\0" not in content


@dataclass
class Finding:
    """What the exploration of one trace came to."""

    states: int = 0
    lost: int = 0
    example: str = ""
    resumed: int = 0
    different: int = 0


def explore(
    ops: list[Op], folder: Path, wanted: Outcome | None = None, every: int = 50, most: int = 0
) -> Finding:
    """Try every state after every operation; resume every `every`th and compare with `wanted`.

    With `most` it looks for so many losses only: from the first safe checkpoint on.
    """
    finding, state, seen = Finding(), State(), set[int]()
    run = RunDirectory(folder / "state")
    for op in ops:
        state.take(op)
        if most and state.acked < 0:
            continue
        for tree in state.crashes():
            mark = hash((state.acked, tuple(sorted(tree.items(), key=lambda pair: pair[0]))))
            if mark in seen:
                continue
            seen.add(mark)
            finding.states += 1
            lay_out(tree, run.path)
            lost = complaint(run, state.acked, state.finished)
            if lost:
                finding.lost += 1
                finding.example = finding.example or f"after {op.kind} {op.path}: {lost}"
                if finding.lost == most:
                    return finding
            elif wanted and finding.states % every == 0 and run.config.exists():
                finding.resumed += 1
                resume(run.path)
                finding.different += Outcome.of(run.path) != wanted
    return finding


def thinned(ops: list[Op]) -> list[Op]:
    """Writes to one file in a row as one: what lies between is among the torn versions anyway."""
    made: list[Op] = []
    for op in ops:
        if made and op.kind == "write" == made[-1].kind and op.file == made[-1].file:
            made[-1] = replace(op, data=made[-1].data + op.data)
        else:
            made.append(op)
    return made


def _temporary(op: Op) -> bool:
    return ".tmp-" in op.path


def no_file_sync(ops: list[Op]) -> list[Op]:
    """Rename without fsync of what is renamed."""
    return [op for op in ops if not (op.kind == "sync" and _temporary(op))]


def no_directory_sync(ops: list[Op]) -> list[Op]:
    """No fsync of directories after a file was replaced."""
    return [op for op in ops if op.kind != "syncdir"]


def no_log_sync(ops: list[Op]) -> list[Op]:
    """A checkpoint that knows of lines which are not durable."""
    return [op for op in ops if not (op.kind == "sync" and op.path.endswith(".jsonl"))]


def in_place(ops: list[Op]) -> list[Op]:
    """Checkpoints written over the one before, which can then not be kept."""
    second = {op.to for op in ops if op.kind == "link"}
    ops = [op for op in ops if op.kind != "link" and op.path not in second]
    made: list[Op] = []
    homes: dict[int, Op] = {}  # temporaries by what they become
    target = {op.file: op.to for op in ops if op.kind == "rename"}
    first: dict[str, int] = {}
    for op in ops:
        path = target.get(op.file)
        if path is None or op.kind == "unlink":
            made.append(op)
            continue
        file = first.setdefault(path, op.file)
        if op.kind == "create":
            homes[op.file] = op
            made.append(replace(op, path=path, file=file) if file == op.file else
                        Op("cut", path, file=file, step=0))  # fmt: skip
        elif op.kind != "rename":
            made.append(replace(op, path=path, file=file))
    return made


def delete_first(ops: list[Op]) -> list[Op]:
    """The old file removed before the new one takes its name."""
    made: list[Op] = []
    for op in ops:
        if op.kind == "rename" and any(o.kind == "rename" and o.to == op.to for o in made):
            made.append(Op("unlink", op.to))
        made.append(op)
    return made


def early_ack(ops: list[Op]) -> list[Op]:
    """Called safe when it has its name, before the directory was synced."""
    made: list[Op] = []
    for op in ops:
        if op.kind == "ack":
            last = max(k for k, o in enumerate(made) if o.kind == "rename" and "last" in o.to)
            made.insert(last + 1, op)
        else:
            made.append(op)
    return made


def no_mkdir_sync(ops: list[Op]) -> list[Op]:
    """The directory of the checkpoints itself may be gone."""
    made = next(k for k, op in enumerate(ops) if op.kind == "mkdir")
    return [op for k, op in enumerate(ops) if k < made or op != Op("syncdir", ".")]


BROKEN = (no_mkdir_sync, no_file_sync, no_directory_sync, no_log_sync)
BROKEN += (in_place, delete_first, early_ack)


def trace(name: str, folder: Path, kill_at: int = 0) -> tuple[list[Op], Outcome]:
    """The operations of a whole run of the configuration `name`, and what it ends with.

    With `kill_at` the process is gone at that system call, and another one resumes the run.
    """
    config = write_config(folder, CONFIGS[name])
    run = folder / "run"
    run.mkdir()
    with recording(run) as recorder:
        recorder.kill_at = kill_at
        log = Log(watch=recorder.observe)
        try:
            train(config, run, log)
        except Killed:
            recorder.die()
            resume(run, log=log)
    return recorder.ops, Outcome.of(run)


def main() -> int:
    """Explore the protocol as it is, and as it must not be."""
    failed = 0
    memory = Path("/dev/shm")  # thousands of small trees are made and removed
    where = memory if memory.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="crash-", dir=where) as name:
        folder = Path(name)
        for number, chosen in enumerate(sys.argv[1:] or ["short", "adam", "early_stopping"]):
            for kill_at in (0, 160):
                at = folder / f"{number}-{kill_at}"
                at.mkdir()
                ops, wanted = trace(chosen, at, kill_at)
                found = explore(ops, folder, wanted)
                print(f"{chosen}, killed at {kill_at}: {len(ops)} operations, {found}", flush=True)
                failed += found.lost or found.different
        ops, _ = trace("short", folder)
        for broken in BROKEN:
            flagged = explore(thinned(broken(ops)), folder, most=1000)
            print(f"{broken.__name__}: {flagged.lost} of {flagged.states} states lost or more")
            print(f"  {flagged.example}", flush=True)
            failed += not flagged.lost
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
