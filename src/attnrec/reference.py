"""Every operation in plain NumPy: the specification, the test oracle and the benchmark baseline.

Imports NumPy alone. Functions have the parameters of their namesakes in :mod:`attnrec.ops`, and ``dtype``, in which
they compute: float64, the default, gives the true result, and float32 a measure of rounding errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = [
    "adam_step",
    "attend",
    "attention_matrix",
    "dot_product",
    "predict_ratings",
    "sampled_product",
    "score_pairs",
    "similarity",
    "softmax_cross_entropy",
    "topk",
]

Array = np.ndarray[Any, np.dtype[Any]]


class TopK:
    """Result of :func:`topk`; unpacks as ``ids, scores``.

    Attributes
    ----------
    ids : (b, k) int64
        Item ids, best first; -1 where fewer than k items were left.
    scores : (b, k)
        Scores ``scale * q . v + bias``; -inf where the id is -1.
    weights : (b, k) or None
        Softmax weights ``exp(score - lse)``; 0 where the id is -1.
    lse : (b,) or None
        Log-sum-exp of the scores in the softmax denominator; -inf where it is empty.
    counts : (b,) int64
        Number of columns that hold an item, from 0 to k.
    """

    __slots__ = ("counts", "ids", "lse", "scores", "weights")

    def __init__(self, ids: Array, scores: Array, weights: Array | None, lse: Array | None, counts: Array) -> None:
        self.ids = ids
        self.scores = scores
        self.weights = weights
        self.lse = lse
        self.counts = counts

    def __iter__(self) -> Iterator[Array]:
        yield self.ids
        yield self.scores

    def __repr__(self) -> str:
        return f"TopK(ids={self.ids!r}, scores={self.scores!r})"


class CrossEntropy:
    """Result of :func:`softmax_cross_entropy`; unpacks as ``loss, d_queries, d_items``.

    Attributes
    ----------
    loss : float
        Weighted mean over the targets.
    d_queries : (b, d) or None
        Gradient of the loss by the queries; None without ``grad``.
    d_items : (n, d) or None
        Gradient of the loss by the items; None without ``grad``.
    d_item_bias : (n,) or None
        Gradient of the loss by the item bias; None without ``grad`` or ``item_bias``.
    """

    __slots__ = ("d_item_bias", "d_items", "d_queries", "loss")

    def __init__(self, loss: float, d_queries: Array | None, d_items: Array | None, d_item_bias: Array | None) -> None:
        self.loss = loss
        self.d_queries = d_queries
        self.d_items = d_items
        self.d_item_bias = d_item_bias

    def __iter__(self) -> Iterator[Any]:
        yield self.loss
        yield self.d_queries
        yield self.d_items

    def __repr__(self) -> str:
        return f"CrossEntropy(loss={self.loss!r}, d_queries={self.d_queries!r}, d_items={self.d_items!r})"


def _csr(x: Any) -> Any:
    """CSR as it is; other formats of SciPy's in float64, in which they add up what is repeated."""
    if not hasattr(x, "tocsr") or getattr(x, "format", "csr") == "csr":
        return x
    out = x.tocoo().astype(np.float64).tocsr()
    if x.format == "bsr":  # whose blocks are filled up with zeros
        out.eliminate_zeros()
    return out


def _places(x: Any) -> tuple[Any, ...]:
    """Where a CSR matrix, or one row of that form, stores its entries."""
    if len(x.shape) == 1:
        return (x.indices,)
    return np.repeat(np.arange(x.shape[0]), np.diff(x.indptr)), x.indices


def _dense(x: Any, dtype: Any) -> Array:
    """A matrix as a dense array; duplicate entries of a sparse one add up, in float64 before anything else."""
    x = _csr(x)
    if not hasattr(x, "indptr"):
        return np.asarray(x, dtype=dtype)
    out = np.zeros(x.shape)
    np.add.at(out, _places(x), np.asarray(x.data, dtype=np.float64))
    return out.astype(dtype)


def _per_query(out: Array, queries: Any) -> Array:
    """One row for one query."""
    row: Array = out[0] if np.ndim(queries) == 1 else out
    return row


