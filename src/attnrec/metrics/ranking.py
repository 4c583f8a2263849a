"""Ranking metrics of recommendation lists against held-out items, with binary relevance and full ranking."""

from __future__ import annotations

from typing import Any, Literal, overload

import numpy as np

from .._util.arraylike import as_integers
from ._checks import Array, answer, hits

__all__ = ["auc", "hit_rate", "map", "mrr", "ndcg", "precision", "recall"]

Denominator = Literal["held_out", "capped"]


@overload
def recall(
    ids: Any, test: Any, k: int | None = ..., *, denominator: Denominator = ..., per_user: Literal[False] = ...
) -> float: ...
@overload
def recall(
    ids: Any, test: Any, k: int | None = ..., *, denominator: Denominator = ..., per_user: Literal[True]
) -> Array: ...
def recall(
    ids: Any, test: Any, k: int | None = None, *, denominator: Denominator = "held_out", per_user: bool = False
) -> float | Array:
    """Recall@k = hits / held-out items, as in trec_eval (``recall``) and in LightGCN's evaluation.

    Parameters
    ----------
    ids : (u, K) array_like of int, or a list of int for each user
        Recommended items of each user, best first; -1 where there is none, with which shorter lists are padded.
    test : Interactions or (u, n) sparse matrix
        Held-out items of the same users: the stored entries, 0 included, but not values below 0, which are dislikes.
    k : int, optional
        Cutoff: the number of recommendations that count, from 1 to K; K if not given.
    denominator : {"held_out", "capped"}
        Divisor of the hits of a user: the number of held-out items, or "capped" at ``min(k, held-out items)``, the
        variant of Liang et al., 2018 (Mult-VAE), in which users with more than k held-out items can reach 1.
    per_user : bool
        Whether to return the value of each user instead of the mean.

    Returns
    -------
    float, or (u,) float64 ndarray with ``per_user``
        Mean over the users with a held-out item, NaN if there is none; or the value of each user, NaN for users without
        a held-out item.

    Raises
    ------
    ValueError
        If shapes differ, ids are out of range or repeated, or ``k`` is not in 1..K.
    TypeError
        If ids are not integers, or ``test`` is not sparse.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from attnrec.metrics import recall
    >>> test = csr_array([[1, 0, 1, 1, 1], [0, 0, 0, 0, 0]])
    >>> recall([[3, 0, 1], [0, 1, 2]], test, k=2)
    0.5
    >>> recall([[3, 0, 1], [0, 1, 2]], test, k=2, denominator="capped", per_user=True)
    array([ 1., nan])
    """
    _, found, counts, _ = hits(ids, test, k)
    return answer(found.sum(axis=1) / _denominators(counts, found.shape[1], denominator), counts > 0, per_user)


@overload
def precision(ids: Any, test: Any, k: int | None = ..., *, per_user: Literal[False] = ...) -> float: ...
@overload
def precision(ids: Any, test: Any, k: int | None = ..., *, per_user: Literal[True]) -> Array: ...
def precision(ids: Any, test: Any, k: int | None = None, *, per_user: bool = False) -> float | Array:
    """Precision@k = hits / k, as in trec_eval (``P``); missing recommendations (-1) count as wrong.

    Parameters
    ----------
    ids : (u, K) array_like of int, or a list of int for each user
        Recommended items of each user, best first; -1 where there is none, with which shorter lists are padded.
    test : Interactions or (u, n) sparse matrix
        Held-out items of the same users: the stored entries, 0 included, but not values below 0, which are dislikes.
    k : int, optional
        Cutoff: the number of recommendations that count, from 1 to K; K if not given.
    per_user : bool
        Whether to return the value of each user instead of the mean.

    Returns
    -------
    float, or (u,) float64 ndarray with ``per_user``
        Mean over the users with a held-out item, NaN if there is none; or the value of each user, NaN for users without
        a held-out item.

    Raises
    ------
    ValueError
        If shapes differ, ids are out of range or repeated, or ``k`` is not in 1..K.
    TypeError
        If ids are not integers, or ``test`` is not sparse.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from attnrec.metrics import precision
    >>> precision([[3, 0, 1, -1]], csr_array([[1, 0, 1, 1, 1]]))
    0.5
    """
    _, found, counts, _ = hits(ids, test, k)
    right: Array = np.mean(found, axis=1)
    return answer(right, counts > 0, per_user)


