"""Models that ``attnrec evaluate`` compares: estimators by name, popularity, and saved models."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import ops
from ._named import named
from ._protocols import Array, Part

__all__ = ["POPULARITY", "Contestant", "Fitted", "estimator", "popularity", "predicted_by_lists", "spelled"]

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
class Contestant:
    """A name, how to get a recommender for a part, and what a reader of its figures should know."""

    label: str
    fit: Callable[[Part], Fitted]
    notes: tuple[str, ...] = ()


def spelled(spec: str, saved: Callable[[Path], Contestant]) -> Contestant:
    """What a value of ``--model`` names: ``Class``, ``Class:name=value,name=value``, a saved model, or popularity.

    Raises
    ------
    ValueError
        In one line that says which names there are.
    """
    if Path(spec).suffix.lower() == ".safetensors":
        if not Path(spec).is_file():
            raise ValueError(f"--model {spec}: there is no such file")
        return saved(Path(spec))
    if spec == POPULARITY:
        return popularity()
    made, params = named(spec, POPULARITY, "a saved model, *.safetensors")
    return estimator(spec, lambda: made(**params))


def estimator(label: str, make: Callable[[], Any]) -> Contestant:
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

    return Contestant(label, fit)


def popularity() -> Contestant:
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

    return Contestant(POPULARITY, fit)


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
