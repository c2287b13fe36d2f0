"""Which layers of a chain run together, in blocks of how many examples, on how many threads.

Why        the large intermediates of convolution and pooling over a whole batch leave the cache
           and come back for every layer: 128 images of 26 x 26 x 32 are 11 MB. A few images at a
           time stay in it. A product large enough for several threads of the BLAS library gains
           a quarter from two; one half its size loses more by waiting than it gains
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dnn_cli.base.types import size_of
from dnn_cli.nn.chain import Chain
from dnn_cli.nn.layer import Layer

# Of a block's arrays, about a core's second-level cache. One thread does not notice blocks of
# half or twice the size; two lose a third of what they gain with half, by more and shorter calls.
BLOCK_BYTES = 2_500_000
# Multiply-adds of a product from which two BLAS threads are faster than one: a step of
# 784-256-10 at 128 examples (25.7 million) takes 0.94 of the time, one of 784-128-10 1.07.
WIDE = 24_000_000


@dataclass(frozen=True, slots=True)
class Span:
    """Layers `start` to `stop` of a chain that run together; `rows` is the size of a block.

    `wide`: the products of an undivided run are worth several threads of the BLAS library.
    """

    start: int
    stop: int
    rows: int
    blocked: bool
    wide: bool


def spans(chain: Chain, n: int, itemsize: int, block_bytes: int) -> list[Span]:
    """The chain cut into stages: runs over images that are worth blocking, and what is between."""
    found: list[Span] = []
    start = 0
    while start < len(chain.layers):
        blockable = _blockable(chain.layers[start])
        stop = start + 1
        while stop < len(chain.layers) and _blockable(chain.layers[stop]) == blockable:
            stop += 1
        layers = chain.layers[start:stop]
        each = _bytes_of(layers, itemsize)
        worthwhile = blockable and n * each > block_bytes
        if worthwhile:
            rows = max(1, min(n, block_bytes // each))
            found.append(Span(start, stop, rows, True, False))
        else:
            for k, layer in enumerate(layers, start):
                _extend(found, k, layer.operations() * n, n)
        start = stop
    return found


def _extend(found: list[Span], k: int, operations: int, n: int) -> None:
    """Add layer `k`, undivided, to the last span, or start one if its products differ in kind."""
    wide = operations >= WIDE
    last = found[-1] if found else None
    if last and not last.blocked and (last.wide == wide or not operations):
        found[-1] = replace(last, stop=k + 1)
    else:
        found.append(Span(k, k + 1, n, False, wide))


def _blockable(layer: Layer) -> bool:
    """Whether a layer treats images one by one, keeping nothing for the batch as a whole."""
    apart = all(need.per_example or not need.keep for need in layer.needs.values())
    return len(layer.in_shape) == 3 and layer.examplewise and apart and not layer.chains


def _bytes_of(layers: Sequence[Layer], itemsize: int) -> int:
    """What one example takes in a run of layers: outputs, their gradients, the largest scratch."""
    outputs = sum(2 * size_of(layer.out_shape) for layer in layers if not layer.in_place)
    scratch = max(
        sum(size_of(n.shape) for n in layer.needs.values() if n.per_example and not n.keep)
        for layer in layers
    )
    return max(1, (outputs + scratch) * itemsize)
