"""Why: explanations that add up, and what would change without parts of a history. Knows no formula."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from ..._util.validate import check_flag, check_positive_int
from ...explain.counterfactuals import Counterfactuals
from ...explain.explanation import Explanation
from ..inputs import checks
from ..inputs.histories import CSR, Array, csr
from . import asking, batches
from .queries import Queries
from .ranking import entries, ranks

if TYPE_CHECKING:
    from .recommender import Recommender
    from .state import FittedState

    Model = Recommender[FittedState]

__all__ = ["counterfactuals", "explained", "explained_many"]


def explained(model: Model, userid: int, itemid: int, user_items: object, n: object, clip: bool) -> Explanation:
    """See :meth:`Recommender.explain`."""
    query, item, _ = _one_pair(model, "explain", userid, itemid, user_items)
    return _told(model, check_flag("clip", clip))(model._explainer(query)(0, item, check_positive_int("N", n)))


def _told(model: Model, clip: bool) -> Callable[[Explanation], Explanation]:
    """Explanations of scores as they are told."""
    scale = model.rating_range if clip else None
    return (lambda why: why) if scale is None else (lambda why: why.within(*scale))


def explained_many(
    model: Model, userid: object, itemid: object, user_items: object, n: object, clip: bool
) -> list[Explanation]:
    """See :meth:`Recommender.explain_many`."""
    queries, at, items, _ = asking.pairs(model, userid, itemid, user_items)
    k, told = check_positive_int("N", n), _told(model, check_flag("clip", clip))
    found: dict[int, Explanation] = {}
    for block in batches.blocks(len(queries.userids), model._row_bytes() + 32 * (model.n_users + model.n_items)):
        explain = model._explainer(queries[block])
        pairs = np.flatnonzero((at >= block.start) & (at < block.stop))
        for pair in pairs[np.argsort(at[pairs], kind="stable")].tolist():  # a user's pairs in turn
            found[pair] = told(explain(int(at[pair]) - block.start, int(items[pair]), k))
    return [found[pair] for pair in range(len(items))]


def counterfactuals(
    model: Model,
    userid: int,
    itemid: int,
    user_items: object,
    n: object,
    filter_items: object,
    items: object,
    clip: bool,
) -> Counterfactuals:
    """See :meth:`Recommender.counterfactuals`."""
    query, item, rows = _one_pair(model, "counterfactuals", userid, itemid, user_items)
    history = model._fitted().histories[query.userids] if query.given is None else query.given
    hidden = asking.everything(model)[query.userids] if rows is None else rows
    clip, k = check_flag("clip", clip), check_positive_int("N", n)
    shown = checks.columns(items, filter_items, model.n_items)
    if item in history.indices:
        raise ValueError(
            f"itemid {item} is in the history, so it is not shown and has no rank: ask for an item that the user "
            "does not have, or pass user_items without it"
        )
    if item in hidden.indices:
        raise ValueError(
            f"itemid {item} is disliked, a value below 0 in the histories, so it is not shown and has no rank: ask "
            "for another item, or pass user_items without it"
        )
    if shown is not None and not shown[item]:
        raise ValueError(f"itemid {item} is filtered, so it is not shown and has no rank: leave it in")
    chosen = history.indices.astype(np.int64)
    if k < len(chosen):
        chosen = model._explainer(query)(0, item, k).contributions.ids
    score, rank = _standing_of(model, query, hidden, item, shown, clip)
    user, without, barred = int(query.userids[0]), _leaving_out(history, chosen), _leaving_out(hidden, chosen)
    users = np.full(len(chosen), user)
    scores, found = np.zeros(len(chosen), np.float32), np.zeros(len(chosen), np.int64)
    for block in batches.blocks(len(chosen), model._row_bytes()):
        part = Queries(users[block], without[block])
        scores[block], found[block] = _standing_of(model, part, barred[block], item, shown, clip)
    return Counterfactuals.of(user, item, float(score[0]), int(rank[0]), chosen, scores, found, history.nnz)


def _standing_of(
    model: Model, queries: Queries, hidden: CSR, item: int, shown: Array | None, clip: bool
) -> tuple[Array, Array]:
    """Score and rank of one item for each query, among what is not stored in ``hidden`` and True in ``shown``."""
    scores = model._scores(queries)[0].copy()
    if shown is not None:
        scores[:, ~shown] = -np.inf
    scores[entries(hidden)] = -np.inf
    return model._on_scale(scores[:, item], clip), ranks(scores, item)


def _one_pair(
    model: Model, name: str, userid: object, itemid: object, user_items: object
) -> tuple[Queries, int, CSR | None]:
    """One user as a query, one item, and the history given with what is disliked."""
    user, one_user = checks.ids("userid", userid)
    item, one_item = checks.ids("itemid", itemid)
    if not (one_user and one_item):
        raise ValueError(f"{name} takes one userid and one itemid: call it once for each pair")
    checks.in_range("itemid", item, model.n_items, "items", "add it with partial_fit_items")
    query, rows = asking.queries(model, user, user_items, user_items is not None)
    return query, int(item[0]), rows


def _leaving_out(history: CSR, chosen: Array) -> CSR:
    """A row for each of ``chosen``: the history without it, (len(chosen), items)."""
    kept = history.indices != chosen[:, None]
    at = np.nonzero(kept)[1]
    indptr = np.append(0, np.cumsum(kept.sum(axis=1))).astype(history.indptr.dtype)
    return csr(history.data[at], history.indices[at], indptr, (len(chosen), history.shape[1]))
