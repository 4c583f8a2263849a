"""Similar users and items: cosine of the estimator's vectors, through ``topk``. Learns nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import ops
from ..inputs import checks
from ..inputs.histories import CSR, Array

if TYPE_CHECKING:
    from .recommender import Recommender
    from .state import FittedState

    Model = Recommender[FittedState]

__all__ = ["items", "users"]


def items(
    model: Model, itemid: object, n: object, recalculate: bool, item_users: object, filtered: object, only: object
) -> tuple[Array, Array]:
    """See :meth:`Recommender.similar_items`."""
    wanted, scalar = checks.ids("itemid", itemid)
    shown = checks.columns(only, filtered, model.n_items)
    if recalculate:
        queries = model.recalculate_item(wanted, item_users)
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


def _nearest(
    queries: CSR | Array, vectors: CSR | Array, n: object, shown: Array | None, scalar: bool
) -> tuple[Array, Array]:
    found = ops.topk(queries, vectors, checks.count("N", n), items=shown, weights=False, check_finite=False)
    return (found.ids[0], found.scores[0]) if scalar else (found.ids, found.scores)
