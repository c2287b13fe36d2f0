"""How many processor threads a training uses, and for what.

Products   wide ones are divided by the BLAS library itself; small ones are faster on one thread
Blocks     stages over images are divided among worker threads, whose products use one thread each
Why        1 and 2 threads of a product round differently: the number is recorded, and is part of
           what has to be equal for equal results
"""

from __future__ import annotations

from typing import Literal

from dnn_cli.nn.network import Network
from dnn_cli.nn.spans import BLOCK_BYTES, spans
from dnn_cli.nn.workers import Workers
from dnn_cli.runs.environment import usable_cores


def use_threads(
    asked: int | Literal["auto"], network: Network, batch_size: int
) -> tuple[int, Workers | None]:
    """Set the number of threads of this process; the number, and workers if there are several."""
    from threadpoolctl import ThreadpoolController

    libraries = ThreadpoolController().select(user_api="blas").lib_controllers

    def set_blas(threads: int) -> None:
        for library in libraries:
            library.set_num_threads(threads)

    count = _chosen(network, batch_size) if asked == "auto" else asked
    set_blas(count)
    return count, Workers(count, set_blas) if count > 1 else None


def _chosen(network: Network, batch_size: int) -> int:
    found = spans(network.chain, batch_size, 4, BLOCK_BYTES)
    return usable_cores() if any(span.blocked or span.wide for span in found) else 1
