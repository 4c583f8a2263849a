"""Cold-start states: users and items are hot, warm or cold."""

from __future__ import annotations

import numpy as np

from ..inputs import checks
from ..inputs.histories import Array
from .state import FittedState

__all__ = ["items", "users"]


def users(state: FittedState, userids: object) -> Array:
    """See :meth:`Recommender.user_states`."""
    return _states("userids", userids, np.diff(state.histories.indptr) > 0, state.known_users())


def items(state: FittedState, itemids: object) -> Array:
    """See :meth:`Recommender.item_states`."""
    x = state.histories
    return _states("itemids", itemids, np.bincount(x.indices, minlength=x.shape[1]) > 0, state.known_items())


def _states(name: str, ids: object, hot: Array, warm: Array) -> Array:
    n = len(hot)
    wanted = np.arange(n) if ids is None else checks.ids(name, ids)[0]
    states = np.append(np.where(hot, "hot", np.where(warm, "warm", "cold")), "cold")
    out: Array = states[np.where((wanted >= 0) & (wanted < n), wanted, n)]
    return out
