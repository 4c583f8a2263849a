"""What a score and a rank would be without parts of the history. Holds results; computes no model."""

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
    """What the score and the rank of an item would be without single items of the history, the largest change first.

    Unlike a contribution this is an effect: everything that the history goes into is computed again without the item
    (see ``counterfactuals`` of the estimators).

    Attributes
    ----------
    userid, itemid : int
        ``userid`` is -1 for somebody who was not fitted.
    score, rank
        With the whole history, as ``recommend`` gives them; ranks are from 1.
    itemids : (k,) int64
        The items left out, one at a time, ordered by the size of the change of the score, then by id.
    scores : (k,) float32
    ranks : (k,) int64
    count : int
        How many items the history has; those that were not left out contribute least to the score.

    Examples
    --------
    >>> from attnrec.explain.counterfactuals import Counterfactuals
    >>> without = Counterfactuals.of(0, 7, 4.25, 2, [3, 5], [4.2, 3.75], [2, 9], count=2)
    >>> print(without.text(names={5: "Solaris", 3: "Stalker", 7: "Mirror"}))
    Mirror has rank 2 for user 0, with a score of 4.25.
    Without Solaris it would fall to rank 9 (3.75). Without Stalker it would stay at rank 2 (4.2).
    >>> list(without)
    [(5, 3.75, 9), (3, 4.199999809265137, 2)]
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
        """Put them in order."""
        itemids, ranks = np.asarray(itemids, dtype=np.int64), np.asarray(ranks, dtype=np.int64)
        scores = np.asarray(scores, dtype=np.float32)
        order = np.lexsort((itemids, -np.abs(scores.astype(np.float64) - score)))
        return cls(userid, itemid, score, rank, itemids[order], scores[order], ranks[order], count)

    def __len__(self) -> int:
        return len(self.itemids)

    def __iter__(self) -> Iterator[tuple[int, float, int]]:
        return zip(self.itemids.tolist(), self.scores.tolist(), self.ranks.tolist(), strict=True)

    def to_frame(self, backend: str | None = None) -> Any:
        """A table with a row for each item left out: itemid, score, rank, score_change, rank_change.

        Changes are what would be less what is: a rank_change above 0 is a fall.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}, optional
            What to make; the first of these that is installed unless told.
        """
        columns = {"itemid": self.itemids, "score": self.scores, "rank": self.ranks}
        columns |= {"score_change": self.scores - np.float32(self.score), "rank_change": self.ranks - self.rank}
        return make_frame(columns, backend)

    def text(self, names: Names = None, user_names: Names = None, n: int = 3) -> str:
        """In plain sentences, the ``n`` largest changes of the score.

        Parameters
        ----------
        names, user_names, n
            As in :meth:`attnrec.explain.Explanation.text`.
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
