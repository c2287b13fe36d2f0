import pytest

from dnn_cli.__main__ import help_page
from dnn_cli.cli.application import application
from dnn_cli.cli.help import PAGES, _children, pages, summary, write

MADE = dict(pages())


def test_every_page_is_in_step_with_its_command():
    shipped = {path.stem: path.read_text("utf-8") for path in PAGES.glob("*.txt")}
    assert shipped == MADE, "run `python -m dnn_cli.cli.help`"


@pytest.mark.parametrize("name", MADE)
def test_pages_are_plain_text_of_80_columns(name):
    lines = MADE[name].splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line == line.rstrip() and line.isascii() for line in lines)
    assert lines[0].startswith("Usage: dnn")
    assert "  -h, --help" in MADE[name]
    assert "Examples:" in lines
    assert "None" not in MADE[name]


def test_one_line_a_command():
    lines = MADE["dnn"].splitlines()
    start = lines.index("Commands:") + 1
    shown = [line.split()[0] for line in lines[start : lines.index("", start)]]
    assert shown == [
        *("check", "cv", "data", "evaluate", "info", "init"),
        *("predict", "resume", "schema", "selfcheck", "train"),
    ]


def test_the_exit_codes_are_listed():
    for code in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 75, 129, 130, 141, 143):
        assert f" {code}  " in MADE["dnn"]


def test_nothing_is_without_help():
    stack = [("dnn", application())]
    while stack:
        path, command = stack.pop()
        stack += [(f"{path}-{name}", child) for name, child in _children(command)]
        assert summary(command).endswith("."), path
        page = MADE[path.removeprefix("dnn-")]
        for parameter in command.params:
            assert parameter.help, (path, parameter.name)
            names = (
                [parameter.metavar] if parameter.param_type_name == "argument" else (parameter.opts)
            )
            assert all(name in page for name in names), (path, parameter.name)


def test_a_page_is_written_for_every_command_and_no_other(tmp_path):
    (tmp_path / "gone.txt").write_text("old")
    write(tmp_path)
    assert {path.stem: path.read_text("utf-8") for path in tmp_path.iterdir()} == MADE


@pytest.mark.parametrize(
    ("args", "page"),
    [
        (["--help"], "dnn"), (["-h"], "dnn"), (["train", "-h"], "train"),
        (["--debug", "--help"], "dnn"), (["train", "c.yaml", "a=1", "--help"], "train"),
        (["data", "-h"], "data"), (["data", "fetch", "--help"], "data-fetch"),
        (["data", "list", "mnist", "-h"], "data-list"), (["train", "--name", "-h"], "train"),
        (["trian", "--help"], None), (["train", "--", "--help"], None), (["train", "x"], None),
        (["../../etc", "--help"], "dnn"), ([], None),
    ],
)  # fmt: skip
def test_which_page_is_asked_for(args, page):
    assert help_page(args) == (MADE[page] if page else None)
