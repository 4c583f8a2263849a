"""Inference of SoftmaxRecommender: vectors, scores, top-n lists, explanations, and updates by fold-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ... import ops
from ...explain.explanation import Explanation, Part
from ...index.item_index import ItemIndex
from ..base.recommender import Queries, Recommender
from ..content import feature_rows
from ..content.attribution import Columns, checked, described
from ..inputs.histories import CSR, Array, csr, entries_of, histories, ones, product
from . import vectors
from .content_attribution import Views

__all__ = ["SoftmaxServing", "average", "contents", "raw_users"]

_STEPS = 10  # of free users down the gradient


def contents(item_features: Any, user_features: Any, given: Any) -> dict[str, Any]:
    """Entries of the state by which scores are told apart: features that there are, and what their columns are called
    in those ``given`` of items and users."""
    out: dict[str, Any] = {}
    for side, features, named in zip(("item", "user"), (item_features, user_features), given, strict=True):
        if features is not None:
            out |= {f"{side}_content": features, f"{side}_columns": described(named, features.shape[1])}
    return out


def raw_users(state: dict[str, Any], x: CSR, part: Array | None) -> Array:
    """Vectors of users with the histories ``x`` of ones, not normalised; ``part`` is what their features add."""
    raw = (
        _solved(state, x)[0]
        if state["user_representation"] == "embedding"
        else product(vectors.pooled(x), state["items"])
    )
    out: Array = raw if part is None else raw + part
    return out


def _solved(state: dict[str, Any], x: CSR) -> tuple[Array, Array]:
    loss = vectors.Loss(state["temperature"], state["lse_weight"], state["normalize"])
    return vectors.solved(x, vectors.unit(state["items"]), loss, _STEPS)


def average(raw: Array) -> Array:
    """The mean user, (d,), of length 1 (0 without any user)."""
    mean = vectors.unit(raw).mean(axis=0, dtype=np.float64)
    out: Array = vectors.unit(mean[None].astype(np.float32))[0]
    return out


class SoftmaxServing(Recommender):
    """The hooks over the state that training leaves: item vectors, towers, and users as functions of histories."""

    updates_are_exact = False
    scores_are_shares = False

    def _layout(self, shape: tuple[int, int], nnz: int, state: dict[str, Any]) -> dict[str, Any]:
        items = state["items"]
        d = items.shape[1] if getattr(items, "ndim", 0) == 2 else 0
        out: dict[str, Any] = {
            "temperature": float,
            "lse_weight": float,
            "declared": ("explicit", "implicit", "unknown"),
            "user_representation": ("pooled", "embedding"),
            "normalize": ("unseen", "all"),
            "histories": ("float32", shape),
            "items": ("float32", (shape[1], d)),
            "user_rows": ("float32", (shape[0], d)),
            "average": ("float32", (d,)),
        }
        for name in ("item_features", "user_features"):
            if name in state:
                out[name] = ("float32", (len(state[name]), d))
        if "user_features" in state:
            out["user_part"] = ("float32", (shape[0], d))
        if "given_items" in state:
            out["given_items"] = ("int64", (len(state["given_items"]),))
        if "item_bias" in state:
            out |= {"item_bias": ("float32", (shape[1],)), "popularity_exponent": float}
        for side, n in (("user", shape[0]), ("item", shape[1])):
            if f"{side}_features" in state:
                out[f"{side}_content"] = ("float32", (n, len(state[f"{side}_features"])))
                out[f"{side}_columns"] = str
        return out

    def _check_state(self, state: dict[str, Any]) -> None:
        if state["temperature"] < 1e-2:
            raise ValueError(f"temperature is {state['temperature']}")
        for side in ("user", "item"):
            if f"{side}_columns" in state:
                checked(state[f"{side}_columns"], len(state[f"{side}_features"]))

    # Vectors.

    def _item_vectors(self) -> Array:
        return vectors.unit(self._fitted()["items"])

    def _index(self) -> ItemIndex:
        index: ItemIndex = self._derived("index", lambda: ItemIndex(self.item_vectors, precision="float32"))
        return index

    def _standing(self, raw: Array) -> Array:
        """Vectors of length 1; the mean user for one of whom nothing is known."""
        out = vectors.unit(raw)
        out[~raw.any(axis=1)] = self._fitted()["average"]
        return out

    def _user_vectors(self) -> Array:
        return self._standing(self._fitted()["user_rows"])

    def _fold_users(self, user_items: CSR) -> Array:
        return self._standing(raw_users(self._fitted(), ones(user_items), None))

    def _fold_items(self, item_users: CSR) -> Array:
        """The mean direction of an item's users."""
        return vectors.unit(product(ones(item_users), self.user_vectors))

    def _part(self, queries: Queries) -> Array | None:
        """What the features of users add: those given, or those they were fitted with."""
        s = self._fitted()
        if "user_features" not in s:
            return None
        if queries.features is not None:
            return feature_rows.product(queries.features, s["user_features"])
        known = queries.userids >= 0
        out = np.zeros((len(known), s["items"].shape[1]), dtype=np.float32)
        out[known] = s["user_part"][queries.userids[known]]
        return out

    def _user_features(self, given: Any, n: int) -> Any:
        s = self._fitted()
        if "user_features" not in s:
            raise ValueError("user_features: the model was fitted without any; fit it with user_features first")
        return feature_rows.features("user_features", given, n, "of userid", len(s["user_features"]))

    def _raw(self, queries: Queries) -> Array:
        s = self._fitted()
        if queries.given is None and queries.features is None:
            out: Array = s["user_rows"][queries.userids]
            return out
        x = s["histories"][queries.userids] if queries.given is None else queries.given
        return raw_users(s, ones(x), self._part(queries))

    # Scores.

    def _scores(self, queries: Queries) -> tuple[Array, Array]:
        scale = 1 / self._fitted()["temperature"]
        scores = ops.similarity(self._standing(self._raw(queries)), self._index(), scale=scale, check_finite=False)
        scores += self._fitted().get("item_bias", np.float32(0))
        return scores, scores

    def _retrieve(
        self, queries: Queries, k: int, hidden: CSR | None, allowed: CSR | None, shown: Array | None
    ) -> tuple[Array, Array, Array]:
        users = self._standing(self._raw(queries))
        found = ops.topk(
            users,
            self._index(),
            k,
            scale=1 / self._fitted()["temperature"],
            item_bias=self._fitted().get("item_bias"),
            exclude=hidden,
            include=allowed,
            items=shown,
            weights=False,
            check_finite=False,
        )
        return found.ids, found.scores, found.scores

    def _attention(self, queries: Queries, ids: Array, weights: Array) -> Array:
        """Softmax over all items, from the scores that :meth:`_retrieve` left."""
        users = self._standing(self._raw(queries))
        scale, bias = 1 / self._fitted()["temperature"], self._fitted().get("item_bias")
        lse: Any = ops.topk(users, self._index(), 1, scale=scale, item_bias=bias, check_finite=False).lse
        return np.where(ids >= 0, np.exp(np.minimum(weights - lse[:, None], 0)), np.float32(0))

    # Why.

    def _explainer(self, queries: Queries) -> Callable[[int, int, int], Explanation]:
        s = self._fitted()
        x = ones(s["histories"][queries.userids] if queries.given is None else queries.given)
        free = s["user_representation"] == "embedding"
        weights, rows = (_solved(s, x)[1], self.item_vectors) if free else (vectors.pooled(x).data, s["items"])
        share = csr(weights, x.indices, x.indptr, x.shape)
        raw = self._raw(queries)
        users = self._standing(raw).astype(np.float64)
        lengths = np.linalg.norm(raw.astype(np.float64), axis=1) * s["temperature"]
        views = None
        if "item_content" in s or "user_content" in s:
            columns = self._derived("columns", lambda: Columns.of_facts(s))
            views = Views(s, columns, queries, users, lengths, self._part(queries))

        def explain(row: int, itemid: int, n: int) -> Explanation:
            item = self.item_vectors[itemid].astype(np.float64)
            whole = float(users[row] @ item) / s["temperature"]
            history, weight = entries_of(share, row)
            parts = weight * (rows[history].astype(np.float64) @ item) / (float(lengths[row]) or 1.0)
            part = Part.largest(history, parts, n, background=whole - float(parts.sum()))
            more = {} if views is None else views.of(row, itemid, item, whole, n)
            bias = float(s["item_bias"][itemid]) if "item_bias" in s else 0.0
            why = "by how many chose the item" if "item_bias" in s else "as every score does"
            return Explanation(int(queries.userids[row]), itemid, whole + bias, bias, why, part, **more)

        return explain

    # Updates.

    def _users_changed(self, user_items: CSR, userids: Array, rows: CSR, user_features: Any) -> dict[str, Any]:
        s, n = self._fitted(), user_items.shape[0]
        state = {
            **s,
            "histories": histories("user_items", user_items),
            "user_rows": feature_rows.grown(s["user_rows"], n),
        }
        part = None
        if "user_part" in s:
            state["user_part"] = feature_rows.grown(s["user_part"], n)
            state["user_content"] = feature_rows.grown(s["user_content"], n)
        if user_features is not None:
            given = self._user_features(user_features, len(userids))
            state["user_part"][userids] = feature_rows.product(given, s["user_features"])
            state["user_content"] = feature_rows.replaced(s["user_content"], userids, given, n)
        if "user_part" in s:
            part = state["user_part"][userids]
        state["user_rows"][userids] = raw_users(s, ones(rows), part)
        return state

    def _items_changed(
        self, user_items: CSR, itemids: Array, rows: CSR, item_features: Any, item_vectors: Any = None
    ) -> dict[str, Any]:
        s = self._fitted()
        new, more = np.zeros((len(itemids), s["items"].shape[1]), dtype=np.float32), {}
        given = None
        if item_features is not None:
            if "item_features" not in s:
                raise ValueError("item_features: the model was fitted without any; fit it with item_features first")
            width = len(s["item_features"])
            given = feature_rows.features("item_features", item_features, len(itemids), "itemids", width)
            new += feature_rows.product(given, s["item_features"])
        if "item_content" in s:
            more["item_content"] = feature_rows.replaced(s["item_content"], itemids, given, user_items.shape[1])
        size = float(np.mean(vectors.lengths(s["items"]), dtype=np.float64))
        new += np.float32(size) * self._fold_items(rows)
        if item_vectors is not None:
            new += np.float32(size) * vectors.unit(
                feature_rows.dense("item_vectors", item_vectors, len(itemids), "itemids", new.shape[1])
            )
            more["given_items"] = np.union1d(s.get("given_items", np.zeros(0, np.int64)), itemids)
        elif "given_items" in s:
            more["given_items"] = np.setdiff1d(s["given_items"], itemids)
        items = feature_rows.grown(s["items"], user_items.shape[1])
        items[itemids] = new
        if "item_bias" in s:
            more["item_bias"] = feature_rows.grown(s["item_bias"][:, None], user_items.shape[1])[:, 0]
            more["item_bias"][itemids] = vectors.bias(np.diff(rows.indptr), s["popularity_exponent"])
        return {**s, "histories": histories("item_users", user_items), "items": items, **more}
