"""Threads of the BLAS library while a model is measured or predicts."""

from collections.abc import Iterator

import pytest
from threadpoolctl import ThreadpoolController

from dnn_cli.app.lifecycle import threads
from dnn_cli.nn.layers.dense import DenseSpec
from dnn_cli.nn.model import build_network


def counts() -> set[int]:
    found = ThreadpoolController().select(user_api="blas").lib_controllers
    return {library.num_threads for library in found}


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(threads, "usable_cores", lambda: 2)
    before = max(counts())
    yield
    threads._set_blas(before)


@pytest.mark.parametrize(("units", "rows", "expected"), [(64, 8192, 1), (1024, 1024, 2)])
def test_small_products_have_one_thread(
    units: int, rows: int, expected: int, two_cores: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "worth_ranks", lambda network, rows: False)
    threads._set_blas(2)
    assert threads.use_ranks(build_network([DenseSpec(units=units)], (64,)), rows) == 1
    assert counts() == {expected}