def _pattern(x: Any, shape: tuple[int, int]) -> Array:
    """The stored entries of a sparse matrix as a mask; explicit zeros count."""
    x = _csr(x)
    out = np.zeros(shape, dtype=bool)
    out[_places(x) if len(x.shape) == 2 else (0, x.indices)] = True
    return out


def _targets(x: Any, shape: tuple[int, int], dtype: Any) -> tuple[Array, Array]:
    """Weights of targets as a matrix, and which entries are targets; from a sparse matrix or one item id a row."""
    if hasattr(x, "indptr") or hasattr(x, "tocsr"):
        return _dense(x, dtype), _pattern(x, shape)
    out = np.zeros(shape, dtype=dtype)
    out[np.arange(shape[0]), np.asarray(x)] = 1
    return out, out > 0


def _chosen(ids: Any, n: int) -> Array:
    """Item ids, or a mask over the items, as a mask."""
    out = np.zeros(n, dtype=bool)
    out[np.asarray(ids)] = True
    return out


def _normalized(x: Array) -> Array:
    norms = np.sqrt(np.einsum("ij,ij->i", x, x))[:, None]
    out: Array = np.divide(x, norms, out=np.zeros_like(x), where=norms > 0)
    return out


def _lse(logits: Array) -> Array:
    """log-sum-exp of each row; -inf for a row of -inf."""
    top = np.max(logits, axis=1, initial=-np.inf)
    shift = np.where(np.isfinite(top), top, 0).astype(logits.dtype)
    with np.errstate(divide="ignore"):
        out: Array = shift + np.log(np.sum(np.exp(logits - shift[:, None]), axis=1))
    return out


def dot_product(u: Any, v: Any, *, dtype: Any = np.float64) -> float:
    """``sum_k u_k v_k`` of two vectors."""
    return float(np.dot(np.asarray(u, dtype=dtype), np.asarray(v, dtype=dtype)))


def similarity(queries: Any, keys: Any, *, metric: str = "dot", scale: float = 1.0, dtype: Any = np.float64) -> Array:
    """``scale * q_i . k_j``, (b, n); "cosine" divides by both norms (0 for a zero row)."""
    q, k = np.atleast_2d(_dense(queries, dtype)), _dense(keys, dtype)
    if metric == "cosine":
        q, k = _normalized(q), _normalized(k)
    out: Array = (q @ k.T) * np.asarray(scale, dtype=dtype)
    return _per_query(out, queries)


def attention_matrix(
    user_features: Any,
    item_features: Any,
    *,
    scale: float = 1.0,
    metric: str = "dot",
    exclude: Any = None,
    dtype: Any = np.float64,
) -> Array:
    """``softmax(scale * U V^T)`` over the items, (b, n); excluded entries are 0 and leave the denominator."""
    logits = np.atleast_2d(similarity(user_features, item_features, metric=metric, scale=scale, dtype=dtype))
    if exclude is not None:
        logits = np.where(_pattern(exclude, logits.shape), -np.inf, logits).astype(dtype)
    lse = _lse(logits)[:, None]
    out: Array = np.exp(logits - np.where(np.isfinite(lse), lse, 0).astype(dtype))
    return _per_query(out, user_features)


def predict_ratings(
    attention_matrix: Any,
    ratings: Any,
    user_features: Any = None,
    item_features: Any = None,
    *,
    dtype: Any = np.float64,
) -> Array:
    """``A @ R``: (b, n) attention times (n, m) ratings."""
    out: Array = _dense(attention_matrix, dtype) @ _dense(ratings, dtype)
    return out


