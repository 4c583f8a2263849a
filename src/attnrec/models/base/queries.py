"""Users to score, and the hooks that score them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..inputs import checks, dislikes
from ..inputs.histories import CSR, Array
from ..inputs.outside import Asked
from .state import Fitted, snapshot_read

__all__ = ["Queries", "Scoring"]


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


class Scoring(Fitted):
    """Who is asked about, checked, and the scores of all items for them over the hook ``_scores``."""

    def _scores(self, queries: Queries) -> tuple[Array, Array]:
        """Scores and weights of every item, (b, items) float32 each, finite; they may be one array."""
        raise NotImplementedError

    @property
    @snapshot_read
    def rating_range(self) -> tuple[float, float] | None:
        """What predicted ratings are shown within unless ``clip`` is False; None where scores are no ratings.

        The range that :class:`attnrec.data.Interactions` declared, or else the lowest and the highest rating that is
        stored; a declared one is widened to whatever an update stores.
        """
        s = self._fitted()
        return (s["low"], s["high"]) if self.predicts_ratings else None

    def _on_scale(self, scores: Array, clip: bool) -> Array:
        """Scores as they are told; ranking comes before."""
        scale = self.rating_range if clip else None
        return scores if scale is None else np.clip(scores, np.float32(scale[0]), np.float32(scale[1]))

    def _user_features(self, given: Any, n: int) -> Any:
        """Features of ``n`` users, checked; for estimators that use them."""
        raise NotImplementedError

    def _row_bytes(self) -> int:
        """Memory that scoring and ranking takes for one user."""
        return 40 * self.n_items

    def _queries(
        self, users: Array, user_items: Any, recalculate: bool, asked: Asked | None = None
    ) -> tuple[Queries, CSR | None]:
        """The users to score, and the histories given with what is disliked (None: the fitted ones)."""
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
        negative = self._negative()
        rows = self._rows_for(
            "user_items", user_items, asked or self._asked("user", users), self._everything(), negative
        )
        if not recalculate:
            return Queries(users, None), rows
        return Queries(np.where(users < n, users, -1), dislikes.apart(rows, negative)[0]), rows

    def _pairs(self, userid: Any, itemid: Any, user_items: Any) -> tuple[Queries, Array, Array, bool]:
        """Users to score, the row of them and the item of each pair, and whether it is one pair of numbers.

        Each user is scored once, unless every pair brings its own history.
        """
        users, one_user = checks.ids("userid", userid)
        items, one_item = checks.ids("itemid", itemid)
        checks.in_range("itemid", items, self.n_items, "items", "add it with partial_fit_items")
        if len(users) != len(items) and not one_user and not one_item:
            raise ValueError(f"userid has {len(users)} entries and itemid {len(items)}: pass pairs, or one number")
        shape = getattr(getattr(user_items, "user_items", user_items), "shape", (0,))
        whole = len(shape) == 2 and shape[0] == self.n_users and shape[0] != len(users)
        by_id = self._asked("user", users).by_id(user_items)
        if user_items is None or by_id or whole:
            users, at = np.unique(users, return_inverse=True)
        else:
            at = np.arange(len(users))
        queries, _ = self._queries(users, user_items, user_items is not None)
        at, items = np.broadcast_arrays(at, items)
        return queries, at, items, one_user and one_item
