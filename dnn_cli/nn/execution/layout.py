"""Laying out a chain: which arrays there are, and which layers share them.

Rooms      a room is memory for one array of every example: whole (n rows), or local (a block's
           rows)
Positions  are between layers: layer k reads position k and writes position k + 1. A picture of a
           training plan, equal letters being the same memory:

               position        0         1        2         3
               layer                dense     relu     dense
               value           x         A   =    A         B     relu may write over its input:
                                                                  no backward reads position 1
               gradient        P         Q   =    Q         P     a layer reads one of the two and
                                                                  writes the other, unless in place

Kept       a value stays for all examples if a backward pass reads it, or if the next stage does.
           Any other, in a stage of blocks, has room for one block, which the next writes over
"""

from __future__ import annotations

from collections.abc import Mapping

from dnn_cli.base.types import Array, Shape, size_of
from dnn_cli.nn.execution.arena import Arena, aligned_zeros
from dnn_cli.nn.execution.plan import Block, Plan, Stage, Step
from dnn_cli.nn.execution.ranks import Ranks
from dnn_cli.nn.execution.rooms import Room, room_in, scratch_rooms
from dnn_cli.nn.execution.spans import BLOCK_BYTES, Span, spans
from dnn_cli.nn.layer import Layer, LayerChain
from dnn_cli.nn.scratch import Scratch


def lay_out(
    chain: LayerChain,
    arena: Arena,
    x: Array,
    *,
    train: bool,
    wants_dx: bool = False,
    prefix: str = "",
    ranks: Ranks | None = None,
    divided: Mapping[Layer, Layer],
    block_bytes: int = BLOCK_BYTES,
) -> Plan:
    """Allocate every array of `chain` for the batch buffer `x` (n, *in_shape)."""
    made = _Layout(chain, arena, x, train, wants_dx, prefix, ranks, divided, block_bytes)
    return made.plan()


