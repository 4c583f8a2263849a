"""Metrics beyond accuracy: coverage, concentration, novelty and diversity of recommendations."""

from __future__ import annotations

from typing import Any, Literal, overload

import numpy as np

from .._util.matrices import is_sparse, matrix
from ._checks import Array, answer, catalogue, lists, numbers, stored

__all__ = ["coverage", "gini", "intra_list_diversity", "novelty"]


def coverage(ids: Any, n_items: int, k: int | None = None) -> float:
    """Catalogue coverage@k: the share of all items that at least one user is recommended (Ge et al., 2010).

    Parameters
    ----------
    ids : (u, K) array_like of int, or a list of int for each user
        Recommended items of each user, best first; -1 where there is none, with which shorter lists are padded.
    n_items : int
        Number of items in the catalogue, at least 1; ids are below it.
    k : int, optional
        Cutoff: the number of recommendations that count, from 1 to K; K if not given.

    Returns
    -------
    float
        Share of the catalogue, from 0 to 1.

    Raises
    ------
    ValueError
        If ``n_items`` is not positive, or ids are out of range or repeated, or ``k`` is not in 1..K.

    Examples
    --------
    >>> from attnrec.metrics import coverage
    >>> coverage([[0, 1], [1, -1]], n_items=4)
    0.5
    """
    times = _times_shown(ids, n_items, k)
    return float(np.count_nonzero(times) / len(times))


def gini(ids: Any, n_items: int, k: int | None = None) -> float:
    """Gini index of how often items are recommended: 0 if all are recommended equally often, 1 if only one is.

    ``sum_j (2 j - n - 1) p_j / (n - 1)`` with the shares p of the n items in ascending order, items that are never
    recommended included: Shani and Gunawardana, 2011 (others divide by n, which stays below 1).

    Parameters
    ----------
    ids : (u, K) array_like of int, or a list of int for each user
        Recommended items of each user, best first; -1 where there is none, with which shorter lists are padded.
    n_items : int
        Number of items in the catalogue, at least 1; ids are below it.
    k : int, optional
        Cutoff: the number of recommendations that count, from 1 to K; K if not given.

    Returns
    -------
    float
        Index from 0 to 1; NaN if nothing is recommended, 0 for a catalogue of one item.

    Raises
    ------
    ValueError
        If ``n_items`` is not positive, or ids are out of range or repeated, or ``k`` is not in 1..K.

    Examples
    --------
    >>> from attnrec.metrics import gini
    >>> gini([[0, 1], [1, 0]], n_items=2), gini([[0], [0]], n_items=2)
    (0.0, 1.0)
    """
    times = np.sort(_times_shown(ids, n_items, k))
    n, total = len(times), times.sum()
    if total == 0:
        return float("nan")
    return float(((2 * np.arange(1, n + 1) - n - 1) @ times) / (max(n - 1, 1) * total))


@overload
def novelty(ids: Any, train: Any, k: int | None = ..., *, per_user: Literal[False] = ...) -> float: ...
@overload
def novelty(ids: Any, train: Any, k: int | None = ..., *, per_user: Literal[True]) -> Array: ...
def novelty(ids: Any, train: Any, k: int | None = None, *, per_user: bool = False) -> float | Array:
    """Mean self-information of the recommended items, in bits: ``-log2(share of users who have the item)``.

    Zhou et al., 2010. An item that no user has counts as one that a single user has. The value of a user is the mean
    over the list, with equal weights at all ranks.

    Parameters
    ----------
    ids : (u, K) array_like of int, or a list of int for each user
        Recommended items of each user, best first; -1 where there is none, with which shorter lists are padded.
    train : Interactions or (users, n) sparse matrix
        Interactions from which the recommendations were made; its users need not be those of ``ids``.
    k : int, optional
        Cutoff: the number of recommendations that count, from 1 to K; K if not given.
    per_user : bool
        Whether to return the value of each user instead of the mean.

    Returns
    -------
    float, or (u,) float64 ndarray with ``per_user``
        Mean over the users with a recommendation; or the value of each user, NaN for users without a recommendation.

    Raises
    ------
    ValueError, TypeError
        If ids are out of range or repeated, ``k`` is not in 1..K, or ``train`` is not sparse or has no rows.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from attnrec.metrics import novelty
    >>> novelty([[0, 1]], csr_array([[1, 1], [1, 0], [1, 0], [1, 0]]))  # all have 0 (0 bits), a quarter has 1 (2 bits)
    1.0
    """
    known = stored("train", train)
    if known.shape[0] < 1:
        raise ValueError("train has no rows: pass the histories of the users who were known")
    shown = lists(ids, k, known.shape[1])
    users = np.bincount(known.indices, minlength=known.shape[1])
    bits = np.append(np.log2(known.shape[0]) - np.log2(np.maximum(users, 1)), 0.0)  # the last for the id -1
    filled = (shown >= 0).sum(axis=1)
    return answer(bits[shown].sum(axis=1) / np.maximum(filled, 1), filled > 0, per_user)


