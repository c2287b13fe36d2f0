from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dnn_cli.base.errors import CheckpointError, FileSystemError, LockedError
from dnn_cli.runs.directory import RunDirectory, latest, runs_in
from dnn_cli.runs.json_file import write_json


def finished(path: Path, started: str | None, *, done: bool = True) -> None:
    path.mkdir()
    (path / "config.yaml").write_text("data: {}\n")
    if started is not None:
        write_json(path / "environment.json", {"started": started})
    if done:
        write_json(path / "summary.json", {})


def test_numbers_go_up_and_are_not_used_again(tmp_path: Path) -> None:
    parent = tmp_path / "deep" / "runs"
    assert RunDirectory.create(parent, "moons").path == parent / "moons-001"
    assert RunDirectory.create(parent, "moons").name == "moons-002"
    (parent / "moons-001").rmdir()
    for other in ("moons-0999x", "moons-x-999", "moons.999", "moons-07"):
        (parent / other).mkdir()
    (parent / "moons-004").write_text("a file")
    assert RunDirectory.create(parent, "moons").name == "moons-005"
    assert RunDirectory.create(parent, "m.ons").name == "m.ons-001"
    (parent / "moons-999").mkdir()
    assert RunDirectory.create(parent, "moons").name == "moons-1000"
    assert list((parent / "moons-1000").iterdir()) == []


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "-x", "a\nb", "a\0b", "n" * 256])
def test_names_that_no_directory_should_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileSystemError):
        RunDirectory.create(tmp_path / "runs", name)


CREATE = """
import sys
from pathlib import Path
from dnn_cli.runs.directory import RunDirectory
assert "numpy" not in sys.modules
print("ready", flush=True)
sys.stdin.readline()
for _ in range(25):
    print(RunDirectory.create(Path(sys.argv[1]), "race").name)
"""


def test_two_processes_never_share_a_directory(tmp_path: Path) -> None:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", CREATE, str(tmp_path / "runs")]
    racers = [subprocess.Popen(command, stdin=pipe, stdout=pipe) for _ in range(2)]
    for racer in racers:
        assert racer.stdout and racer.stdout.readline() == b"ready\n"
    for racer in racers:
        assert racer.stdin
        racer.stdin.write(b"\n")
        racer.stdin.flush()
    made = [name for racer in racers for name in racer.communicate()[0].split()]
    assert sorted(made) == [b"race-%03d" % number for number in range(1, 51)]


def test_a_number_taken_meanwhile_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        (tmp_path / f"x-00{number}").mkdir()
    monkeypatch.setattr("dnn_cli.runs.directory.entries", lambda _: [])
    assert RunDirectory.create(tmp_path, "x").name == "x-003"


def test_a_named_directory_is_new_or_empty(tmp_path: Path) -> None:
    assert RunDirectory.named(tmp_path / "a" / "b").path == tmp_path / "a" / "b"
    RunDirectory.named(tmp_path / "a" / "b")
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("years")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name, text in [
        ("file", "not a directory"),
        ("full", "thesis.tex"),
        ("link", "symbolic link"),
        ("dangling", "symbolic link"),
    ]:
        with pytest.raises(FileSystemError, match=text) as found:
            RunDirectory.named(tmp_path / name)
        assert found.value.exit_code == 6
    assert os.listdir(tmp_path / "full") == ["thesis.tex"]
    assert not (tmp_path / "nowhere").exists()


def test_of_two_runs_in_one_named_directory_one_goes_on(tmp_path: Path) -> None:
    first, second = (RunDirectory.named(tmp_path / "run") for _ in range(2))
    with first.locked("now"):
        with pytest.raises(LockedError), RunDirectory.named(tmp_path / "run").locked("now"):
            pass
        first.config.write_text("data: {}\n")
    with pytest.raises(FileSystemError, match=r"config\.yaml"), second.locked("now"):
        pass
    with RunDirectory.open(tmp_path / "run").locked("later"):
        pass


def test_R16_locking_cleans_up_after_an_interrupted_save(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, "x")
    run.config.write_text("")
    run.checkpoints.mkdir()
    for directory in (run.path, run.checkpoints):
        (directory / f".tmp-1-{'a' * 16}").write_text("half")
    with RunDirectory.open(run.path).locked("now"):
        assert sorted(p.name for p in run.path.rglob("*")) == [
            *("checkpoints", "config.yaml", "run.lock")
        ]


def test_opening(tmp_path: Path) -> None:
    finished(tmp_path / "x-001", "2026", done=False)
    (tmp_path / "newest").symlink_to("x-001")
    assert RunDirectory.open(tmp_path / "newest").path == (tmp_path / "x-001").resolve()
    assert not RunDirectory.open(tmp_path / "x-001").finished
    for name, why in [("absent", "no such directory"), (".", "no config.yaml")]:
        with pytest.raises(CheckpointError, match="no run") as found:
            RunDirectory.open(tmp_path / name)
        assert why in found.value.problems[0].why


def test_the_latest_is_the_one_that_started_last_and_finished(tmp_path: Path) -> None:
    for absent in (tmp_path, tmp_path / "absent"):
        with pytest.raises(CheckpointError, match="no finished run"):
            latest(absent)
        assert runs_in(absent) == []
    finished(tmp_path / "a-002", None)
    assert latest(tmp_path).name == "a-002"
    finished(tmp_path / "b-1000", "2026-01-01T00:00:00Z")
    finished(tmp_path / "b-999", "2026-01-01T00:00:00Z")
    finished(tmp_path / "c-001", "2025-12-31T23:59:59Z")
    finished(tmp_path / "d-001", "2027-01-01T00:00:00Z", done=False)
    (tmp_path / "a-002" / "environment.json").write_text("{broken")
    (tmp_path / "notes.txt").write_text("")
    os.utime(tmp_path / "c-001" / "summary.json", (4e9, 4e9))
    assert latest(tmp_path).name == "b-1000"
    assert [run.name for run in runs_in(tmp_path)] == [
        *("a-002", "c-001", "b-999", "b-1000", "d-001")
    ]


def test_the_layout() -> None:
    run = RunDirectory(Path("r"))
    assert [
        p.as_posix()
        for p in (run.config, run.resolved, run.environment, run.metrics, run.timing, run.last)
    ] == [
        *("r/config.yaml", "r/resolved.yaml", "r/environment.json", "r/metrics.jsonl"),
        *("r/timing.jsonl", "r/checkpoints/last.safetensors"),
    ]
    assert [p.as_posix() for p in (run.best, run.model, run.predictions, run.diverged)] == [
        *("r/checkpoints/best.safetensors", "r/model.safetensors", "r/predictions"),
        "r/diverged.json",
    ]
