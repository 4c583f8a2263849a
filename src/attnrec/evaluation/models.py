"""Candidates of an evaluation: estimators fitted on each part, and popularity."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import ops
from .protocols import Array, Part

__all__ = ["POPULARITY", "Candidate", "Fitted", "estimator", "popularity", "predicted_by_lists"]

POPULARITY = "popularity"


@dataclass(frozen=True)
class Fitted:
    """A recommender that knows a part.

    Attributes
    ----------
    recommend : (rows of the part, k) -> (len(rows), k) items in its own numbering, -1 for none
    predict : rows of the part -> ratings of all their held-out entries in order; None where it predicts none
    n_items : the size of its catalogue
    columns : (n_items,) column of the data for each of its items, past the data's where that has no such item; None
        where the numbering is the data's
    """

    recommend: Callable[[Array, int], Array]
    predict: Callable[[Array], Array] | None
    n_items: int
    columns: Array | None = None


@dataclass(frozen=True)
class Candidate:
    """A name, how to get a recommender for a part, and what a reader of its figures should know."""

    label: str
    fit: Callable[[Part], Fitted]
    notes: tuple[str, ...] = ()


def estimator(label: str, make: Callable[[], Any]) -> Candidate:
    """An estimator that is made and fitted for each part."""

    def fit(part: Part) -> Fitted:
        model = make().fit(part.train, show_progress=sys.stderr.isatty())

        def recommend(at: Array, k: int) -> Array:
            ids: Array = (
                model.recommend(part.rows[at], N=k)
                if part.rows is not None
                else model.recommend(np.full(len(at), -1), part.histories[at], N=k, recalculate_user=True)
            )[0]
            return ids

        def predict(at: Array) -> Array:
            test = part.test[at]
            if part.rows is None:
                return predicted_by_lists(model, np.full(len(at), -1), part.histories[at], test)
            ratings: Array = model.predict(np.repeat(part.rows[at], np.diff(test.indptr)), test.indices)
            return ratings

        return Fitted(recommend, predict if model.predicts_ratings else None, model.n_items)

    return Candidate(label, fit)


def popularity() -> Candidate:
    """The items that most users have, less the user's own; it predicts an item's mean rating."""

    def fit(part: Part) -> Fitted:
        train = part.train.user_items
        users = np.bincount(train.indices, minlength=train.shape[1])
        sums = np.bincount(train.indices, weights=train.data, minlength=train.shape[1])
        means = np.where(users > 0, sums / np.maximum(users, 1), train.data.mean())
        scores = users.astype(np.float32)[:, None]

        def recommend(at: Array, k: int) -> Array:
            ones = np.ones((len(at), 1), dtype=np.float32)
            return ops.topk(ones, scores, k, exclude=part.histories[at], weights=False).ids

        def predict(at: Array) -> Array:
            ratings: Array = means[part.test[at].indices]
            return ratings

        return Fitted(recommend, predict if part.train.explicit else None, train.shape[1])

    return Candidate(POPULARITY, fit)


def predicted_by_lists(model: Any, userids: Array, histories: Any, test: Any) -> Array:
    """Ratings of the stored entries of ``test`` (b, n) from histories, each user scored once."""
    shown = np.unique(test.indices)
    ids, scores = model.recommend(
        userids, histories, N=len(shown), filter_already_liked_items=False, recalculate_user=True, items=shown
    )
    table = np.zeros(test.shape, dtype=np.float32)
    np.put_along_axis(table, ids, scores, axis=1)
    ratings: Array = table[np.repeat(np.arange(len(ids)), np.diff(test.indptr)), test.indices]
    return ratings
