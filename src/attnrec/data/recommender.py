"""FrameRecommender: a model's recommendations as a frame of outside ids. Trains nothing and ranks nothing."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np

from .encode import Array, as_list
from .frames import make_frame
from .ids import Ids
from .interactions import Interactions

__all__ = ["FrameRecommender"]


class FrameRecommender:
    """Recommendations of a fitted model as a frame: user, item, score, rank.

    Parameters
    ----------
    model : estimator
        Anything with ``recommend(userids, user_items, N=, filter_already_liked_items=, items=)`` that gives ids
        (b, N) and scores (b, N), id -1 where nothing was left.
    interactions : Interactions, optional
        What the model was fitted on: its ids and its users' histories. By default ``model.interactions_``.

    Raises
    ------
    TypeError
        If the model cannot recommend, or there are no interactions.

    Examples
    --------
    >>> import numpy as np
    >>> from attnrec.data import FrameRecommender, Interactions
    >>> class Newest:
    ...     def recommend(self, userids, rows, N, filter_already_liked_items, items):
    ...         return np.tile([1, 0], (len(userids), 1))[:, :N], np.tile([9.0, 4.0], (len(userids), 1))[:, :N]
    >>> data = Interactions.from_arrays(["ann", "bob"], ["rum", "tea"])
    >>> FrameRecommender(Newest(), data).recommend(["bob"], 2, filter_viewed=False)
      user item  score  rank
    0  bob  tea    9.0     1
    1  bob  rum    4.0     2
    """

    def __init__(self, model: Any, interactions: Interactions | None = None) -> None:
        if not callable(getattr(model, "recommend", None)):
            raise TypeError(f"FrameRecommender: {type(model).__name__} has no recommend() method")
        if interactions is None:
            interactions = getattr(model, "interactions_", None)
        if not isinstance(interactions, Interactions):
            raise TypeError(
                f"FrameRecommender: {type(model).__name__} does not hold the ids of its users and items; "
                "pass interactions= (what it was fitted on)"
            )
        self.model = model
        self.interactions = interactions

    def recommend(
        self,
        users: Any = None,
        k: int = 10,
        filter_viewed: bool = True,
        items_to_recommend: Any = None,
        on_unsupported_targets: Literal["raise", "warn", "ignore"] = "raise",
    ) -> Any:
        """Up to k items for each user.

        Parameters
        ----------
        users : iterable of ids, one id, or None
            Each user is answered once, in this order; None: all users.
        k : int
            Items a user; fewer rows come where fewer are left.
        filter_viewed : bool
            Leave out what the user has interacted with.
        items_to_recommend : iterable of ids, optional
            Recommend these alone.
        on_unsupported_targets : {"raise", "warn", "ignore"}
            What to do with users that are not in the interactions.

        Returns
        -------
        frame
            Of the kind the interactions came in, with columns user, item, score (float32) and rank (int64, from 1).

        Raises
        ------
        ValueError
            If k is below 1, an item is unknown, or a user is and ``on_unsupported_targets`` is "raise".
        """
        data = self.interactions
        if not _is_count(k):
            raise ValueError(f"recommend: k={k!r} is not a positive integer")
        if on_unsupported_targets not in ("raise", "warn", "ignore"):
            raise ValueError(f"on_unsupported_targets={on_unsupported_targets!r} is not 'raise', 'warn' or 'ignore'")
        at = np.arange(data.n_users) if users is None else self._targets(users, on_unsupported_targets)
        chosen = None
        if items_to_recommend is not None:
            listed = _listed(items_to_recommend, data.items)
            try:
                chosen = np.unique(data.items.positions(listed))
            except ValueError as error:
                raise ValueError(f"recommend: items_to_recommend: {error}") from None
        if not len(at) or (chosen is not None and not len(chosen)):
            empty = np.empty(0, np.int64)
            return self._frame(empty, empty, np.empty(0, np.float32), empty)
        ids, scores = self.model.recommend(
            at, data.user_items[at], N=int(k), filter_already_liked_items=filter_viewed, items=chosen
        )[:2]
        ids, scores = np.asarray(ids), np.asarray(scores)
        if ids.ndim != 2 or len(ids) != len(at) or ids.shape != scores.shape:
            raise ValueError(
                f"recommend: {type(self.model).__name__}.recommend gave ids {ids.shape} and scores {scores.shape} "
                f"for {len(at)} users; want ({len(at)}, N) both"
            )
        filled = ids >= 0
        rank = np.cumsum(filled, axis=1)[filled]
        return self._frame(np.repeat(at, filled.sum(axis=1)), ids[filled], scores[filled], rank)

    def _targets(self, users: Any, unsupported: str) -> Array:
        data = self.interactions
        listed = list(dict.fromkeys(_listed(users, data.users)))
        at = data.users.positions(listed, unknown="ignore")
        lost = [listed[row] for row in np.flatnonzero(at < 0)]
        if lost:
            some = ", ".join(map(repr, lost[:3])) + (", ..." if len(lost) > 3 else "")
            message = f"recommend: {len(lost)} of {len(listed)} users have no interactions: {some}"
            if unsupported == "raise":
                raise ValueError(f"{message}; pass on_unsupported_targets='ignore' to leave them out")
            if unsupported == "warn":
                warnings.warn(f"{message}; they are left out", stacklevel=3)
        return at[at >= 0]

    def _frame(self, users: Array, items: Array, scores: Array, rank: Array) -> Any:
        data = self.interactions
        columns = {
            "user": data.users.names(users),
            "item": data.items.names(items),
            "score": scores.astype(np.float32),
            "rank": rank.astype(np.int64),
        }
        return make_frame(columns, data.backend)


def _is_count(k: Any) -> bool:
    return isinstance(k, (int, np.integer)) and not isinstance(k, bool) and int(k) > 0


def _listed(ids: Any, known: Ids) -> list[Any]:
    """A list of ids from one id, or from any iterable of them; a known tuple is one id."""
    if isinstance(ids, (str, bytes)) or not hasattr(ids, "__iter__") or (isinstance(ids, tuple) and _holds(known, ids)):
        return [ids]
    return as_list(ids)


def _holds(known: Ids, name: Any) -> bool:
    try:
        return name in known
    except TypeError:
        return False
