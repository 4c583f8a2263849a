"""Explanations that add up to the score, and counterfactuals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...explain.counterfactuals import Counterfactuals
from ...explain.explanation import Explanation
from ..inputs import checks
from ..inputs.histories import CSR, Array, csr
from . import batches
from .queries import Queries, Scoring
from .ranking import entries, ranks
from .state import snapshot_read

__all__ = ["Reasons"]


class Reasons(Scoring):
    """``explain`` and ``explain_many`` over the hook :meth:`_explainer`, ``counterfactuals`` over ``_scores``."""

    def _explainer(self, queries: Queries) -> Callable[[int, int, int], Explanation]:
        """Does what pairs of these users share, and gives the function that explains one pair: of a row of
        ``queries``, an item, and how many parts of each view to list."""
        raise NotImplementedError

    @snapshot_read
    def explain(
        self, userid: int, itemid: int, user_items: Any = None, N: int = 10, *, clip: bool = True
    ) -> Explanation:
        """Why an item has its score for a user.

        Parameters
        ----------
        userid : int
            A fitted user, or any number with ``user_items``, -1 for a new user.
        itemid : int
            A fitted item.
        user_items : sparse or attnrec.data.Interactions, optional
            The history to use instead of the fitted one, (1, items), or the full matrix, found as in :meth:`recommend`.
        N : int
            Number of parts of each view to list, at least 1; the others are added up in its ``rest``.
        clip : bool
            Cut the total to ``rating_range``; the bias then takes up the difference.

        Returns
        -------
        Explanation
            Views that each add up to the score that :meth:`predict` returns.
        """
        query, item, _ = self._one_pair("explain", userid, itemid, user_items)
        return self._told(checks.flag("clip", clip))(self._explainer(query)(0, item, checks.count("N", N)))

    def _told(self, clip: bool) -> Callable[[Explanation], Explanation]:
        """Explanations of scores as they are told."""
        scale = self.rating_range if clip else None
        return (lambda why: why) if scale is None else (lambda why: why.within(*scale))

    @snapshot_read
    def explain_many(
        self, userid: Any, itemid: Any, *, user_items: Any = None, N: int = 10, clip: bool = True
    ) -> list[Explanation]:
        """Why items have their scores: :meth:`explain` for many pairs, with the work for each user done once.

        Parameters
        ----------
        userid, itemid : int or (p,) array_like of int
            Users and items of the pairs, broadcast against each other.
        user_items : sparse or attnrec.data.Interactions, optional
            Histories to use instead of the fitted ones: the rows aligned with ``userid``, or the full matrix, found as
            in :meth:`recommend`.
        N : int
            Number of parts of each view to list, at least 1; the others are added up in its ``rest``.
        clip : bool
            Cut the totals to ``rating_range``; the biases then take up the difference.

        Returns
        -------
        list of Explanation
            One explanation for each pair, in the order given.
        """
        queries, at, items, _ = self._pairs(userid, itemid, user_items)
        n, told = checks.count("N", N), self._told(checks.flag("clip", clip))
        found: dict[int, Explanation] = {}
        for block in batches.blocks(len(queries.userids), self._row_bytes() + 32 * (self.n_users + self.n_items)):
            explain = self._explainer(queries[block])
            pairs = np.flatnonzero((at >= block.start) & (at < block.stop))
            for pair in pairs[np.argsort(at[pairs], kind="stable")].tolist():  # a user's pairs in turn
                found[pair] = told(explain(int(at[pair]) - block.start, int(items[pair]), n))
        return [found[pair] for pair in range(len(items))]

    @snapshot_read
    def counterfactuals(
        self,
        userid: int,
        itemid: int,
        user_items: Any = None,
        N: int = 10,
        *,
        filter_items: Any = None,
        items: Any = None,
        clip: bool = True,
    ) -> Counterfactuals:
        """Score and rank of an item recomputed with one item of the history removed, for each in turn.

        The history without the item is scored as :meth:`recommend` does with ``recalculate_user=True``, without
        approximation and without a refit: everything that the model computes from a history (the user's mean or vector,
        the attention, the coefficients of the own ratings) is computed from the shorter one, and everything learned
        from all users together stays as it is (means and vectors of items, values and coefficients of other users). For
        a fitted user that includes what was learned from the removed entry; :meth:`partial_fit_users` removes that,
        too.

        Parameters
        ----------
        userid : int
            A fitted user, or any number with ``user_items``, -1 for a new user.
        itemid : int
            An item that is not in the history.
        user_items : sparse or attnrec.data.Interactions, optional
            The history to use instead of the fitted one, (1, items), or the full matrix, found as in :meth:`recommend`.
        N : int
            Number of items to remove, one at a time, at least 1: those that contribute most to the score
            (:meth:`explain`), or all of a shorter history.
        filter_items : ids or (items,) mask, optional
            Items that are not recommended, and have no rank.
        items : ids or (items,) mask, optional
            The only items that are recommended, and have a rank.
        clip : bool
            Cut predicted ratings to ``rating_range``; ranks are those of the uncut scores.

        Returns
        -------
        Counterfactuals
            Scores and ranks, among all items that would be recommended, from 1, ties by lower id. A removed item is not
            in the history then, so it has a rank itself.

        Raises
        ------
        ValueError
            If the item is in the history, disliked or filtered: it is not shown, and has no rank.

        Examples
        --------
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
        query, item, rows = self._one_pair("counterfactuals", userid, itemid, user_items)
        history = self._fitted()["histories"][query.userids] if query.given is None else query.given
        hidden = self._everything()[query.userids] if rows is None else rows
        clip, n = checks.flag("clip", clip), checks.count("N", N)
        shown = checks.columns(items, filter_items, self.n_items)
        if item in history.indices:
            raise ValueError(
                f"itemid {item} is in the history, so it is not shown and has no rank: ask for an item that the user "
                "does not have, or pass user_items without it"
            )
        if item in hidden.indices:
            raise ValueError(
                f"itemid {item} is disliked, a value below 0 in the histories, so it is not shown and has no rank: ask "
                "for another item, or pass user_items without it"
            )
        if shown is not None and not shown[item]:
            raise ValueError(f"itemid {item} is filtered, so it is not shown and has no rank: leave it in")
        chosen = history.indices.astype(np.int64)
        if n < len(chosen):
            chosen = self._explainer(query)(0, item, n).contributions.ids
        score, rank = self._standing_of(query, hidden, item, shown, clip)
        user, without, barred = int(query.userids[0]), _leaving_out(history, chosen), _leaving_out(hidden, chosen)
        users = np.full(len(chosen), user)
        scores, found = np.zeros(len(chosen), np.float32), np.zeros(len(chosen), np.int64)
        for block in batches.blocks(len(chosen), self._row_bytes()):
            part = Queries(users[block], without[block])
            scores[block], found[block] = self._standing_of(part, barred[block], item, shown, clip)
        return Counterfactuals.of(user, item, float(score[0]), int(rank[0]), chosen, scores, found, history.nnz)

    def _standing_of(
        self, queries: Queries, hidden: CSR, item: int, shown: Array | None, clip: bool
    ) -> tuple[Array, Array]:
        """Score and rank of one item for each query, among what is not stored in ``hidden`` and True in ``shown``."""
        scores = self._scores(queries)[0].copy()
        if shown is not None:
            scores[:, ~shown] = -np.inf
        scores[entries(hidden)] = -np.inf
        return self._on_scale(scores[:, item], clip), ranks(scores, item)

    def _one_pair(self, name: str, userid: Any, itemid: Any, user_items: Any) -> tuple[Queries, int, CSR | None]:
        """One user as a query, one item, and the history given with what is disliked."""
        user, one_user = checks.ids("userid", userid)
        item, one_item = checks.ids("itemid", itemid)
        if not (one_user and one_item):
            raise ValueError(f"{name} takes one userid and one itemid: call it once for each pair")
        checks.in_range("itemid", item, self.n_items, "items", "add it with partial_fit_items")
        query, rows = self._queries(user, user_items, user_items is not None)
        return query, int(item[0]), rows


def _leaving_out(history: CSR, chosen: Array) -> CSR:
    """A row for each of ``chosen``: the history without it, (len(chosen), items)."""
    kept = history.indices != chosen[:, None]
    at = np.nonzero(kept)[1]
    indptr = np.append(0, np.cumsum(kept.sum(axis=1))).astype(history.indptr.dtype)
    return csr(history.data[at], history.indices[at], indptr, (len(chosen), history.shape[1]))
