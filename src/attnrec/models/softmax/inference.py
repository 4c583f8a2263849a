"""Inference of SoftmaxRecommender: vectors, scores, top-n lists, explanations, and updates by fold-in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ... import ops
from ...explain.explanation import Explanation, Part
from ...index.item_index import ItemIndex
from ..base.recommender import Queries
from ..content import feature_rows
from ..content.attribution import Columns
from ..inputs.histories import CSR, Array, csr, entries_of, histories, ones, product
from . import vectors
from .content_attribution import Views
from .state import SoftmaxState

if TYPE_CHECKING:
    from .recommender import SoftmaxRecommender as Model

__all__ = [
    "attention",
    "average",
    "explainer",
    "index_of",
    "items_changed",
    "part_of",
    "raw_of",
    "raw_users",
    "raw_vectors",
    "retrieved",
    "solved",
    "standing",
    "user_features",
    "users_changed",
]

_STEPS = 10  # of free users down the gradient


def raw_users(state: SoftmaxState, x: CSR, part: Array | None) -> Array:
    """Vectors of users with the histories ``x`` of ones, not normalised; ``part`` is what their features add."""
    return raw_vectors(x, state.items, state.loss if state.user_representation == "embedding" else None, part)


def raw_vectors(x: CSR, items: Array, loss: vectors.Loss | None, part: Array | None) -> Array:
    """The same from item vectors, and from the loss of free users."""
    raw = product(vectors.pooled(x), items) if loss is None else solved(x, items, loss)[0]
    out: Array = raw if part is None else raw + part
    return out


def solved(x: CSR, items: Array, loss: vectors.Loss) -> tuple[Array, Array]:
    """Free users with these histories, and the weights of the entries in their vectors."""
    return vectors.solved(x, vectors.unit(items), loss, _STEPS)


def average(raw: Array) -> Array:
    """The mean user, (d,), of length 1 (0 without any user)."""
    mean = vectors.unit(raw).mean(axis=0, dtype=np.float64)
    out: Array = vectors.unit(mean[None].astype(np.float32))[0]
    return out


def index_of(model: Model) -> ItemIndex:
    """The item vectors, packed."""
    return model._derived(
        "index", lambda: ItemIndex(model._derived("item_vectors", model._item_vectors), precision="float32")
    )


def retrieved(
    model: Model, users: Array, k: int, hidden: CSR | None, allowed: CSR | None, shown: Array | None
) -> tuple[Array, Array, Array]:
    """See :meth:`Recommender._retrieve`; for users' vectors of length 1."""
    s = model._fitted()
    found = ops.topk(
        users,
        index_of(model),
        k,
        scale=1 / s.temperature,
        item_bias=s.item_bias,
        exclude=hidden,
        include=allowed,
        items=shown,
        weights=False,
        check_finite=False,
    )
    return found.ids, found.scores, found.scores


def attention(model: Model, users: Array, ids: Array, scores: Array) -> Array:
    """Softmax over all items, for users' vectors of length 1 and the scores of items that were found."""
    s = model._fitted()
    found = ops.topk(users, index_of(model), 1, scale=1 / s.temperature, item_bias=s.item_bias, check_finite=False)
    lse = np.asarray(found.lse)
    return np.where(ids >= 0, np.exp(np.minimum(scores - lse[:, None], 0)), np.float32(0))


def standing(state: SoftmaxState, raw: Array) -> Array:
    """Vectors of length 1; the mean user for one of whom nothing is known."""
    out = vectors.unit(raw)
    out[~raw.any(axis=1)] = state.average
    return out


def part_of(s: SoftmaxState, queries: Queries) -> Array | None:
    """What the features of users add: those given, or those they were fitted with."""
    if s.user is None:
        return None
    if queries.features is not None:
        return feature_rows.product(queries.features, s.user.features)
    known = queries.userids >= 0
    out = np.zeros((len(known), s.items.shape[1]), dtype=np.float32)
    out[known] = s.user.part[queries.userids[known]]
    return out


def user_features(s: SoftmaxState, given: object, n: int) -> CSR | Array:
    """Features of ``n`` users who ask, checked."""
    if s.user is None:
        raise ValueError("user_features: the model was fitted without any; fit it with user_features first")
    return feature_rows.features("user_features", given, n, "of userid", len(s.user.features))


def raw_of(s: SoftmaxState, queries: Queries) -> Array:
    """Vectors of users who ask, not normalised."""
    if queries.given is None and queries.features is None:
        out: Array = s.user_rows[queries.userids]
        return out
    x = s.histories[queries.userids] if queries.given is None else queries.given
    return raw_users(s, ones(x), part_of(s, queries))


