"""The operations, compiled: the same names as :mod:`attnrec.reference`, which says what is right.

Inputs are arrays of any stride, byte order and real dtype, anything ``numpy.asarray`` or DLPack understands, SciPy
sparse matrices where "or CSR" is said, or an :class:`~attnrec.ItemIndex`. They are converted to float32 once.
Results are float32; ids are int64. The bits of a result depend on its inputs alone: not on the number of threads,
the batch it was computed in, or the processor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from . import config, reference
from .index import ItemIndex
from .reference import TopK

if config.backend() == "compiled" or TYPE_CHECKING:
    from . import _core

__all__ = [
    "attend",
    "attention_matrix",
    "dot_product",
    "predict_ratings",
    "score_pairs",
    "similarity",
    "topk",
]

Array = np.ndarray[Any, np.dtype[Any]]
Metric = Literal["dot", "cosine"]
_F32 = np.float32


def _plain(x: Any) -> Any:
    """An :class:`ItemIndex` as the array it was made of, for the reference."""
    return x.features if isinstance(x, ItemIndex) else x


def _packed(x: Any) -> Any:
    return x._snapshot.operand if isinstance(x, ItemIndex) else x


def dot_product(u: Any, v: Any) -> float:
    """Dot product ``sum_k u_k v_k`` of two vectors.

    Parameters
    ----------
    u, v : (d,) array_like
        Vectors of one length, converted to float32.

    Returns
    -------
    float

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
    if config._backend == "reference":
        return reference.dot_product(u, v, dtype=_F32)
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
    queries : (b, d) or (d,) array_like or CSR
    keys : (n, d) array_like, CSR or ItemIndex
    metric : {"dot", "cosine"}
        "cosine" divides by both norms; a zero row is similar to nothing (0).
    scale : float
        Multiplies the similarity; finite.
    check_finite : bool
        Look for NaN and infinity first. Switch off only for input known to be finite.
    out : (b, n) float32 array, optional
        C-contiguous; written and returned.
    num_threads : int, optional
        Threads of this call; :func:`attnrec.num_threads` unless told.

    Returns
    -------
    (b, n) float32 array; (n,) for one query.

    Raises
    ------
    ValueError
        If widths differ, a value is not finite, or ``out`` does not fit or overlaps an input.
    TypeError
        If an input is not real.

    Examples
    --------
    >>> from attnrec import similarity
    >>> similarity([[3, 4]], [[3, 4], [4, -3]], metric="cosine")
    array([[1., 0.]], dtype=float32)
    """
    if config._backend == "reference":
        return reference.similarity(_plain(queries), _plain(keys), metric=metric, scale=scale, dtype=_F32)
    return _core.similarity(queries, _packed(keys), metric, scale, check_finite, out, num_threads)


def attention_matrix(
    user_features: Any,
    item_features: Any,
    *,
    scale: float = 1.0,
    metric: Metric = "dot",
    exclude: Any = None,
    check_finite: bool = True,
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Attention ``A_ij = exp(s_ij) / sum_k exp(s_ik)`` with ``s_ij = scale * u_i . v_j``.

    The softmax of dot-product attention (Vaswani et al., 2017, eq. 1; there ``scale = 1 / sqrt(d)``).

    Parameters
    ----------
    user_features : (b, d) or (d,) array_like or CSR
    item_features : (n, d) array_like, CSR or ItemIndex
    scale : float
        Inverse temperature; finite.
    metric : {"dot", "cosine"}
    exclude : (b, n) CSR, optional
        Stored entries get no attention and leave the denominator. A row with nothing left is all 0.
    check_finite, out, num_threads
        As in :func:`similarity`.

    Returns
    -------
    (b, n) float32 array whose rows sum to 1; (n,) for one user.

    Raises
    ------
    ValueError, TypeError
        As in :func:`similarity`.

    Examples
    --------
    >>> from attnrec import attention_matrix
    >>> attention_matrix([[1, 1, 0, 0, 0]], [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0]]).round(3)
    array([[0.422, 0.422, 0.155]], dtype=float32)
    """
    if config._backend == "reference":
        return reference.attention_matrix(
            _plain(user_features), _plain(item_features), scale=scale, metric=metric, exclude=exclude, dtype=_F32
        )
    return _core.attention_matrix(
        user_features, _packed(item_features), scale, metric, exclude, check_finite, out, num_threads
    )


