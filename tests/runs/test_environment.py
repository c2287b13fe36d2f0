from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dnn_cli.runs.environment import blas, environment, usable_cores


def test_what_is_recorded_and_what_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/grace")
    monkeypatch.setenv("SECRET", "hunter2")
    found = environment(["/home/grace/bin/dnn", "train", "x.yaml"], "2026-11-22T10:00:00Z")
    assert found["argv"] == ["~/bin/dnn", "train", "x.yaml"]
    assert found["started"] == "2026-11-22T10:00:00Z"
    assert found["numpy"] == np.__version__ and found["python"] == platform.python_version()
    assert found["blas"]["threads"] >= 1 and found["blas"]["version"]
    assert found["cpu"]["model"] and found["cpu"]["usable_cores"] == usable_cores() >= 1
    text = json.dumps(found)
    for absent in ("grace", "hunter2", platform.node(), os.getcwd()):
        assert absent not in text


def test_a_home_at_the_root_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/")
    assert environment(["a/b"], "")["argv"] == ["a/b"]


def test_threadpoolctl_is_imported_only_when_asked_for() -> None:
    code = "import sys, dnn_cli.runs.environment; sys.exit('threadpoolctl' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_machine_that_tells_less(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_proc(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", no_proc)
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr("threadpoolctl.threadpool_info", lambda: [{"user_api": "openmp"}])
    found = environment([], "")
    assert found["blas"] is None
    assert found["cpu"]["model"] and found["cpu"]["usable_cores"] == os.cpu_count()


def test_the_library_is_the_one_that_numpy_multiplies_with(monkeypatch) -> None:
    import threadpoolctl

    def library(folder: str, version: str) -> dict[str, object]:
        path = f"/venv/site-packages/{folder}/libscipy_openblas.so"
        common = {"user_api": "blas", "internal_api": "openblas", "num_threads": 1}
        return {**common, "version": version, "filepath": path, "architecture": "Zen"}

    held = [library("scipy.libs", "0.3.30"), library("numpy.libs", "0.3.31")]
    monkeypatch.setattr(threadpoolctl, "threadpool_info", lambda: held)
    found = blas()
    assert found is not None and found["version"] == "0.3.31"
