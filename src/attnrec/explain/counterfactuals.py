"""Counterfactuals: scores and ranks of an item without single items of the history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._util.frames import make_frame
from .explanation import Names, named

__all__ = ["Counterfactuals"]

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, eq=False)
class Counterfactuals:
    """Score and rank of an item without single items of the history, the largest change first.

    Unlike a contribution this is an effect: everything that depends on the history is recomputed without the item
    (see ``counterfactuals`` of the estimators).

    Attributes
    ----------
    userid : int
        User, or -1 for a user who was not in the fit.
    itemid : int
        Item whose score and rank are given.
    score : float
        Score with the whole history, as ``recommend`` gives it.
    rank : int
        Rank with the whole history, from 1.
    itemids : (k,) int64
        Items of the history that were removed, one at a time, ordered by the size of the change of the score, then by
        id.
    scores : (k,) float32
        Score without each of them.
    ranks : (k,) int64
        Rank without each of them, from 1.
    count : int
        Number of items in the history; those that were not removed contribute least to the score.

    Examples
    --------
    >>> from attnrec.explain.counterfactuals import Counterfactuals
    >>> without = Counterfactuals.of(0, 7, 4.25, 2, [3, 5], [4.2, 3.75], [2, 9], count=2)
    >>> print(without.text(names={5: "Solaris", 3: "Stalker", 7: "Mirror"}))
    Mirror has rank 2 for user 0, with a score of 4.25.
    Without Solaris it would fall to rank 9 (3.75). Without Stalker it would stay at rank 2 (4.2).
    >>> list(without)
    [(5, 3.75, 9), (3, 4.199999809265137, 2)]

    Of a model:

    >>> from scipy.sparse import csr_array
    >>> from attnrec.models import NeighbourAttention
    >>> user_items = csr_array([[1, 1, 0, 0, 1], [1, 1, 1, 0, 1], [0, 1, 0, 1, 0], [0, 0, 1, 1, 0]])
    >>> model = NeighbourAttention(temperature=0.5).fit(user_items, show_progress=False)
    >>> without = model.counterfactuals(0, 2)
    >>> without.rank, without.itemids, without.ranks
    (1, array([0, 4, 1]), array([1, 1, 2]))
    >>> print(without.text(n=1))
    item 2 has rank 1 for user 0, with a score of 0.7462.
    Without item 0 it would stay at rank 1 (0.6529).
    """

    userid: int
    itemid: int
    score: float
    rank: int
    itemids: Array
    scores: Array
    ranks: Array
    count: int

    @classmethod
    def of(
        cls, userid: int, itemid: int, score: float, rank: int, itemids: Any, scores: Any, ranks: Any, count: int
    ) -> Counterfactuals:
        """Build the result with the largest change of the score first.

        Parameters
        ----------
        userid : int
            User, or -1 for a user who was not in the fit.
        itemid : int
            Item whose score and rank are given.
        score : float
            Score with the whole history.
        rank : int
            Rank with the whole history, from 1.
        itemids : (k,) array_like of int
            Items of the history that were removed, in any order.
        scores : (k,) array_like
            Score without each of them.
        ranks : (k,) array_like of int
            Rank without each of them, from 1.
        count : int
            Number of items in the history.

        Returns
        -------
        Counterfactuals
            Result with the given numbers, sorted.
        """
        itemids, ranks = np.asarray(itemids, dtype=np.int64), np.asarray(ranks, dtype=np.int64)
        scores = np.asarray(scores, dtype=np.float32)
        order = np.lexsort((itemids, -np.abs(scores.astype(np.float64) - score)))
        return cls(userid, itemid, score, rank, itemids[order], scores[order], ranks[order], count)

    def __len__(self) -> int:
        return len(self.itemids)

    def __iter__(self) -> Iterator[tuple[int, float, int]]:
        return zip(self.itemids.tolist(), self.scores.tolist(), self.ranks.tolist(), strict=True)

    def to_frame(self, backend: str | None = None) -> Any:
        """Convert to a table with a row for each removed item: itemid, score, rank, score_change, rank_change.

        Changes are the value without the item minus the value with it: a rank_change above 0 is a fall.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}, optional
            Library of the table; the first of these that is installed if not given.

        Returns
        -------
        frame
            Table in the order of ``itemids``.
        """
        columns = {"itemid": self.itemids, "score": self.scores, "rank": self.ranks}
        columns |= {"score_change": self.scores - np.float32(self.score), "rank_change": self.ranks - self.rank}
        return make_frame(columns, backend)

    def text(self, names: Names = None, user_names: Names = None, n: int = 3) -> str:
        """Write the ``n`` largest changes of the score in plain sentences.

        Parameters
        ----------
        names : callable, mapping or sequence, optional
            Names of items by number.
        user_names : callable, mapping or sequence, optional
            Names of users by number.
        n : int
            Number of removed items to name, 0 or more.

        Returns
        -------
        str
            One line for the item and one for the changes.
        """
        user = "a new user" if self.userid < 0 else named(self.userid, user_names, "user")
        item = named(self.itemid, names, "item")
        said = [
            f"Without {named(other, names, 'item')} it would {_moved(self.rank, rank)} rank {rank} ({score:.4g})."
            for other, score, rank in self
        ][:n]
        first = f"{item} has rank {self.rank} for {user}, with a score of {self.score:.4g}."
        return f"{first}\n{' '.join(said) or 'There is no history to leave anything out of.'}"

    def __str__(self) -> str:
        return self.text()


def _moved(before: int, after: int) -> str:
    return "stay at" if after == before else "fall to" if after > before else "rise to"
