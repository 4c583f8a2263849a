"""The one contract of all estimators: recommend, predict, compare, explain. Knows no formula.

Methods say what they do here; functions of the modules beside it do it, over the hooks of an estimator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeVar

from ...explain.counterfactuals import Counterfactuals
from ...explain.explanation import Explanation
from ..inputs import checks, dislikes
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

    An estimator is one folder: a state, which says what a fitted model holds, and a class whose constructor stores its
    parameters, with the hooks ``_check_params``, ``_learn``, ``_user_vectors``, ``_item_vectors``, ``_fold_users``,
    ``_fold_items``, ``_scores`` and ``_explainer``; one that ranks without a row of scores replaces ``_retrieve`` too.
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
        """The weights of the items found, where :meth:`_retrieve` leaves them for when somebody asks."""
        return weights

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
            Rows of the fitted matrix; with ``recalculate_user`` any number, -1 for somebody new.
        user_items : sparse or attnrec.data.Interactions, optional
            Histories: the rows aligned with ``userid``, (b, items), or the full (users, items) matrix; for one user
            also a sparse row of one dimension. They say what is filtered, and with ``recalculate_user`` what is
            recommended from. The fitted ones unless given.
            Interactions are joined by id if the model was fitted with some (``user_ids``, ``item_ids``), whatever their
            order: users without a row have an empty history, and items that the model lacks are left out, each with a
            UserWarning. Somebody without an id in the model, such as -1, has the row of the same number.
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
        user_features : (b, width) or table of b rows, optional
            For estimators that use them: features instead of the fitted ones, a row for each of ``userid``, or a table
            for the encoder of those that the model was fitted with. Rows with ids are found as those of Interactions.
        return_weights : bool
            Also return the weights.
        clip : bool
            Cut predicted ratings to ``rating_range``. They are ranked by what they were before, so the items are the
            same without it. Scores that are no ratings (``predicts_ratings``) stay as they are either way.

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
            All fitted users unless given.
        format : {"arrow", "numpy"}
            Each block as a ``pyarrow.RecordBatch`` with userid, itemid, score, weight and rank (from 1; no padding),
            or as arrays ``(userids, ids, scores)``.
        show_progress : bool
        user_items, N, filter_already_liked_items, filter_items, recalculate_user, items, clip
            As in :meth:`recommend`, and checked before the first block.

        Returns
        -------
        iterator of blocks
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
            Broadcast against each other.
        user_items : sparse or attnrec.data.Interactions, optional
            Histories to use instead of the fitted ones: the rows aligned with ``userid``, or the full matrix, found as
            in :meth:`recommend`.
        clip : bool
            Cut predicted ratings to ``rating_range``; scores that are no ratings stay as they are either way.

        Returns
        -------
        float, or (p,) float32 array
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
        """The N items most like each of ``itemid``, itself included.

        Parameters
        ----------
        itemid : int or (b,) array_like of int
        N : int
        recalculate_item : bool
            Compare the rows ``item_users`` instead of the fitted items ``itemid``.
        item_users : sparse, optional
            The rows aligned with ``itemid``, (b, users), or the full (items, users) matrix; or Interactions (users,
            items), joined by id as in :meth:`partial_fit_items`.
        filter_items, items : ids or (items,) mask, optional
            Items to leave out, or the only ones to show.

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
        """The N users most like each of ``userid``, itself included.

        Parameters
        ----------
        userid : int or (b,) array_like of int
        N : int
        filter_users, users : ids or (users,) mask, optional
            Users to leave out, or the only ones to show.

        Returns
        -------
        ids, scores
            As in :meth:`similar_items`.
        """
        return similar.users(self, userid, N, filter_users, users)

    @snapshot_read
    def recalculate_user(self, userid: object, user_items: object) -> Rows:
        """Vectors of length 1 of users with these histories, such as :meth:`similar_users` compares.

        ``user_items`` holds the rows aligned with ``userid``, is the full matrix, or Interactions, as in
        :meth:`recommend`. (b, width), dense or CSR.
        """
        wanted, _ = checks.ids("userid", userid)
        if user_items is None:
            raise ValueError("recalculating users needs user_items: pass their histories, one row for each of userid")
        rows = self._rows_for("user_items", user_items, self._asked("user", wanted))
        return self._fold_users(dislikes.apart(rows, self._negative())[0])

    @snapshot_read
    def recalculate_item(self, itemid: object, item_users: object) -> Rows:
        """Vectors of length 1 of items with these users, such as :meth:`similar_items` compares.

        ``item_users`` holds the rows aligned with ``itemid``, or is the full (items, users) matrix, or Interactions,
        which are users by items and joined by id, as in :meth:`partial_fit_items`. (b, width).
        """
        wanted, _ = checks.ids("itemid", itemid)
        if item_users is None:
            raise ValueError("recalculating items needs item_users: pass their users, one row for each of itemid")
        rows = self._rows_for("item_users", item_users, self._asked("item", wanted))
        return self._fold_items(dislikes.apart(rows, self._negative())[0])

    @snapshot_read
    def explain(
        self, userid: int, itemid: int, user_items: object = None, N: int = 10, *, clip: bool = True
    ) -> Explanation:
        """Why an item has its score for a user.

        Parameters
        ----------
        userid, itemid : int
        user_items : sparse or attnrec.data.Interactions, optional
            The history to use instead of the fitted one, (1, items), or the full matrix, found as in :meth:`recommend`.
        N : int
            How many parts of each view to list; the others are added up in its ``rest``.
        clip : bool
            As in :meth:`predict`: the total is within ``rating_range``, and the bias holds what was cut.

        Returns
        -------
        Explanation
            Its views each add up to the score that :meth:`predict` gives.
        """
        return reasons.explained(self, userid, itemid, user_items, N, clip)

    @snapshot_read
    def explain_many(
        self, userid: object, itemid: object, *, user_items: object = None, N: int = 10, clip: bool = True
    ) -> list[Explanation]:
        """Why items have their scores: :meth:`explain` for many pairs, each user's part of the work done once.

        Parameters
        ----------
        userid, itemid : int or (p,) array_like of int
            Broadcast against each other.
        user_items : sparse or attnrec.data.Interactions, optional
            Histories to use instead of the fitted ones: the rows aligned with ``userid``, or the full matrix, found as
            in :meth:`recommend`.
        N, clip
            As in :meth:`explain`.

        Returns
        -------
        list of Explanation
            One for each pair, in the order given.
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
        """What the score and the rank of an item would be, had the user not had one of the items of the history.

        Each item is left out in turn, and the history without it is recommended from as :meth:`recommend` does with
        ``recalculate_user=True``. Nothing is approximated, and nothing is learned again: whatever the model computes
        from a history (the user's mean or vector, the attention, the coefficients of the own ratings) is computed
        from the shorter one, and what was learned from all users together stays as it is (means and vectors of items,
        values and coefficients of other users). For a user of the training data that includes what the model learned
        from the very entry left out; :meth:`partial_fit_users` takes that away too.

        Parameters
        ----------
        userid : int
            A fitted user, or any number with ``user_items``, -1 for somebody new.
        itemid : int
            An item that is not in the history.
        user_items : sparse or attnrec.data.Interactions, optional
            The history to use instead of the fitted one, (1, items), or the full matrix, found as in :meth:`recommend`.
        N : int
            Leave out the N items that contribute most to the score (:meth:`explain`); all, where there are fewer.
        filter_items, items : ids or (items,) mask, optional
            As in :meth:`recommend`: what cannot be shown takes no rank.
        clip : bool
            As in :meth:`predict`; ranks are those of scores that are not cut.

        Returns
        -------
        Counterfactuals
            Ranks are among all items that would be shown, from 1, ties by lower id. An item that was left out is no
            longer the user's own, so it can be shown itself, and take a rank.

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
        return reasons.counterfactuals(self, userid, itemid, user_items, N, filter_items, items, clip)
