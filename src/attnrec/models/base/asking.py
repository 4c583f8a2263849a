"""Who is asked about, checked: users as queries, pairs of users and items. Scores nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..inputs import checks, dislikes
from ..inputs.histories import CSR, Array
from ..inputs.outside import Asked
from .queries import Queries
from .state import FittedState, Negative

if TYPE_CHECKING:
    from .fitting import Learning

__all__ = ["asked_about", "everything", "negative", "pairs", "queries", "rows_for"]


def negative(model: Learning[FittedState]) -> Negative:
    """What becomes of values below 0 in histories that are given."""
    return model._fitted().negative or "interaction"


def everything(model: Learning[FittedState]) -> CSR:
    """The histories with what is disliked."""
    s = model._fitted()
    x, disliked = s.histories, s.disliked
    return x if disliked is None else model._derived("everything", lambda: dislikes.together(x, disliked))


def asked_about(model: Learning[FittedState], side: str, at: Array) -> Asked:
    """These "user" or "item" rows, by outside id as far as these are known."""
    return Asked(model._outside, side, at, model.n_users if side == "user" else model.n_items)


def rows_for(
    model: Learning[FittedState],
    name: str,
    given: object,
    asked: Asked,
    fitted: CSR | None = None,
    negative: str = "interaction",
) -> CSR:
    """Rows of the users or items asked about: of Interactions by id, else as :func:`checks.rows_for` finds them."""
    rows, aligned = asked.rows(name, given)
    shape = (model.n_users, model.n_items) if asked.side == "user" else (model.n_items, model.n_users)
    return checks.rows_for(
        name,
        rows,
        asked.at,
        shape,
        ids_name=f"{asked.side}id",
        fitted=fitted,
        negative=negative,
        aligned=aligned,
    )


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
    below = negative(model)
    rows = rows_for(
        model, "user_items", user_items, asked or asked_about(model, "user", users), everything(model), below
    )
    if not recalculate:
        return Queries(users, None), rows
    return Queries(np.where(users < n, users, -1), dislikes.apart(rows, below)[0]), rows


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
    by_id = asked_about(model, "user", users).by_id(user_items)
    if user_items is None or by_id or whole:
        users, at = np.unique(users, return_inverse=True)
    else:
        at = np.arange(len(users))
    asked, _ = queries(model, users, user_items, user_items is not None)
    at, items = np.broadcast_arrays(at, items)
    return asked, at, items, one_user and one_item
