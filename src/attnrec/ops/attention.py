"""Attention as a matrix, over ratings and over values: attention_matrix, predict_ratings, attend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import config
from ._backend import Array, Metric, by_reference, packed, read, uses_reference

if config._has_core() or TYPE_CHECKING:
    from .. import _core


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
    user_features : (b, d) or (d,) array_like or sparse matrix
        Feature vectors of the users, one row for each, converted to float32.
    item_features : (n, d) array_like, sparse matrix or ItemIndex
        Feature vectors of the items, one row for each, converted to float32.
    scale : float
        Inverse temperature, a finite number; a larger one concentrates the attention on the most similar items.
    metric : {"dot", "cosine"}
        Similarity of two vectors; "cosine" divides the dot product by both norms, and is 0 for a row of zeros.
    exclude : (b, n) sparse matrix, optional
        Pairs without attention: the stored entries are 0 in the result and are left out of the denominator. A row with
        nothing left is all 0.
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
        Attention whose rows sum to 1; (n,) for one user.

    Raises
    ------
    ValueError
        If widths differ, a value is not finite, the largest score of a row is beyond 2^29, or ``out`` does not fit or
        overlaps an input.
    TypeError
        If an input is not real.

    Examples
    --------
    >>> from attnrec import attention_matrix
    >>> attention_matrix([[1, 1, 0, 0, 0]], [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 1, 0, 0]]).round(3)
    array([[0.422, 0.422, 0.155]], dtype=float32)
    """
    op = "attention_matrix"
    user_features, item_features = read(op, "user_features", user_features), read(op, "item_features", item_features)
    exclude = read(op, "exclude", exclude, values=False)
    if uses_reference():
        options = {"scale": scale, "metric": metric, "exclude": exclude}
        result: Array = by_reference("attention_matrix", user_features, item_features, out=out, **options)
        return result
    return _core.attention_matrix(
        user_features, packed(item_features), scale, metric, exclude, check_finite, out, num_threads
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
        Attention of each user over the n rows of ``ratings``.
    ratings : (n, m) array_like or sparse matrix
        Ratings to average, with a row for each user or item that the attention is over; entries that are not stored
        count as 0.
    user_features : (b, d) array_like, optional
        Features of the users from which the attention was computed; only their number of rows is compared with the
        attention.
    item_features : (n, d) array_like or ItemIndex, optional
        Features of the items from which the attention was computed; only their number of rows is compared with the
        attention.
    check_finite : bool
        Whether to look for NaN and infinity in the inputs first; False saves that pass and is for input known to be
        finite.
    out : (b, m) float32 array, optional
        C-contiguous array that the result is written to and that is returned.
    num_threads : int, optional
        Number of threads of this call, at least 1; :func:`attnrec.num_threads` if not given. The result does not depend
        on it.

    Returns
    -------
    (b, m) float32 array
        Predicted ratings; (m,) for one row of attention.

    Raises
    ------
    ValueError
        If ``ratings`` does not have n rows (the message names the form that fits), a value is not finite, or ``out``
        does not fit or overlaps an input.
    TypeError
        If an input is not real.

    Examples
    --------
    >>> import numpy as np
    >>> from attnrec import attention_matrix, predict_ratings
    >>> users = [[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [1, 0, 0, 0, 0], [1, 0, 0, 0, 0]]
    >>> items = np.identity(5)
    >>> ratings = [[4, 3, 2, 1, 0], [3, 2, 1, 0, 0], [2, 1, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    >>> attention = attention_matrix(users, items)
    >>> print(attention[1].round(6))
    [0.322202 0.322202 0.118532 0.118532 0.118532]
    >>> predict_ratings(attention, ratings, users, items)[1].round(4)
    array([2.611 , 1.7295, 0.9666, 0.3222, 0.    ], dtype=float32)
    """
    ratings = read("predict_ratings", "ratings", ratings)
    if uses_reference():
        result: Array = by_reference("predict_ratings", attention_matrix, ratings, out=out)
        return result
    return _core.predict_ratings(
        attention_matrix, ratings, user_features, packed(item_features), check_finite, out, num_threads
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
    queries : (b, d) or (d,) array_like or sparse matrix
        Query vectors, one row for each, converted to float32.
    keys : (n, d) array_like, sparse matrix or ItemIndex
        Key vectors, one row for each, converted to float32.
    values : (n, m) array_like or sparse matrix
        Values to average, with a row for each key.
    scale : float
        Inverse temperature, a finite number; a larger one concentrates the attention on the most similar keys.
    exclude : (b, n) sparse matrix, optional
        Keys hidden from each query: the stored entries. A query with nothing left gets a row of 0 and an lse of -inf.
    include : (b, n) sparse matrix, optional
        Keys that each query may attend to: the stored entries, and no others.
    return_lse : bool
        Whether to return the log-sum-exp of the scores too, ``log sum_j exp(scale * q . k_j)``.
    check_finite : bool
        Whether to look for NaN and infinity in the inputs first; False saves that pass and is for input known to be
        finite.
    out : (b, m) float32 array, optional
        C-contiguous array that the result is written to and that is returned.
    num_threads : int, optional
        Number of threads of this call, at least 1; :func:`attnrec.num_threads` if not given. The result does not depend
        on it.
    memory_budget : int, optional
        Upper limit of the temporary memory of this call, in bytes; :func:`attnrec.memory_budget` if not given. A
        smaller limit means smaller blocks and a slower call, not other results.

    Returns
    -------
    (b, m) float32 array
        Averages of the values, (m,) for one query; with ``return_lse`` a pair of these and the (b,) log-sum-exps.

    Raises
    ------
    ValueError
        If widths differ, a value is not finite, the largest score of a row is beyond 2^29, or ``out`` does not fit or
        overlaps an input.
    TypeError
        If an input is not real, or ``exclude`` or ``include`` is not sparse.

    Examples
    --------
    >>> from attnrec import attend
    >>> attend([[0, 0]], [[1, 0], [0, 1]], [[4, 0], [0, 2]])
    array([[2., 1.]], dtype=float32)
    """
    op = "attend"
    queries, keys, values = read(op, "queries", queries), read(op, "keys", keys), read(op, "values", values)
    exclude, include = (read(op, name, x, values=False) for name, x in (("exclude", exclude), ("include", include)))
    if uses_reference():
        options = {"scale": scale, "exclude": exclude, "include": include, "return_lse": return_lse}
        return by_reference("attend", queries, keys, values, out=out, **options)
    return _core.attend(
        queries,
        packed(keys),
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