def predict_ratings(
    attention_matrix: Any,
    ratings: Any,
    user_features: Any = None,
    item_features: Any = None,
    *,
    check_finite: bool = True,
    out: Array | None = None,
    num_threads: int | None = None,
) -> Array:
    """Predicted ratings ``A @ R``: each row the attention-weighted mean of the rows of ``ratings``.

    The rows of ``ratings`` are what the attention is over. With ratings (users, items) there are two general forms:

    - attention of users over users, (b, users): ``predict_ratings(A, ratings)`` gives (b, items): "what people like
      me rated";
    - attention of users over items, (b, items): ``predict_ratings(A, ratings.T)`` gives (b, users): "who rated what
      I attend to".

    ``predict_ratings(A_over_items, ratings)`` only fits when there are as many users as items, as in the example.

    Parameters
    ----------
    attention_matrix : (b, n) or (n,) array_like
    ratings : (n, m) array_like or CSR
    user_features, item_features : optional
        What the attention was computed from; used only to check that its shape is (users, items).
    check_finite, out, num_threads
        As in :func:`similarity`.

    Returns
    -------
    (b, m) float32 array; (m,) for one row of attention.

    Raises
    ------
    ValueError
        If ``ratings`` does not have n rows; the message names the form that fits.

    Examples
    --------
    >>> import numpy as np
    >>> from attnrec import attention_matrix, predict_ratings
    >>> users = [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0], [1, 0, 0, 0, 0]]
    >>> items = np.identity(5)
    >>> ratings = [[4, 3, 2, 1, 0], [3, 2, 1, 0, 0], [2, 1, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    >>> attention = attention_matrix(users, items)
    >>> print(attention[1])
    [0.322202 0.322202 0.118532 0.118532 0.118532]
    >>> predict_ratings(attention, ratings, users, items)[1].round(4)
    array([2.611 , 1.7295, 0.9666, 0.3222, 0.    ], dtype=float32)
    """
    if config._backend == "reference":
        return reference.predict_ratings(attention_matrix, ratings, user_features, item_features, dtype=_F32)
    return _core.predict_ratings(
        attention_matrix, ratings, user_features, _packed(item_features), check_finite, out, num_threads
    )


def attend(
    queries: Any,
    keys: Any,
    values: Any,
    *,
    scale: float = 1.0,
    exclude: Any = None,
    include: Any = None,
    return_lse: bool = False,
    check_finite: bool = True,
    out: Array | None = None,
    num_threads: int | None = None,
    memory_budget: int | None = None,
) -> Any:
    """Attention over values, ``softmax(scale * Q K^T) V``, without storing the (b, n) attention.

    Dot-product attention (Vaswani et al., 2017, eq. 1) computed in one pass with a running shift and denominator
    (Milakov & Gimelshein, 2018; Dao et al., 2022).

    Parameters
    ----------
    queries : (b, d) or (d,) array_like or CSR
    keys : (n, d) array_like, CSR or ItemIndex
    values : (n, m) array_like or CSR
    scale : float
        Inverse temperature; finite.
    exclude, include : (b, n) CSR, optional
        Stored entries are the keys that each query may not see, or the only ones that it may. A query with nothing
        left gets a row of 0 and an lse of -inf.
    return_lse : bool
        Also return ``log sum_j exp(scale * q . k_j)``, (b,).
    memory_budget : int, optional
        Bytes of scratch; :func:`attnrec.memory_budget` unless told.
    check_finite, out, num_threads
        As in :func:`similarity`; ``out`` is (b, m).

    Returns
    -------
    (b, m) float32 array, (m,) for one query; with ``return_lse`` a pair.

    Raises
    ------
    ValueError, TypeError
        As in :func:`similarity`.

    Examples
    --------
    >>> from attnrec import attend
    >>> attend([[0, 0]], [[1, 0], [0, 1]], [[4, 0], [0, 2]])
    array([[2., 1.]], dtype=float32)
    """
    if config._backend == "reference":
        return reference.attend(
            _plain(queries),
            _plain(keys),
            values,
            scale=scale,
            exclude=exclude,
            include=include,
            return_lse=return_lse,
            dtype=_F32,
        )
    return _core.attend(
        queries,
        _packed(keys),
        values,
        scale,
        exclude,
        include,
        return_lse,
        check_finite,
        out,
        num_threads,
        memory_budget,
    )


