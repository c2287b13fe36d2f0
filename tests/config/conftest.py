"""A configuration written to a file, and what loading it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dnn_cli.base.errors import ConfigError, Problem
from dnn_cli.base.spec import Spec
from dnn_cli.config.load import load_config, located
from dnn_cli.config.spec import RunSpec

Text = str | bytes


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Load a text, written as `a.yaml` into the current directory; or the spec of another class."""
    monkeypatch.chdir(tmp_path)
    path = Path("a.yaml")

    def loaded(text: Text, *overrides: str, spec: type[Spec] = RunSpec) -> Any:
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        if spec is RunSpec:
            return load_config(path, overrides)
        return located(spec, path.read_bytes(), path, overrides)[0]

    return loaded


@pytest.fixture
def problems(load: Callable[..., Any]) -> Callable[..., list[Problem]]:
    """Every problem that loading a text reports."""

    def found(text: Text, *overrides: str, spec: type[Spec] = RunSpec) -> list[Problem]:
        with pytest.raises(ConfigError) as caught:
            load(text, *overrides, spec=spec)
        assert caught.value.exit_code == 3 and caught.value.state == "nothing was written"
        return list(caught.value.problems)

    return found


@pytest.fixture
def refused(problems: Callable[..., list[Problem]]) -> Callable[..., Problem]:
    """The one problem of a text, at `line:column` (override: None), saying all of `words`."""

    def one(text: Text, where: str | None, *words: str, overrides: tuple[str, ...] = ()) -> Problem:
        found = problems(text, *overrides)
        assert len(found) == 1, found
        problem = found[0]
        said = " | ".join((problem.what, problem.why, problem.fix))
        assert where is None or problem.where == f"a.yaml:{where}", (problem.where, said)
        for word in words:
            assert word in said, (word, said)
        assert said.isprintable() and len(said) <= 2000
        if problem.line:
            line, column = (int(part) for part in problem.where.split(":")[1:])
            raw = text.encode() if isinstance(text, str) else text
            shown = raw.decode("utf-8-sig", "replace").splitlines()[line - 1]
            if len(shown) < 100 and shown.isprintable():
                assert (problem.line, problem.column) == (shown, column)
        return problem

    return one