def attend(
    queries: Any,
    keys: Any,
    values: Any,
    *,
    scale: float = 1.0,
    exclude: Any = None,
    include: Any = None,
    return_lse: bool = False,
    dtype: Any = np.float64,
) -> Any:
    """``softmax(scale * Q K^T) V``, (b, m); a row with nothing left to attend to is 0, its lse -inf."""
    logits = np.atleast_2d(similarity(queries, keys, scale=scale, dtype=dtype))
    if include is not None:
        logits = np.where(_pattern(include, logits.shape), logits, -np.inf).astype(dtype)
    if exclude is not None:
        logits = np.where(_pattern(exclude, logits.shape), -np.inf, logits).astype(dtype)
    lse = _lse(logits)
    weights = np.exp(logits - np.where(np.isfinite(lse), lse, 0).astype(dtype)[:, None])
    out = weights @ _dense(values, dtype)
    if np.ndim(queries) == 1:
        out, lse = out[0], lse[0]
    return (out, lse) if return_lse else out


def _select(scores: Array, k: int) -> tuple[Array, Array]:
    """The k best columns of each row: score down, then id up; -1 and -inf where fewer are finite."""
    b, n = scores.shape
    kk = min(k, n)
    ids = np.full((b, k), -1, dtype=np.int64)
    best = np.full((b, k), -np.inf, dtype=scores.dtype)
    if kk == 0:
        return ids, best
    kth = -np.partition(-scores, kk - 1, axis=1)[:, kk - 1]
    for i in range(b):
        row = scores[i]
        above = np.flatnonzero(row > kth[i])
        ties = np.flatnonzero(row == kth[i])[: kk - len(above)]
        found = np.concatenate([above, ties])
        found = found[row[found] > -np.inf]
        found = found[np.lexsort((found, -row[found]))]
        ids[i, : len(found)] = found
        best[i, : len(found)] = row[found]
    return ids, best


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
    normalize: str = "all",
    dtype: Any = np.float64,
) -> TopK:
    """The k items of the highest ``scale * q . v + bias`` for each query, ties by lower id.

    ``include`` and ``items`` say what is scored; ``exclude`` and ``filter_items`` hide some of it from the
    result. The softmax denominator runs over what is scored ("all") or over what is not hidden ("unseen").
    """
    logits = np.atleast_2d(similarity(queries, features, scale=scale, dtype=dtype))
    if item_bias is not None:
        logits = logits + np.asarray(item_bias, dtype=dtype)
    scored = np.ones(logits.shape, dtype=bool) if include is None else _pattern(include, logits.shape)
    if items is not None:
        scored &= _chosen(items, logits.shape[1])
    shown = scored if exclude is None else scored & ~_pattern(exclude, logits.shape)
    if filter_items is not None:
        shown = shown & ~_chosen(filter_items, logits.shape[1])
    ids, scores = _select(np.where(shown, logits, -np.inf).astype(dtype), int(k))
    counts = np.sum(ids >= 0, axis=1)
    lse = w = None
    if weights:
        lse = _lse(np.where(scored if normalize == "all" else shown, logits, -np.inf).astype(dtype))
        w = np.exp(scores - np.where(np.isfinite(lse), lse, 0).astype(dtype)[:, None])
    if np.ndim(queries) == 1:
        return TopK(ids[0], scores[0], None if w is None else w[0], None if lse is None else lse[0], counts[0])
    return TopK(ids, scores, w, lse, counts)


def score_pairs(queries: Any, items: Any, query_ids: Any, item_ids: Any, *, dtype: Any = np.float64) -> Array:
    """``q_i . v_j`` for each pair of ``query_ids`` and ``item_ids``, (len(query_ids),)."""
    q, v = _dense(queries, dtype), _dense(items, dtype)
    out: Array = np.einsum("ij,ij->i", q[np.asarray(query_ids)], v[np.asarray(item_ids)])
    return out


def sampled_product(left: Any, right: Any, pattern: Any, *, dtype: Any = np.float64) -> Array:
    """``left_i . right_j`` for each stored entry (i, j) of ``pattern``, in stored order, (nnz,)."""
    x, y, pattern = _dense(left, dtype), _dense(right, dtype), _csr(pattern)
    entries = [y[pattern.indices[a:b]] @ row for row, a, b in zip(x, pattern.indptr, pattern.indptr[1:], strict=False)]
    return np.concatenate([np.zeros(0, dtype), *entries])


