"""A saved model in a comparison: its own catalogue, and histories from the data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._util.extras import require
from ._contestants import Contestant, Fitted, predicted_by_lists
from ._protocols import Array, Part

if TYPE_CHECKING:
    from ..data import Interactions

__all__ = ["matched", "saved"]


def saved(path: Path, data: Interactions) -> Contestant:
    """A model file that is asked by history, and ranks its own catalogue.

    Its users are matched by id, so that those it was fitted with do not attend to themselves; what it learned from
    the held-out part stays in it, and is warned of.

    Raises
    ------
    ValueError
        If the file has no ids, or as :func:`matched`.
    """
    from ..models.storage.model_file import read_header
    from ._names import load_named

    model, users, items, _, _ = load_named(path)
    if read_header(path).get("names") is None and (model.user_ids is None or model.item_ids is None):
        raise ValueError(
            f"{path}: has no ids of users and items, which 'attnrec fit' writes, and save() of a model that was fitted "
            "with Interactions; it cannot be matched"
        )
    notes = [
        f"{path.name} may have been fitted with what is held out here; then it is too good to be true. It is given "
        "histories, and was not fitted again."
    ]
    return matched(str(path), model, users, items, data, notes)


def matched(
    label: str, model: Any, users: Any, items: Any, data: Interactions, notes: Sequence[str] = ()
) -> Contestant:
    """A fitted model, whose ids are ``users`` and ``items``, that is asked by history as in :func:`saved`.

    Raises
    ------
    ValueError
        If none of its items is in the data.
    """
    place = items.positions(data.items, unknown="ignore")  # of each item of the data in the model's catalogue
    known = place >= 0
    if not known.any():
        raise ValueError(
            f"{label}: none of its items is in the data: they look like {items[0]!r} and {data.items[0]!r}"
        )
    columns = np.empty(len(items), dtype=np.int64)
    columns[:] = data.n_items + np.cumsum(~np.isin(np.arange(len(items)), place)) - 1
    columns[place[known]] = np.flatnonzero(known)
    known_to = partial(_translated, place=place, width=len(items))
    userids = users.positions(data.users, unknown="ignore")
    lacks = (
        f"{Path(label).name} lacks {int((~known).sum()):,} of {data.n_items:,} items: it cannot find them, and its "
        "ratings are not compared where some of them are held out."
    )

    def fit(part: Part) -> Fitted:
        def recommend(at: Array, k: int) -> Array:
            ids: Array = _in_two(
                model.n_users,
                at,
                lambda some: model.recommend(
                    userids[part.users[some]], known_to(part.histories[some]), N=k, recalculate_user=True
                )[0],
            )
            return ids

        def predict(at: Array) -> Array:
            ratings: Array = _in_two(
                model.n_users,
                at,
                lambda some: predicted_by_lists(
                    model,
                    userids[part.users[some]],
                    known_to(part.histories[some]),
                    known_to(part.test[some]),
                ),
            )
            return ratings

        rated = model.predicts_ratings and part.train.explicit and known[part.test.indices].all()
        return Fitted(recommend, predict if rated else None, model.n_items, columns)

    return Contestant(label, fit, (*notes, *(() if known.all() else (lacks,))))


def _in_two(n_users: int, at: Array, answer: Any) -> Any:
    """As many histories as there are fitted users would be read as the full matrix: ask for them in two halves."""
    if len(at) != n_users or n_users < 2:
        return answer(at)
    return np.concatenate([answer(half) for half in np.array_split(at, 2)])


def _translated(matrix: Any, place: Array, width: int) -> Any:
    """The same rows with the columns of another catalogue, in the order stored; items it lacks are left out."""
    sparse = require("scipy.sparse", extra="data")
    columns = place[matrix.indices]
    kept = columns >= 0
    indptr = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
    return sparse.csr_array((matrix.data[kept], columns[kept], indptr), shape=(matrix.shape[0], width))
