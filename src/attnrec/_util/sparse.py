"""CSR matrices from arrays, and the sums and norms of their rows."""

from __future__ import annotations

from typing import Any, Protocol, overload

import numpy as np

from .extras import require

__all__ = ["CSR", "Array", "csr", "row_sums", "unit_rows"]

Array = np.ndarray[Any, np.dtype[Any]]


class CSR(Protocol):
    """What is used of ``scipy.sparse.csr_array``; scipy is optional, so it is not named here."""

    data: Array
    indices: Array
    indptr: Array

    @property
    def shape(self) -> tuple[int, int]: ...

    @property
    def nnz(self) -> int: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    @property
    def T(self) -> CSR: ...

    def __getitem__(self, key: object, /) -> CSR: ...

    @overload
    def __matmul__(self, other: Array, /) -> Array: ...

    @overload
    def __matmul__(self, other: CSR, /) -> CSR: ...

    def __mul__(self, other: object, /) -> CSR: ...

    def tocsr(self) -> CSR: ...

    def toarray(self) -> Array: ...

    def eliminate_zeros(self) -> None: ...


_sparse = require("scipy.sparse", extra="data")


def csr(data: Array, indices: Array, indptr: Array, shape: tuple[int, ...]) -> CSR:
    """The three arrays as a CSR matrix, not copied."""
    out: CSR = _sparse.csr_array((data, indices, indptr), shape=shape, copy=False)
    return out


def row_sums(data: Array, indptr: Array) -> Array:
    """Sum of the stored values of each row, (rows,) float64.

    Each row is added up on its own, so a row has the same bits in whatever matrix it stands.
    """
    filled = np.flatnonzero(indptr[1:] > indptr[:-1])
    out = np.zeros(len(indptr) - 1)
    if len(filled):
        out[filled] = np.add.reduceat(data.astype(np.float64), indptr[filled])
    return out


def unit_rows(x: CSR) -> CSR:
    """The rows of ``x`` at length 1; a row without length stays 0. Shares the pattern of ``x``."""
    lengths = np.repeat(np.sqrt(row_sums(np.square(x.data, dtype=np.float64), x.indptr)), np.diff(x.indptr))
    data = np.divide(x.data, lengths, out=np.zeros(len(x.data)), where=lengths > 0).astype(np.float32)
    return csr(data, x.indices, x.indptr, x.shape)
