"""NeighbourAttention: user-based recommendation by softmax attention of a user over the other users."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import numpy as np

from ... import ops
from ..._util.validate import check_choice
from ...explain.explanation import Explanation, Part
from ..base.fitting import Given, Report
from ..base.recommender import Queries, Recommender
from ..base.state import Declared, Negative
from ..inputs import dislikes
from ..inputs.histories import CSR, Array, csr, entries_of, float64_rows, unit_rows
from ..inputs.rating_scale import Scale
from ..linalg.kernel import per_cosine
from . import terms
from .state import NeighbourState

__all__ = ["NeighbourAttention"]


class NeighbourAttention(Recommender[NeighbourState]):
    r"""Recommend what similar users liked, each user weighted by softmax attention.

    Attention of user u over every other user v (Vaswani et al., 2017, eq. 1, with histories as queries and keys, and
    the cosine of neighbourhood models: Herlocker et al., 1999, for the mean-centred one)::

        A_uv = exp(cos(x_u, x_v) / temperature) / sum_w exp(cos(x_u, x_w) / temperature)    v, w != u

    Values are ``R~_vi = r_vi - mean_v`` for explicit feedback and 1 for implicit feedback, where v has i, and the
    score is::

        explicit: mean_u + sum_v A_uv R~_vi / (sum_v A_uv M_vi + damping)      M_vi = 1 where v rated i, else 0
        implicit: sum_v A_uv M_vi

    so an implicit score is the fraction of attention on users who have the item, and an explicit score is a rating, cut
    to ``rating_range``: the user's mean, plus the attention-weighted mean deviation of the item's raters, shrunk
    towards 0 where they get little attention. ``mean_v = (sum of ratings + mean_damping * overall mean) / (count +
    mean_damping)``.

    ``weights`` of :meth:`recommend` are ``sum_v A_uv M_vi`` for both.

    Parameters
    ----------
    temperature : float
        Temperature of the softmax, at least 0.0001: a larger value spreads attention over less similar users, and so
        ranks nearer to popularity.
    feedback : {"auto", "explicit", "implicit"}
        Kind of feedback. "auto" takes what Interactions declare, and for a matrix "implicit" where all stored values
        are equal; a matrix of counts needs "implicit".
    features : {"auto", "centred", "raw", "binary"}
        Values that the cosine compares: ratings minus the user's mean, stored values, or 1. "auto" is "centred" for
        explicit and "binary" for implicit feedback.
    damping : float
        Attention on an item's raters, at least 0, at which the deviation from the user's mean is halved, for explicit
        feedback: a larger value shrinks predictions of items with few similar raters more.
    mean_damping : float
        Number of ratings at the overall mean, at least 0, that each user's mean starts with, for explicit feedback: a
        larger value shrinks means of few ratings more.
    negative : {"seen", "ignore", "interaction"}
        Meaning of stored values below 0 with implicit feedback. "seen" takes them for dislikes, which are hidden from
        their user and not learned from; "ignore" drops them; "interaction" takes them for interactions, as all other
        values. Explicit ratings may be below 0.

    Notes
    -----
    An explanation by neighbour lists ``weight * value``, with weight ``A_uv / (sum_w A_uw M_wi + damping)``. One by
    history item splits A_uv = exp(0) / Z + (exp(cos_uv / temperature) - 1) / Z: the first term does not depend on the
    history, and goes to the background, with the rounding; the second is divided among the items h that u and v have in
    common in proportion to ``x_uh x_vh / cos_uv``, the part of h in their cosine. Both stay bounded where a cosine
    is near 0.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from attnrec.models import NeighbourAttention
    >>> user_items = csr_array([[5, 4, 0, 0, 1], [4, 5, 2, 0, 1], [5, 5, 1, 4, 0], [1, 0, 5, 4, 4]])
    >>> model = NeighbourAttention(temperature=0.2).fit(user_items)
    >>> ids, scores = model.recommend(0, N=3)
    >>> ids
    array([ 3,  2, -1])
    >>> scores.round(2)
    array([3.69, 2.11, -inf], dtype=float32)
    >>> why = model.explain(0, 3)
    >>> round(why.bias + why.neighbours.total, 2), round(why.bias + why.contributions.total, 2)
    (3.69, 3.69)
    """

    _holds = NeighbourState

    def __init__(
        self,
        temperature: float = 0.05,
        *,
        feedback: Literal["auto", "explicit", "implicit"] = "auto",
        features: Literal["auto", "centred", "raw", "binary"] = "auto",
        damping: float = 0.02,
        mean_damping: float = 3.0,
        negative: Literal["seen", "ignore", "interaction"] = "seen",
    ) -> None:
        self.temperature = temperature
        self.feedback = feedback
        self.features = features
        self.damping = damping
        self.mean_damping = mean_damping
        self.negative = negative

    def _check_params(self) -> None:
        terms.check_numbers(temperature=self.temperature, damping=self.damping, mean_damping=self.mean_damping)
        check_choice("feedback", self.feedback, ("auto", "explicit", "implicit"))
        check_choice("features", self.features, ("auto", "centred", "raw", "binary"))
        check_choice("negative", self.negative, dislikes.CHOICES)

    def _feedback(self, x: CSR, declared: Declared) -> Literal["explicit", "implicit"]:
        if self.feedback != "auto":
            return self.feedback
        if declared == "unknown":
            return "implicit" if np.all(x.data == x.data[:1]) else "explicit"
        return declared

    def _takes_negative(self, user_items: CSR, declared: Declared) -> Negative:
        explicit = self._feedback(user_items, declared) == "explicit"
        return "interaction" if explicit else self.negative

    def _learn(self, user_items: CSR, given: Given, show_progress: bool, report: Report) -> NeighbourState:
        x, features = user_items, self.features
        feedback = self._feedback(x, given.declared)
        if features == "auto":
            features = "centred" if feedback == "explicit" else "binary"
        overall = float(np.mean(x.data, dtype=np.float64))
        means = terms.means(x, overall, float(self.mean_damping))
        state = NeighbourState(
            histories=x,
            declared=given.declared,
            means=means,
            unit=unit_rows(terms.features(x, means, features)).data,
            values=terms.values(x, means, feedback),
            overall=overall,
            feedback=feedback,
            features=features,
            temperature=float(self.temperature),
            damping=float(self.damping),
            mean_damping=float(self.mean_damping),
            scale=Scale.of(x, given.rating_range),
        )
        report(1, float("nan"))
        return state

    @property
    def predicts_ratings(self) -> bool:
        """Whether the feedback that the model was fitted with is explicit."""
        return bool(self._fitted().feedback == "explicit")

    def _row_bytes(self) -> int:
        return 48 * self.n_items  # scores and shares, their copies, and the ranking's keys

    # Vectors: a user is its history, an item its users.

    def _user_vectors(self) -> CSR:
        s = self._fitted()
        x = s.histories
        return csr(s.unit, x.indices, x.indptr, x.shape)

    def _fold_users(self, user_items: CSR) -> CSR:
        s = self._fitted()
        means = terms.means(user_items, s.overall, s.mean_damping)
        return unit_rows(terms.features(user_items, means, s.features))

    def _item_vectors(self) -> CSR:
        s = self._fitted()
        return unit_rows(terms.features(s.histories, s.means, s.features).T.tocsr())

    def _fold_items(self, item_users: CSR) -> CSR:
        s = self._fitted()
        return unit_rows(terms.item_features(item_users, s.means, s.features))

    # Scores.

    def _means(self, queries: Queries) -> Array:
        s = self._fitted()
        if queries.given is None:
            out: Array = s.means[queries.userids]
            return out
        return terms.means(queries.given, s.overall, s.mean_damping)

    def _query_vectors(self, queries: Queries) -> CSR:
        if queries.given is not None:
            return self._fold_users(queries.given)
        return self._derived("user_vectors", self._user_vectors)[queries.userids]

    def _scores(self, queries: Queries) -> tuple[Array, Array]:
        s = self._fitted()
        keys = self._derived("user_vectors", self._user_vectors)
        out = ops.attend(
            self._query_vectors(queries),
            keys,
            s.values,
            scale=1 / s.temperature,
            exclude=terms.self_mask(queries.userids, keys.shape[0]),
            check_finite=False,
        )
        if s.feedback == "implicit":
            return out, out
        deviation, share = out[:, : self.n_items], out[:, self.n_items :]
        trusted = share + np.float32(s.damping)
        scores = np.divide(deviation, trusted, out=np.zeros_like(trusted), where=trusted > 0)
        scores += self._means(queries)[:, None]
        return scores, share

    def _explainer(self, queries: Queries) -> Callable[[int, int, int], Explanation]:
        s = self._fitted()
        explicit, temperature, damping = s.feedback == "explicit", s.temperature, s.damping
        keys = self._derived("user_vectors", self._user_vectors)
        by_item = self._derived("keys_by_item", lambda: keys.T.tocsr())
        ratings = self._derived("ratings_by_item", lambda: s.histories.T.tocsr())
        units, means = self._query_vectors(queries), self._means(queries).astype(np.float64)
        cosines = ops.similarity(units, keys, check_finite=False)  # rounded as in the scores

        @lru_cache(1)  # pairs come a user at a time
        def user(row: int) -> tuple[Array, Array, CSR, Array, Array]:
            items, x = entries_of(units, row)
            own = cosines[row].astype(np.float64)
            uniform, attention = terms.attention(own, temperature, int(queries.userids[row]))
            shares = per_cosine(own, uniform, attention, temperature)
            return items, x, float64_rows(by_item, items), attention, shares

        def explain(row: int, itemid: int, n: int) -> Explanation:
            items, x, shared, attention, shares = user(row)
            raters, said = entries_of(ratings, itemid)
            raters, said = raters[attention[raters] > 0], said[attention[raters] > 0]
            values = said - s.means[raters].astype(np.float64) if explicit else np.ones(len(raters))
            trusted = float(attention[raters].sum()) + damping if explicit else 1.0
            weights = attention[raters] / trusted if trusted > 0 else np.zeros(len(raters))
            of_raters = np.zeros(len(attention))
            of_raters[raters] = shares[raters] * values / (trusted or 1.0)
            neighbours = Part.largest(raters, weights * values, n, weights=weights, values=values)
            listed = x * (shared @ of_raters)
            history = Part.largest(items, listed, n, background=neighbours.total - float(listed.sum()))
            bias = float(means[row]) if explicit else 0.0
            name = "the user's mean rating" if explicit else "as every score does"
            total = bias + neighbours.total
            return Explanation(int(queries.userids[row]), itemid, total, bias, name, history, neighbours)

        return explain
