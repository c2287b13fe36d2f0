"""Standard output that is full, closed, cut off or left: exit codes, and what is said to be out."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from dnn_cli.app.train import train_run

ROWS = 200_000
DNN = [sys.executable, "-m", "dnn_cli"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a run of two inputs, `rows.csv`, and `long.csv`, whose last row is wrong."""
    folder = tmp_path_factory.mktemp("trained")
    rng = np.random.Generator(np.random.Philox(5))
    lines = [f"{a:.3f},{b:.3f}" for a, b in rng.normal(size=(ROWS, 2))]
    labelled = [f"{one},{'up' if i % 2 else 'down'}" for i, one in enumerate(lines[:80])]
    (folder / "t.csv").write_text("\n".join(["a,b,y", *labelled, ""]))
    (folder / "rows.csv").write_text("\n".join(["a,b", *lines[:50], ""]))
    (folder / "long.csv").write_text("\n".join(["a,b", *lines, "1,oops", ""]))
    (folder / "t.yaml").write_text(
        "data: {source: t.csv, target: y, split: {test: 0.2}}\nmodel: {hidden: [4]}\n"
        "training: {epochs: 2}\n"
    )
    train_run(str(folder / "t.yaml"), runs=str(folder / "runs"))
    return folder


@pytest.fixture
def shell(trained, environment):
    """A line of bash among the files of `trained`; `dnn` is the command."""

    def call(line):
        program = f'dnn() {{ {sys.executable} -m dnn_cli "$@"; }}\n'
        return subprocess.run(
            ["bash", "-c", f"set -o pipefail; {program}{line}"],
            capture_output=True, text=True, cwd=trained, env=environment, timeout=120, check=False,
        )  # fmt: skip

    return call


PRINTING = [
    *("predict rows.csv", "predict rows.csv --format jsonl", "predict rows.csv --format npy"),
    *("evaluate runs/t-001", "evaluate runs/t-001 --json", "info runs/t-001"),
    *("info runs/t-001 --json", "schema", "check t.yaml", "check t.yaml --json", "data list"),
    *("--version", "--help", "predict --help", "init t.csv --target y"),
    "cv t.yaml --folds 2 --run-dir cv -q",
]


def complaints(err):
    return [line for line in err.splitlines() if line.startswith("error: ")]


@pytest.mark.parametrize("command", PRINTING)
def test_R07_no_standard_output_at_all(shell, command):
    found = shell(f"dnn {command} >&-")
    assert found.returncode == 6, found.stderr
    assert complaints(found.stderr) == ["error: standard output cannot be written: it is closed"]
    assert "Exception ignored" not in found.stderr and "Traceback" not in found.stderr


@pytest.mark.parametrize("command", PRINTING)
def test_R07_a_standard_output_on_a_full_disk(shell, command):
    found = shell(f"dnn {command} > /dev/full")
    assert found.returncode == 6, found.stderr
    words = "error: standard output cannot be written: No space left on device"
    assert complaints(found.stderr) == [words]
    assert "Exception ignored" not in found.stderr
    if command.startswith("predict rows"):
        assert "state: 0 predictions are out" in found.stderr


@pytest.mark.parametrize("command", PRINTING)
def test_P07_a_reader_that_was_never_there(shell, command):
    found = shell(f"{{ sleep 0.2; dnn {command}; }} | true")
    assert found.returncode == 141
    assert complaints(found.stderr) == [] and "Traceback" not in found.stderr


def test_every_command_that_prints_is_among_them():
    from dnn_cli.cli import commands

    names = {one[:-3] for one in os.listdir(commands.__path__[0]) if one[0] != "_"}
    silent = {"train", "resume", "selfcheck"}  # selfcheck prints as the others do, after a minute
    assert names - silent == {line.split()[0] for line in PRINTING if line[0] != "-"}


def test_a_command_that_prints_nothing_needs_no_standard_output(shell, tmp_path):
    found = shell(f"dnn train t.yaml --run-dir {tmp_path}/run >&-")
    assert found.returncode == 0, found.stderr
    found = shell(f"dnn predict rows.csv -o {tmp_path}/o.csv >&-")
    assert found.returncode == 0, found.stderr
    assert (tmp_path / "o.csv").read_text().count("\n") == 51


def test_a_gate_does_not_hide_that_nothing_could_be_printed(shell):
    found = shell("dnn evaluate runs/t-001 --fail-if 'accuracy>=0' > /dev/full")
    assert found.returncode == 6


def test_a_failure_after_rows_went_out_says_how_many(shell, trained, tmp_path):
    found = shell(f"dnn predict long.csv > {tmp_path}/out.csv")
    out = (tmp_path / "out.csv").read_text().count("\n") - 1
    assert found.returncode == 4 and 0 < out < ROWS
    assert f"state: {out:,} predictions are out\n" in found.stderr
    assert "nothing was written" not in found.stderr


