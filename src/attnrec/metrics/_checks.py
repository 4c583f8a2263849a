"""Shared code of the metrics: checks of lists and held-out items, hits, and means over users."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from .._util.arraylike import as_floats, as_integers, as_numpy
from .._util.matrices import Rows, is_sparse, matrix, owners

__all__ = ["Array", "answer", "catalogue", "hits", "lists", "numbers", "stored"]

Array = np.ndarray[Any, np.dtype[Any]]


def lists(ids: Any, k: int | None, n: int) -> Array:
    """The first k columns of ``ids``: integers in -1 .. n - 1, none of 0 and above twice in a row."""
    ids = _table(ids)
    k = ids.shape[1] if k is None else operator.index(k)
    if not 1 <= k <= ids.shape[1]:
        raise ValueError(f"k is {k}, but ids has {ids.shape[1]} columns: recommend at least k items")
    part = ids[:, :k]
    if part.size and (part.max() >= n or part.min() < -1):
        raise ValueError(f"ids must lie in 0..{n - 1} (or be -1 for none), but {part.max()} and {part.min()} occur")
    shown: Array = as_integers(part, "ids")
    in_order = np.sort(shown, axis=1)
    twice = (in_order[:, 1:] == in_order[:, :-1]) & (in_order[:, 1:] >= 0)
    if twice.any():
        raise ValueError(f"ids names an item twice in row {int(np.flatnonzero(twice.any(axis=1))[0])}")
    return shown


def _table(ids: Any) -> Array:
    """(u, K) integers; lists of unlike lengths are filled up with -1."""
    try:
        table = as_numpy(ids, "ids")
    except ValueError:
        if not isinstance(ids, (list, tuple)):
            raise
        return _filled_up([*ids])
    if table.ndim == 1 and table.dtype == object:
        return _filled_up(table.tolist())
    if table.ndim == 1 and table.dtype.kind in "iu":
        raise ValueError(f"ids is 1-D, of shape {table.shape}, but needs a row for each user: of one user pass [ids]")
    if table.ndim != 2 or (table.size and table.dtype.kind not in "iu"):
        raise ValueError(f"ids must be a (users, k) array of integers, not {table.ndim}-D {table.dtype}")
    return table


def _filled_up(rows: list[Any]) -> Array:
    """Lists of integers as the rows of a table."""
    lengths = [len(row) if hasattr(row, "__len__") else 0 for row in rows]
    table = np.full((len(rows), max(lengths, default=0)), -1, dtype=np.int64)
    for at, row in enumerate(rows):
        some = np.empty(0, np.int64) if hasattr(row, "__len__") and not len(row) else as_numpy(row, f"ids[{at}]")
        if some.shape != (lengths[at],) or some.dtype.kind not in "iu":
            raise ValueError(f"ids must hold a list of integers for each user, but that of user {at} is {row!r:.40}")
        table[at, : lengths[at]] = some
    return table


def numbers(name: str, x: Any, fix: str) -> Array:
    """An array of float64."""
    if is_sparse(getattr(x, "user_items", x)):
        raise TypeError(f"{name} is {type(x).__name__}, which is sparse: {fix}")
    try:
        return as_floats(x, name)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name} can not be read as an array of numbers ({error}): {fix}") from None


def stored(name: str, x: Any) -> Rows:
    """Entries of Interactions or of a sparse matrix of any format, each place once, float64, by the rule of
    :mod:`attnrec._util.matrices`; a one-dimensional row is that of one user."""
    given = getattr(x, "user_items", x)
    if not is_sparse(given):
        raise TypeError(
            f"{name} must be Interactions or a sparse matrix, not {type(x).__name__}: wrap it in scipy.sparse.csr_array"
        )
    return matrix(name, given, row=True, dtype=np.float64)


def catalogue(n_items: Any) -> int:
    """The size of a catalogue."""
    n = operator.index(n_items)
    if n < 1:
        raise ValueError(f"n_items is {n}, but it must be at least 1 and above every id")
    return n


def hits(ids: Any, test: Any, k: int | None) -> tuple[Array, Array, Array, int]:
    """(u, k) the recommendations, (u, k) which are held out, (u,) how many items are held out, and of how many.

    A value below 0 is a dislike, which nobody wants to find: it counts as not held out.
    """
    held_out = stored("test", test)
    users, n = held_out.shape
    shown = lists(ids, k, n)
    if len(shown) != users:
        raise ValueError(f"ids has {len(shown)} rows and test {users}: pass the rows of the same users")
    rows = np.arange(users, dtype=np.int64)
    wanted = ~(held_out.data < 0)
    places = (owners(held_out) * n + held_out.indices)[wanted]
    counts = np.bincount(owners(held_out)[wanted], minlength=users)
    keys = np.where(shown >= 0, rows[:, None] * n + shown, -1)
    return shown, np.isin(keys, places), counts, n


def answer(values: Array, counted: Array, per_user: bool) -> float | Array:
    """(u,) values with NaN where a user does not count, or their mean over those who do: NaN when nobody does."""
    if per_user:
        return np.where(counted, values, np.nan)
    return float(np.mean(values[counted])) if counted.any() else float("nan")
