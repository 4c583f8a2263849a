"""FAISS's exact index of inner products, ``faiss.IndexFlatIP``, on our kernels. Does not import faiss."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from .. import ops
from ..index import ItemIndex
from ._scan import Array, floats, whole

OP = "compat.IndexFlatIP"
NONE_LEFT = -np.finfo(np.float32).max


class IndexFlatIP:
    """Vectors searched exactly by inner product, with the calls of ``faiss.IndexFlatIP`` (faiss-cpu 1.9 and later).

    Vectors of equal score are ordered by id, the lower one first, where FAISS has no rule. The first search after
    ``add`` packs everything anew. Searches may run at the same time as one another, and as ``add``.

    Parameters
    ----------
    d : int
        Width of the vectors, at least 1.

    Attributes
    ----------
    d, ntotal : int
        Width and number of vectors.
    is_trained : bool
        Always True.

    Raises
    ------
    ValueError
        If ``d < 1``.
    TypeError
        If ``d`` is no integer. The same is said of ``k``, of ``key``, and of ``x`` where it is no array of numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from attnrec.compat import IndexFlatIP
    >>> index = IndexFlatIP(2)
    >>> index.add(np.array([[1, 0], [0, 1]], dtype=np.float32))
    >>> scores, ids = index.search(np.array([[1, 2]], dtype=np.float32), k=2)
    >>> ids, scores
    (array([[1, 0]]), array([[2., 1.]], dtype=float32))
    """

    is_trained = True

    def __init__(self, d: int) -> None:
        self.d = whole(f"{OP}: d", d, 1)
        self._lock = threading.Lock()
        self._rows: list[Array] = []
        self._ntotal = 0
        self._index: ItemIndex | None = None

    @property
    def ntotal(self) -> int:
        return self._ntotal

    def add(self, x: Any) -> None:
        """Add vectors behind those there are.

        Parameters
        ----------
        x : (n, d) array_like
            Copied, as float32.

        Raises
        ------
        ValueError
            If the shape does not fit, or a value is not finite.
        """
        rows = self._matrix(x, "add").copy(order="C")
        if not np.isfinite(rows).all():
            raise ValueError(f"{OP}.add: x holds NaN or infinity in row {np.argmin(np.isfinite(rows).all(axis=1))}")
        with self._lock:
            self._rows.append(rows)
            self._ntotal += len(rows)
            self._index = None

    def reset(self) -> None:
        """Remove all vectors."""
        with self._lock:
            self._rows, self._ntotal, self._index = [], 0, None

    def search(self, x: Any, k: int) -> tuple[Array, Array]:
        """The k vectors of the largest inner product with each query.

        Parameters
        ----------
        x : (b, d) array_like
        k : int
            At least 1.

        Returns
        -------
        D : (b, k) float32 array
            Inner products, largest first; the lowest float32 where there are fewer than k vectors.
        I : (b, k) int64 array
            Positions in the order of ``add``; -1 where there are fewer.

        Raises
        ------
        ValueError
            If the shape does not fit, ``k < 1``, or a value is not finite.
        """
        queries = self._matrix(x, "search")
        k = whole(f"{OP}.search: k", k, 1)
        found = ops.topk(queries, self._packed(), k, weights=False)
        found.scores[found.ids < 0] = NONE_LEFT
        return found.scores, found.ids

    def reconstruct(self, key: int) -> Array:
        """The vector at a position, (d,) float32: a copy.

        Raises
        ------
        ValueError
            If there is none.
        """
        key = whole(f"{OP}.reconstruct: key", key, 0)
        with self._lock:
            if key >= self._ntotal:
                raise ValueError(f"{OP}.reconstruct: key is {key}; there are {self._ntotal} vectors, counted from 0")
            row: Array = self._joined()[key].copy()
            return row

    def _matrix(self, x: Any, call: str) -> Array:
        out = floats(f"{OP}.{call}: x", x)
        if out.ndim != 2 or out.shape[1] != self.d:
            raise ValueError(f"{OP}.{call}: x has shape {out.shape}; give a row of {self.d} numbers for each vector")
        return out

    def _joined(self) -> Array:
        """All vectors in one array; for holders of the lock."""
        if len(self._rows) != 1:
            self._rows = [np.concatenate([np.empty((0, self.d), np.float32), *self._rows])]
        return self._rows[0]

    def _packed(self) -> ItemIndex:
        with self._lock:
            if self._index is None:
                self._index = ItemIndex(self._joined())
            return self._index
