"""Searcher: single queries over an index, with checks and buffers that are made once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .. import config, reference
from .._util.arraylike import as_integers, chosen, native
from .._util.outputs import check_output
from ._snapshot import Array, Precision, Snapshot

if config._has_core() or TYPE_CHECKING:
    from .. import _core

__all__ = ["Searcher"]

Search = Callable[[Any, Any, Any], tuple[Array, Array]]


class Options(NamedTuple):
    """What is the same for every query of a searcher."""

    k: int
    scale: float
    item_bias: Any
    filter_items: Any
    items: Any
    precision: Precision
    check_finite: bool
    num_threads: int


class Searcher:
    """Answers single queries one after another; :meth:`attnrec.ItemIndex.searcher` makes one and documents its options.

    Ids and scores are bit for bit those of ``topk(query, index, k, weights=False)``. Every call searches the items that
    the index holds at that moment, so ``append`` and ``replace`` take effect at once; the first call after one makes
    the buffers anew.

    A searcher is for one thread at a time: give each thread its own, they share the items. A call made while another
    one is running raises RuntimeError. The interpreter lock is released where a search takes more than some
    microseconds. When many more threads than processors search a large index (``n * d`` of 2^20 and more) with the same
    options, waiting queries are answered together, in one pass over the items.

    Parameters
    ----------
    index : ItemIndex
        Items to search; they are not copied.
    options : Options
        Options that hold for every query, those of :meth:`attnrec.ItemIndex.searcher`.

    Examples
    --------
    >>> import numpy as np
    >>> from attnrec import ItemIndex
    >>> search = ItemIndex([[1, 0], [0, 1], [1, 1]]).searcher(k=2)
    >>> search([1.0, 2.0])
    (array([2, 1]), array([3., 2.], dtype=float32))
    >>> search([1.0, 2.0], exclude=[2])[0]
    array([1, 0])
    """

    __slots__ = ("_bound", "_index", "_options")

    def __init__(self, index: Any, options: Options) -> None:
        self._index = index
        self._options = options
        self._bound = self._bind()

    def __call__(
        self, query: Any, *, exclude: Any = None, out: tuple[Array, Array] | None = None
    ) -> tuple[Array, Array]:
        """The k best items for one query.

        Parameters
        ----------
        query : (d,) array_like
            Query vector; contiguous float32 is read without a copy.
        exclude : array_like of int, optional
            Ids hidden from this query, in any order. If the index has ids, those that it does not hold (any more) are
            ignored.
        out : (ids, scores), optional
            Arrays (k,) to write to, int64 and float32; a call with them allocates nothing.

        Returns
        -------
        ids : (k,) int64
            Ids of the items, best first, ties by lower position; -1 where fewer than k are left.
        scores : (k,) float32
            Scores of the items; -inf where there is no item.

        Raises
        ------
        ValueError
            If the query has another width, holds NaN or infinity, ``exclude`` holds a position that is not in the
            index, or an option no longer fits the items that the index holds now.
        TypeError
            If an input is not an array of numbers, or ``out`` has another dtype.
        RuntimeError
            If another thread is searching with this searcher.
        """
        bound = self._bound
        if bound[0] is not self._index._snapshot:
            bound = self._bound = self._bind()
        return bound[1](query, exclude, out)

    def __repr__(self) -> str:
        return f"Searcher(k={self._options.k}) of {self._index!r}"

    def __reduce__(self) -> tuple[Any, ...]:
        return Searcher, (self._index, self._options)

    def _bind(self) -> tuple[Snapshot, Search]:
        """A search of the items that the index holds now; threads that get here at once make one each."""
        now: Snapshot = self._index._snapshot
        o = self._options
        items = now.positions(o.items, "items", "searcher")
        hidden = now.positions(o.filter_items, "filter_items", "searcher")
        if isinstance(now.operand, np.ndarray):
            return now, _by_reference(now, o, items, hidden)
        return now, _core.searcher(
            now.operand,
            now.ids,
            now._order,
            o.k,
            o.scale,
            o.item_bias,
            hidden,
            items,
            o.precision,
            o.check_finite,
            o.num_threads,
        )


def _by_reference(now: Snapshot, o: Options, items: Any, hidden: Any) -> Search:
    """The same by NumPy, where there is no compiled core."""
    n = now.shape[0]
    never = np.zeros(n, dtype=bool)
    if hidden is not None:
        never[chosen(hidden, n, "searcher: filter_items")] = True

    def search(query: Any, exclude: Any, out: Any) -> tuple[Array, Array]:
        if out is not None:
            _check(out, (o.k,), query)
        hide = never.copy()
        if exclude is not None and now.ids is not None:
            hide |= np.isin(now.ids, as_integers(exclude, "searcher: exclude", "ids are integers"))
        elif exclude is not None:
            hide[chosen(exclude, n, "searcher: exclude")] = True
        found = reference.topk(
            native(query, "searcher: query"),
            now.operand,
            o.k,
            scale=o.scale,
            item_bias=o.item_bias,
            filter_items=hide,
            items=chosen(items, n, "searcher: items"),
            weights=False,
            dtype=np.float32,
        )
        now.rename(found.ids)
        if out is None:
            return found.ids, found.scores
        out[0][...], out[1][...] = found.ids, found.scores
        return out[0], out[1]

    return search


def _check(out: Any, shape: tuple[int], query: Any) -> None:
    """Refuse what the compiled search refuses."""
    if not isinstance(out, tuple) or len(out) != 2:
        raise TypeError("searcher: out is not a pair (ids, scores)")
    check_output("searcher: out.ids", out[0], np.int64, shape, inputs=(query,))
    check_output("searcher: out.scores", out[1], np.float32, shape, inputs=(query, out[0]))
