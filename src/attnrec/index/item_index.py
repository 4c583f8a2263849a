"""ItemIndex: items packed once for the kernels and reused between calls. Layer 1."""

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
    append at once, both are heard. For one query after another, as a service gets them, see :meth:`searcher`.

    Parameters
    ----------
    items : (n, d) array_like
        Feature vectors, converted to float32.
    ids : (n,) array_like of int, optional
        Names of the items, unique, of any integer dtype, 0 to 2^63 - 1; [] for none. Results then hold these, and
        ``items=`` and ``filter_items=`` take them; the columns of sparse matrices stay positions.
    precision : {"auto", "float32", "int8"}
        What to prepare for. ``"auto"`` keeps the items in float32 for every operation, ``4 n d`` bytes, and on 8 bits
        in order of their norms, ``n d`` bytes, by which ``topk`` without weights rules out most of them. ``"float32"``
        leaves the latter out. ``"int8"`` is for ``topk`` without weights alone: as large as ``"auto"`` and up to 1.3
        times as fast there, but other operations pack the items anew in every call.

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
        """Names of the items, (n,) int64, or None where they are the positions 0 .. n - 1."""
        return self._snapshot.ids

    @property
    def features(self) -> Array:
        """The items, (n, d) float32: a copy."""
        return self._snapshot.features

    def append(self, items: Any, *, ids: Any = None) -> None:
        """Add items behind those there are, whose positions stay.

        Parameters
        ----------
        items : (p, d) array_like
        ids : (p,) array_like of int
            Names of the new items, needed when the index has names.

        Raises
        ------
        ValueError
            If widths differ, or names are missing, superfluous or taken.

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
        """Swap all items for others in one step.

        Parameters
        ----------
        items : (n, d) array_like
        ids : (n,) array_like of int, optional

        Raises
        ------
        ValueError
            As for a new index.
        """
        with self._writing:
            self._snapshot = Snapshot(items, ids, self.precision)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the packed items and their names to a file, to be opened without packing anything again.

        The file is written beside its place and then moved there: processes that have an older one open keep it.

        Parameters
        ----------
        path : path

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
        """An index from a file that :meth:`save` wrote.

        The header, the names and the order of the items are checked; the numbers are taken as they are, so open files
        that you trust. The 8-bit copies fit processors with the same 8-bit instructions; ``precision="float32"`` leaves
        them out and serves all.

        Parameters
        ----------
        path : path
        mmap : bool
            Map the file: all processes that open it share one copy of items, 8-bit copies and names, which come into
            memory when they are first touched. What a process has of its own are the buffers of its searches. The file
            may be replaced by :meth:`save` meanwhile, but not written into or cut short. False reads a copy.

        Returns
        -------
        ItemIndex
            ``append`` and ``replace`` work as on any other, and make the items this process's own.

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
        """What answers one query after another with the least delay: checks and buffers are made once.

        Parameters
        ----------
        k, scale, item_bias, filter_items, items, precision, check_finite
            As in :func:`attnrec.topk`, for all queries. ``item_bias``, masks and ids have to fit the items that the
            index holds whenever it is searched.
        num_threads : int
            For each query; 1 wakes no other thread. More serve a large index with few callers, and allocate.

        Returns
        -------
        Searcher
            To be called with a query. Each thread needs its own.

        Raises
        ------
        ValueError, TypeError
            As in :func:`attnrec.topk`.

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