@overload
def hit_rate(ids: Any, test: Any, k: int | None = ..., *, per_user: Literal[False] = ...) -> float: ...
@overload
def hit_rate(ids: Any, test: Any, k: int | None = ..., *, per_user: Literal[True]) -> Array: ...
def hit_rate(ids: Any, test: Any, k: int | None = None, *, per_user: bool = False) -> float | Array:
    """HR@k: 1 where at least one held-out item is among the first k, as in trec_eval (``success``).

    Parameters
    ----------
    ids : (u, K) array_like of int, or a list of int for each user
        Recommended items of each user, best first; -1 where there is none, with which shorter lists are padded.
    test : Interactions or (u, n) sparse matrix
        Held-out items of the same users: the stored entries, 0 included, but not values below 0, which are dislikes.
    k : int, optional
        Cutoff: the number of recommendations that count, from 1 to K; K if not given.
    per_user : bool
        Whether to return the value of each user instead of the mean.

    Returns
    -------
    float, or (u,) float64 ndarray with ``per_user``
        Mean over the users with a held-out item, NaN if there is none; or the value of each user, NaN for users without
        a held-out item.

    Raises
    ------
    ValueError
        If shapes differ, ids are out of range or repeated, or ``k`` is not in 1..K.
    TypeError
        If ids are not integers, or ``test`` is not sparse.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from attnrec.metrics import hit_rate
    >>> hit_rate([[3, 0], [2, 1]], csr_array([[1, 0, 0, 0], [1, 0, 0, 0]]))
    0.5
    """
    _, found, counts, _ = hits(ids, test, k)
    hit: Array = np.any(found, axis=1)
    return answer(hit, counts > 0, per_user)


@overload
def mrr(ids: Any, test: Any, k: int | None = ..., *, per_user: Literal[False] = ...) -> float: ...
@overload
def mrr(ids: Any, test: Any, k: int | None = ..., *, per_user: Literal[True]) -> Array: ...
def mrr(ids: Any, test: Any, k: int | None = None, *, per_user: bool = False) -> float | Array:
    """Mean reciprocal rank@k: 1 / rank of the first hit among the first k, 0 without one (trec_eval: ``recip_rank``).

    Parameters
    ----------
    ids : (u, K) array_like of int, or a list of int for each user
        Recommended items of each user, best first; -1 where there is none, with which shorter lists are padded.
    test : Interactions or (u, n) sparse matrix
        Held-out items of the same users: the stored entries, 0 included, but not values below 0, which are dislikes.
    k : int, optional
        Cutoff: the number of recommendations that count, from 1 to K; K if not given.
    per_user : bool
        Whether to return the value of each user instead of the mean.

    Returns
    -------
    float, or (u,) float64 ndarray with ``per_user``
        Mean over the users with a held-out item, NaN if there is none; or the value of each user, NaN for users without
        a held-out item.

    Raises
    ------
    ValueError
        If shapes differ, ids are out of range or repeated, or ``k`` is not in 1..K.
    TypeError
        If ids are not integers, or ``test`` is not sparse.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from attnrec.metrics import mrr
    >>> mrr([[3, 0], [0, 1]], csr_array([[1, 0, 0, 0], [1, 0, 0, 0]]))
    0.75
    """
    _, found, counts, _ = hits(ids, test, k)
    first: Array = np.where(found.any(axis=1), 1.0 / (1 + np.argmax(found, axis=1)), 0.0)
    return answer(first, counts > 0, per_user)


