"""Contributions of users, history items and content to a score of KernelAttentionRecommender."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from ...explain.explanation import Explanation, Part
from ..content.attribution import Added, Columns, Views, by_size
from ..content.state import Side
from ..inputs.histories import CSR, Array, RowChunks, entries_of
from .history import History
from .user_block import UserBlock

__all__ = ["Similarity", "Users", "explanation"]


class Similarity(NamedTuple):
    """Similarity of items, split into the parts of histories and content."""

    histories: CSR
    content: CSR
    columns: Columns

    @classmethod
    def of(cls, histories: CSR, side: Side, columns: Columns) -> Similarity:
        """From unit rows of histories, (items, users)."""
        fused, width = side.fused(histories), histories.shape[1]
        return cls(fused[:, :width], fused[:, width:], columns)

    def added(self, history: Array, item: int, weights: Array, users: float) -> Added:
        """Contributions of columns and of interactions, from those of history items (``weights``) and of ``users``."""
        at, mine = entries_of(self.histories, item)
        of_item = np.zeros(self.histories.shape[1])
        of_item[at] = mine
        columns, values = entries_of(self.content, item)
        row = np.zeros(self.content.shape[1])
        row[columns] = values
        same = RowChunks.of(self.histories, history).times(of_item)
        added, interactions = by_size(weights, same, row, RowChunks.of(self.content, history), self.columns.belongs)
        return Added(columns, added[columns], interactions + users)


@dataclass(frozen=True)
class Users:
    """Some users with the weights of all users in their scores.

    Attributes
    ----------
    userids : (b,) int64
    blocks : list of UserBlock
    weights : (b, users) float32
        Of every user for each of these.
    raters_of : (items, users) CSR
    units, transposed : (b, items), (items, users) CSR
        Features of these users, and those of all.
    temperature : float
    """

    userids: Array
    blocks: list[UserBlock]
    weights: Array
    raters_of: CSR
    units: CSR
    transposed: CSR
    temperature: float

    @cached_property
    def _history(self) -> Callable[[int], History]:  # pairs come a user at a time
        return lru_cache(1)(lambda row: History.of(self.transposed, *entries_of(self.units, row), self.temperature))

    def added(self, row: int, itemid: int) -> tuple[Array, Array, Array]:
        """Contribution of each history item through similar users; the raters of an item, and their weights."""
        user, n = int(self.userids[row]), len(self.blocks)
        raters = entries_of(self.raters_of, itemid)[0]
        raters = raters[raters != user]
        scores = np.zeros(self.weights.shape[1])
        for block in self.blocks:
            scores[block.rows] = block.scores_without_self(user, raters)
        listed: Array = self._history(row).parts(scores) / n
        return listed, raters, self.weights[row, raters].astype(np.float64) / n


def explanation(
    userids: Array, x: CSR, between: Array | None, users: Users | None, similarity: Similarity | None, liked: Array,
    row: int, itemid: int, n: int,
) -> Explanation:  # fmt: skip
    """Explanation of an item's score for the user of a row: by history item, and by neighbour.

    ``liked`` (items,) is the score of each item for an empty history where there are no neighbours.
    """
    history, neighbours = entries_of(x, row)[0], None
    by_items = np.zeros(len(history)) if between is None else between[history, itemid].astype(np.float64)
    listed, total, from_users = by_items, float(by_items.sum()), 0.0
    if users is not None:
        through, raters, w = users.added(row, itemid)
        neighbours = Part.largest(raters, w, n, weights=w, values=np.ones(len(raters)), background=total)
        listed, from_users = by_items + through, float(w.sum())
    elif not len(history):
        from_users = float(liked[itemid])
    total += from_users
    views: Views = {}
    if similarity is not None:
        views = similarity.columns.views(similarity.added(history, itemid, by_items, from_users), total, n)
    by_item = Part.largest(history, listed, n, background=total - float(listed.sum()))
    return Explanation(int(userids[row]), itemid, total, 0.0, "as every score does", by_item, neighbours, **views)
