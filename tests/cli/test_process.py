import codecs
import os
import pty
import re
import select
import subprocess
import sys
import termios

import pytest

from dnn_cli import __version__

HEAVY = {"numpy", "yaml", "pydantic", "rich", "typer", "safetensors", "threadpoolctl"}
PATIENCE = 300  # seconds until a process counts as hanging


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "digits.yaml"
    path.write_text(
        "name: digits\ndata: {source: {type: builtin, name: digits}, split: {valid: 0.1}}\n"
        "model: {hidden: [8]}\ntraining: {epochs: 3, batch_size: 256}\n"
    )
    return path


def imported(text):
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in text.splitlines()}


@pytest.mark.parametrize(
    "args", [["--version"], ["-V"], ["--help"], ["train", "--help"], ["data", "fetch", "-h"]]
)
def test_help_and_version_import_nothing_of_others(process, args):
    found = process(*args, python=["-X", "importtime"])
    assert found.returncode == 0
    assert not imported(found.stderr) & HEAVY


@pytest.mark.parametrize("args", [["trian"], ["train"], ["train", "x", "--nope"]])
def test_wrong_usage_imports_typer_and_what_that_needs(process, args):
    found = process(*args, python=["-X", "importtime"])
    assert found.returncode == 2
    assert imported(found.stderr) & HEAVY <= {"typer", "pydantic"}


def test_command_files_import_typer_alone(environment):
    code = (
        "import pkgutil, importlib, sys; from dnn_cli.cli import commands\n"
        "for one in pkgutil.iter_modules(commands.__path__):\n"
        "    importlib.import_module(f'dnn_cli.cli.commands.{one.name}')\n"
        "print(*sys.modules)"
    )
    shown = subprocess.check_output([sys.executable, "-c", code], text=True, env=environment)
    assert {name.partition(".")[0] for name in shown.split()} & HEAVY == {"typer"}


def test_help_takes_little_more_than_python_itself(environment):
    def modules(*args):
        found = subprocess.run([sys.executable, "-X", "importtime", *args], env=environment,
                               check=True, capture_output=True, text=True)  # fmt: skip
        return {line.rpartition("|")[2].strip() for line in found.stderr.splitlines()}

    # Counted, since no machine takes as long as another: three here, where Typer would be 130.
    more = modules("-m", "dnn_cli", "--help") - modules("-m", "this")
    assert {name for name in more if name.startswith("dnn_cli")} == {"dnn_cli", "dnn_cli.cli"}
    assert len(more) < 20, more


def test_version_and_no_command(process):
    assert process("--version").stdout == f"dnn {__version__}\n"
    found = process()
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.startswith("Usage: dnn [OPTIONS] COMMAND")


def test_T04_foreign_bytes_on_an_ascii_terminal(process):
    found = process("info", "caf\udce9", LANG="C", LC_ALL="C", PYTHONUTF8="0",
                    PYTHONCOERCECLOCALE="0")  # fmt: skip
    assert found.returncode == 5
    assert found.stderr.isascii()
    assert "caf" in found.stderr


