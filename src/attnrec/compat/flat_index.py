"""Drop-in for FAISS's exact index of inner products, ``faiss.IndexFlatIP``."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from .. import ops
from .._util.extras import require
from ..index.item_index import ItemIndex
from ._handover import handed_over
from ._search import Array, floats, whole

OP = "compat.IndexFlatIP"
NONE_LEFT = -np.finfo(np.float32).max
# What FAISS's index has besides, and does not change it.
READ = (
    "assign",
    "code_size",
    "compute_residual",
    "compute_residual_n",
    "metric_arg",
    "metric_type",
    "range_search",
    "reconstruct_batch",
    "reconstruct_n",
    "sa_code_size",
    "sa_decode",
    "sa_encode",
    "search_and_reconstruct",
    "train",
    "verbose",
)


def _faiss() -> Any:
    return require("faiss", extra="bench")


class IndexFlatIP:
    """Vectors searched exactly by inner product, with the calls of ``faiss.IndexFlatIP`` (faiss-cpu 1.9 and later).

    Vectors of equal score are ordered by id, the lower one first, where FAISS has no rule. The first search after
    ``add`` packs all vectors anew. Searches may run at the same time as one another, and as ``add``. Copies and pickles
    have vectors of their own.

    Inputs that the kernels refuse go to an index of FAISS with the same vectors, if it is installed: NaN, infinity,
    norms whose products may overflow float32, the options ``params``, ``D`` and ``I`` of ``search``, and calls that
    only read and are not implemented here, such as ``range_search``, ``reconstruct_n`` and ``search_and_reconstruct``.
    Calls that modify or write an index of FAISS, such as ``remove_ids`` and ``faiss.write_index``, are not available.

    Parameters
    ----------
    d : int
        Width of the vectors, at least 1.

    Attributes
    ----------
    d : int
        Width of the vectors.
    ntotal : int
        Number of vectors.
    is_trained : bool
        Always True.

    Raises
    ------
    ValueError
        If ``d < 1``; FAISS has an index of no width.
    TypeError
        If ``d`` is not an integer. The methods raise it for a ``k`` or ``key`` that is not an integer, and an ``x``
        that is not an array of numbers.

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
        self._finite = True
        self._theirs: Any = None

    def __getattr__(self, name: str) -> Any:
        if name in READ:
            return getattr(self._original(), name)
        raise AttributeError(f"{OP} has no {name!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        with self._lock:
            return _restored, (self.d, self._joined())

    @property
    def ntotal(self) -> int:
        """Number of vectors."""
        return self._ntotal

    def add(self, x: Any) -> None:
        """Add vectors after the existing ones.

        Parameters
        ----------
        x : (n, d) array_like
            Vectors, one row for each, copied as float32.

        Raises
        ------
        ValueError
            If the shape does not fit, or without FAISS if a value is not finite.
        """
        rows = self._matrix(x, "add").copy(order="C")
        finite = bool(np.isfinite(rows).all())
        if not finite:
            at = np.argmin(np.isfinite(rows).all(axis=1))
            handed_over(ValueError(f"{OP}.add: x holds NaN or infinity in row {at}"), _faiss)
        with self._lock:
            self._rows.append(rows)
            self._ntotal += len(rows)
            self._index = self._theirs = None
            self._finite &= finite

    def reset(self) -> None:
        """Remove all vectors."""
        with self._lock:
            self._rows, self._ntotal, self._index, self._theirs, self._finite = [], 0, None, None, True

    def search(self, x: Any, k: int, **options: Any) -> tuple[Array, Array]:
        """Find the k vectors of the largest inner product with each query.

        Parameters
        ----------
        x : (b, d) array_like
            Queries, one row for each.
        k : int
            Number of vectors to find for each query, at least 1.
        **options
            Options of FAISS, ``params``, ``D`` and ``I``; with any of them FAISS searches.

        Returns
        -------
        D : (b, k) float32 array
            Inner products, largest first; the lowest float32 where there are fewer than k vectors.
        I : (b, k) int64 array
            Positions in the order of ``add``; -1 where there are fewer than k vectors.

        Raises
        ------
        ValueError
            If the shape does not fit, ``k < 1``, or without FAISS if a value is not finite or products are too large.
        """
        queries = self._matrix(x, "search")
        k = whole(f"{OP}.search: k", k, 1)
        if options or not self._finite:
            return self._searched_by_faiss(queries, k, options)
        try:
            found = ops.topk(queries, self._packed(), k, weights=False)
        except ValueError as refused:
            return handed_over(refused, lambda: self._searched_by_faiss(queries, k, {}))
        found.scores[found.ids < 0] = NONE_LEFT
        return found.scores, found.ids

    def reconstruct(self, key: int) -> Array:
        """Copy the vector at a position.

        Parameters
        ----------
        key : int
            Position in the order of ``add``, from 0.

        Returns
        -------
        (d,) float32 array
            The vector.

        Raises
        ------
        ValueError
            If there is no vector at that position.
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

    def _original(self) -> Any:
        """An index of FAISS with the vectors of this one, made when it is first needed."""
        with self._lock:
            if self._theirs is None:
                theirs = _faiss().IndexFlatIP(self.d)
                theirs.add(self._joined())
                self._theirs = theirs
            return self._theirs

    def _searched_by_faiss(self, queries: Array, k: int, options: dict[str, Any]) -> tuple[Array, Array]:
        found: tuple[Array, Array] = self._original().search(np.ascontiguousarray(queries), k, **options)
        return found

    def _packed(self) -> ItemIndex:
        with self._lock:
            if self._index is None:
                self._index = ItemIndex(self._joined())
            return self._index


def _restored(d: int, vectors: Array) -> IndexFlatIP:
    """What a copy or a pickle comes back as; it packs its vectors anew when it is searched."""
    out = IndexFlatIP(d)
    out.add(vectors)
    return out
