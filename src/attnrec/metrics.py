"""Quality of recommendations and of predicted ratings. NumPy alone; each function names the variant it computes.

Ranking metrics take ``ids`` (u, K), the recommendations of each user, best first, -1 where there were fewer, and
``test`` (u, n), a CSR matrix whose stored entries are the held-out items of the same users. They are full-ranking
metrics: nothing is sampled. The mean runs over the users with at least one held-out item.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["coverage", "hit_rate", "mae", "mrr", "ndcg", "precision", "recall", "rmse"]

Array = np.ndarray[Any, np.dtype[Any]]


def _hits(ids: Any, test: Any, k: int | None) -> tuple[Array, Array]:
    """(u, k) whether each recommendation is held out, and (u,) how many items are held out."""
    ids = np.asarray(ids)
    if ids.ndim != 2 or not np.issubdtype(ids.dtype, np.integer):
        raise ValueError(f"ids must be a (users, k) array of integers, not {ids.ndim}-D {ids.dtype}")
    if not hasattr(test, "indptr"):
        raise TypeError(f"test must be a CSR matrix, not {type(test).__name__}: wrap it in scipy.sparse.csr_array")
    users, n = test.shape
    if len(ids) != users:
        raise ValueError(f"ids has {len(ids)} rows and test {users}: pass the rows of the same users")
    k = ids.shape[1] if k is None else k
    if not 1 <= k <= ids.shape[1]:
        raise ValueError(f"k is {k}, but ids has {ids.shape[1]} columns: recommend at least k items")
    ids = ids[:, :k]
    if ids.size and (ids.max() >= n or ids.min() < -1):
        raise ValueError(f"ids must lie in 0..{n - 1} (or be -1 for none), but {ids.max()} and {ids.min()} occur")
    rows = np.arange(users, dtype=np.int64)[:, None]
    keys = np.where(ids >= 0, rows * n + ids, -1)
    in_order = np.sort(keys, axis=1)
    twice = (in_order[:, 1:] == in_order[:, :-1]) & (in_order[:, 1:] >= 0)
    if twice.any():
        raise ValueError(f"ids names an item twice in row {int(np.flatnonzero(twice.any(axis=1))[0])}")
    lengths = np.diff(test.indptr)
    held_out = np.unique(np.repeat(rows[:, 0], lengths) * n + test.indices)
    counts = np.bincount(held_out // n, minlength=users) if n else np.zeros(users, dtype=np.int64)
    return np.isin(keys, held_out), counts


def recall(ids: Any, test: Any, k: int | None = None) -> float:
    """Recall@k = hits / held-out items, the variant of LightGCN (not ``hits / min(k, held-out)``).

    Parameters
    ----------
    ids : (u, K) array_like of int
        Recommended items, best first; -1 for none.
    test : (u, n) CSR
        Held-out items of the same users; every stored entry counts, whatever its value.
    k : int, optional
        How many recommendations count; all columns unless told.

    Returns
    -------
    float
        Mean over the users with a held-out item; NaN when there is none.

    Raises
    ------
    ValueError, TypeError
        If shapes differ, ids are out of range or repeated, or ``k`` is not in 1..K.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from attnrec.metrics import recall
    >>> recall([[3, 0, 1]], csr_array([[1, 0, 1, 1, 1]]), k=2)
    0.5
    """
    hits, counts = _hits(ids, test, k)
    return _mean(hits.sum(axis=1) / np.maximum(counts, 1), counts)


def precision(ids: Any, test: Any, k: int | None = None) -> float:
    """Precision@k = hits / k; recommendations that are missing (-1) count as wrong.

    Parameters, result and errors as in :func:`recall`.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from attnrec.metrics import precision
    >>> precision([[3, 0, 1, -1]], csr_array([[1, 0, 1, 1, 1]]))
    0.5
    """
    hits, counts = _hits(ids, test, k)
    right: Array = hits.mean(axis=1)
    return _mean(right, counts)


def hit_rate(ids: Any, test: Any, k: int | None = None) -> float:
    """HR@k: 1 where at least one held-out item is among the first k.

    Parameters, result and errors as in :func:`recall`.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from attnrec.metrics import hit_rate
    >>> hit_rate([[3, 0], [2, 1]], csr_array([[1, 0, 0, 0], [1, 0, 0, 0]]))
    0.5
    """
    hits, counts = _hits(ids, test, k)
    return _mean(np.asarray(hits.any(axis=1)), counts)


def mrr(ids: Any, test: Any, k: int | None = None) -> float:
    """Mean reciprocal rank: 1 / rank of the first hit among the first k, 0 without one.

    Parameters, result and errors as in :func:`recall`.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from attnrec.metrics import mrr
    >>> mrr([[3, 0], [0, 1]], csr_array([[1, 0, 0, 0], [1, 0, 0, 0]]))
    0.75
    """
    hits, counts = _hits(ids, test, k)
    first: Array = np.where(hits.any(axis=1), 1.0 / (1 + np.argmax(hits, axis=1)), 0.0)
    return _mean(first, counts)


def ndcg(ids: Any, test: Any, k: int | None = None) -> float:
    """NDCG@k with binary relevance: ``sum over hits of 1 / log2(rank + 1)`` over the best such sum possible.

    The ideal list holds ``min(k, held-out items)`` hits, as in LightGCN's and RecBole's evaluation; Jarvelin and
    Kekalainen, 2002, with the discount of Burges et al., 2005.

    Parameters, result and errors as in :func:`recall`.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from attnrec.metrics import ndcg
    >>> round(ndcg([[1, 3]], csr_array([[1, 0, 0, 1]])), 4)  # (1 / log2 3) / (1 + 1 / log2 3)
    0.3869
    """
    hits, counts = _hits(ids, test, k)
    discounts = 1 / np.log2(np.arange(2, hits.shape[1] + 2))
    ideal = np.concatenate([[1.0], np.cumsum(discounts)])[np.minimum(counts, hits.shape[1])]
    gained: Array = (hits @ discounts) / ideal
    return _mean(gained, counts)


def coverage(ids: Any, n_items: int, k: int | None = None) -> float:
    """Catalogue coverage@k: the share of all items that at least one user is recommended.

    Parameters
    ----------
    ids : (u, K) array_like of int
        Recommended items; -1 for none.
    n_items : int
        Size of the catalogue.
    k : int, optional
        How many recommendations count; all columns unless told.

    Raises
    ------
    ValueError
        If ``n_items`` is not positive or an id is not below it.

    Examples
    --------
    >>> from attnrec.metrics import coverage
    >>> coverage([[0, 1], [1, -1]], n_items=4)
    0.5
    """
    shown = np.unique(np.asarray(ids)[:, :k])
    if n_items < 1 or (shown.size and shown[-1] >= n_items):
        raise ValueError(f"n_items is {n_items}, but it must be at least 1 and above every id")
    return float(np.count_nonzero(shown >= 0) / n_items)


def rmse(ratings: Any, predicted: Any) -> float:
    """Root of the mean squared error over all ratings together (not a mean of users' errors).

    Parameters
    ----------
    ratings, predicted : (p,) array_like
        True and predicted ratings of the same pairs.

    Raises
    ------
    ValueError
        If the lengths differ or there are none.

    Examples
    --------
    >>> from attnrec.metrics import rmse
    >>> rmse([3, 5], [4, 4])
    1.0
    """
    return float(np.sqrt(np.mean(_errors(ratings, predicted) ** 2)))


def mae(ratings: Any, predicted: Any) -> float:
    """Mean absolute error over all ratings together.

    Parameters and errors as in :func:`rmse`.

    Examples
    --------
    >>> from attnrec.metrics import mae
    >>> mae([3, 5], [4, 3])
    1.5
    """
    return float(np.mean(np.abs(_errors(ratings, predicted))))


def _errors(ratings: Any, predicted: Any) -> Array:
    true, guess = np.asarray(ratings, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if true.shape != guess.shape or true.size == 0:
        raise ValueError(f"ratings {true.shape} and predicted {guess.shape} must have one shape and not be empty")
    return guess - true


def _mean(values: Array, counts: Array) -> float:
    return float(np.mean(values[counts > 0])) if (counts > 0).any() else float("nan")
