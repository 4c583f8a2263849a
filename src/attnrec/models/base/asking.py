"""Who is asked about, checked: users as queries, pairs of users and items. Scores nothing."""

from __future__ import annotations

import numpy as np

from ..inputs import checks, dislikes
from ..inputs.histories import CSR, Array
from ..inputs.outside import Asked
from .fitting import Learning
from .queries import Queries
from .state import FittedState

__all__ = ["pairs", "queries"]


def queries(
    model: Learning[FittedState], users: Array, user_items: object, recalculate: bool, asked: Asked | None = None
) -> tuple[Queries, CSR | None]:
    """The users to score, and the histories given with what is disliked (None: the fitted ones)."""
    if recalculate and user_items is None:
        raise ValueError("recalculate_user=True needs user_items: pass the histories, one row for each of userid")
    n = model.n_users
    if not recalculate:
        fix = "pass its history as user_items with recalculate_user=True"
        checks.in_range("userid", users, n, "users", fix)
    elif len(users) and users.min() < -1:
        raise ValueError(f"userid {users.min()} is negative: use -1 for somebody who is not fitted")
    if user_items is None:
        return Queries(users, None), None
    negative = model._negative()
    rows = model._rows_for(
        "user_items", user_items, asked or model._asked("user", users), model._everything(), negative
    )
    if not recalculate:
        return Queries(users, None), rows
    return Queries(np.where(users < n, users, -1), dislikes.apart(rows, negative)[0]), rows


def pairs(
    model: Learning[FittedState], userid: object, itemid: object, user_items: object
) -> tuple[Queries, Array, Array, bool]:
    """Users to score, the row of them and the item of each pair, and whether it is one pair of numbers.

    Each user is scored once, unless every pair brings its own history.
    """
    users, one_user = checks.ids("userid", userid)
    items, one_item = checks.ids("itemid", itemid)
    checks.in_range("itemid", items, model.n_items, "items", "add it with partial_fit_items")
    if len(users) != len(items) and not one_user and not one_item:
        raise ValueError(f"userid has {len(users)} entries and itemid {len(items)}: pass pairs, or one number")
    shape = getattr(getattr(user_items, "user_items", user_items), "shape", (0,))
    whole = len(shape) == 2 and shape[0] == model.n_users and shape[0] != len(users)
    by_id = model._asked("user", users).by_id(user_items)
    if user_items is None or by_id or whole:
        users, at = np.unique(users, return_inverse=True)
    else:
        at = np.arange(len(users))
    asked, _ = queries(model, users, user_items, user_items is not None)
    at, items = np.broadcast_arrays(at, items)
    return asked, at, items, one_user and one_item
