"""The interface of all estimators: recommend and predict, for single users and in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from ... import metrics
from ..inputs import checks
from ..inputs.histories import CSR, Array
from . import batches, tuning
from .cold_start import States
from .explain import Reasons
from .fitting import Learning
from .queries import Queries
from .ranking import best, entries
from .similar import Similar
from .state import snapshot_read

__all__ = ["Queries", "Recommender"]


class Recommender(Learning, Similar, Reasons, States):
    """Base of every estimator.

    An estimator has a constructor that stores its parameters, and the hooks ``_check_params``, ``_layout``,
    ``_learn``, ``_user_vectors``, ``_item_vectors``, ``_fold_users``, ``_fold_items``, ``_scores`` and ``_explainer``;
    one that ranks without a row of scores replaces ``_retrieve`` too.
    """

    def _trial(self, user_items: CSR, inputs: dict[str, Any]) -> Callable[[dict[str, Any]], float]:
        """NDCG@100 over all items that a user does not have in the training part."""
        params = self.get_params()
        train, test, userids = tuning.hold_out(user_items, params.get("random_state", 0))

        def score(setting: dict[str, Any]) -> float:
            model = type(self)(**{**params, **setting})
            model._state = model._learn(train, inputs, False, lambda epoch, loss: None)
            return metrics.ndcg(model.recommend(userids, N=100)[0], test)

        return score

    def _retrieve(
        self, queries: Queries, k: int, hidden: CSR | None, allowed: CSR | None, shown: Array | None
    ) -> tuple[Array, Array, Array]:
        """The k best items: not stored in ``hidden``, stored in ``allowed``, and True in ``shown``; scores not cut."""
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
        """The weights of the found items, for estimators whose :meth:`_retrieve` defers them until they are needed."""
        return weights

    @snapshot_read
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
        clip: bool = True,
    ) -> tuple[Array, ...]:
        """The N best items for each user.

        Parameters
        ----------
        userid : int or (b,) array_like of int
            Rows of the fitted matrix; with ``recalculate_user`` any number, -1 for a new user.
        user_items : sparse or attnrec.data.Interactions, optional
            Histories: the rows aligned with ``userid``, (b, items), or the full (users, items) matrix; for one user
            also a sparse row of one dimension. Their items are filtered, and with ``recalculate_user`` they are
            recommended from; by default these are the fitted histories.
            Interactions are joined by id if the model was fitted with some (``user_ids``, ``item_ids``), in any order:
            users without a row have an empty history, and items that the model lacks are left out, each with a
            UserWarning. A user without an id in the model, such as -1, has the row of the same number.
        N : int
            Number of items for each user, at least 1.
        filter_already_liked_items : bool
            Leave out the items of the user's own history.
        filter_items : ids or (items,) mask, optional
            Items that no user may get.
        recalculate_user : bool
            Use the given histories instead of the fitted ones (fold-in; no refit). A fitted ``userid`` still gets no
            attention from itself.
        items : ids or (items,) mask, optional
            The only items that any user may get.
        candidates : sparse, optional
            Matrix whose stored entries are the items that each user may get, with rows as in ``user_items``.
        user_features : (b, width) or table of b rows, optional
            Features instead of the fitted ones, one row for each of ``userid``, or a table for the encoder of the
            fitted ones, for estimators that use them. Rows with ids are joined as those of Interactions.
        return_weights : bool
            Return the weights, too.
        clip : bool
            Cut predicted ratings to ``rating_range``. Items are ranked by the uncut ratings, so the ids are the same
            without it. Scores that are not ratings (``predicts_ratings``) are never cut.

        Returns
        -------
        ids : (N,) or (b, N) int64
            Best first, ties by lower id; -1 where fewer are left.
        scores : (N,) or (b, N) float32
            Scores as :meth:`predict` returns them; -inf where the id is -1.
        weights : (N,) or (b, N) float32, with ``return_weights``
            Fraction of the user's attention behind the item, 0 to 1 (see the estimator); 0 where the id is -1.

        Raises
        ------
        ValueError, TypeError
            If an id is unknown or a matrix does not fit or can be read in two ways, or no outside id matches; the
            message names the fix.
        """
        checks.unused(self, user_features=user_features)
        wanted, scalar = checks.ids("userid", userid)
        n = checks.count("N", N)
        clip = checks.flag("clip", clip)
        asked = self._asked("user", wanted)
        queries, rows = self._queries(wanted, user_items, recalculate_user, asked)
        user_features = asked.features("user_features", self._encoders.encoded("user_features", user_features))
        if user_features is not None:
            queries = replace(queries, features=self._user_features(user_features, len(wanted)))
        shown = checks.columns(items, filter_items, self.n_items)
        allowed = None if candidates is None else self._rows_for("candidates", candidates, asked)
        options = (filter_already_liked_items, allowed, shown, return_weights, clip)
        parts = list(self._blocks(queries, n, rows, *options))
        empty = (np.zeros((0, n), np.int64), np.zeros((0, n), np.float32), np.zeros((0, n), np.float32))
        out = [np.concatenate(column) for column in zip(*(part[1:] for part in parts), strict=True)] or list(empty)
        out = out[: 3 if return_weights else 2]
        return tuple(x[0] for x in out) if scalar else tuple(out)

    @snapshot_read
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
        clip: bool = True,
    ) -> Iterator[Any]:
        """Recommend to many users, a block at a time within the memory budget.

        Parameters
        ----------
        userids : (b,) array_like of int, optional
            Rows of the fitted matrix, by default all.
        user_items : sparse or attnrec.data.Interactions, optional
            Histories, found as in :meth:`recommend` and checked before the first block.
        N : int
            Number of items for each user, at least 1.
        format : {"arrow", "numpy"}
            Form of each block: a ``pyarrow.RecordBatch`` with userid, itemid, score, weight and rank (from 1; no
            padding), or arrays ``(userids, ids, scores)``.
        filter_already_liked_items : bool
            Leave out the items of the user's own history.
        filter_items : ids or (items,) mask, optional
            Items that no user may get.
        recalculate_user : bool
            Use the given histories instead of the fitted ones (fold-in; no refit).
        items : ids or (items,) mask, optional
            The only items that any user may get.
        show_progress : bool
            Show a progress bar.
        clip : bool
            Cut predicted ratings to ``rating_range``, after ranking.

        Returns
        -------
        iterator
            Blocks of consecutive users, in the form that ``format`` names.
        """
        if format not in ("arrow", "numpy"):
            raise ValueError(f"format={format!r} is not 'arrow' or 'numpy'")
        wanted = np.arange(self.n_users) if userids is None else checks.ids("userids", userids)[0]
        n, clip = checks.count("N", N), checks.flag("clip", clip)
        queries, rows = self._queries(wanted, user_items, recalculate_user)
        shown = checks.columns(items, filter_items, self.n_items)

        def blocks() -> Iterator[Any]:
            with batches.progress(len(wanted), show_progress, "user") as bar:
                options = (filter_already_liked_items, None, shown, format == "arrow", clip)
                for at, ids, scores, weights in self._blocks(queries, n, rows, *options):
                    bar.update(len(ids))
                    if format == "arrow":
                        yield batches.arrow_batch(wanted[at], ids, scores, weights)
                    else:
                        yield wanted[at], ids, scores

        return blocks()

    @snapshot_read
    def predict(self, userid: Any, itemid: Any, *, user_items: Any = None, clip: bool = True) -> Any:
        """Predicted rating (explicit feedback) or score of pairs.

        Parameters
        ----------
        userid, itemid : int or (p,) array_like of int
            Users and items of the pairs, broadcast against each other.
        user_items : sparse or attnrec.data.Interactions, optional
            Histories to use instead of the fitted ones: the rows aligned with ``userid``, or the full matrix, found as
            in :meth:`recommend`.
        clip : bool
            Cut predicted ratings to ``rating_range``; scores that are not ratings are never cut.

        Returns
        -------
        float or (p,) float32 array
            One prediction for each pair; a float for two numbers.
        """
        clip = checks.flag("clip", clip)
        queries, at, items, scalar = self._pairs(userid, itemid, user_items)
        out = np.empty(len(items), dtype=np.float32)
        for block in batches.blocks(len(queries.userids), self._row_bytes()):
            scores, _ = self._scores(queries[block])
            pairs = np.flatnonzero((at >= block.start) & (at < block.stop))
            out[pairs] = scores[at[pairs] - block.start, items[pairs]]
        out = self._on_scale(out, clip)
        return float(out[0]) if scalar else out

    def _blocks(
        self,
        queries: Queries,
        n: int,
        rows: CSR | None,
        hide: bool,
        allowed: CSR | None,
        shown: Array | None,
        weighted: bool,
        clip: bool,
    ) -> Iterator[tuple[slice, Array, Array, Array]]:
        stored = self._everything()
        for at in batches.blocks(len(queries.userids), self._row_bytes()):
            part = queries[at]
            hidden = None if not hide else stored[part.userids] if rows is None else rows[at]
            ids, top, weights = self._retrieve(part, n, hidden, None if allowed is None else allowed[at], shown)
            weights = self._attention(part, ids, weights) if weighted else weights  # of scores as they were
            yield at, ids, np.where(ids >= 0, self._on_scale(top, clip), top), weights
