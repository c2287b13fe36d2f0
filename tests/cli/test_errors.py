import errno
import os
import re

import pytest

from dnn_cli.base.errors import ConfigError, SignalError


@pytest.fixture
def failing(app, dnn, monkeypatch, tmp_path):
    """Run `dnn info` over an application that raises, with crash reports in `tmp_path`."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def call(error, *options):
        def fail(*args, **options):
            raise error

        app.info.model_info = fail
        return dnn("info", "secret-argument", *options)

    return call


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["trian"], "there is no command `trian`\n  why: the commands are check, cv, data, "
                    "evaluate, info, init, predict, resume, schema, selfcheck, train\n"
                    "  fix: did you mean `dnn train`?"),
        (["\x1b[31m"], "there is no command `\\x1b[31m`\n  why: the commands are check, cv, data, "
                       "evaluate, info, init, predict, resume, schema, selfcheck, train\n"
                       "  fix: see `dnn --help`"),
        (["train"], "missing argument 'CONFIG'\n  fix: see `dnn train --help`"),
        (["train", "c", "--nmae", "x"],
         "no such option: --nmae\n  fix: did you mean `--name`? See `dnn train --help`"),
        (["--nope"], "no such option: --nope\n  fix: see `dnn --help`"),
        (["info", "a", "b"],
         "got unexpected extra argument(s) (b)\n  fix: see `dnn info --help`"),
        (["data"], "missing command\n  fix: see `dnn data --help`"),
    ],
)  # fmt: skip
def test_T01_wrong_usage(dnn, args, message):
    found = dnn(*args)
    assert (found.code, found.out) == (2, "")
    assert found.err == f"error: {message}\n  state: nothing was written\n"


def test_T01_an_option_without_its_value(dnn):
    assert dnn("train", "c.yaml", "--name").code == 2


def test_T12_a_bug_is_one_line_and_a_report_without_data(failing, tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "secret-environment")
    try:
        int("secret-cell" * 100)
    except ValueError as cause:
        error = RuntimeError("no\x1b[31m")
        error.__cause__ = cause
    found = failing(error)
    assert (found.code, found.out) == (1, "")
    (report,) = tmp_path.iterdir()
    assert found.err == (
        "internal error: RuntimeError; this is our bug, not yours; "
        f"please report it with {report}\n"
    )
    text = report.read_text("utf-8")
    assert re.match(r"dnn \d+\.\d+\.\d+\nPython 3\.\d+\.\d+ on .+\nnumpy \d", text)
    assert text.index("ValueError: ") < text.index("RuntimeError: no\\x1b[31m\n")
    assert "in model_info" in text or "in fail" in text
    assert "secret-argument" not in text
    assert "secret-environment" not in text
    assert text.count("secret-cell") < 20  # the beginning of the message and no more
    assert all(line.isprintable() for line in text.split("\n"))


def test_a_bug_without_room_for_a_report(failing, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    found = failing(RuntimeError("no"))
    assert found.code == 1
    assert found.err.endswith("run it again with --debug to see where\n")


def test_debug_shows_the_traceback(failing, tmp_path):
    found = failing(RuntimeError("the reason"), "--debug")
    assert found.code == 1
    assert found.err.startswith("Traceback (most recent call last):\n")
    assert "RuntimeError: the reason" in found.err
    assert list(tmp_path.iterdir()) == []
    found = failing(ConfigError("the reason"), "--debug")
    assert found.code == 3
    assert found.err.startswith("Traceback")
    assert "error: the reason\n" in found.err


@pytest.mark.parametrize(
    ("error", "code", "shown"),
    [
        (MemoryError("37 GB for an array"), 9,
         "error: there is not enough memory\n  why: 37 GB for an array\n"),
        (OSError(errno.ENOSPC, "No space left on device", "runs/x\x1b[2J"), 6,
         "error: No space left on device\n  --> runs/x\\x1b[2J\n"),
        (OSError("odd"), 6, "error: OSError\n"),
        (KeyboardInterrupt(), 130, "interrupted: stopped at once\n"),
    ],
)  # fmt: skip
def test_errors_of_the_machine(failing, error, code, shown):
    found = failing(error)
    assert (found.code, found.err, found.out) == (code, shown, "")


def test_a_reader_that_left_is_for_main_to_handle(failing):
    with pytest.raises(BrokenPipeError):
        failing(BrokenPipeError())


def test_where_nobody_reads_the_message_the_code_still_says_it(failing, monkeypatch):
    class Gone:
        def write(self, text):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("sys.stderr", Gone())
    assert failing(ConfigError("no")).code == 3
    assert failing(RuntimeError("no")).code == 1
    assert failing(KeyboardInterrupt()).code == 130


@pytest.mark.parametrize(
    ("error", "code", "shown"),
    [
        (MemoryError("too large"), 9,
         "error: there is not enough memory\n  why: too large\n  state: 7 are out\n"),
        (OSError("odd"), 6, "error: OSError\n  state: 7 are out\n"),
        (KeyboardInterrupt(), 130, "interrupted: 7 are out\n"),
        (SignalError(15), 143, "terminated: 7 are out\n"),
        (SignalError(1), 129, "hung up: 7 are out\n"),
        (RuntimeError("no"), 1, "internal error: RuntimeError; 7 are out; this is our bug"),
    ],
)  # fmt: skip
def test_what_is_noted_on_an_error_is_said(failing, error, code, shown):
    error.add_note("7 are out")
    found = failing(error)
    assert (found.code, found.out) == (code, "") and found.err.startswith(shown)
