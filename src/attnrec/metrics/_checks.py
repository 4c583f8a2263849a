"""What the metrics share: lists and held-out items checked, hits, and means over users. Defines no metric."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

__all__ = ["Array", "answer", "catalogue", "hits", "lists"]

Array = np.ndarray[Any, np.dtype[Any]]


def lists(ids: Any, k: int | None, n: int) -> Array:
    """The first k columns of ``ids``: integers in -1 .. n - 1, none of 0 and above twice in a row."""
    ids = np.asarray(ids)
    if ids.ndim != 2 or not np.issubdtype(ids.dtype, np.integer):
        raise ValueError(f"ids must be a (users, k) array of integers, not {ids.ndim}-D {ids.dtype}")
    k = ids.shape[1] if k is None else operator.index(k)
    if not 1 <= k <= ids.shape[1]:
        raise ValueError(f"k is {k}, but ids has {ids.shape[1]} columns: recommend at least k items")
    shown: Array = ids[:, :k].astype(np.int64)
    if shown.size and (shown.max() >= n or shown.min() < -1):
        raise ValueError(f"ids must lie in 0..{n - 1} (or be -1 for none), but {shown.max()} and {shown.min()} occur")
    in_order = np.sort(shown, axis=1)
    twice = (in_order[:, 1:] == in_order[:, :-1]) & (in_order[:, 1:] >= 0)
    if twice.any():
        raise ValueError(f"ids names an item twice in row {int(np.flatnonzero(twice.any(axis=1))[0])}")
    return shown


def catalogue(n_items: Any) -> int:
    """The size of a catalogue."""
    n = operator.index(n_items)
    if n < 1:
        raise ValueError(f"n_items is {n}, but it must be at least 1 and above every id")
    return n


def hits(ids: Any, test: Any, k: int | None) -> tuple[Array, Array, Array]:
    """(u, k) the recommendations, (u, k) which of them are held out, and (u,) how many items are held out."""
    if not hasattr(test, "indptr") or getattr(test, "format", "csr") != "csr":
        raise TypeError(f"test must be a CSR matrix, not {type(test).__name__}: wrap it in scipy.sparse.csr_array")
    users, n = test.shape
    shown = lists(ids, k, n)
    if len(shown) != users:
        raise ValueError(f"ids has {len(shown)} rows and test {users}: pass the rows of the same users")
    rows = np.arange(users, dtype=np.int64)
    held_out = np.unique(np.repeat(rows, np.diff(test.indptr)) * n + test.indices)
    counts = np.bincount(held_out // n, minlength=users) if n else np.zeros(users, dtype=np.int64)
    keys = np.where(shown >= 0, rows[:, None] * n + shown, -1)
    return shown, np.isin(keys, held_out), counts


def answer(values: Array, counted: Array, per_user: bool) -> float | Array:
    """(u,) values with NaN where a user does not count, or their mean over those who do: NaN when nobody does."""
    if per_user:
        return np.where(counted, values, np.nan)
    return float(np.mean(values[counted])) if counted.any() else float("nan")
