"""Reordering of interactions and scores to the ids of a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import alignment
from .factorize import Array, as_list
from .ids import Ids
from .interactions import Interactions

__all__ = ["by_model", "check_kinds", "scores_of"]

_FIX = "Give the interactions the ids that the model was fitted with"


def by_model(data: Interactions, model: Any) -> tuple[Interactions, Array | None]:
    """The interactions with the items of the model, and its row for each of their users, -1 for one that it lacks.

    Rows are None where they are the users' own numbers: of a model that remembers the same ids, or none.

    Raises
    ------
    ValueError
        If no item is one of the model's, or no user is and they are of another type.
    """
    users, items = getattr(model, "user_ids", None), getattr(model, "item_ids", None)
    if not isinstance(users, Ids) or not isinstance(items, Ids):
        return data, None
    place, _ = alignment.rows_of("interactions: items", items, data.items.to_numpy(), "interactions", _FIX)
    lost = np.flatnonzero(place < 0)
    if len(lost):
        entries = int(np.isin(data.user_items.indices, lost).sum())
        alignment.warn(
            f"FrameRecommender: {entries:,} interactions are left out, with {len(lost):,} items that the model does "
            f"not have, such as {data.items[int(lost[0])]!r}"
        )
    matrix = alignment.moved(data.user_items, None, place, len(items))
    if matrix is not data.user_items:
        data = data._like(matrix, None, None, items)
    rows = alignment.in_order(users, data.users.to_numpy())
    if len(rows) and (rows < 0).all():
        check_kinds("FrameRecommender: interactions: users", data.users, users.to_numpy())
    return data, None if len(rows) == len(users) and np.array_equal(rows, np.arange(len(rows))) else rows


def scores_of(scores: Array, ids: Ids, items: Ids) -> Array:
    """Scores of items by id, NaN for one that has none.

    Raises
    ------
    ValueError
        If none has one.
    """
    lack, fix = (
        "are not recommended to users of whom nothing is known",
        "Give it scores of the items of the interactions",
    )
    rows, _ = alignment.joined("FrameRecommender: fallback", ids, items.to_numpy(), "items", lack, fix)
    out: Array = np.append(scores, np.nan)[rows]
    return out


def check_kinds(name: str, ids: Ids, others: Any) -> None:
    """ValueError if ids that have nothing in common with ``others`` are of another type than they."""
    own, theirs = (alignment.kinds(as_list(names[:100])) for names in (ids.to_numpy(), others))
    if own != theirs:
        raise ValueError(
            f"{name}: no id of these, such as {ids[0]!r} ({own}), is one of the others, such as {others[0]!r} "
            f"({theirs}): give both the same type"
        )
