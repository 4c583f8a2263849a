"""What a fitted KernelAttentionRecommender holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np

from ..._util.validate import check_number
from ..base.state import FittedState
from ..content.state import HeldSide, Side
from ..inputs.histories import Array
from ..storage.fields import Part, of

__all__ = ["KernelState", "Vectors"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Vectors:
    """Items that are known by vectors alone.

    Attributes
    ----------
    given_items
        Their numbers, ascending.
    given
        For each what every item of a history adds.
    """

    given_items: Annotated[Array, of("int64", "given")]
    given: Annotated[Array, of("float32", "given", "items")]


@dataclass(frozen=True, eq=False, kw_only=True)
class KernelState(FittedState):
    """Histories, what they are compared by, and the inverses of the kernels.

    Attributes
    ----------
    unit
        Values of the users' features, rows of length 1, where the histories have theirs.
    item_weights, user_weights
        How much a shared item or user says.
    inverse
        ``(K + regularization I)^-1`` of each block of users; none with ``based_on="items"``.
    between_items
        What a history item (row) adds to the score of each item; None with ``based_on="users"``.
    vectors
        Items that are known by vectors alone.
    items, content_weight
        Content of items, and how much it counts against the histories.
    """

    based_on: Literal["users", "items", "both"]
    temperature: float
    n_blocks: int
    random_state: int
    unit: Annotated[Array, of("float32", "entries")]
    item_weights: Annotated[Array, of("float32", "items")]
    user_weights: Annotated[Array, of("float32", "users")]
    inverse: Annotated[tuple[Array, ...], of("float32", "block", "block")]
    between_items: Annotated[Array | None, of("float32", "items", "items")] = None
    vectors: Annotated[Vectors | None, Part()] = None
    items: Annotated[HeldSide | None, Part(rows="items")] = None
    content_weight: float | None = None

    def known_items(self) -> Array:
        """(items,) bool: of which features or vectors are known."""
        out = super().known_items() if self.items is None else np.diff(self.items.content.indptr) > 0
        if self.vectors is not None:
            out[self.vectors.given_items] = True
        return out

    @property
    def beside(self) -> Side | None:
        """Content of items beside the histories."""
        return Side.held(self.items, self.content_weight)

    def check(self) -> None:
        """Raise ValueError or TypeError for what ``fit`` would not have made."""
        super().check()
        check_number("temperature", self.temperature, 1e-2)
        if self.random_state < 0:
            raise ValueError(f"random_state is {self.random_state}")
        n_users, n_items = self.histories.shape
        if not 1 <= self.n_blocks <= max(1, n_users):
            raise ValueError(f"n_blocks is {self.n_blocks!r:.40}")
        blocks = [] if self.based_on == "items" else np.array_split(np.empty(n_users), self.n_blocks)
        if [len(block) for block in blocks] != [len(inverse) for inverse in self.inverse]:
            raise ValueError(f"inverse has other blocks than {self.n_blocks} of {n_users} users")
        if (self.between_items is None) != (self.based_on == "users"):
            raise ValueError(f"between_items does not go with based_on={self.based_on!r}")
        if (self.items is None) != (self.content_weight is None):
            raise ValueError("content and content_weight go together")
        if self.items is not None:
            self.items.check()
        if self.vectors is not None and (np.diff(self.vectors.given_items, prepend=-1, append=n_items) < 1).any():
            raise ValueError("given_items are not ascending ids of items")
