"""Cold-start states: users and items are hot, warm or cold."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..inputs import checks
from ..inputs.histories import Array
from .state import Fitted, snapshot_read

__all__ = ["States"]

_FEATURES = {"user": ("user_content",), "item": ("item_content", "content")}


class States(Fitted):
    """``user_states`` and ``item_states`` over the histories and features in the state."""

    def user_states(self, userids: Any = None) -> Array:
        """Cold-start state of users: "hot" with interactions, "warm" with features alone, "cold" with neither.

        Dislikes are not interactions (see the parameter ``negative`` of estimators that have it).

        Parameters
        ----------
        userids : int or (k,) array_like of int, optional
            Numbers of users, by default of all fitted ones; numbers that the model was not fitted with are cold.

        Returns
        -------
        (k,) ndarray of str
            The state of each user.

        Examples
        --------
        >>> from scipy.sparse import csr_array
        >>> from attnrec.models import NeighbourAttention
        >>> NeighbourAttention().fit(csr_array([[1, 1], [0, 0]])).user_states([0, 1, -1]).tolist()
        ['hot', 'cold', 'cold']
        """
        return self._states("user", userids)

    def item_states(self, itemids: Any = None) -> Array:
        """Cold-start state of items: "hot" with interactions, "warm" with features or a vector alone, else "cold".

        Parameters
        ----------
        itemids : int or (k,) array_like of int, optional
            Numbers of items, by default of all fitted ones; numbers that the model was not fitted with are cold.

        Returns
        -------
        (k,) ndarray of str
            The state of each item.

        Examples
        --------
        >>> from scipy.sparse import csr_array
        >>> from attnrec.models import KernelAttentionRecommender
        >>> model = KernelAttentionRecommender(based_on="items")
        >>> colours = [[1, 0], [1, 0], [0, 1]]
        >>> model.fit(csr_array([[1, 0, 1], [1, 0, 0]]), item_features=colours).item_states().tolist()
        ['hot', 'warm', 'hot']
        """
        return self._states("item", itemids)

    def _check_loaded(self, state: dict[str, Any]) -> None:
        super()._check_loaded(state)
        given = state.get("given_items", np.zeros(0, np.int64))
        if (np.diff(given, prepend=-1, append=state["histories"].shape[1]) < 1).any():
            raise ValueError("given_items are not ascending ids of items")

    @snapshot_read
    def _states(self, side: str, ids: Any) -> Array:
        x = self._fitted()["histories"]
        n = x.shape[side == "item"]
        wanted = np.arange(n) if ids is None else checks.ids(f"{side}ids", ids)[0]
        hot = np.diff(x.indptr) > 0 if side == "user" else np.bincount(x.indices, minlength=n) > 0
        warm = np.zeros(n, dtype=bool)
        for name in _FEATURES[side]:
            features = self._fitted().get(name)
            if features is not None:
                warm |= np.diff(features.indptr) > 0 if hasattr(features, "indptr") else features.any(axis=1)
        if side == "item" and "given_items" in self._fitted():
            warm[self._fitted()["given_items"]] = True
        states = np.append(np.where(hot, "hot", np.where(warm, "warm", "cold")), "cold")
        out: Array = states[np.where((wanted >= 0) & (wanted < n), wanted, n)]
        return out