@overload
def intra_list_diversity(
    ids: Any,
    item_features: Any = ...,
    k: int | None = ...,
    *,
    similarity: Any = ...,
    per_user: Literal[False] = ...,
) -> float: ...
@overload
def intra_list_diversity(
    ids: Any, item_features: Any = ..., k: int | None = ..., *, similarity: Any = ..., per_user: Literal[True]
) -> Array: ...
def intra_list_diversity(
    ids: Any, item_features: Any = None, k: int | None = None, *, similarity: Any = None, per_user: bool = False
) -> float | Array:
    """Intra-list diversity@k: ``1 - similarity``, averaged over the pairs of a list (Smyth and McClave, 2001).

    Parameters
    ----------
    ids : (u, K) array_like of int, or a list of int for each user
        Recommended items of each user, best first; -1 where there is none, with which shorter lists are padded.
    item_features : (n, d) array_like, sparse matrix or :class:`attnrec.features.Features`
        Features of the items, whose cosine is the similarity (0 where an item has none); give these or ``similarity``.
        Row i belongs to item i, also where features have ids: ``features.align(interactions.items)`` puts them in
        order.
    k : int, optional
        Cutoff: the number of recommendations that count, from 1 to K; K if not given.
    similarity : (n, n) array_like
        Symmetric matrix of similarities between items, of which only pairs of different items are read.
    per_user : bool
        Whether to return the value of each user instead of the mean.

    Returns
    -------
    float, or (u,) float64 ndarray with ``per_user``
        Mean over the users with at least two recommendations; or the value of each user, NaN for users with fewer than
        two.

    Raises
    ------
    ValueError
        If ids are out of range or repeated, ``k`` is not in 1..K, or not exactly one of ``item_features`` and
        ``similarity`` is given, or it is not finite or not of that shape.

    Examples
    --------
    >>> from attnrec.metrics import intra_list_diversity
    >>> genres = [[1, 0], [1, 0], [0, 1]]
    >>> intra_list_diversity([[0, 1], [0, 2]], genres, per_user=True)
    array([0., 1.])
    """
    if (item_features is None) == (similarity is None):
        raise ValueError("give item_features or similarity, one of the two")
    if similarity is not None:
        table = numbers("similarity", similarity, "pass an (n, n) array; of a sparse matrix, similarity.toarray()")
        if table.ndim != 2 or table.shape[0] != table.shape[1] or not np.isfinite(table).all():
            raise ValueError(f"similarity {table.shape} must be a square matrix of finite numbers, (n, n)")
        shown = lists(ids, k, len(table))
        total = _pairwise(shown, table)
    else:
        unit = _unit_rows(item_features)
        shown = lists(ids, k, unit.shape[0])
        total = _cosines(shown, unit)
    filled = (shown >= 0).sum(axis=1)
    pairs = filled * (filled - 1) / 2
    return answer(1 - total / np.maximum(pairs, 1), filled > 1, per_user)


def _times_shown(ids: Any, n_items: int, k: int | None) -> Array:
    n = catalogue(n_items)
    shown = lists(ids, k, n)
    return np.bincount(shown[shown >= 0], minlength=n)


def _unit_rows(features: Any) -> Any:
    """Rows of length 1, or of 0 where all is 0; dense or CSR as they came."""
    features = getattr(features, "features", features)
    sparse = is_sparse(features)
    if sparse:
        read = matrix("item_features", features, dtype=np.float64)
        csr = type(features if features.format == "csr" else features.astype(np.float64).tocsr())
        x: Any = csr((read.data, read.indices, read.indptr), shape=read.shape)
    else:
        x = numbers("item_features", features, "pass an (n, d) array, or a sparse matrix")
    if x.ndim != 2 or not np.isfinite(x.data if sparse else x).all():
        raise ValueError(f"item_features {x.shape} must be a matrix of finite numbers, (n, d)")
    squares = _squares(x)
    scale = 1 / np.sqrt(np.where(squares > 0, squares, 1))
    return x.multiply(scale[:, None]).tocsr() if sparse else x * scale[:, None]


def _cosines(shown: Array, unit: Any) -> Array:
    """(u,) the cosines of all pairs of a list, added up: (|sum of vectors|^2 - sum of |vectors|^2) / 2."""
    lengths = np.append(_squares(unit), 0.0)  # the last for the id -1
    total: Any = None
    for column in shown.T:
        vectors, there = unit[np.maximum(column, 0)], (column >= 0)[:, None]
        vectors = vectors.multiply(there).tocsr() if hasattr(vectors, "indptr") else vectors * there
        total = vectors if total is None else total + vectors
    out: Array = (_squares(total) - lengths[shown].sum(axis=1)) / 2
    return out


def _squares(x: Any) -> Array:
    """(u,) squared length of each row."""
    squares: Any = x.multiply(x).sum(axis=1) if hasattr(x, "indptr") else np.einsum("ud,ud->u", x, x)
    out: Array = np.asarray(squares).ravel()
    return out


def _pairwise(shown: Array, table: Array) -> Array:
    """(u,) the entries of ``table`` for all pairs of a list, added up, a distance between two ranks at a time."""
    total = np.zeros(len(shown))
    for apart in range(1, shown.shape[1]):
        a, b = shown[:, :-apart], shown[:, apart:]
        total += np.where((a >= 0) & (b >= 0), table[np.maximum(a, 0), np.maximum(b, 0)], 0.0).sum(axis=1)
    return total
