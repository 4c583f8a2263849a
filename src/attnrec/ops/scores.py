"""Scores of queries and items: dot_product, similarity, score_pairs, sampled_product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import config
from ._backend import Array, Metric, by_reference, packed, read, uses_reference

if config._has_core() or TYPE_CHECKING:
    from .. import _core


def dot_product(u: Any, v: Any) -> float:
    """Dot product ``sum_k u_k v_k`` of two vectors.

    Parameters
    ----------
    u : (d,) array_like
        First vector, converted to float32.
    v : (d,) array_like
        Second vector, of the length of the first, converted to float32.

    Returns
    -------
    float
        The sum of the products of their entries.

    Raises
    ------
    ValueError
        If the lengths differ, a value is not finite, or an input is not a vector.

    Examples
    --------
    >>> from attnrec import dot_product
    >>> dot_product([1, 1, 0], [1, 0, 1])
    1.0
    """
    if uses_reference():
        return float(by_reference("dot_product", u, v))
    return _core.dot_product(u, v)


def similarity(
    queries: Any,
    keys: Any,
    *,
    metric: Metric = "dot",
    scale: float = 1.0,
    check_finite: bool = True,
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Similarity ``s_ij = scale * q_i . k_j`` of every query with every key.

    Parameters
    ----------
    queries : (b, d) or (d,) array_like or sparse matrix
        Query vectors, one row for each, converted to float32.
    keys : (n, d) array_like, sparse matrix or ItemIndex
        Key vectors, one row for each, converted to float32.
    metric : {"dot", "cosine"}
        Similarity of two vectors; "cosine" divides the dot product by both norms, and is 0 for a row of zeros.
    scale : float
        Factor of all similarities, a finite number.
    check_finite : bool
        Whether to look for NaN and infinity in the inputs first; False saves that pass and is for input known to be
        finite.
    out : (b, n) float32 array, optional
        C-contiguous array that the result is written to and that is returned.
    num_threads : int, optional
        Number of threads of this call, at least 1; :func:`attnrec.num_threads` if not given. The result does not depend
        on it.

    Returns
    -------
    (b, n) float32 array
        Similarities; (n,) for one query.

    Raises
    ------
    ValueError
        If widths differ, a value is not finite, or ``out`` does not fit or overlaps an input.
    TypeError
        If an input is not real.

    Examples
    --------
    >>> from attnrec import similarity
    >>> similarity([[0, 2]], [[0, 5], [3, 0]], metric="cosine")
    array([[1., 0.]], dtype=float32)
    """
    queries, keys = read("similarity", "queries", queries), read("similarity", "keys", keys)
    if uses_reference():
        result: Array = by_reference("similarity", queries, keys, metric=metric, scale=scale, out=out)
        return result
    return _core.similarity(queries, packed(keys), metric, scale, check_finite, out, num_threads)


def score_pairs(
    queries: Any,
    items: Any,
    query_ids: Any,
    item_ids: Any,
    *,
    check_finite: bool = True,
    num_threads: int | None = None,
) -> Array:
    """Scores ``q_i . v_j`` of chosen pairs, bit for bit those that :func:`topk` returns.

    Parameters
    ----------
    queries : (b, d) array_like
        Query vectors, one row for each, converted to float32.
    items : (n, d) array_like or ItemIndex
        Item vectors, one row for each, converted to float32.
    query_ids : (p,) array_like of int
        Row of ``queries`` of each pair, from 0 to b - 1.
    item_ids : (p,) array_like of int
        Row of ``items`` of each pair, from 0 to n - 1.
    check_finite : bool
        Whether to look for NaN and infinity in the inputs first; False saves that pass and is for input known to be
        finite.
    num_threads : int, optional
        Number of threads of this call, at least 1; :func:`attnrec.num_threads` if not given. The result does not depend
        on it.

    Returns
    -------
    (p,) float32 array
        One score for each pair, in the order of the pairs.

    Raises
    ------
    ValueError
        If widths or lengths differ, or an id is out of range.

    Examples
    --------
    >>> from attnrec import score_pairs
    >>> score_pairs([[1, 2], [3, 4]], [[1, 0], [0, 1]], [0, 1], [1, 1])
    array([2., 4.], dtype=float32)
    """
    queries, items = read("score_pairs", "queries", queries), read("score_pairs", "items", items)
    if uses_reference():
        scores: Array = by_reference("score_pairs", queries, items, query_ids, item_ids)
        return scores
    return _core.score_pairs(queries, packed(items), query_ids, item_ids, check_finite, num_threads)


def sampled_product(
    left: Any,
    right: Any,
    pattern: Any,
    *,
    check_finite: bool = True,
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """The entries of ``left right^T`` that a sparse matrix stores: sampled dense-dense multiplication (SDDMM).

    It costs ``nnz d`` multiply-adds instead of ``b n d``, for long rows that :func:`score_pairs` would copy for each
    pair. A sum is formed in parts, so its last bits are not those of :func:`similarity`.

    Parameters
    ----------
    left : (b, d) array_like
        Dense matrix whose rows are multiplied with those of ``right``.
    right : (n, d) array_like
        Dense matrix of the same width.
    pattern : (b, n) sparse matrix
        Entries to compute: those that it stores, in any order and also repeated. Its values are ignored.
    check_finite : bool
        Whether to look for NaN and infinity in the inputs first; False saves that pass and is for input known to be
        finite.
    out : (nnz,) float32 array, optional
        C-contiguous array that the result is written to and that is returned.
    num_threads : int, optional
        Number of threads of this call, at least 1; :func:`attnrec.num_threads` if not given. The result does not depend
        on it.

    Returns
    -------
    (nnz,) float32 array
        One product for each entry, in the order in which ``pattern`` (as CSR) stores them.

    Raises
    ------
    ValueError
        If widths or shapes differ, a value is not finite, or ``out`` does not fit or overlaps an input.
    TypeError
        If ``left`` or ``right`` is sparse, or ``pattern`` is not.

    Examples
    --------
    >>> from attnrec import sampled_product
    >>> from scipy.sparse import csr_array
    >>> sampled_product([[1, 2], [3, 4]], [[1, 0], [0, 1]], csr_array([[0, 1], [1, 1]]))
    array([2., 3., 4.], dtype=float32)
    """
    if hasattr(pattern, "tocsr") and getattr(pattern, "format", "csr") != "csr":
        pattern = pattern.tocsr()
    if uses_reference():
        entries: Array = by_reference("sampled_product", left, right, pattern, out=out)
        return entries
    return _core.sampled_product(left, right, pattern, check_finite, out, num_threads)
