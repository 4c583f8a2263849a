"""Similar users and items: cosine of the estimator's vectors, through ``topk``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import ops
from ..._util.validate import check_positive_int
from ..inputs import checks, dislikes
from ..inputs.histories import CSR, Array
from . import asking

if TYPE_CHECKING:
    from .fitting import Learning
    from .state import FittedState

    Model = Learning[FittedState]

__all__ = ["folded_items", "folded_users", "items", "users"]


def items(
    model: Model, itemid: object, n: object, recalculate: bool, item_users: object, filtered: object, only: object
) -> tuple[Array, Array]:
    """See :meth:`Recommender.similar_items`."""
    wanted, scalar = checks.ids("itemid", itemid)
    shown = checks.columns(only, filtered, model.n_items)
    if recalculate:
        queries = folded_items(model, wanted, item_users)
    else:
        checks.in_range("itemid", wanted, model.n_items, "items", "pass its users and recalculate_item=True")
        queries = model.item_vectors[wanted]
    return _nearest(queries, model.item_vectors, n, shown, scalar)


def users(model: Model, userid: object, n: object, filtered: object, only: object) -> tuple[Array, Array]:
    """See :meth:`Recommender.similar_users`."""
    wanted, scalar = checks.ids("userid", userid)
    checks.in_range("userid", wanted, model.n_users, "users", "add it with partial_fit_users")
    shown = checks.columns(only, filtered, model.n_users, ("users", "filter_users"))
    vectors = model.user_vectors
    return _nearest(vectors[wanted], vectors, n, shown, scalar)


def folded_users(model: Model, userid: object, user_items: object) -> CSR | Array:
    """See :meth:`Learning.recalculate_user`."""
    wanted, _ = checks.ids("userid", userid)
    if user_items is None:
        raise ValueError("recalculating users needs user_items: pass their histories, one row for each of userid")
    rows = asking.rows_for(model, "user_items", user_items, asking.asked_about(model, "user", wanted))
    return model._fold_users(dislikes.apart(rows, asking.negative(model))[0])


def folded_items(model: Model, itemid: object, item_users: object) -> CSR | Array:
    """See :meth:`Learning.recalculate_item`."""
    wanted, _ = checks.ids("itemid", itemid)
    if item_users is None:
        raise ValueError("recalculating items needs item_users: pass their users, one row for each of itemid")
    rows = asking.rows_for(model, "item_users", item_users, asking.asked_about(model, "item", wanted))
    return model._fold_items(dislikes.apart(rows, asking.negative(model))[0])


def _nearest(
    queries: CSR | Array, vectors: CSR | Array, n: object, shown: Array | None, scalar: bool
) -> tuple[Array, Array]:
    found = ops.topk(queries, vectors, check_positive_int("N", n), items=shown, weights=False, check_finite=False)
    return (found.ids[0], found.scores[0]) if scalar else (found.ids, found.scores)