class _Layout:
    """The decisions of one layout."""

    def __init__(
        self,
        chain: LayerChain,
        arena: Arena,
        x: Array,
        train: bool,
        wants_dx: bool,
        prefix: str,
        ranks: Ranks | None,
        divided: Mapping[Layer, Layer],
        block_bytes: int,
    ) -> None:
        self.chain, self.arena, self.x = chain, arena, x
        self.train, self.wants_dx, self.prefix = train, wants_dx, prefix
        self.ranks, self.divided, self.block_bytes = ranks, divided, block_bytes
        self.n, self.dtype = len(x), arena.params.dtype
        self.spans = spans(chain, self.n, self.dtype.itemsize, block_bytes)
        self.random: list[Step] = []
        self.values = self._value_rooms()
        self.wanted = self._slopes_wanted()
        self.slopes = self._gradient_rooms() if train else None

    def plan(self) -> Plan:
        """The finished plan."""
        stages = [self._stage(span) for span in self.spans]
        last = len(self.chain.layers)
        out_shape = self.chain.out_shape
        y = self.values[last].part(0, self.n, out_shape)
        dy = dx = None
        if self.slopes is not None:
            dy = self.slopes[last].part(0, self.n, out_shape)
            dx = self.slopes[0].part(0, self.n, self.chain.in_shape) if self.wants_dx else None
        return Plan(stages, self.x, y, dy, dx, self.random)

    # ---- who shares which memory

    def _value_rooms(self) -> list[Room]:
        """For each position between layers the room of the value there; position 0 is x."""
        layers, ends = self.chain.layers, {span.stop for span in self.spans}
        owner = [0]  # the position whose memory a position shares
        # Whether the memory of the position may be written over: not x, which is the caller's, and
        # not what the layer before reads again in backward as its y. Its x is no obstacle: the
        # layer that reads it is not in place, so its y lies elsewhere.
        free = False
        for k, layer in enumerate(layers):
            shares = layer.in_place and (free or layer.keeps_values)
            owner.append(owner[k] if shares else k + 1)
            # Memory of its own is free at once; memory that is shared stays what it was. A layer
            # that keeps the values writes nothing, so it shares even what is not free.
            free = (free or not shares) and not (self.train and "y" in layer.reads)
        kept = {owner[p] for p in ends} | {0}
        if self.train:
            for k, layer in enumerate(layers):
                kept |= {owner[k]} if "x" in layer.reads else set()
                kept |= {owner[k + 1]} if "y" in layer.reads else set()
        rooms: list[Room] = [Room(self.x, True)]
        for k, layer in enumerate(layers):
            if owner[k + 1] <= k:
                rooms.append(rooms[owner[k + 1]])
            else:
                rooms.append(self._room(layer.out_shape, self._span(k), k + 1 in kept))
        return rooms

    def _slopes_wanted(self) -> list[bool]:
        """For each position whether something below it learns."""
        wanted = [self.wants_dx]
        for layer in self.chain.layers:
            wanted.append(wanted[-1] or layer.learns)
        return wanted

    def _gradient_rooms(self) -> list[Room]:
        """For each position the room of the gradient there, from two of each kind in turn."""
        layers, outside = self.chain.layers, self._outside()
        shapes = [self.chain.in_shape, *(layer.out_shape for layer in layers)]
        sizes = [size_of(shape) for shape in shapes]
        # A gradient is read by one layer only, the one that turns it into the next: two memories
        # in turn are enough, whatever the depth. Blocks have two of their own.
        whole = [self._flat(self.n, max(sizes)) for _ in range(2)]
        local = {
            span: [self._flat(span.rows, max(sizes)) for _ in range(2)]
            for span in self.spans
            if span.blocked
        }
        rooms, turn, turn_local = [room_in(whole[0], self.n, sizes[0], True)], 0, 0
        for k, layer in enumerate(layers):
            span = self._span(k)
            if k + 1 not in outside:
                inside = k > span.start  # the first layer of a stage reads from outside it
                turn_local = turn_local if layer.in_place and inside else 1 - turn_local
                rooms.append(room_in(local[span][turn_local], span.rows, sizes[k + 1], False))
            else:
                # In blocks dy is whole and dx local, or the reverse: never the same memory,
                # but where the numbers stay the same and both ends are whole.
                stays = layer.in_place and (
                    not span.blocked or (layer.keeps_values and k in outside)
                )
                turn = turn if stays else 1 - turn
                rooms.append(room_in(whole[turn], self.n, sizes[k + 1], True))
        return rooms

    def _outside(self) -> set[int]:
        """Positions whose gradient is not inside a blocked stage, but for all examples at once.

        Also those that only a change of shape (flatten) parts from the end of their stage: the
        gradient there is the same memory.
        """
        found = {0}
        for span in self.spans:
            if not span.blocked:
                found |= set(range(span.start, span.stop))
            end = span.stop
            found.add(end)
            while end - 1 > span.start and self.chain.layers[end - 1].keeps_values:
                end -= 1
                found.add(end)
        return found

    def _span(self, k: int) -> Span:
        return next(span for span in self.spans if span.start <= k < span.stop)

    def _room(self, shape: Shape, span: Span, whole: bool) -> Room:
        whole = whole or not span.blocked
        rows = self.n if whole else span.rows
        return Room(self._flat(rows, size_of(shape)).reshape(rows, *shape), whole)

    def _flat(self, rows: int, size: int) -> Array:
        return aligned_zeros(rows * size, self.dtype)

    # ---- stages

    def _stage(self, span: Span) -> Stage:
        scratch, own = self._scratch_rooms(span), self._gradients(span)
        borders = [(a, min(a + span.rows, self.n)) for a in range(0, self.n, span.rows)]
        several = len(borders) > 1
        part = {key: self._flat(1, a.size).reshape(a.shape) for key, a in own.items() if several}
        blocks = []
        for start, stop in borders:
            grads = part if start else own
            steps = []
            for k in range(span.start, span.stop):
                step = self._step(k, start, stop, scratch[k])
                step.ws.grads = {name: a for (layer, name), a in grads.items() if layer == k}
                steps.append(step)
            blocks.append(Block(start, stop, steps))
        return Stage(blocks, [(own[key], part[key]) for key in part])

    def _step(self, k: int, start: int, stop: int, scratch: dict[str, Room]) -> Step:
        layer, name = self.chain.layers[k], self.prefix + self.chain.names[k]
        x = self.values[k].part(start, stop, layer.in_shape)
        y = self.values[k + 1].part(start, stop, layer.out_shape)
        dy = dx = None
        if self.slopes is not None:
            dy = self.slopes[k + 1].part(start, stop, layer.out_shape)
            if self.wanted[k]:
                dx = self.slopes[k].part(start, stop, layer.in_shape)
        arrays = {
            key: room.part(start, stop, layer.needs[key].shape)
            if layer.needs[key].per_example
            else room.array
            for key, room in scratch.items()
        }
        inner = self._inner(layer, name, x, dx is not None)
        ws = Scratch(arrays, inner=inner, ranks=self.ranks)
        step = Step(name, self.divided.get(layer, layer), x, y, dy, dx, ws)
        if layer.random and start == 0:
            whole = {key: room.array for key, room in scratch.items()}
            self.random.append(Step(name, layer, x, y, None, None, Scratch(whole)))
        return step

    def _inner(self, layer: Layer, name: str, x: Array, wants_dx: bool) -> tuple[Plan, ...]:
        plans = []
        for index, chain in enumerate(layer.chains):
            prefix = f"{name}." if index == 0 else f"{name}.{index}."
            plan = lay_out(
                chain,
                self.arena,
                x,
                train=self.train,
                wants_dx=wants_dx,
                prefix=prefix,
                ranks=self.ranks,
                divided=self.divided,
                block_bytes=self.block_bytes,
            )
            self.random += plan.random
            plans.append(plan)
        return tuple(plans)

    # ---- scratch and gradients

    def _scratch_rooms(self, span: Span) -> dict[int, dict[str, Room]]:
        layers = {k: self.chain.layers[k] for k in range(span.start, span.stop)}
        return scratch_rooms(layers, self.n, span.rows if span.blocked else None, self.dtype)

    def _gradients(self, span: Span) -> dict[tuple[int, str], Array]:
        """The gradient of each slot of a span, by layer and name; nothing if none are wanted."""
        return {
            (k, slot.name): self.arena.gradient(f"{self.prefix}{self.chain.names[k]}.{slot.name}")
            for k in range(span.start, span.stop)
            for slot in self.chain.layers[k].slots
            if self.train and slot.role != "state"
        }
