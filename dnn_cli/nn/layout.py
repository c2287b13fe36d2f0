"""Laying out a chain: which arrays there are, and which layers share them.

Rooms      a room is memory for one array of every example: whole (n rows), or local (a block's
           rows, once for each lane, that is for each thread)
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from dnn_cli.base.types import Array, Shape, size_of
from dnn_cli.nn.arena import Arena, aligned_zeros
from dnn_cli.nn.chain import Chain
from dnn_cli.nn.layer import Layer, Scratch
from dnn_cli.nn.plan import Block, Group, Plan, Stage, Step
from dnn_cli.nn.rooms import Room, room_in, scratch_rooms
from dnn_cli.nn.spans import BLOCK_BYTES, Span, spans
from dnn_cli.nn.workers import Workers

GROUPS = 8  # at the most: fixed, so that results do not depend on the number of threads


def lay_out(
    chain: Chain,
    arena: Arena,
    x: Array,
    *,
    train: bool,
    wants_dx: bool = False,
    prefix: str = "",
    workers: Workers | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> Plan:
    """Allocate every array of `chain` for the batch buffer `x` (n, *in_shape)."""
    made = _Layout(chain, arena, x, train, wants_dx, prefix, workers, block_bytes)
    return made.plan()


class _Layout:
    """The decisions of one layout."""

    def __init__(
        self,
        chain: Chain,
        arena: Arena,
        x: Array,
        train: bool,
        wants_dx: bool,
        prefix: str,
        workers: Workers | None,
        block_bytes: int,
    ) -> None:
        self.chain, self.arena, self.x = chain, arena, x
        self.train, self.wants_dx, self.prefix = train, wants_dx, prefix
        self.workers, self.block_bytes = workers, block_bytes
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
        y = self.values[last].part(0, 0, self.n, out_shape)
        dy = dx = None
        if self.slopes is not None:
            dy = self.slopes[last].part(0, 0, self.n, out_shape)
            dx = self.slopes[0].part(0, 0, self.n, self.chain.in_shape) if self.wants_dx else None
        return Plan(stages, self.x, y, dy, dx, self.random)

    # ---- who shares which memory

    def _value_rooms(self) -> list[Room]:
        """For each position between layers the room of the value there; position 0 is x."""
        layers, ends = self.chain.layers, {span.stop for span in self.spans}
        owner = [0]  # the position whose memory a position shares
        free = False  # whether the memory of the position may be written over
        for k, layer in enumerate(layers):
            shares = layer.in_place and (free or layer.keeps_values)
            owner.append(owner[k] if shares else k + 1)
            free = (free or not shares) and not (self.train and "y" in layer.reads)
        kept = {owner[p] for p in ends} | {0}
        if self.train:
            for k, layer in enumerate(layers):
                kept |= {owner[k]} if "x" in layer.reads else set()
                kept |= {owner[k + 1]} if "y" in layer.reads else set()
        rooms: list[Room] = [Room((self.x,), True)]
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
        whole = [self._flat(self.n, max(sizes)) for _ in range(2)]
        local = {
            span: [
                [self._flat(span.rows, max(sizes)) for _ in range(self._lanes(span))] for _ in "ab"
            ]
            for span in self.spans
            if span.blocked
        }
        rooms, turn, turn_local = [room_in(whole[:1], self.n, sizes[0], True)], 0, 0
        for k, layer in enumerate(layers):
            span = self._span(k)
            if k + 1 not in outside:
                inside = k > span.start
                turn_local = turn_local if layer.in_place and inside else 1 - turn_local
                flats = local[span][turn_local]
                rooms.append(room_in(flats, span.rows, sizes[k + 1], False))
            else:
                stays = layer.in_place and (
                    not span.blocked or (layer.keeps_values and k in outside)
                )
                turn = turn if stays else 1 - turn
                rooms.append(room_in(whole[turn : turn + 1], self.n, sizes[k + 1], True))
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
        if whole or not span.blocked:
            return Room((self._zeros(self.n, shape, self.dtype),), True)
        lanes = range(self._lanes(span))
        return Room(tuple(self._zeros(span.rows, shape, self.dtype) for _ in lanes), False)

    def _lanes(self, span: Span) -> int:
        """Groups that may run at the same time; one after the other they share their memory."""
        return min(self.workers.count, len(self._borders(span))) if self.workers else 1

    def _flat(self, rows: int, size: int) -> Array:
        return aligned_zeros(rows * size, self.dtype)

    @staticmethod
    def _zeros(rows: int, shape: Shape, dtype: Any) -> Array:
        return aligned_zeros(rows * size_of(shape), dtype).reshape(rows, *shape)

    # ---- stages

    def _borders(self, span: Span) -> list[list[tuple[int, int]]]:
        """The blocks of each group."""
        starts = range(0, self.n, span.rows)
        blocks = [(a, min(a + span.rows, self.n)) for a in starts]
        count = min(GROUPS, len(blocks))
        edges = [round(g * len(blocks) / count) for g in range(count + 1)]
        return [blocks[a:b] for a, b in pairwise(edges)]

    def _stage(self, span: Span) -> Stage:
        places, size = self._places(span)
        scratch, borders = self._scratch_rooms(span), self._borders(span)
        totals = [aligned_zeros(size, self.dtype) for _ in borders]
        lanes = []
        for lane in range(self._lanes(span)):
            part = aligned_zeros(size, self.dtype)
            groups = []
            for blocks, total in zip(borders, totals, strict=True):
                made = []
                for index, (start, stop) in enumerate(blocks):
                    vector = part if index else total
                    steps = []
                    for k in range(span.start, span.stop):
                        step = self._step(k, lane, start, stop, scratch[k])
                        step.ws.grads = self._grads(k, span, vector, places)
                        steps.append(step)
                    made.append(Block(start, stop, steps))
                groups.append(Group(made, total, part))
            lanes.append(groups)
        gradients = [(self.arena.gradient(name).reshape(-1), p) for name, p in places.items()]
        products = self.workers.count if self.workers and span.wide else 1
        return Stage(lanes, gradients, self.workers, products)

    def _step(self, k: int, lane: int, start: int, stop: int, scratch: dict[str, Room]) -> Step:
        layer, name = self.chain.layers[k], self.prefix + self.chain.names[k]
        x = self.values[k].part(lane, start, stop, layer.in_shape)
        y = self.values[k + 1].part(lane, start, stop, layer.out_shape)
        dy = dx = None
        if self.slopes is not None:
            dy = self.slopes[k + 1].part(lane, start, stop, layer.out_shape)
            if self.wanted[k]:
                dx = self.slopes[k].part(lane, start, stop, layer.in_shape)
        arrays = {
            key: room.part(lane, start, stop, layer.needs[key].shape)
            if layer.needs[key].per_example
            else room.arrays[lane]
            for key, room in scratch.items()
        }
        step = Step(name, layer, x, y, dy, dx, Scratch(arrays))
        step.ws.inner = self._inner(layer, name, x, dx is not None)
        if layer.random and start == 0 and lane == 0:
            whole = {key: room.arrays[0] for key, room in scratch.items()}
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
                workers=self.workers,
                block_bytes=self.block_bytes,
            )
            self.random += plan.random
            plans.append(plan)
        return tuple(plans)

    # ---- scratch and gradients

    def _scratch_rooms(self, span: Span) -> dict[int, dict[str, Room]]:
        layers = {k: self.chain.layers[k] for k in range(span.start, span.stop)}
        lanes = self._lanes(span) if span.blocked else 1
        return scratch_rooms(layers, self.n, span.rows if span.blocked else None, lanes, self.dtype)

    def _places(self, span: Span) -> tuple[dict[str, slice], int]:
        """Where each slot's gradient lies in a group's vectors; nothing for undivided stages."""
        found: dict[str, slice] = {}
        position = 0
        if not (span.blocked and self.train):
            return found, position
        for k in range(span.start, span.stop):
            for slot in self.chain.layers[k].slots:
                length = size_of(slot.shape)
                found[f"{self.prefix}{self.chain.names[k]}.{slot.name}"] = slice(
                    position, position + length
                )
                position += -(-length // 16) * 16
        return found, position

    def _grads(
        self, k: int, span: Span, vector: Array, places: dict[str, slice]
    ) -> dict[str, Array]:
        if not self.train:
            return {}
        name = self.prefix + self.chain.names[k]
        slots = [s for s in self.chain.layers[k].slots if s.role != "state"]
        if not span.blocked:
            return {s.name: self.arena.gradient(f"{name}.{s.name}") for s in slots}
        return {s.name: vector[places[f"{name}.{s.name}"]].reshape(s.shape) for s in slots}
