import io

import pytest

from dnn_cli.base.errors import ConfigError, DataError, GateError, Problem, UsageError
from dnn_cli.console.errors import render, show

ONE = DataError(
    "column `churned` is missing",
    where="churn.csv:1",
    why="the columns are age, name, tenure",
    fix="set data.target to one of them",
)
MANY = ConfigError(
    [
        Problem(
            "unknown key `leraning_rate` in `optimizer`",
            where="configs/mnist.yaml:14:3",
            why="allowed keys are learning_rate, weight_decay",
            fix="did you mean `learning_rate`?",
            line="  leraning_rate: 1e-3",
            column=3,
        ),
        Problem("`epochs` must be at least 1, found 0", where="configs/mnist.yaml:120:13"),
    ]
)
GOLDEN_ONE = """\
error: column `churned` is missing
  --> churn.csv:1
  why: the columns are age, name, tenure
  fix: set data.target to one of them
  state: nothing was written
"""
GOLDEN_MANY = """\
error: unknown key `leraning_rate` in `optimizer`
  --> configs/mnist.yaml:14:3
   14 |   leraning_rate: 1e-3
      |   ^^^^^^^^^^^^^
  why: allowed keys are learning_rate, weight_decay
  fix: did you mean `learning_rate`?

error: `epochs` must be at least 1, found 0
  --> configs/mnist.yaml:120:13

2 errors in configs/mnist.yaml (exit 3)
state: nothing was written
"""


@pytest.mark.parametrize(
    ("error", "golden"),
    [
        (ONE, GOLDEN_ONE),
        (MANY, GOLDEN_MANY),
        (UsageError("no such option: --nmae", state=""), "error: no such option: --nmae\n"),
        (
            DataError([Problem("a", where="x.csv:1"), Problem("b", where="y.csv:1")]),
            "error: a\n  --> x.csv:1\n\nerror: b\n  --> y.csv:1\n\n"
            "2 errors (exit 4)\nstate: nothing was written\n",
        ),
        (
            GateError("f1 is 0.5", state="the evaluation is complete"),
            "error: f1 is 0.5\n  state: the evaluation is complete\n",
        ),
    ],
)
def test_anatomy(error, golden):
    assert render(error) == golden


@pytest.mark.parametrize(
    ("line", "column", "shown"),
    [
        ("a: b", 1, ["   7 | a: b", "     | ^"]),
        ("\ta: b", 2, ["   7 |  a: b", "     |  ^"]),
        ("日本: b", 5, ["   7 | 日本: b", "     |       ^"]),  # wide characters take two columns
        ("\x1b: key", 4, ["   7 | \\x1b: key", "     |       ^^^"]),
        ("abc", 0, ["   7 | abc"]),  # no column: no caret
        ("abc", 9, ["   7 | abc"]),  # a column that is not there
        ("x" * 200 + " bad", 202, None),
    ],
)
def test_the_caret_stands_under_what_is_meant(line, column, shown):
    error = ConfigError([Problem("no", where="c.yaml:7:1", line=line, column=column)])
    lines = [text[1:] for text in render(error).splitlines()[2:-1]]
    if shown is None:
        source, caret = lines
        assert len(source) < 110
        assert source[caret.index("^") :] == "bad"
        assert caret.count("^") == 3
    else:
        assert lines == shown


def test_not_more_than_twenty_are_shown():
    text = render(ConfigError([Problem(f"no {n}", where=f"c.yaml:{n}:1") for n in range(1, 33)]))
    assert text.count("error: ") == 20
    assert text.splitlines()[-3:] == [
        "and 12 more",
        "32 errors in c.yaml (exit 3)",
        "state: nothing was written",
    ]


def test_a_file_gets_plain_text(capsys):
    stream = io.StringIO()
    show(MANY, stream)
    assert stream.getvalue() == GOLDEN_MANY


def test_a_terminal_gets_the_same_words_in_colour(terminal, screen):
    show(MANY, terminal)
    assert "\x1b[1;31merror" in terminal.getvalue()
    screen.feed(terminal.getvalue())
    assert screen.text + "\n" == GOLDEN_MANY


def test_no_color(terminal, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    show(MANY, terminal)
    assert "\x1b[3" not in terminal.getvalue()


@pytest.mark.parametrize("painted", [False, True])
def test_T03_foreign_text_is_literal_and_cannot_steer_the_terminal(evil, painted, terminal, screen):
    error = ConfigError(
        [Problem(f"a {evil} b", f"{evil}:1:2", evil, evil, line=f"k: {evil}", column=4)] * 2,
        state=evil,
    )
    text = render(error)
    assert all(line.isprintable() for line in text.split("\n"))
    assert len(text) < 40_000
    if painted:
        screen.columns = 10_000
        show(error, terminal)
        screen.feed(terminal.getvalue())
        assert screen.text + "\n" == text