def softmax_cross_entropy(
    queries: Any,
    items: Any,
    targets: Any,
    *,
    scale: float = 1.0,
    item_bias: Any = None,
    sample_weight: Any = None,
    normalize: str = "all",
    lse_weight: float = 1.0,
    eps: float = 0.0,
    grad: bool = True,
    dtype: Any = np.float64,
) -> CrossEntropy:
    """The softmax loss over all items, and its gradients.

    With s = ``scale * Q V^T + item_bias`` and N the sum of all ``sample_weight_u y_ui``::

        L = 1/N sum_u sample_weight_u sum_i y_ui (lse_weight * log D_ui - s_ui)

    D_ui sums e^s_uj over all items j ("all"), or over i and the items that are no target of u ("unseen"). ``eps``
    changes nothing here: it lets kernels leave out gradients of smaller probabilities.
    """
    q, v = _dense(queries, dtype), _dense(items, dtype)
    s = similarity(q, v, scale=scale, dtype=dtype)
    if item_bias is not None:
        s = s + np.asarray(item_bias, dtype=dtype)
    y, is_target = _targets(targets, s.shape, dtype)
    w = np.ones(len(q), dtype=dtype) if sample_weight is None else np.asarray(sample_weight, dtype=dtype)
    wy = w[:, None] * y
    total = wy.sum()
    if not total > 0:
        wy, total = np.zeros_like(wy), np.ones((), dtype=dtype)
    unseen = normalize == "unseen"
    rest = _lse(np.where(is_target, -np.inf, s).astype(dtype) if unseen else s)[:, None]
    rows, columns = np.nonzero(is_target)
    own = np.zeros_like(s)
    log_all = np.broadcast_to(rest, s.shape).copy()
    if unseen:
        with np.errstate(over="ignore"):
            above = (s - rest)[rows, columns]
            own[rows, columns] = 1 / (1 + np.exp(-above))
            log_all[rows, columns] = np.logaddexp(rest[rows, 0], s[rows, columns])
    at = wy[rows, columns] / total
    loss = float(np.sum(at * (lse_weight * log_all[rows, columns] - s[rows, columns])))
    if not grad:
        return CrossEntropy(loss, None, None, None)
    dense = np.zeros(len(q), dtype=dtype)
    np.add.at(dense, rows, lse_weight * at * (1 - own[rows, columns]))
    g = np.zeros_like(s)
    shared = ~is_target if unseen else np.ones_like(is_target)
    weights = np.exp(s - np.where(np.isfinite(rest), rest, 0).astype(dtype))
    g[shared] = (dense[:, None] * weights)[shared]
    g[rows, columns] += at * (lse_weight * own[rows, columns] - 1)
    factor = np.asarray(scale, dtype=dtype)
    bias = None if item_bias is None else g.sum(axis=0)
    return CrossEntropy(loss, factor * (g @ v), factor * (g.T @ q), bias)


def adam_step(
    parameters: Any,
    gradient: Any,
    first: Any,
    second: Any,
    step: int,
    *,
    learning_rate: float = 1e-3,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    dtype: Any = np.float64,
) -> tuple[Array, Array, Array]:
    """One step of Adam (Kingma and Ba, 2015), with the decay of AdamW; new ``parameters, first, second``.

    ``first = beta1 first + (1 - beta1) g``, ``second = beta2 second + (1 - beta2) g^2``, and with both divided by
    ``1 - beta^step``: ``parameters = (1 - learning_rate weight_decay) parameters - learning_rate first /
    (sqrt(second) + eps)``.
    """
    x, g, m, v = (np.asarray(given, dtype=dtype) for given in (parameters, gradient, first, second))
    m = dtype(beta1) * m + dtype(1 - beta1) * g
    v = dtype(beta2) * v + dtype(1 - beta2) * g * g
    rate, by = dtype(learning_rate / (1 - beta1**step)), dtype(1 / np.sqrt(1 - beta2**step))
    x = dtype(1 - learning_rate * weight_decay) * x - rate * m / (np.sqrt(v) * by + dtype(eps))
    return x, m, v
