"""Worker threads for pieces of work that release the interpreter: NumPy passes and products.

Cost       handing work over and waiting takes 40-95 µs: only for pieces of a millisecond or more.
           Each NumPy call inside costs 10 µs more than alone, since the threads pass the
           interpreter to and fro: few calls on large arrays, not many on small ones
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import final

import numpy as np


@final
class Workers:
    """`count` threads, the caller's included; `set_blas` sets how many threads a product uses."""

    def __init__(self, count: int, set_blas: Callable[[int], None]) -> None:
        self.count = count
        self._set_blas = set_blas
        self._blas = 0  # threads of a product as last set; 0: not known
        from concurrent.futures import ThreadPoolExecutor  # 5 ms that one thread need not pay

        self._pool = ThreadPoolExecutor(count - 1, "dnn", initializer=_be_quiet)

    def products(self, threads: int) -> None:
        """Let products from now on use `threads` threads of the BLAS library."""
        if threads != self._blas:
            self._set_blas(threads)
            self._blas = threads

    def run(self, task: Callable[[int, int], None], count: int) -> None:
        """Call `task(lane, number)` for every number below `count`, in any order; then return.

        No two calls in one lane overlap, so that a lane can have memory of its own; lanes are
        counted from 0 and fewer than `self.count`. Products inside use one thread each: the
        workers share the cores already.
        """
        self.products(1)
        numbers = iter(range(count))
        lanes = range(1, min(self.count, count))
        others = [self._pool.submit(_drain, task, lane, numbers) for lane in lanes]
        try:
            _drain(task, 0, numbers)
        finally:
            failures = [other.exception() for other in others]  # waits for each
        for failure in failures:
            if failure is not None:
                raise failure


def _be_quiet() -> None:
    """No warnings of overflow from this thread: the step that it works for looks for itself."""
    np.seterr(over="ignore", invalid="ignore")


def _drain(task: Callable[[int, int], None], lane: int, numbers: Iterator[int]) -> None:
    """Take numbers until there are none; `next` on a range is one step for all threads."""
    for number in numbers:
        task(lane, number)
