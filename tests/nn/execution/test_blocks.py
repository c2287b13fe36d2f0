"""Vectors in blocks: equal parts in whole cache lines, as large as the cache lets them be."""

from __future__ import annotations

from pathlib import Path

import pytest

from dnn_cli.nn.execution import blocks


@pytest.mark.parametrize(
    ("count", "length"),
    [(0, 16), (1, 16), (17, 32), (52_000, 52_000), (60_000, 30_000), (101_770, 50_896)],
)
def test_blocks_are_equal_parts_in_whole_cache_lines(
    count: int, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 52_428)
    assert blocks.block_length(count) == length
    for size in range(count, 40 * count, 9_973):
        found = blocks.block_length(size)
        assert found % 16 == 0 and found < blocks.BLOCK + 16
        assert -(-size // found) == max(1, -(-size // blocks.BLOCK))


@pytest.mark.parametrize(
    "taken", [[], [(8, 9)], [(12, 14), (3, 5)], [(0, 3), (5, 40)], [(2, 9), (9, 12)], [(0, 90)]]
)
def test_what_is_left_of_a_piece(taken: list[tuple[int, int]]) -> None:
    for piece in (slice(0, 20), slice(4, 13), slice(8, 9), slice(20, 90)):
        inside = set(range(piece.start, piece.stop))
        found = blocks.without(piece, taken)
        assert all(run.start < run.stop for run in found)
        numbers = [i for run in found for i in range(run.start, run.stop)]
        assert numbers == sorted(inside.difference(*(range(*run) for run in taken)))


@pytest.mark.parametrize(
    ("said", "size"),
    [("2048K\n", 1 << 21), ("256K\n", 1 << 20), ("", 1 << 20), ("2M", 1 << 20), (None, 1 << 20)],
)
def test_blocks_fit_the_cache_that_the_system_tells_of(
    said: str | None, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if said is not None:
        (tmp_path / "size").write_text(said)
    monkeypatch.setattr(blocks, "_CACHE", tmp_path / "size")
    assert blocks._cache_bytes() == size
