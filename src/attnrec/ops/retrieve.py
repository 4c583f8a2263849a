"""The best items for each query: topk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .. import config
from .._util.arraylike import chosen
from .._util.outputs import check_ids, check_output
from ..index._snapshot import Precision
from ..index.item_index import ItemIndex
from ..reference import TopK
from ._backend import Array, by_reference, read, uses_reference

if config._has_core() or TYPE_CHECKING:
    from .. import _core


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
    precision: Precision = "auto",
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
    queries : (b, d) or (d,) array_like or sparse matrix
        Query vectors, one row for each, converted to float32.
    features : (n, d) array_like, sparse matrix or ItemIndex
        Item vectors, one row for each, converted to float32.
    k : int
        Number of items to return for each query, at least 1; columns beyond n are padded.
    scale : float
        Inverse temperature, a finite number; a larger one concentrates the weights on the best items.
    item_bias : (n,) array_like, optional
        Number to add to the scores of each item, after scaling.
    exclude : (b, n) sparse matrix, optional
        Items hidden from each query: the stored entries.
    include : (b, n) sparse matrix, optional
        Candidate items of each query: the stored entries, and no others.
    filter_items : (p,) array_like of int or (n,) bool mask, optional
        Items hidden from all queries.
    items : (p,) array_like of int or (n,) bool mask, optional
        Candidate items of all queries; no others are scored.
    weights : bool
        Whether to compute softmax weights and log-sum-exps; False leaves both None and saves the exponentials.
    normalize : {"all", "unseen"}
        Items that the softmax denominator sums over: "all" takes every item that is scored (see ``include`` and
        ``items``), "unseen" leaves out those that ``exclude`` and ``filter_items`` hide.
    precision : {"auto", "float32", "int8"}
        Arithmetic of the scan; ids and scores are the same bits in each. ``"int8"`` scans the 8-bit copies of an
        :class:`ItemIndex` first, rules out items that provably cannot be among the best, and scores the rest in
        float32; it gives no weights, so pass ``weights=False``. ``"auto"`` uses it where it is faster: with an index,
        without weights or biases, for k and hidden items few relative to n, on x86 with AVX2 or AArch64 with dot
        products. Plain arrays are indexed within the call. Calls with ``include``, ``items``, sparse inputs or few
        items use float32 in any case.
    check_finite : bool
        Whether to look for NaN and infinity in the inputs first; False saves that pass and is for input known to be
        finite.
    out : TopK or (ids, scores), optional
        C-contiguous arrays (b, k) to write to: ids int64 or int32, scores float32. Nothing is computed where int32
        cannot hold an id of the index.
    num_threads : int, optional
        Number of threads of this call, at least 1; :func:`attnrec.num_threads` if not given. The result does not depend
        on it.
    memory_budget : int, optional
        Upper limit of the temporary memory of this call, in bytes; :func:`attnrec.memory_budget` if not given. A
        smaller limit means smaller blocks and a slower call, not other results.

    Returns
    -------
    TopK
        Ids, scores, weights, log-sum-exps and counts; unpacks as ``ids, scores``. It always has k columns: where fewer
        items are left, id -1, score -inf, weight 0, and ``counts`` has the number of real ones. One query ``(d,)``
        gives 1-D results.

    Raises
    ------
    ValueError
        If widths differ, a value is not finite, ``k < 1``, an id is out of range, a sparse matrix has the wrong shape,
        or with ``weights`` the largest score of a row is beyond 2^29.
    TypeError
        If an input is not real, or ``exclude`` or ``include`` is not sparse.

    Examples
    --------
    >>> from attnrec import topk
    >>> ids, scores = topk([[1.0, 2.0]], [[1, 0], [0, 1], [1, 1]], k=2)
    >>> ids, scores
    (array([[2, 1]]), array([[3., 2.]], dtype=float32))
    """
    queries, features = read("topk", "queries", queries), read("topk", "items", features)
    exclude = read("topk", "exclude", exclude, values=False)
    include = read("topk", "include", include, values=False)
    snapshot = features._snapshot if isinstance(features, ItemIndex) else None
    if snapshot is not None:
        features = snapshot.features if uses_reference() else snapshot.operand
        items = snapshot.positions(items, "items")
        filter_items = snapshot.positions(filter_items, "filter_items")
        if out is not None and snapshot.ids is not None and len(snapshot.ids):
            check_ids("topk: out.ids", _of(out, "ids", 0), snapshot.largest_id())
    if uses_reference():
        if out is not None:
            _check(out, None)
        found: TopK = by_reference(
            "topk",
            queries,
            features,
            k,
            scale=scale,
            item_bias=item_bias,
            exclude=exclude,
            include=include,
            filter_items=chosen(filter_items, np.shape(features)[0], "topk: filter_items"),
            items=chosen(items, np.shape(features)[0], "topk: items"),
            weights=weights,
            normalize=normalize,
        )
        if out is not None:
            found = _written(found, out)
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
        snapshot.rename(found.ids)
    return found


_DTYPES = {"ids": np.int64, "scores": np.float32, "weights": np.float32, "lse": np.float32, "counts": np.int64}


def _of(out: Any, name: str, place: int) -> Any:
    """One of the arrays to write to, in a TopK or in a pair (ids, scores); None where it is not given."""
    if hasattr(out, name):
        return getattr(out, name)
    return out[place] if isinstance(out, (tuple, list)) and len(out) == 2 and place < 2 else None


def _check(out: Any, found: TopK | None) -> list[tuple[str, Array]]:
    """The arrays to write to by name, checked, also against each other; their shapes once there is a result."""
    if not hasattr(out, "ids") and not (isinstance(out, (tuple, list)) and len(out) == 2):
        raise TypeError("topk: out is not a TopK or a pair (ids, scores)")
    given: list[tuple[str, Array]] = []
    for place, (name, dtype) in enumerate(_DTYPES.items()):
        array, made = _of(out, name, place), getattr(found, name, None)
        if array is None or (place > 1 and np.ndim(array) == 0) or (found is not None and made is None):
            continue
        narrow = name == "ids" and getattr(array, "dtype", None) == np.int32
        others = tuple(other for _, other in given)
        shape = None if made is None else np.shape(made)
        check_output(f"topk: out.{name}", array, np.int32 if narrow else dtype, shape, inputs=others)
        given.append((name, array))
    return given


def _written(found: TopK, out: TopK | tuple[Array, Array]) -> TopK:
    """The result in the caller's arrays, where the reference made its own."""
    for name, array in _check(out, found):
        array[...] = getattr(found, name)
        setattr(found, name, array)
    return found