@overload
def ndcg(ids: Any, test: Any, k: int | None = ..., *, per_user: Literal[False] = ...) -> float: ...
@overload
def ndcg(ids: Any, test: Any, k: int | None = ..., *, per_user: Literal[True]) -> Array: ...
def ndcg(ids: Any, test: Any, k: int | None = None, *, per_user: bool = False) -> float | Array:
    """NDCG@k with binary relevance: ``sum over hits of 1 / log2(rank + 1)`` over the best such sum possible.

    The ideal list holds ``min(k, held-out items)`` hits, as in trec_eval (``ndcg_cut``), LightGCN's and RecBole's
    evaluation; Jarvelin and Kekalainen, 2002, with the discount of Burges et al., 2005.

    Parameters
    ----------
    ids : (u, K) array_like of int, or a list of int for each user
        Recommended items of each user, best first; -1 where there is none, with which shorter lists are padded.
    test : Interactions or (u, n) sparse matrix
        Held-out items of the same users: the stored entries, 0 included, but not values below 0, which are dislikes.
    k : int, optional
        Cutoff: the number of recommendations that count, from 1 to K; K if not given.
    per_user : bool
        Whether to return the value of each user instead of the mean.

    Returns
    -------
    float, or (u,) float64 ndarray with ``per_user``
        Mean over the users with a held-out item, NaN if there is none; or the value of each user, NaN for users without
        a held-out item.

    Raises
    ------
    ValueError
        If shapes differ, ids are out of range or repeated, or ``k`` is not in 1..K.
    TypeError
        If ids are not integers, or ``test`` is not sparse.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from attnrec.metrics import ndcg
    >>> round(ndcg([[1, 3]], csr_array([[1, 0, 0, 1]])), 4)  # (1 / log2 3) / (1 + 1 / log2 3)
    0.3869
    """
    _, found, counts, _ = hits(ids, test, k)
    discounts = 1 / np.log2(np.arange(2, found.shape[1] + 2))
    ideal = np.concatenate([[1.0], np.cumsum(discounts)])[np.minimum(counts, found.shape[1])]
    return answer((found @ discounts) / ideal, counts > 0, per_user)


@overload
def map(
    ids: Any, test: Any, k: int | None = ..., *, denominator: Denominator = ..., per_user: Literal[False] = ...
) -> float: ...
@overload
def map(
    ids: Any, test: Any, k: int | None = ..., *, denominator: Denominator = ..., per_user: Literal[True]
) -> Array: ...
def map(
    ids: Any, test: Any, k: int | None = None, *, denominator: Denominator = "held_out", per_user: bool = False
) -> float | Array:
    """Mean average precision@k: ``sum over hits of precision@rank`` over held-out items (trec_eval: ``map_cut``).

    Parameters
    ----------
    ids : (u, K) array_like of int, or a list of int for each user
        Recommended items of each user, best first; -1 where there is none, with which shorter lists are padded.
    test : Interactions or (u, n) sparse matrix
        Held-out items of the same users: the stored entries, 0 included, but not values below 0, which are dislikes.
    k : int, optional
        Cutoff: the number of recommendations that count, from 1 to K; K if not given.
    denominator : {"held_out", "capped"}
        Divisor of the sum of a user: the number of held-out items, or "capped" at ``min(k, held-out items)``, the
        variant of Kaggle's MAP@k and of RecTools.
    per_user : bool
        Whether to return the value of each user instead of the mean.

    Returns
    -------
    float, or (u,) float64 ndarray with ``per_user``
        Mean over the users with a held-out item, NaN if there is none; or the value of each user, NaN for users without
        a held-out item.

    Raises
    ------
    ValueError
        If shapes differ, ids are out of range or repeated, or ``k`` is not in 1..K.
    TypeError
        If ids are not integers, or ``test`` is not sparse.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from attnrec.metrics import map
    >>> map([[3, 1, 0]], csr_array([[1, 0, 1, 1]]), k=3)  # (1 / 1 + 2 / 3) / 3
    0.5555555555555555
    """
    _, found, counts, _ = hits(ids, test, k)
    precisions = np.cumsum(found, axis=1) / np.arange(1, found.shape[1] + 1)
    total = (precisions * found).sum(axis=1)
    return answer(total / _denominators(counts, found.shape[1], denominator), counts > 0, per_user)


