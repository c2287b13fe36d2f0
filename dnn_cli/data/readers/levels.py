"""The different cells of a column, and which of them each cell is."""

from __future__ import annotations

import numpy as np

from dnn_cli.base.types import Array


class Levels:
    """Codes cells block by block, in the order in which they first appear."""

    def __init__(self) -> None:
        self._known: dict[bytes, int] = {}

    @property
    def levels(self) -> list[bytes]:
        """The different cells, by code."""
        return list(self._known)

    def codes(self, bytes_: Array, starts: Array, ends: Array) -> Array:
        """The code of each cell: (m,) int32."""
        data, known = bytes_.tobytes(), self._known
        found = [
            known.setdefault(data[start:end], len(known))
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        ]
        return np.array(found, np.int32)
