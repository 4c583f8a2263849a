"""Drop-in for implicit's top-k search, ``implicit.cpu.topk.topk``."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._util.arraylike import as_floats, as_numpy
from .._util.extras import require
from ._handover import handed_over
from ._search import Array, best, floats, integers, pattern, whole

OP = "compat.implicit_topk"


def implicit_topk(
    items: Any,
    query: Any,
    k: int,
    item_norms: Any = None,
    filter_query_items: Any = None,
    filter_items: Any = None,
    num_threads: int = 0,
) -> tuple[Array, Array]:
    """Find the best items like ``implicit.cpu.topk.topk`` of implicit 0.7, without storing the scores.

    ``score_uj = q_u . v_j / item_norms_j``, best first. As in implicit, a hidden item is not left out but gets the
    lowest finite score, so that it is returned where a row has fewer than k others, and columns beyond the number of
    items hold id 0 and score 0. Unlike implicit, items of equal score are ordered by id, the lower one first, for any
    number of threads; implicit lists the higher one first and keeps whichever its heap keeps.

    Inputs that the kernels refuse are passed to implicit unchanged, if it is installed: NaN, infinity, norms of 0, and
    factors whose products may overflow float32.

    Parameters
    ----------
    items : (n, d) array_like
        Item factors, converted to float32, in which scores are computed whatever the dtype.
    query : (b, d) or (d,) array_like, or (b, d) CSR
        Query factors, one row for each query.
    k : int
        Number of items to return for each query, at least 1.
    item_norms : (n,) or (1, n) array_like, or a number, optional
        Divisor of the scores of each item. A norm for each score, which implicit accepts for up to 100 queries, is
        refused.
    filter_query_items : sparse matrix, optional
        Items hidden from each query, with a row for each query and a column for each item; every stored entry counts,
        rows beyond b are ignored.
    filter_items : ids, mask or slice, optional
        Items hidden from all queries; negative ids count from the end.
    num_threads : int
        Number of threads, 0 for all of :func:`attnrec.num_threads`; a negative one, at which implicit ends the process,
        is refused.

    Returns
    -------
    ids : (b, k) int32 array
        Ids of the items, best first.
    scores : (b, k) array
        Scores of the items, float64 if ``query`` is, else float32; one query has a row too.

    Raises
    ------
    ValueError
        If shapes do not fit or an id is out of range; without implicit also if a norm is 0, a value is not finite, or
        products are too large.
    TypeError
        If ``filter_query_items`` is not sparse, ``filter_items`` is not ids, a mask or a slice, ``k`` is not an
        integer, or another input is not numeric.

    Notes
    -----
    Each call packs the items anew, because arrays may change between calls, which costs more than implicit takes for
    few queries at a time. :class:`attnrec.ItemIndex` with :func:`attnrec.topk` keeps them packed.

    Examples
    --------
    >>> import numpy as np
    >>> from attnrec.compat import implicit_topk
    >>> items = np.array([[1, 0], [0, 1], [1, 1]], dtype=np.float32)
    >>> ids, scores = implicit_topk(items, np.array([1, 2], dtype=np.float32), k=2, filter_items=[2])
    >>> ids, scores
    (array([[1, 0]], dtype=int32), array([[2., 1.]], dtype=float32))
    """
    queries = query if hasattr(query, "tocsr") else as_numpy(query, f"{OP}: query")
    if len(queries.shape) == 1:
        queries = queries.reshape(1, -1)
    wide = queries.dtype == np.float64
    features = floats(f"{OP}: items", items)
    if len(queries.shape) != 2 or features.ndim != 2 or queries.shape[1] != features.shape[1]:
        raise ValueError(
            f"{OP}: query {queries.shape} and items {features.shape} do not fit; give (b, d) or (d,), and (n, d)"
        )
    k = whole(f"{OP}: k", k, 1)
    num_threads = whole(f"{OP}: num_threads", num_threads, 0)
    b, n = queries.shape[0], len(features)
    norms = None if item_norms is None else _norms(item_norms, features.shape)
    exclude = pattern(f"{OP}: filter_query_items", filter_query_items, b, n)
    hidden = _ids(filter_items, n)
    ids, scores = np.zeros((b, k), np.int32), np.zeros((b, k), np.float64 if wide else np.float32)
    real = min(k, n)
    if b == 0 or real == 0:
        return ids, scores
    if not hasattr(queries, "tocsr"):
        queries = floats(f"{OP}: query", queries)
    try:
        features = features if norms is None else _divided(features, norms)
        found = best(queries, features, real, exclude=exclude, filter_items=hidden, num_threads=num_threads)
    except ValueError as refused:
        given = queries if hasattr(queries, "tocsr") else as_numpy(query, f"{OP}: query").reshape(queries.shape)
        return handed_over(refused, lambda: _theirs(items, given, k, norms, exclude, hidden, num_threads))
    ids[:, :real], scores[:, :real] = found.ids, found.scores
    for row in np.flatnonzero(np.asarray(found.counts) < real).tolist():
        _refill(ids[row, :real], scores[row, :real], int(found.counts[row]), hidden, _row(exclude, row))
    return ids, scores


def _theirs(
    items: Any, query: Any, k: int, norms: Array | None, exclude: Any, hidden: Array | None, num_threads: int
) -> tuple[Array, Array]:
    """implicit's own, which wants everything in the same dtype, and of matrices those that are no arrays."""
    search = require("implicit.cpu.topk", extra="compat").topk
    dtype = np.float64 if query.dtype == np.float64 else np.float32
    masks = None if exclude is None else require("scipy.sparse", extra="data").csr_matrix(exclude)
    norms = None if norms is None else norms.astype(dtype)
    found: tuple[Array, Array] = search(
        np.asarray(as_numpy(items, f"{OP}: items"), dtype), query.astype(dtype), k, norms, masks, hidden, num_threads
    )
    return found


