"""What embeddings of numbers have in common: which columns, and where they write.

Shapes     x (n, i)   y (n, columns · embedding + i): what each of the first columns becomes, then x
           as it is
Errors     ShapeError if an example is no vector, or has fewer columns
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import final

from dnn_cli.base.spec import option
from dnn_cli.base.types import Array, Shape
from dnn_cli.nn.initializer import InitializerSpec
from dnn_cli.nn.layer import Layer, Listed, ShapeError, Slot, WeightedSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberEmbeddingSpec(WeightedSpec):
    """What YAML says of an embedding of numbers."""

    columns: int | None = option(
        "how many columns, from the first on; null: the numbers of the table, or all",
        None,
        minimum=1,
    )
    embedding: int = option("learned numbers a column, beside the number itself", 3, minimum=1)

    @final
    def build(self, in_shape: Shape, default: InitializerSpec) -> Layer:
        """The embedding of vectors of `in_shape`."""
        if len(in_shape) != 1:
            raise ShapeError(f"takes rows of numbers, not examples of shape {in_shape}")
        columns = in_shape[0] if self.columns is None else self.columns
        if columns > in_shape[0]:
            raise ShapeError(f"{columns} columns of {in_shape[0]}", ("columns",))
        return self.embed(in_shape, columns)

    @abstractmethod
    def embed(self, in_shape: Shape, columns: int) -> Layer:
        """The embedding of the first `columns` of vectors of `in_shape`."""


class NumberEmbedding(Listed):
    """y = what the first columns become | x."""

    def __init__(
        self, in_shape: Shape, slots: tuple[Slot, ...], columns: int, embedding: int
    ) -> None:
        self.columns, self.embedding = columns, embedding
        self.width = columns * embedding
        super().__init__(in_shape, (self.width + in_shape[0],))
        self.slots = slots

    def embedded(self, y: Array) -> Array:
        """The embedding's part of y, column by column: (columns, n, embedding)."""
        return y[:, : self.width].reshape(len(y), self.columns, self.embedding).swapaxes(0, 1)
