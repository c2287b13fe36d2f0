"""Which layers of a chain run together, in blocks of how many examples.

Why        the large intermediates of convolution and pooling over a whole batch leave the cache
           and come back for every layer: 128 images of 26 x 26 x 32 are 11 MB. A few images at a
           time stay in it
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dnn_cli.base.types import size_of
from dnn_cli.nn.layer import Layer, LayerChain

BLOCK_BYTES = 2_500_000  # of a block's arrays, about a core's second-level cache
_WHOLE = 4  # images that fill whole cache lines: 4 at a time take 0.93 of the time of 7


@dataclass(frozen=True, slots=True)
class Span:
    """Layers `start` to `stop` of a chain that run together; `rows` is the size of a block."""

    start: int
    stop: int
    rows: int
    blocked: bool


def spans(chain: LayerChain, n: int, itemsize: int, block_bytes: int) -> list[Span]:
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
        rows = _rows(block_bytes // each) if worthwhile else n
        if found and not worthwhile and not found[-1].blocked:
            found[-1] = replace(found[-1], stop=stop)
        else:
            found.append(Span(start, stop, rows, worthwhile))
        start = stop
    return found


def _rows(most: int) -> int:
    """How many examples to take at a time, up to `most`."""
    return max(1, most if most < _WHOLE else most - most % _WHOLE)


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