def test_T04_results_on_an_ascii_terminal(process, config):
    found = process("check", str(config), LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert found.returncode == 0, found.stderr
    assert "8\\xd78" in found.stdout


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("dnn tr", {"train"}),
        ("dnn train c.yaml --r", {"--run-dir", "--runs"}),
        ("dnn evaluate runs/x --split t", {"train", "test"}),
        ("dnn data f", {"fetch"}),
        ("dnn train ", set()),  # the shell completes file names
    ],
)
def test_completion_in_bash(environment, tmp_path, words, shown):
    program = tmp_path / "dnn"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m dnn_cli "$@"\n')
    program.chmod(0o755)
    last = "''" if words.endswith(" ") else ""  # the shell has an empty word at the cursor
    script = (
        'eval "$(dnn --show-completion bash)"\n'
        f"COMP_WORDS=({words}{last}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n"
        '$(complete -p dnn | sed "s/.*-F \\([^ ]*\\).*/\\1/") dnn\n'
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    found = subprocess.run(
        ["bash", "--norc", "-c", script],
        capture_output=True, text=True, timeout=PATIENCE, check=True,
        env={**environment, "PATH": f"{tmp_path}:{environment['PATH']}",
             "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
    )  # fmt: skip
    assert found.stderr == ""
    assert set(found.stdout.split()) == shown


def test_completion_is_installed(process, tmp_path):
    found = process("--install-completion", "bash", HOME=str(tmp_path),
                    _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")  # fmt: skip
    assert found.returncode == 0
    assert "bash completion installed" in found.stdout
    assert "_DNN_COMPLETE=complete_bash" in next(tmp_path.glob(".bash_completions/*")).read_text()


class Pty:
    """A command on a terminal of its own, read until it ends."""

    def __init__(self, args, environment, cwd, columns=80):
        self.master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (24, columns))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dnn_cli", *args], stdin=slave, stdout=slave, stderr=slave,
            env=environment, cwd=cwd, start_new_session=True,
            preexec_fn=lambda: os.login_tty(os.dup(2)),
        )  # fmt: skip
        os.close(slave)
        self.text, self._decoder = "", codecs.getincrementaldecoder("utf-8")()

    def read(self, until=None):
        while until is None or not re.search(until, self.text):
            assert select.select([self.master], [], [], PATIENCE)[0], self.text
            try:
                found = os.read(self.master, 1 << 16)
            except OSError:  # the other end is closed
                found = b""
            if not found:
                assert until is None, self.text
                break
            self.text += self._decoder.decode(found)  # which may end within a character
        return self.text

    def end(self):
        self.read()
        return self.process.wait(PATIENCE)

    def close(self):
        self.process.kill()
        self.process.wait(PATIENCE)
        os.close(self.master)


@pytest.fixture
def on_terminal(environment, tmp_path):
    """Start a command line on a terminal; it ends with the test at the latest."""
    made = []

    def start(*args, columns=80, **changes):
        made.append(Pty(args, {**environment, **changes}, tmp_path, columns))
        return made[-1]

    yield start
    for one in made:
        one.close()


@pytest.mark.parametrize(
    ("changes", "columns", "painted", "coloured"),
    [
        ({}, 80, True, True),
        ({}, 40, True, True),
        ({"NO_COLOR": "1"}, 80, True, False),
        ({"TERM": "dumb"}, 80, False, False),
        ({"CI": "true"}, 80, False, False),
        ({}, 15, False, False),
    ],
)
def test_T05_training_on_a_terminal(on_terminal, config, changes, columns, painted, coloured):
    run = on_terminal("train", str(config), columns=columns, **changes)
    assert run.end() == 0, run.text
    assert ("\x1b[?25l" in run.text) == painted
    assert ("\x1b[3" in run.text) == coloured
    if painted:
        assert run.text.rindex("\x1b[?25h") > run.text.rindex("\x1b[?25l")
    else:
        assert "\x1b" not in run.text
        assert "epoch 3/3" in run.text
    assert "finished after 3 epochs" in run.text


@pytest.mark.parametrize("count", [1, 2])
def test_interrupting_a_training(on_terminal, config, count):
    run = on_terminal("train", str(config), "training.epochs=1000000")
    run.read(until=r"epoch +\d{2,}/1000000")
    os.write(run.master, b"\x03" * count)
    assert run.end() == 130
    assert run.text.rindex("\x1b[?25h") > run.text.rindex("\x1b[?25l")
    if count == 1:
        assert "continue with: dnn resume runs/digits-001" in run.text


def test_an_error_on_a_terminal_is_coloured(on_terminal):
    run = on_terminal("info", "missing")
    assert run.end() == 5
    assert "\x1b[1;31merror" in run.text
