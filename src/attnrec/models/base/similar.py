"""Similar users and items: cosine of the estimator's vectors, through ``topk``."""

from __future__ import annotations

from typing import Any

from ... import ops
from ..inputs import checks, dislikes
from ..inputs.histories import CSR, Array
from .state import Fitted, snapshot_read

__all__ = ["Similar"]


class Similar(Fitted):
    """``similar_items``, ``similar_users`` and fold-in over four hooks that give rows of length 1 (dense or CSR)."""

    def _user_vectors(self) -> Any:
        raise NotImplementedError

    def _item_vectors(self) -> Any:
        raise NotImplementedError

    def _fold_users(self, user_items: CSR) -> Any:
        """Vectors of users with these histories, the same bits as a fitted user with them has."""
        raise NotImplementedError

    def _fold_items(self, item_users: CSR) -> Any:
        raise NotImplementedError

    @property
    @snapshot_read
    def item_vectors(self) -> Any:
        """Vectors of length 1 that :meth:`similar_items` compares, (items, width) dense or CSR; not to be changed."""
        return self._derived("item_vectors", self._item_vectors)

    @property
    @snapshot_read
    def user_vectors(self) -> Any:
        """Vectors of length 1 that :meth:`similar_users` compares, (users, width) dense or CSR; not to be changed."""
        return self._derived("user_vectors", self._user_vectors)

    @snapshot_read
    def similar_items(
        self,
        itemid: Any,
        N: int = 10,
        recalculate_item: bool = False,
        item_users: Any = None,
        filter_items: Any = None,
        items: Any = None,
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
        wanted, scalar = checks.ids("itemid", itemid)
        shown = checks.columns(items, filter_items, self.n_items)
        if recalculate_item:
            queries = self.recalculate_item(wanted, item_users)
        else:
            checks.in_range("itemid", wanted, self.n_items, "items", "pass its users and recalculate_item=True")
            queries = self.item_vectors[wanted]
        return _nearest(queries, self.item_vectors, N, shown, scalar)

    @snapshot_read
    def similar_users(
        self, userid: Any, N: int = 10, filter_users: Any = None, users: Any = None
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
        wanted, scalar = checks.ids("userid", userid)
        checks.in_range("userid", wanted, self.n_users, "users", "add it with partial_fit_users")
        shown = checks.columns(users, filter_users, self.n_users, ("users", "filter_users"))
        vectors = self.user_vectors
        return _nearest(vectors[wanted], vectors, N, shown, scalar)

    @snapshot_read
    def recalculate_user(self, userid: Any, user_items: Any) -> Any:
        """Vectors of length 1 of users with these histories (fold-in), as :meth:`similar_users` compares them.

        Parameters
        ----------
        userid : int or (b,) array_like of int
            Users that the histories belong to; -1 for a new user.
        user_items : sparse or attnrec.data.Interactions
            Histories: the rows aligned with ``userid``, the full matrix, or Interactions, as in :meth:`recommend`.

        Returns
        -------
        (b, width) array or CSR
            One vector for each of ``userid``.
        """
        wanted, _ = checks.ids("userid", userid)
        if user_items is None:
            raise ValueError("recalculating users needs user_items: pass their histories, one row for each of userid")
        rows = self._rows_for("user_items", user_items, self._asked("user", wanted))
        return self._fold_users(dislikes.apart(rows, self._negative())[0])

    @snapshot_read
    def recalculate_item(self, itemid: Any, item_users: Any) -> Any:
        """Vectors of length 1 of items with these users, as :meth:`similar_items` compares them.

        Parameters
        ----------
        itemid : int or (b,) array_like of int
            Items that the users belong to; -1 for a new item.
        item_users : sparse or attnrec.data.Interactions
            Users of the items: the rows aligned with ``itemid``, the full (items, users) matrix, or Interactions
            (users, items), joined by id as in :meth:`partial_fit_items`.

        Returns
        -------
        (b, width) array or CSR
            One vector for each of ``itemid``.
        """
        wanted, _ = checks.ids("itemid", itemid)
        if item_users is None:
            raise ValueError("recalculating items needs item_users: pass their users, one row for each of itemid")
        rows = self._rows_for("item_users", item_users, self._asked("item", wanted))
        return self._fold_items(dislikes.apart(rows, self._negative())[0])


def _nearest(queries: Any, vectors: Any, n: Any, shown: Array | None, scalar: bool) -> tuple[Array, Array]:
    found = ops.topk(queries, vectors, checks.count("N", n), items=shown, weights=False, check_finite=False)
    return (found.ids[0], found.scores[0]) if scalar else (found.ids, found.scores)
