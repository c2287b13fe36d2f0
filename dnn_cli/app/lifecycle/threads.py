"""How many processor cores a training or an evaluation uses, and how.

Ranks      where the work is worth it, as many processes as cores share it, each with one BLAS
           thread
Products   where there can be no other processes, the BLAS library divides large products
Why        1 and 2 threads, and 1 and 2 ranks, round differently: the number is recorded, and is
           part of what has to be equal for equal results
"""

from __future__ import annotations

from typing import Literal

from dnn_cli.nn.execution.ranks import can_fork
from dnn_cli.nn.network import Network
from dnn_cli.runs.environment import usable_cores
from dnn_cli.training.evaluation import evaluation_rows, worth_ranks

# Multiply-adds of a batch from which two ranks are faster than one: 784-128-10 takes 1.02 of one
# rank's time at 32 examples (3.3 million), 0.85 at 64, 0.70 at 128 ...
WORTH = 6_000_000
# ... and from which two threads of the BLAS library are: they wait for each other more often.
WIDE = 24_000_000


def settle(asked: int | Literal["auto"], operations: int) -> tuple[int, int]:
    """How many cores at most, and how many ranks, share a batch of so many multiply-adds."""
    worth = operations >= (WORTH if can_fork() else WIDE)
    count = asked if asked != "auto" else usable_cores() if worth else 1
    return count, count if worth and can_fork() else 1


def use_threads(asked: int | Literal["auto"], network: Network, batch_size: int) -> tuple[int, int]:
    """What `settle` says of a network's training; sets the threads of the BLAS library."""
    operations = network.chain.operations() * batch_size
    count, ranks = settle(asked, operations)
    _set_blas(1 if ranks > 1 or operations < WIDE else count)
    return count, ranks


def use_ranks(network: Network, rows: int) -> int:
    """Settle how many ranks evaluate `rows` examples at a time; sets the BLAS library's threads.

    With 1 rank it has one thread, too, unless its products are large.
    """
    if not can_fork() or usable_cores() == 1 or not worth_ranks(network, rows):
        batch = min(rows, evaluation_rows(network))
        _set_blas(1 if network.chain.operations() * batch < WIDE else usable_cores())
        return 1
    _set_blas(1)
    return usable_cores()


def _set_blas(threads: int) -> None:
    from threadpoolctl import ThreadpoolController

    for library in ThreadpoolController().select(user_api="blas").lib_controllers:
        library.set_num_threads(threads)
