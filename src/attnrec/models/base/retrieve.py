"""The best items for users, a block at a time, and scores of pairs. Knows no formula."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ... import metrics
from ..._util.validate import check_flag, check_positive_int
from ..inputs import checks
from ..inputs.histories import CSR, Array
from . import asking, batches, tuning
from .learning import Given
from .queries import Queries
from .ranking import best, entries

if TYPE_CHECKING:
    from .recommender import Recommender
    from .state import FittedState

    Model = Recommender[FittedState]

__all__ = ["blocks", "in_batches", "of_scores", "predicted", "recommended", "trial"]


def of_scores(
    all_scores: Array, all_weights: Array, k: int, hidden: CSR | None, allowed: CSR | None, shown: Array | None
) -> tuple[Array, Array, Array]:
    """The k best items of rows of scores; see :meth:`Recommender._retrieve`."""
    scores = all_scores.copy()
    if shown is not None:
        scores[:, ~shown] = -np.inf
    if allowed is not None:
        barred = np.ones(scores.shape, dtype=bool)
        barred[entries(allowed)] = False
        scores[barred] = -np.inf
    if hidden is not None:
        scores[entries(hidden)] = -np.inf
    ids, top = best(scores, k)
    weights = np.take_along_axis(all_weights, np.maximum(ids, 0), axis=1)
    return ids, top, np.where(ids >= 0, weights, np.float32(0))


def blocks(
    model: Model,
    queries: Queries,
    n: int,
    rows: CSR | None,
    hide: bool,
    allowed: CSR | None,
    shown: Array | None,
    weighted: bool,
    clip: bool,
) -> Iterator[tuple[slice, Array, Array, Array]]:
    """Users, and what is recommended to them."""
    stored = asking.everything(model)
    for at in batches.blocks(len(queries.userids), model._row_bytes()):
        part = queries[at]
        hidden = None if not hide else stored[part.userids] if rows is None else rows[at]
        ids, top, weights = model._retrieve(part, n, hidden, None if allowed is None else allowed[at], shown)
        weights = model._attention(part, ids, weights) if weighted else weights  # of scores as they were
        yield at, ids, np.where(ids >= 0, model._on_scale(top, clip), top), weights


def in_batches(
    model: Model,
    userids: object,
    user_items: object,
    n: object,
    format: str,
    filter_already_liked_items: bool,
    filter_items: object,
    recalculate_user: bool,
    items: object,
    show_progress: bool,
    clip: bool,
) -> Iterator[object]:
    """See :meth:`Recommender.recommend_batches`."""
    if format not in ("arrow", "numpy"):
        raise ValueError(f"format={format!r} is not 'arrow' or 'numpy'")
    wanted = np.arange(model.n_users) if userids is None else checks.ids("userids", userids)[0]
    k, clip = check_positive_int("N", n), check_flag("clip", clip)
    queries, rows = asking.queries(model, wanted, user_items, recalculate_user)
    shown = checks.columns(items, filter_items, model.n_items)

    def each() -> Iterator[object]:
        with batches.progress(len(wanted), show_progress, "user") as bar:
            options = (filter_already_liked_items, None, shown, format == "arrow", clip)
            for at, ids, scores, weights in blocks(model, queries, k, rows, *options):
                bar.update(len(ids))
                if format == "arrow":
                    yield batches.arrow_batch(wanted[at], ids, scores, weights)
                else:
                    yield wanted[at], ids, scores

    return each()


def predicted(model: Model, userid: object, itemid: object, user_items: object, clip: bool) -> float | Array:
    """See :meth:`Recommender.predict`."""
    clip = check_flag("clip", clip)
    queries, at, items, scalar = asking.pairs(model, userid, itemid, user_items)
    out = np.empty(len(items), dtype=np.float32)
    for block in batches.blocks(len(queries.userids), model._row_bytes()):
        scores, _ = model._scores(queries[block])
        pairs = np.flatnonzero((at >= block.start) & (at < block.stop))
        out[pairs] = scores[at[pairs] - block.start, items[pairs]]
    out = model._on_scale(out, clip)
    return float(out[0]) if scalar else out


def trial(model: Model, user_items: CSR, given: Given) -> Callable[[Mapping[str, object]], float]:
    """See :meth:`Recommender._trial`."""
    params = model.get_params()
    train, test, userids = tuning.hold_out(user_items, params.get("random_state", 0))

    def score(setting: Mapping[str, object]) -> float:
        twin = type(model)(**{**params, **setting})
        twin._state = twin._learn(train, given, False, lambda epoch, loss: None)
        return metrics.ndcg(twin.recommend(userids, N=100)[0], test)

    return score


def recommended(
    model: Model,
    userid: object,
    user_items: object,
    n: object,
    filter_already_liked_items: bool,
    filter_items: object,
    recalculate_user: bool,
    items: object,
    candidates: object,
    user_features: object,
    return_weights: bool,
    clip: bool,
) -> tuple[Array, ...]:
    """See :meth:`Recommender.recommend`."""
    checks.unused(model, user_features=user_features)
    wanted, scalar = checks.ids("userid", userid)
    k = check_positive_int("N", n)
    clip = check_flag("clip", clip)
    asked = asking.asked_about(model, "user", wanted)
    queries, rows = asking.queries(model, wanted, user_items, recalculate_user, asked)
    user_features = asked.features("user_features", model._encoders.encoded("user_features", user_features))
    if user_features is not None:
        queries = replace(queries, features=model._user_features(user_features, len(wanted)))
    shown = checks.columns(items, filter_items, model.n_items)
    allowed = None if candidates is None else asking.rows_for(model, "candidates", candidates, asked)
    options = (filter_already_liked_items, allowed, shown, return_weights, clip)
    parts = list(blocks(model, queries, k, rows, *options))
    empty = (np.zeros((0, k), np.int64), np.zeros((0, k), np.float32), np.zeros((0, k), np.float32))
    out = [np.concatenate(column) for column in zip(*(part[1:] for part in parts), strict=True)] or list(empty)
    out = out[: 3 if return_weights else 2]
    return tuple(x[0] for x in out) if scalar else tuple(out)
