"""Items that attention between items scores by given vectors alone, such as those of ContentBridge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..._util.arraylike import as_numpy, is_array_like
from ..content import feature_rows
from ..inputs.histories import Array

__all__ = ["Given", "layout", "put", "updated"]

Given = tuple[Array, Array]  # items (k,), ascending, and for each what every item of a history adds, (k, items)


def _taken(state: Mapping[str, Any]) -> Given:
    n = state["histories"].shape[1]
    return state.get("given_items", np.zeros(0, np.int64)), state.get("given", np.zeros((0, n), np.float32))


def updated(state: Mapping[str, Any], ids: Array, vectors: Any, n: int) -> Given:
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
    if state["based_on"] == "users":
        raise ValueError(
            "item_vectors say what items of a history add: use them with based_on='items' or based_on='both'"
        )
    vectors = as_numpy(vectors, "item_vectors") if is_array_like(vectors) else vectors
    learned = np.setdiff1d(np.arange(state["histories"].shape[1]), items)
    width = np.shape(vectors)[1] if np.ndim(vectors) == 2 and learned[-1] < np.shape(vectors)[1] <= n else None
    new = feature_rows.dense("item_vectors", vectors, len(ids), "itemids", width or state["histories"].shape[1])
    merged = {**dict(zip(items.tolist(), rows, strict=True))}
    merged |= dict(zip(ids.tolist(), np.pad(new, ((0, 0), (0, n - new.shape[1]))), strict=True))
    items = np.array(sorted(merged), dtype=np.int64)
    return items, np.stack([merged[i] for i in items])


def put(between: Array, given: Given | None, used: Array) -> dict[str, Array]:
    """Write vectors into the weights ``between`` items, as columns of items without users; returns state entries."""
    if given is None:
        return {}
    keep = ~used[given[0]]
    items, rows = given[0][keep], given[1][keep]
    if not len(items):
        return {}
    rows[:, items] = 0  # no history has them yet
    between[:, items] = rows.T
    return {"given_items": items, "given": rows}


def layout(n_items: int, state: Mapping[str, Any]) -> dict[str, Any]:
    """What such entries must look like (see :func:`checks.fits`)."""
    if "given" not in state:
        return {}
    k = len(state["given"])
    return {"given_items": ("int64", (k,)), "given": ("float32", (k, n_items))}