def test_a_failure_before_any_row_went_out_says_so(shell, trained, tmp_path):
    found = shell(f"dnn predict long.csv --format npy > {tmp_path}/out.npy")
    assert (found.returncode, (tmp_path / "out.npy").read_bytes()) == (4, b"")
    assert "state: nothing was written\n" in found.stderr


def test_a_failure_of_a_file_leaves_nothing(shell, trained, tmp_path):
    found = shell(f"dnn predict long.csv -o {tmp_path}/out.csv")
    assert (found.returncode, os.listdir(tmp_path)) == (4, [])
    assert "state: nothing was written\n" in found.stderr


def test_R07_a_disk_that_fills_up_says_how_many_rows_are_whole(shell, trained, tmp_path):
    # The limit on the size of a file stops in the middle of a line, as a full disk does.
    found = shell(f"trap '' XFSZ; ulimit -f 100; dnn predict long.csv > {tmp_path}/out.csv")
    assert found.returncode == 6, found.stderr
    said = found.stderr.split("state: ")[1].split(" predictions are out")[0]
    whole = (tmp_path / "out.csv").read_text().count("\n") - 1
    assert (tmp_path / "out.csv").stat().st_size == 100 * 1024
    assert int(said.replace(",", "")) <= whole < ROWS
    assert whole - int(said.replace(",", "")) < 8192  # a piece
    assert "perhaps a part of the next 8,192" in found.stderr


def as_by_a_shell():
    """Signals as a shell leaves them, also where the tests themselves run under nohup."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def feeding(trained, environment, *words, **options):
    """`dnn predict -` that is given rows without an end, and how it goes on."""
    process = subprocess.Popen(
        [*DNN, "predict", "-", "--model", "runs/t-001", "--batch-size", "100", *words],
        cwd=trained, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, bufsize=0,
        preexec_fn=as_by_a_shell,
    )  # fmt: skip
    process.stdin.write(b"a,b\n" + b"1,2\n" * 3000)  # more than is read ahead
    return process


STOPS = [
    (signal.SIGINT, 130, "interrupted"),
    (signal.SIGTERM, 143, "terminated"),
    (signal.SIGHUP, 129, "hung up"),
]


@pytest.mark.parametrize(("number", "code", "word"), STOPS)
def test_P01_a_signal_while_predictions_go_to_a_stream(trained, environment, number, code, word):
    process = feeding(trained, environment)
    assert process.stdout.readline() == b"prediction\n"
    assert process.stdout.readline() in (b"up\n", b"down\n")
    time.sleep(0.3)  # the rest of what was given; whenever it comes, the figure must be right
    process.send_signal(number)
    rest, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    out = rest.count(b"\n") + 1
    assert f"{word}: {out:,} predictions are out" in err.decode()
    assert "Traceback" not in err.decode()


@pytest.mark.parametrize(("number", "code", "word"), STOPS)
def test_P01_a_signal_while_a_file_is_written_leaves_nothing(
    trained, environment, tmp_path, number, code, word
):
    process = feeding(trained, environment, "-o", str(tmp_path / "out.csv"))
    limit = time.monotonic() + 60
    while not any(one.stat().st_size for one in tmp_path.iterdir()):  # the temporary
        assert time.monotonic() < limit and process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, os.listdir(tmp_path)) == (code, []), err
    assert f"{word}: nothing was written" in err.decode()


def test_P07_a_reader_that_takes_one_line(shell):
    found = shell("dnn predict long.csv | head -1")
    assert (found.returncode, found.stdout) == (141, "prediction\n")
    assert found.stderr == "model: runs/t-001/model.safetensors (latest finished run)\n"


def test_T05_what_is_said_never_mixes_with_what_is_data(shell):
    found = shell("dnn predict rows.csv 2> /dev/null")
    header, *labels = found.stdout.splitlines()
    assert header == "prediction" and set(labels) <= {"up", "down"} and len(labels) == 50
    found = shell("dnn predict rows.csv --format jsonl 2> /dev/null")
    assert [json.loads(line)["prediction"] for line in found.stdout.splitlines()] == labels
    assert len(list(csv.reader(found.stdout.splitlines()))) == 50


def test_standard_output_that_is_the_input_is_refused(shell, trained, tmp_path):
    (tmp_path / "in.csv").write_bytes((trained / "rows.csv").read_bytes())
    found = shell(f"dnn predict {tmp_path}/in.csv --model runs/t-001 >> {tmp_path}/in.csv")
    assert found.returncode == 6 and "standard output is the input" in found.stderr
    assert (tmp_path / "in.csv").read_bytes() == (trained / "rows.csv").read_bytes()