def _norms(item_norms: Any, shape: tuple[int, ...]) -> Array:
    norms = as_floats(item_norms, f"{OP}: item_norms", None)
    if norms.shape not in ((), (1,), (1, 1), (shape[0],), (1, shape[0])):
        raise ValueError(f"{OP}: item_norms {norms.shape} does not fit items {shape}; give one for each")
    return np.broadcast_to(norms.ravel(), shape[:1])


def _divided(features: Array, norms: Array) -> Array:
    bad = (norms == 0) | ~np.isfinite(norms)
    if bad.any():
        at = np.flatnonzero(bad)[0]
        raise ValueError(
            f"{OP}: item_norms[{at}] is {norms[at]}; scores are divided by it, so give finite ones that are not 0"
        )
    out: Array = (features / norms[:, None]).astype(np.float32, copy=False)
    return out


def _ids(filter_items: Any, n: int) -> Array | None:
    """Positions of the items that any index of NumPy's selects, None for no item."""
    if filter_items is None:
        return None
    chosen = filter_items
    if not isinstance(filter_items, slice):
        chosen = as_numpy(filter_items, f"{OP}: filter_items")
        if chosen.size == 0:
            return None
        chosen = chosen if chosen.dtype == bool else integers(f"{OP}: filter_items", chosen)
    try:
        return np.unique(np.arange(n)[chosen])
    except IndexError as error:
        raise ValueError(f"{OP}: filter_items does not fit the {n} items: {error}") from error


def _row(exclude: Any, row: int) -> Array:
    return np.empty(0, np.int64) if exclude is None else exclude.indices[exclude.indptr[row] : exclude.indptr[row + 1]]


def _refill(ids: Array, scores: Array, count: int, hidden: Array | None, own: Array) -> None:
    """Hidden items where others are lacking: those that implicit's heap is left with.

    It takes the first items that come, as many as it holds, and then gives up the lowest of the worst for each better
    one: there remain the highest ids that are hidden among the first.
    """
    first = np.zeros(len(ids), dtype=bool)
    for some in (own, hidden):
        if some is not None:
            first[some[some < len(ids)]] = True
    ids[count:] = np.flatnonzero(first)[::-1][: len(ids) - count]
    scores[count:] = -np.finfo(scores.dtype).max
