"""The one contract of all estimators: recommend, predict, explain and batches over two hooks. Knows no formula."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from .. import metrics
from ..explain import Explanation
from . import batches, checks, tuning
from .learning import Learning
from .ranking import best, entries
from .similar import Similar
from .sparse import CSR, Array

__all__ = ["Queries", "Recommender"]


@dataclass(frozen=True)
class Queries:
    """Users to score: fitted ones by number, or any by history.

    Attributes
    ----------
    userids : (b,) int64
        -1 for a user who was not fitted.
    given : (b, items) CSR or None
        Histories to use instead of the fitted ones.
    features : (b, width) CSR or array, or None
        Features to use instead of the fitted ones.
    """

    userids: Array
    given: CSR | None
    features: Any = None

    def __getitem__(self, rows: slice) -> Queries:
        given, features = (None if x is None else x[rows] for x in (self.given, self.features))
        return Queries(self.userids[rows], given, features)


class Recommender(Learning, Similar):
    """Base of every estimator.

    An estimator is one file: a constructor that stores its parameters, and the hooks ``_check_params``, ``_layout``,
    ``_learn``, ``_user_vectors``, ``_item_vectors``, ``_fold_users``, ``_fold_items``, ``_scores`` and ``_explain``;
    one that ranks without a row of scores replaces ``_retrieve`` too.
    """

    def _scores(self, queries: Queries) -> tuple[Array, Array]:
        """Scores and weights of every item, (b, items) float32 each, finite; they may be one array."""
        raise NotImplementedError

    def _explain(self, query: Queries, itemid: int, n: int) -> Explanation:
        """Why one item has its score for one user."""
        raise NotImplementedError

    def _trial(self, user_items: CSR, inputs: dict[str, Any]) -> Callable[[dict[str, Any]], float]:
        """NDCG@100 over all items that a user does not have in the training part."""
        params = self.get_params()
        train, test, userids = tuning.hold_out(user_items, params.get("random_state", 0))

        def score(setting: dict[str, Any]) -> float:
            model = type(self)(**{**params, **setting})
            model._state = model._learn(train, inputs, False, lambda epoch, loss: None)
            return metrics.ndcg(model.recommend(userids, N=100)[0], test)

        return score

    def _user_features(self, given: Any, n: int) -> Any:
        """Features of ``n`` users, checked; for estimators that use them."""
        raise NotImplementedError

    def _row_bytes(self) -> int:
        """Memory that scoring and ranking takes for one user."""
        return 40 * self.n_items

    def _retrieve(
        self, queries: Queries, k: int, hidden: CSR | None, allowed: CSR | None, shown: Array | None
    ) -> tuple[Array, Array, Array]:
        """The k best items: not stored in ``hidden``, stored in ``allowed``, and True in ``shown``."""
        all_scores, all_weights = self._scores(queries)
        scores = all_scores.copy()
        if shown is not None:
            scores[:, ~shown] = -np.inf
        if allowed is not None:
            barred = np.ones(scores.shape, dtype=bool)
            barred[entries(allowed)] = False
            scores[barred] = -np.inf
        if hidden is not None:
            scores[entries(hidden)] = -np.inf
        ids, top = best(scores, k)
        weights = np.take_along_axis(all_weights, np.maximum(ids, 0), axis=1)
        return ids, top, np.where(ids >= 0, weights, np.float32(0))

    def _attention(self, queries: Queries, ids: Array, weights: Array) -> Array:
        """The weights of the items found, where :meth:`_retrieve` leaves them for when somebody asks."""
        return weights

    def recommend(
        self,
        userid: Any,
        user_items: Any = None,
        N: int = 10,
        filter_already_liked_items: bool = True,
        filter_items: Any = None,
        recalculate_user: bool = False,
        items: Any = None,
        *,
        candidates: Any = None,
        user_features: Any = None,
        return_weights: bool = False,
    ) -> tuple[Array, ...]:
        """The N best items for each user.

        Parameters
        ----------
        userid : int or (b,) array_like of int
            Rows of the fitted matrix; with ``recalculate_user`` any number, -1 for somebody new.
        user_items : sparse, optional
            Histories: the rows aligned with ``userid``, (b, items), or the full (users, items) matrix. They say what
            is filtered, and with ``recalculate_user`` what is recommended from. The fitted ones unless given.
        N : int
            Columns of the result.
        filter_already_liked_items : bool
            Leave out the user's own history.
        filter_items, items : ids or (items,) mask, optional
            Items that nobody may get, or the only ones that anybody may.
        recalculate_user : bool
            Use the histories given instead of the fitted ones (fold-in; no refit). A fitted ``userid`` is still kept
            from attending to itself.
        candidates : sparse, optional
            Stored entries are the items that each user may get; rows as in ``user_items``.
        user_features : (b, width), optional
            For estimators that use them: features instead of the fitted ones, a row for each of ``userid``.
        return_weights : bool
            Also return the weights.

        Returns
        -------
        ids : (N,) or (b, N) int64
            Best first, ties by lower id; -1 where fewer are left.
        scores : (N,) or (b, N) float32
            What :meth:`predict` gives; -inf where the id is -1.
        weights : (N,) or (b, N) float32, with ``return_weights``
            The share of the user's attention behind the item, 0 to 1 (see the estimator); 0 where the id is -1.

        Raises
        ------
        ValueError, TypeError
            If an id is unknown or a matrix does not fit or can be read in two ways; the message names the fix.
        """
        checks.unused(self, user_features=user_features)
        wanted, scalar = checks.ids("userid", userid)
        n = checks.count("N", N)
        queries, rows = self._queries(wanted, user_items, recalculate_user)
        if user_features is not None:
            queries = replace(queries, features=self._user_features(user_features, len(wanted)))
        shown = checks.columns(items, filter_items, self.n_items)
        shape = (self.n_users, self.n_items)
        allowed = None if candidates is None else checks.rows_for("candidates", candidates, wanted, shape)
        options = (filter_already_liked_items, allowed, shown, return_weights)
        parts = list(self._blocks(queries, n, rows, *options))
        empty = (np.zeros((0, n), np.int64), np.zeros((0, n), np.float32), np.zeros((0, n), np.float32))
        out = [np.concatenate(column) for column in zip(*(part[1:] for part in parts), strict=True)] or list(empty)
        out = out[: 3 if return_weights else 2]
        return tuple(x[0] for x in out) if scalar else tuple(out)

    def recommend_batches(
        self,
        userids: Any = None,
        user_items: Any = None,
        *,
        N: int = 10,
        format: Literal["arrow", "numpy"] = "arrow",
        filter_already_liked_items: bool = True,
        filter_items: Any = None,
        recalculate_user: bool = False,
        items: Any = None,
        show_progress: bool = True,
    ) -> Iterator[Any]:
        """Recommend to many users, a block at a time within the memory budget.

        Parameters
        ----------
        userids : (b,) array_like of int, optional
            All fitted users unless given.
        format : {"arrow", "numpy"}
            Each block as a ``pyarrow.RecordBatch`` with userid, itemid, score, weight and rank (from 1; no padding),
            or as arrays ``(userids, ids, scores)``.
        show_progress : bool
        user_items, N, filter_already_liked_items, filter_items, recalculate_user, items
            As in :meth:`recommend`, and checked before the first block.

        Returns
        -------
        iterator of blocks
        """
        if format not in ("arrow", "numpy"):
            raise ValueError(f"format={format!r} is not 'arrow' or 'numpy'")
        wanted = np.arange(self.n_users) if userids is None else checks.ids("userids", userids)[0]
        n = checks.count("N", N)
        queries, rows = self._queries(wanted, user_items, recalculate_user)
        shown = checks.columns(items, filter_items, self.n_items)

        def blocks() -> Iterator[Any]:
            with batches.progress(len(wanted), show_progress, "user") as bar:
                options = (filter_already_liked_items, None, shown, format == "arrow")
                for at, ids, scores, weights in self._blocks(queries, n, rows, *options):
                    bar.update(len(ids))
                    if format == "arrow":
                        yield batches.arrow_batch(wanted[at], ids, scores, weights)
                    else:
                        yield wanted[at], ids, scores

        return blocks()

    def predict(self, userid: Any, itemid: Any, *, user_items: Any = None) -> Any:
        """Predicted rating (explicit feedback) or score of pairs.

        Parameters
        ----------
        userid, itemid : int or (p,) array_like of int
            Broadcast against each other.
        user_items : sparse, optional
            Histories to use instead of the fitted ones: the rows aligned with ``userid``, or the full matrix.

        Returns
        -------
        float, or (p,) float32 array
        """
        users, one_user = checks.ids("userid", userid)
        items, one_item = checks.ids("itemid", itemid)
        checks.in_range("itemid", items, self.n_items, "items", "add it with partial_fit_items")
        if len(users) != len(items) and not one_user and not one_item:
            raise ValueError(f"userid has {len(users)} entries and itemid {len(items)}: pass pairs, or one number")
        rows = getattr(getattr(user_items, "user_items", user_items), "shape", (0,))[0]
        if user_items is None or (rows == self.n_users and rows != len(users)):
            users, at = np.unique(users, return_inverse=True)  # each user is scored once
        else:
            at = np.arange(len(users))
        queries, _ = self._queries(users, user_items, user_items is not None)
        at, items = np.broadcast_arrays(at, items)
        out = np.empty(len(items), dtype=np.float32)
        for block in batches.blocks(len(users), self._row_bytes()):
            scores, _ = self._scores(queries[block])
            pairs = np.flatnonzero((at >= block.start) & (at < block.stop))
            out[pairs] = scores[at[pairs] - block.start, items[pairs]]
        return float(out[0]) if one_user and one_item else out

    def explain(self, userid: int, itemid: int, user_items: Any = None, N: int = 10) -> Explanation:
        """Why an item has its score for a user.

        Parameters
        ----------
        userid, itemid : int
        user_items : sparse, optional
            The history to use instead of the fitted one, (1, items), or the full matrix.
        N : int
            How many parts of each view to list; the others are added up in its ``rest``.

        Returns
        -------
        Explanation
            Its views each add up to the score that :meth:`predict` gives.
        """
        user, one_user = checks.ids("userid", userid)
        item, one_item = checks.ids("itemid", itemid)
        if not (one_user and one_item):
            raise ValueError("explain takes one userid and one itemid: call it once for each pair")
        checks.in_range("itemid", item, self.n_items, "items", "add it with partial_fit_items")
        queries, _ = self._queries(user, user_items, user_items is not None)
        return self._explain(queries, int(item[0]), checks.count("N", N))

    def _queries(self, users: Array, user_items: Any, recalculate: bool) -> tuple[Queries, CSR | None]:
        """The users to score, and the histories given (None: the fitted ones)."""
        if recalculate and user_items is None:
            raise ValueError("recalculate_user=True needs user_items: pass the histories, one row for each of userid")
        n = self.n_users
        if not recalculate:
            fix = "pass its history as user_items with recalculate_user=True"
            checks.in_range("userid", users, n, "users", fix)
        elif len(users) and users.min() < -1:
            raise ValueError(f"userid {users.min()} is negative: use -1 for somebody who is not fitted")
        if user_items is None:
            return Queries(users, None), None
        rows = checks.rows_for("user_items", user_items, users, (n, self.n_items), fitted=self._fitted()["histories"])
        return (Queries(np.where(users < n, users, -1), rows) if recalculate else Queries(users, None)), rows

    def _blocks(
        self,
        queries: Queries,
        n: int,
        rows: CSR | None,
        hide: bool,
        allowed: CSR | None,
        shown: Array | None,
        weighted: bool,
    ) -> Iterator[tuple[slice, Array, Array, Array]]:
        stored = self._fitted()["histories"]
        for at in batches.blocks(len(queries.userids), self._row_bytes()):
            part = queries[at]
            hidden = None if not hide else stored[part.userids] if rows is None else rows[at]
            ids, top, weights = self._retrieve(part, n, hidden, None if allowed is None else allowed[at], shown)
            yield at, ids, top, self._attention(part, ids, weights) if weighted else weights