@overload
def auc(
    ids: Any, test: Any, k: int | None = ..., *, n_candidates: Any = ..., per_user: Literal[False] = ...
) -> float: ...
@overload
def auc(ids: Any, test: Any, k: int | None = ..., *, n_candidates: Any = ..., per_user: Literal[True]) -> Array: ...
def auc(
    ids: Any, test: Any, k: int | None = None, *, n_candidates: Any = None, per_user: bool = False
) -> float | Array:
    """Area under the ROC curve of each user: the share of pairs that rank the held-out item above the other candidate.

    Exact if ``ids`` ranks every candidate. Candidates missing from a shorter list are ranked below it in random order,
    and the result is the expected value: AUC@k. The mean over users is also known as GAUC.

    Parameters
    ----------
    ids : (u, K) array_like of int, or a list of int for each user
        Recommended items of each user, best first; -1 where there is none, with which shorter lists are padded.
    test : Interactions or (u, n) sparse matrix
        Held-out items of the same users: the stored entries, 0 included, but not values below 0, which are dislikes.
    k : int, optional
        Cutoff: the number of recommendations that count, from 1 to K; K if not given.
    n_candidates : int or (u,) array_like of int, optional
        Number of items that could be recommended to each user: the catalogue without filtered items; n if not given.
    per_user : bool
        Whether to return the value of each user instead of the mean.

    Returns
    -------
    float, or (u,) float64 ndarray with ``per_user``
        Mean over the users with a held-out item, NaN if there is none; or the value of each user, NaN for users without
        a held-out item or without a candidate that is not held out.

    Raises
    ------
    ValueError
        If shapes differ, ids are out of range or repeated, ``k`` is not in 1..K, or there are fewer candidates than
        items recommended or held out.
    TypeError
        If ids are not integers, or ``test`` is not sparse.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from attnrec.metrics import auc
    >>> auc([[3, 1, 0, 2]], csr_array([[1, 0, 0, 1]]))  # of 0 and 3 against 1 and 2, one pair stands the wrong way
    0.75
    >>> auc([[3, 1]], csr_array([[1, 0, 0, 1]]))  # 0 and 2 may come either way
    0.625
    """
    shown, found, counts, n = hits(ids, test, k)
    candidates = as_integers(n if n_candidates is None else n_candidates, "n_candidates")
    if candidates.shape not in ((), counts.shape):
        raise ValueError(f"n_candidates must be one integer or one for each of the {len(counts)} users")
    caught = found.sum(axis=1)
    wrong = (shown >= 0) & ~found
    least = counts + wrong.sum(axis=1)
    bad = (candidates < least) | (candidates > n)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise ValueError(
            f"n_candidates of user {row} is {np.broadcast_to(candidates, counts.shape)[row]}, but {least[row]} items "
            f"are recommended or held out, of {n} in all"
        )
    others = candidates - counts
    above = (np.cumsum(found, axis=1) * wrong).sum(axis=1)  # pairs in order whose lower item is in the list
    after = (others - wrong.sum(axis=1)) * (caught + counts) / 2  # and those whose lower item comes after it
    return answer((above + after) / np.maximum(counts * others, 1), (counts > 0) & (others > 0), per_user)


def _denominators(counts: Array, k: int, denominator: str) -> Array:
    """What a user with this many held-out items is divided by; 1 for one with none."""
    if denominator not in ("held_out", "capped"):
        raise ValueError(f"denominator={denominator!r} is not 'held_out' or 'capped'")
    most: Array = np.maximum(counts if denominator == "held_out" else np.minimum(counts, k), 1)
    return most
