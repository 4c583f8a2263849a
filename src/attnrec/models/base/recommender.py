"""The interface of all estimators: recommend, predict, compare and explain, over the hooks of an estimator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeVar

import numpy as np

from ...explain.counterfactuals import Counterfactuals
from ...explain.explanation import Explanation
from ..inputs.histories import CSR, Array
from . import reasons, retrieve, similar
from .fitting import Learning, Rows
from .learning import Given
from .queries import Queries
from .state import FittedState, snapshot_read

__all__ = ["Queries", "Recommender"]

StateT_co = TypeVar("StateT_co", bound=FittedState, covariant=True)


class Recommender(Learning[StateT_co]):
    """Base of every estimator.

    An estimator has a state, the frozen dataclass ``_holds``, a constructor that stores its parameters, and the hooks
    ``_check_params``, ``_learn``, ``_user_vectors``, ``_item_vectors``, ``_fold_users``, ``_fold_items``, ``_scores``
    and ``_explainer``; one that ranks without a row of scores replaces ``_retrieve`` too.
    """

    # Hooks of an estimator.

    def _scores(self, queries: Queries) -> tuple[Array, Array]:
        """Scores and weights of every item, (b, items) float32 each, finite; they may be one array."""
        raise NotImplementedError

    def _explainer(self, queries: Queries) -> Callable[[int, int, int], Explanation]:
        """Does what pairs of these users share, and gives the function that explains one pair: of a row of
        ``queries``, an item, and how many parts of each view to list."""
        raise NotImplementedError

    def _user_features(self, given: object, n: int) -> Rows:
        """Features of ``n`` users, checked; for estimators that use them."""
        raise NotImplementedError

    def _row_bytes(self) -> int:
        """Memory that scoring and ranking takes for one user."""
        return 40 * self.n_items

    def _retrieve(
        self, queries: Queries, k: int, hidden: CSR | None, allowed: CSR | None, shown: Array | None
    ) -> tuple[Array, Array, Array]:
        """The k best items: not stored in ``hidden``, stored in ``allowed``, and True in ``shown``; scores not cut."""
        return retrieve.of_scores(*self._scores(queries), k, hidden, allowed, shown)

    def _attention(self, queries: Queries, ids: Array, weights: Array) -> Array:
        """The weights of the found items, for estimators whose :meth:`_retrieve` defers them until they are needed."""
        return weights

    def _on_scale(self, scores: Array, clip: bool) -> Array:
        """Scores as they are told; ranking comes before."""
        scale = self.rating_range if clip else None
        return scores if scale is None else np.clip(scores, np.float32(scale[0]), np.float32(scale[1]))

    def _trial(self, user_items: CSR, given: Given) -> Callable[[Mapping[str, object]], float]:
        """NDCG@100 over all items that a user does not have in the training part."""
        return retrieve.trial(self, user_items, given)

    # What it is asked.

    @snapshot_read
    def recommend(
        self,
        userid: object,
        user_items: object = None,
        N: int = 10,
        filter_already_liked_items: bool = True,
        filter_items: object = None,
        recalculate_user: bool = False,
        items: object = None,
        *,
        candidates: object = None,
        user_features: object = None,
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
        hide = filter_already_liked_items
        asked = (user_items, N, hide, filter_items, recalculate_user, items, candidates, user_features, return_weights)
        return retrieve.recommended(self, userid, *asked, clip)

    @snapshot_read
    def recommend_batches(
        self,
        userids: object = None,
        user_items: object = None,
        *,
        N: int = 10,
        format: Literal["arrow", "numpy"] = "arrow",
        filter_already_liked_items: bool = True,
        filter_items: object = None,
        recalculate_user: bool = False,
        items: object = None,
        show_progress: bool = True,
        clip: bool = True,
    ) -> Iterator[object]:
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
        options = (
            user_items,
            N,
            format,
            filter_already_liked_items,
            filter_items,
            recalculate_user,
            items,
            show_progress,
        )
        return retrieve.in_batches(self, userids, *options, clip)

    @snapshot_read
    def predict(self, userid: object, itemid: object, *, user_items: object = None, clip: bool = True) -> Any:
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
        return retrieve.predicted(self, userid, itemid, user_items, clip)

    @snapshot_read
    def similar_items(
        self,
        itemid: object,
        N: int = 10,
        recalculate_item: bool = False,
        item_users: object = None,
        filter_items: object = None,
        items: object = None,
    ) -> tuple[Array, Array]:
        """The N items most similar to each of ``itemid``, itself included.

        Parameters
        ----------
        itemid : int or (b,) array_like of int
            Columns of the fitted matrix; with ``recalculate_item`` any number.
        N : int
            Number of items for each, at least 1.
        recalculate_item : bool
            Compare the rows ``item_users`` instead of the fitted items ``itemid``.
        item_users : sparse, optional
            Users of the items: the rows aligned with ``itemid``, (b, users), or the full (items, users) matrix; or
            Interactions (users, items), joined by id as in :meth:`partial_fit_items`.
        filter_items : ids or (items,) mask, optional
            Items to leave out.
        items : ids or (items,) mask, optional
            The only items to return.

        Returns
        -------
        ids : (N,) or (b, N) int64
            Best first, ties by lower id; -1 where fewer are left.
        scores : (N,) or (b, N) float32
            Cosine; -inf where the id is -1.

        Raises
        ------
        ValueError, TypeError
            If an id is not a fitted one or a matrix does not fit.
        """
        return similar.items(self, itemid, N, recalculate_item, item_users, filter_items, items)

    @snapshot_read
    def similar_users(
        self, userid: object, N: int = 10, filter_users: object = None, users: object = None
    ) -> tuple[Array, Array]:
        """The N users most similar to each of ``userid``, itself included.

        Parameters
        ----------
        userid : int or (b,) array_like of int
            Rows of the fitted matrix.
        N : int
            Number of users for each, at least 1.
        filter_users : ids or (users,) mask, optional
            Users to leave out.
        users : ids or (users,) mask, optional
            The only users to return.

        Returns
        -------
        ids : (N,) or (b, N) int64
            Best first, ties by lower id; -1 where fewer are left.
        scores : (N,) or (b, N) float32
            Cosine; -inf where the id is -1.
        """
        return similar.users(self, userid, N, filter_users, users)

    @snapshot_read
    def explain(
        self, userid: int, itemid: int, user_items: object = None, N: int = 10, *, clip: bool = True
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
        return reasons.explained(self, userid, itemid, user_items, N, clip)

    @snapshot_read
    def explain_many(
        self, userid: object, itemid: object, *, user_items: object = None, N: int = 10, clip: bool = True
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
        return reasons.explained_many(self, userid, itemid, user_items, N, clip)

    @snapshot_read
    def counterfactuals(
        self,
        userid: int,
        itemid: int,
        user_items: object = None,
        N: int = 10,
        *,
        filter_items: object = None,
        items: object = None,
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
        """
        return reasons.counterfactuals(self, userid, itemid, user_items, N, filter_items, items, clip)