def topk(
    queries: Any,
    features: Any,
    /,
    k: int = 10,
    *,
    scale: float = 1.0,
    item_bias: Any = None,
    exclude: Any = None,
    include: Any = None,
    filter_items: Any = None,
    items: Any = None,
    weights: bool = True,
    normalize: Literal["all", "unseen"] = "all",
    precision: Literal["auto", "float32"] = "auto",
    check_finite: bool = True,
    out: TopK | tuple[Array, Array] | None = None,
    num_threads: int | None = None,
    memory_budget: int | None = None,
) -> TopK:
    """The k best items for each query, with their softmax weights; the (b, n) scores are never stored.

    ``score_ij = scale * q_i . v_j + item_bias_j``; ``weight_ij = exp(score_ij - lse_i)``. Ties go to the lower id,
    and ``topk(k)`` is a prefix of ``topk(k + 1)``.

    Parameters
    ----------
    queries : (b, d) or (d,) array_like or CSR
    features : (n, d) array_like, CSR or ItemIndex
        The items.
    k : int
        Columns of the result, at least 1. Past n the rest is padded.
    scale : float
        Inverse temperature; finite.
    item_bias : (n,) array_like, optional
    exclude, include : (b, n) CSR, optional
        Stored entries are the items that each query may not see, or the only ones that it may.
    filter_items, items : ids or (n,) bool mask, optional
        Items that no query may see, or the only ones that any may.
    weights : bool
        Compute weights and lse; False leaves them None and saves the exponentials.
    normalize : {"all", "unseen"}
        ``include`` and ``items`` say what is scored, ``exclude`` and ``filter_items`` hide some of it. The softmax
        denominator runs over all that is scored, or over what is not hidden.
    precision : {"auto", "float32"}
        Arithmetic of the scan.
    out : TopK or (ids, scores), optional
        Arrays to write to: ids int64 or int32, scores float32, (b, k), C-contiguous.
    memory_budget : int, optional
        Bytes of scratch; :func:`attnrec.memory_budget` unless told.
    check_finite, num_threads
        As in :func:`similarity`.

    Returns
    -------
    TopK
        Unpacks as ``ids, scores``. Always k columns: where fewer items are left, id -1, score -inf, weight 0, and
        ``counts`` says how many are real. One query ``(d,)`` gives 1-D results.

    Raises
    ------
    ValueError, TypeError
        As in :func:`similarity`; also for ``k < 1``, ids out of range and sparse matrices of the wrong shape.

    Examples
    --------
    >>> from attnrec import topk
    >>> ids, scores = topk([[1.0, 2.0]], [[1, 0], [0, 1], [1, 1]], k=2)
    >>> ids, scores
    (array([[2, 1]]), array([[3., 2.]], dtype=float32))
    """
    snapshot = features._snapshot if isinstance(features, ItemIndex) else None
    if snapshot is not None:
        features = snapshot.operand
        items = snapshot.positions(items, "items")
        filter_items = snapshot.positions(filter_items, "filter_items")
    if config._backend == "reference":
        found = reference.topk(
            _plain(queries),
            features,
            k,
            scale=scale,
            item_bias=item_bias,
            exclude=exclude,
            include=include,
            filter_items=filter_items,
            items=items,
            weights=weights,
            normalize=normalize,
            dtype=_F32,
        )
    else:
        found = TopK(
            *_core.topk(
                queries,
                features,
                k,
                scale,
                item_bias,
                exclude,
                include,
                filter_items,
                items,
                weights,
                normalize,
                precision,
                check_finite,
                out,
                num_threads,
                memory_budget,
            )
        )
    if snapshot is not None and snapshot.ids is not None:
        found.ids = snapshot.rename(found.ids)
    return found


def score_pairs(
    queries: Any,
    items: Any,
    query_ids: Any,
    item_ids: Any,
    *,
    check_finite: bool = True,
    num_threads: int | None = None,
) -> Array:
    """Scores ``q_i . v_j`` of chosen pairs, the same bits as :func:`topk` gives them.

    Parameters
    ----------
    queries : (b, d) array_like
    items : (n, d) array_like or ItemIndex
    query_ids, item_ids : (p,) array_like of int
        Rows of ``queries`` and of ``items``.
    check_finite, num_threads
        As in :func:`similarity`.

    Returns
    -------
    (p,) float32 array

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
    if config._backend == "reference":
        return reference.score_pairs(queries, _plain(items), query_ids, item_ids, dtype=_F32)
    return _core.score_pairs(queries, _packed(items), query_ids, item_ids, check_finite, num_threads)
