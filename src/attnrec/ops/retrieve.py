"""The best items for each query: topk. Layer 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .. import config
from .._arraylike import chosen
from .._outputs import check_ids, check_output
from .._snapshot import Precision
from ..index import ItemIndex
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
    queries : (b, d) or (d,) array_like or sparse
    features : (n, d) array_like, sparse or ItemIndex
        The items.
    k : int
        Columns of the result, at least 1. Past n the rest is padded.
    scale : float
        Inverse temperature; finite.
    item_bias : (n,) array_like, optional
    exclude, include : (b, n) sparse, optional
        Stored entries are the items that each query may not see, or the only ones that it may.
    filter_items, items : ids or (n,) bool mask, optional
        Items that no query may see, or the only ones that any may.
    weights : bool
        Compute weights and lse; False leaves them None and saves the exponentials.
    normalize : {"all", "unseen"}
        ``include`` and ``items`` say what is scored, ``exclude`` and ``filter_items`` hide some of it. The softmax
        denominator runs over all that is scored, or over what is not hidden.
    precision : {"auto", "float32", "int8"}
        Arithmetic of the scan; ids and scores are the same bits. ``"int8"`` looks at the 8-bit copies of an
        :class:`ItemIndex` first, rules out what provably can not be among the best, and scores the rest in float32;
        it gives no weights, so pass ``weights=False``. ``"auto"`` takes it where it is faster: with an index, without
        weights or biases, for k and hidden items few beside n, on x86 with AVX2 or AArch64 with dot products. Plain
        arrays are indexed within the call. Calls with ``include``, ``items`` or sparse inputs, and few items, use
        float32 whatever is asked.
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
        As in :func:`similarity`; also for ``k < 1``, ids out of range, sparse matrices of the wrong shape, with
        ``weights`` if the largest score of a row is beyond 2^29, and, before anything is computed, if ``out`` holds
        int32 ids and the index has one past their range.

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
                scale=scale,
                item_bias=item_bias,
                exclude=exclude,
                include=include,
                filter_items=filter_items,
                items=items,
                weights=weights,
                normalize=normalize,
                precision=precision,
                check_finite=check_finite,
                out=out,
                num_threads=num_threads,
                memory_budget=memory_budget,
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
