"""Worker threads for pieces of work that release the interpreter: NumPy passes and products.

Cost       handing work over and waiting takes 55-95 µs: only for pieces of a millisecond or more
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final

import numpy as np


@final
class Workers:
    """`count` threads, the caller's included; `set_blas` sets how many threads a product uses."""

    def __init__(self, count: int, set_blas: Callable[[int], None]) -> None:
        self.count = count
        self._set_blas = set_blas
        from concurrent.futures import ThreadPoolExecutor  # 5 ms that one thread need not pay

        self._pool = ThreadPoolExecutor(count - 1, "dnn", initializer=_be_quiet)

    def run(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Run every task; the order is free, and all are done on return.

        Products inside run on one thread each: the workers share the cores already.
        """
        self._set_blas(1)
        try:
            pending = iter(tasks)
            others = [self._pool.submit(_drain, pending) for _ in range(self.count - 1)]
            _drain(pending)
            for other in others:
                other.result()
        finally:
            self._set_blas(self.count)


def _be_quiet() -> None:
    """No warnings of overflow from this thread: the step that it works for looks for itself."""
    np.seterr(over="ignore", invalid="ignore")


def _drain(tasks: object) -> None:
    """Take tasks until there are none; `next` on a list iterator is one step for all threads."""
    for task in tasks:  # type: ignore[attr-defined]
        task()
