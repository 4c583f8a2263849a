"""Items that attention between items scores by given vectors alone, such as those of ContentBridge."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._util.arraylike import as_numpy, is_array_like
from ..content import feature_rows
from ..inputs.histories import Array
from .state import KernelState, Vectors

__all__ = ["Given", "put", "updated"]

Given = tuple[Array, Array]  # items (k,), ascending, and for each what every item of a history adds, (k, items)


def _taken(state: KernelState) -> Given:
    if state.vectors is None:
        return np.zeros(0, np.int64), np.zeros((0, state.histories.shape[1]), np.float32)
    return state.vectors.given_items, state.vectors.given


def updated(state: KernelState, ids: Array, vectors: Any, n: int) -> Given:
    """The vectors of a state for ``n`` items, but ``ids`` have ``vectors``, if that is not None.

    Raises
    ------
    ValueError, TypeError
        If there is no attention between items, or a vector has no number for an item that people have.
    """
    items, rows = _taken(state)
    rows = np.pad(rows, ((0, 0), (0, n - rows.shape[1])))
    if vectors is None:
        return items, rows
    if state.based_on == "users":
        raise ValueError(
            "item_vectors say what items of a history add: use them with based_on='items' or based_on='both'"
        )
    vectors = as_numpy(vectors, "item_vectors") if is_array_like(vectors) else vectors
    learned = np.setdiff1d(np.arange(state.histories.shape[1]), items)
    width = np.shape(vectors)[1] if np.ndim(vectors) == 2 and learned[-1] < np.shape(vectors)[1] <= n else None
    new = feature_rows.dense("item_vectors", vectors, len(ids), "itemids", width or state.histories.shape[1])
    merged = {**dict(zip(items.tolist(), rows, strict=True))}
    merged |= dict(zip(ids.tolist(), np.pad(new, ((0, 0), (0, n - new.shape[1]))), strict=True))
    items = np.array(sorted(merged), dtype=np.int64)
    return items, np.stack([merged[i] for i in items])


def put(between: Array, given: object, used: Array) -> Vectors | None:
    """Write vectors into what is ``between`` items, as columns of those that nobody used; gives what a state holds."""
    if not isinstance(given, tuple):
        return None
    keep = ~used[given[0]]
    items, rows = given[0][keep], given[1][keep]
    if not len(items):
        return None
    rows[:, items] = 0  # no history has them yet
    between[:, items] = rows.T
    return Vectors(given_items=items, given=rows)
