"""ItemIndex: items packed once for the kernels and reused between calls."""

from __future__ import annotations

import builtins
import os
import threading
from typing import Any

import numpy as np

from .. import config
from .._util.files import written_beside
from ._snapshot import Array, Precision, Snapshot, id_vector, matrix
from .searcher import Options, Searcher

__all__ = ["ItemIndex"]


class ItemIndex:
    """Items packed for the kernels, shared by all threads.

    A call reads one immutable snapshot; ``append`` and ``replace`` build a new one and then swap it in, so a search
    that runs meanwhile sees the old items or the new ones, never a mixture. Writers wait for each other: of two that
    append at the same time, both take effect. For single queries one after another, as in a service, see
    :meth:`searcher`.

    Parameters
    ----------
    items : (n, d) array_like
        Feature vectors, one row for each item, converted to float32.
    ids : (n,) array_like of int, optional
        Ids of the items, unique, of any integer dtype, from 0 to 2^63 - 1; [] for an empty index with ids. Results then
        hold these ids, and ``items=`` and ``filter_items=`` take them; the columns of sparse matrices stay positions.
    precision : {"auto", "float32", "int8"}
        Copies of the items that are packed. ``"auto"`` keeps the items in float32 for every operation, ``4 n d`` bytes,
        and an 8-bit copy ordered by norm, ``n d`` bytes, by which ``topk`` without weights rules out most items.
        ``"float32"`` has no 8-bit copy. ``"int8"`` serves only ``topk`` without weights, where it is the fastest: it is
        as large as ``"auto"``, but other operations pack the items anew in every call.

    Raises
    ------
    ValueError
        If ``items`` is not a matrix, holds NaN or infinity, or ``ids`` is not n unique integers.

    Examples
    --------
    >>> from attnrec import ItemIndex, topk
    >>> index = ItemIndex([[1, 0], [0, 1]], ids=[70, 80])
    >>> topk([0.5, 2.0], index, k=1).ids
    array([80])
    """

    __slots__ = ("__weakref__", "_snapshot", "_writing", "precision")

    def __init__(self, items: Any, *, ids: Any = None, precision: Precision = "auto") -> None:
        if precision not in ("auto", "float32", "int8"):
            raise ValueError(f"ItemIndex: precision {precision!r} is none of 'auto', 'float32' and 'int8'")
        self.precision: Precision = precision
        self._writing = threading.Lock()
        self._snapshot = Snapshot(items, ids, precision)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        n, d = self.shape
        return f"ItemIndex({n} items x {d})"

    def __reduce__(self) -> tuple[Any, ...]:
        now = self._snapshot
        return _restore, (now.features, now.ids, self.precision)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of items and width of their features, (n, d)."""
        return self._snapshot.shape

    @property
    def ids(self) -> Array | None:
        """Ids of the items, (n,) int64, or None where they are the positions 0 .. n - 1."""
        return self._snapshot.ids

    @property
    def features(self) -> Array:
        """The items, (n, d) float32: a copy."""
        return self._snapshot.features

    def append(self, items: Any, *, ids: Any = None) -> None:
        """Add items after the existing ones, whose positions do not change.

        Parameters
        ----------
        items : (p, d) array_like
            Feature vectors of the new items, of the width of the index.
        ids : (p,) array_like of int, optional
            Ids of the new items, required if the index has ids and not allowed if it has none.

        Raises
        ------
        ValueError
            If widths differ, or ids are missing, superfluous or already in use.

        Examples
        --------
        >>> from attnrec import ItemIndex
        >>> index = ItemIndex([[1, 0]])
        >>> index.append([[0, 1]])
        >>> len(index)
        2
        """
        added = matrix(items, "ItemIndex.append")
        with self._writing:
            now = self._snapshot
            if added.shape[1] != now.shape[1]:
                raise ValueError(f"ItemIndex.append: items {added.shape} and the index {now.shape} differ in width")
            if (ids is None) != (now.ids is None):
                state = "has names: give ids for the new items too" if ids is None else "has no names: leave ids out"
                raise ValueError(f"ItemIndex.append: the index {state}")
            all_ids = None
            if now.ids is not None:
                all_ids = np.concatenate([now.ids, id_vector(ids, len(added), "ItemIndex.append")])
            self._snapshot = Snapshot(np.concatenate([now.features, added]), all_ids, self.precision)

    def replace(self, items: Any, *, ids: Any = None) -> None:
        """Replace all items in one step.

        Parameters
        ----------
        items : (n, d) array_like
            Feature vectors of the new items, of any number and width.
        ids : (n,) array_like of int, optional
            Ids of the new items, unique, from 0 to 2^63 - 1.

        Raises
        ------
        ValueError
            If ``items`` is not a matrix, holds NaN or infinity, or ``ids`` is not n unique integers.
        """
        with self._writing:
            self._snapshot = Snapshot(items, ids, self.precision)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the packed items and their ids to a file, which opens without packing anything again.

        The file is written under a temporary name and then renamed: processes that have an older one open keep it.

        Parameters
        ----------
        path : path
            File to write, replaced if it exists; its folder must exist.

        Raises
        ------
        FileNotFoundError
            If there is no such folder.
        ValueError
            If the file cannot be written.
        ImportError
            Where attnrec is not compiled.

        Examples
        --------
        >>> import tempfile
        >>> from attnrec import ItemIndex
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     ItemIndex([[1, 0], [0, 1]], ids=[70, 80]).save(f"{folder}/items.index")
        ...     ItemIndex.open(f"{folder}/items.index").ids
        array([70, 80])
        """
        _need_core("save")
        with written_beside(path) as beside:
            self._snapshot.save(os.fsencode(beside), self.precision)

    @classmethod
    def open(cls, path: str | os.PathLike[str], mmap: bool = True) -> ItemIndex:
        """Open an index from a file that :meth:`save` wrote.

        The header, the ids and the order of the items are checked; the vectors are not, so open only files that you
        trust. The 8-bit copies fit processors with the same 8-bit instructions; a file of an index with
        ``precision="float32"`` has none and opens everywhere.

        Parameters
        ----------
        path : path
            File that :meth:`save` wrote.
        mmap : bool
            Whether to map the file into memory: all processes that open it share one copy of the items, the 8-bit
            copies and the ids, which are loaded when they are first used, and only the buffers of its searches are
            private to a process. The file may be replaced by :meth:`save` meanwhile, but not modified or truncated.
            False reads a private copy.

        Returns
        -------
        ItemIndex
            An index like any other; ``append`` and ``replace`` make its items private to this process.

        Raises
        ------
        OSError
            If there is no such file, or it cannot be read.
        ValueError
            If the file is truncated or damaged, of another version or packing, or holds 8-bit copies for another kind
            of processor; the message names file and fix.
        ImportError
            Where attnrec is not compiled.

        Examples
        --------
        >>> import tempfile
        >>> from attnrec import ItemIndex, topk
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     ItemIndex([[1, 0], [0, 1]]).save(f"{folder}/items.index")
        ...     index = ItemIndex.open(f"{folder}/items.index")
        >>> topk([0.5, 2.0], index, k=1).ids
        array([1])
        """
        _need_core("open")
        with builtins.open(path, "rb"):  # says in Python's words what is not there or may not be read
            pass
        out = cls.__new__(cls)
        out._writing = threading.Lock()
        out._snapshot = Snapshot.opened(os.fsencode(path), mmap)
        out.precision = out._snapshot.precision
        return out

    def searcher(
        self,
        k: int = 10,
        *,
        scale: float = 1.0,
        item_bias: Any = None,
        filter_items: Any = None,
        items: Any = None,
        precision: Precision = "auto",
        check_finite: bool = True,
        num_threads: int = 1,
    ) -> Searcher:
        """Make a searcher, which answers single queries with the least delay: checks and buffers are made once.

        Parameters
        ----------
        k : int
            Number of items to return for each query, at least 1; results are padded beyond the number of items.
        scale : float
            Inverse temperature, a finite number by which the dot products are multiplied.
        item_bias : (n,) array_like, optional
            Number to add to the scores of each item; it has to fit the items that the index holds whenever it is
            searched.
        filter_items : (p,) array_like of int or (n,) bool mask, optional
            Items hidden from all queries; ids and masks have to fit the items that the index holds whenever it is
            searched.
        items : (p,) array_like of int or (n,) bool mask, optional
            Candidate items of all queries, and no others; ids and masks have to fit the items that the index holds
            whenever it is searched.
        precision : {"auto", "float32", "int8"}
            Arithmetic of the scan, as in :func:`attnrec.topk`; ids and scores are the same bits in each.
        check_finite : bool
            Whether to look for NaN and infinity in each query first; False is for queries known to be finite.
        num_threads : int
            Number of threads of each query, at least 1. The default, 1, wakes no other thread; more are for a large
            index with few callers, and allocate memory.

        Returns
        -------
        Searcher
            A callable that takes one query and returns ids and scores; each thread needs a searcher of its own.

        Raises
        ------
        ValueError
            If ``k < 1``, ``item_bias`` or a mask has the wrong shape, an id is not in the index, or a number is not
            finite.
        TypeError
            If an option is not a number or an array of numbers.

        Examples
        --------
        >>> from attnrec import ItemIndex
        >>> search = ItemIndex([[1, 0], [0, 1]], ids=[70, 80]).searcher(k=1)
        >>> ids, scores = search([0.5, 2.0])
        >>> ids, scores
        (array([80]), array([2.], dtype=float32))
        """
        options = Options(k, scale, item_bias, filter_items, items, precision, check_finite, num_threads)
        return Searcher(self, options)


def _need_core(method: str) -> None:
    if not config._has_core():
        raise ImportError(f"ItemIndex.{method} needs the compiled part of attnrec, which is not built here")


def _restore(features: Array, ids: Array | None, precision: Precision) -> ItemIndex:
    return ItemIndex(features, ids=ids, precision=precision)