def explainer(model: Model, queries: Queries) -> Callable[[int, int, int], Explanation]:
    """See :meth:`Recommender._explainer`."""
    s = model._fitted()
    item_vectors = model._derived("item_vectors", model._item_vectors)
    x = ones(s.histories[queries.userids] if queries.given is None else queries.given)
    free = s.user_representation == "embedding"
    weights, rows = (solved(x, s.items, s.loss)[1], item_vectors) if free else (vectors.pooled(x).data, s.items)
    share = csr(weights, x.indices, x.indptr, x.shape)
    raw = raw_of(s, queries)
    users = standing(s, raw).astype(np.float64)
    lengths = np.linalg.norm(raw.astype(np.float64), axis=1) * s.temperature
    views, start = None, s.item_bias
    if s.item is not None or s.user is not None:
        told = [None if tower is None else tower.columns for tower in (s.item, s.user)]
        columns = model._derived("columns", lambda: Columns.of_told(*told))
        views = Views(s, columns, queries, users, lengths, part_of(s, queries))

    def explain(row: int, itemid: int, n: int) -> Explanation:
        item = item_vectors[itemid].astype(np.float64)
        whole = float(users[row] @ item) / s.temperature
        history, weight = entries_of(share, row)
        parts = weight * (rows[history].astype(np.float64) @ item) / (float(lengths[row]) or 1.0)
        part = Part.largest(history, parts, n, background=whole - float(parts.sum()))
        more = {} if views is None else views.of(row, itemid, item, whole, n)
        bias = 0.0 if start is None else float(start[itemid])
        why = "by how many chose the item" if start is not None else "as every score does"
        return Explanation(int(queries.userids[row]), itemid, whole + bias, bias, why, part, **more)

    return explain


def users_changed(s: SoftmaxState, user_items: CSR, userids: Array, rows: CSR, features: object) -> SoftmaxState:
    """See :meth:`Learning._users_changed`."""
    n, part, tower = user_items.shape[0], None, s.user
    user_rows = feature_rows.grown(s.user_rows, n)
    if tower is not None:
        parts, content = feature_rows.grown(tower.part, n), feature_rows.grown(tower.content, n)
        if features is not None:
            given = user_features(s, features, len(userids))
            parts[userids] = feature_rows.product(given, tower.features)
            content = feature_rows.replaced(tower.content, userids, given, n)
        part = parts[userids]
        tower = replace(tower, part=parts, content=content)
    elif features is not None:
        user_features(s, features, len(userids))  # refuses
    user_rows[userids] = raw_users(s, ones(rows), part)
    return replace(s, histories=histories("user_items", user_items), user_rows=user_rows, user=tower)


def items_changed(
    model: Model, user_items: CSR, itemids: Array, rows: CSR, item_features: object, item_vectors: object
) -> SoftmaxState:
    """See :meth:`Learning._items_changed`."""
    s, n = model._fitted(), user_items.shape[1]
    new = np.zeros((len(itemids), s.items.shape[1]), dtype=np.float32)
    given, tower, given_items, popularity = None, s.item, s.given_items, s.popularity
    if item_features is not None:
        if tower is None:
            raise ValueError("item_features: the model was fitted without any; fit it with item_features first")
        width = len(tower.features)
        given = feature_rows.features("item_features", item_features, len(itemids), "itemids", width)
        new += feature_rows.product(given, tower.features)
    if tower is not None:
        tower = replace(tower, content=feature_rows.replaced(tower.content, itemids, given, n))
    size = float(np.mean(vectors.lengths(s.items), dtype=np.float64))
    new += np.float32(size) * model._fold_items(rows)
    if item_vectors is not None:
        new += np.float32(size) * vectors.unit(
            feature_rows.dense("item_vectors", item_vectors, len(itemids), "itemids", new.shape[1])
        )
        given_items = np.union1d(np.zeros(0, np.int64) if given_items is None else given_items, itemids)
    elif given_items is not None:
        given_items = np.setdiff1d(given_items, itemids)
    items = feature_rows.grown(s.items, n)
    items[itemids] = new
    if popularity is not None:
        bias = feature_rows.grown(popularity.item_bias[:, None], n)[:, 0]
        bias[itemids] = vectors.bias(np.diff(rows.indptr), popularity.popularity_exponent)
        popularity = replace(popularity, item_bias=bias)
    return replace(
        s,
        histories=histories("item_users", user_items),
        items=items,
        item=tower,
        given_items=given_items,
        popularity=popularity,
    )
