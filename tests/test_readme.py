"""The README keeps its word: reference in step, commands that exist, figures of this tree."""

import re
from pathlib import Path

from dnn_cli.config.reference import reference

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- reference: made from the specs -->\n", "<!-- end of reference -->"


def test_the_reference_is_in_step() -> None:
    text = README.read_text(encoding="utf-8")
    shown = text.split(BEGIN)[1].split(END)[0]
    assert shown.strip() == reference().strip(), (
        "run: python tests/test_readme.py, which writes the reference into the README"
    )


def test_the_first_two_commands_are_the_setup() -> None:
    commands = re.findall(r"```console\n\$ (.*)\n", README.read_text(encoding="utf-8"))
    assert "pip install -q . " in commands[0] and "dnn train configs/digits.yaml" in commands[0]
    assert all(word in commands[1] for word in ("ruff", "format --check", "mypy", "pytest"))


def test_the_configuration_shown_is_the_file() -> None:
    text = README.read_text(encoding="utf-8")
    shown = text.split("# configs/digits.yaml\n")[1].split("```")[0]
    file = (README.parent / "configs" / "digits.yaml").read_text(encoding="utf-8")
    assert shown.strip() == "\n".join(file.splitlines()[1:]).strip()


def write_reference() -> None:
    """Write the generated reference into the README."""
    text = README.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    README.write_text(f"{head}{BEGIN}\n{reference()}\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    write_reference()
