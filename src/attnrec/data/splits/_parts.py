"""Shared code of the splits: reading of inputs, ranks within users, and division of a matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._util import matrices
from ..._util.arraylike import as_numpy
from ..._util.extras import require

__all__ = ["Array", "between", "by_user", "keys_of", "matrix_of", "parts", "row_ids", "shares", "times_of"]

Array = np.ndarray[Any, np.dtype[Any]]


def matrix_of(interactions: Any, name: str = "interactions") -> Any:
    """The (users, items) CSR matrix: the one given where it is canonical, else read by the rule of ``_matrices``."""
    given = getattr(interactions, "user_items", interactions)
    if not matrices.is_sparse(given):
        raise TypeError(
            f"{name} must be Interactions or a sparse matrix, not {type(given).__name__}: pass "
            f"scipy.sparse.csr_array({name})"
        )
    read = matrices.stored(name, given)
    if getattr(given, "format", "") == "csr" and matrices.is_canonical(name, read) and len(given.data) == given.nnz:
        return given
    read = matrices.canonical(name, read)
    matrices.finite(name, read)
    sparse = require("scipy.sparse", extra="data")
    return sparse.csr_array((read.data, read.indices, read.indptr), shape=read.shape)


def times_of(interactions: Any, matrix: Any, timestamps: Any, who: str) -> Array:
    """(nnz,) when each entry of ``matrix`` happened: of entries of ``interactions`` that became one, the latest."""
    given = getattr(interactions, "timestamps", None) if timestamps is None else timestamps
    if given is None:
        raise ValueError(f"{who} needs timestamps: name their column when reading, or pass timestamps=")
    of_places = matrices.is_sparse(given)
    whole = getattr(interactions, "user_items", interactions)
    rows, columns, stored = (
        matrices.entries("timestamps", given) if of_places else matrices.entries("interactions", whole, values=False)
    )
    times = stored if of_places else as_numpy(given, "timestamps")
    if times.shape != rows.shape:
        raise ValueError(f"timestamps has shape {times.shape}; it must hold one for each entry, {rows.shape}")
    if times.dtype.kind not in "iufM" or (times.dtype.kind in "fM" and np.isnan(times).any()):
        raise ValueError(f"timestamps must be numbers or datetime64, none of them missing; they are {times.dtype}")
    if of_places or whole is not matrix:
        order, first = matrices.in_order(rows, columns, matrix.shape[1])
        times = np.maximum.reduceat(times[order], first)
        rows, columns = rows[order[first]], columns[order[first]]
    if of_places and not (np.array_equal(rows, row_ids(matrix)) and np.array_equal(columns, matrix.indices)):
        raise ValueError("timestamps, a sparse matrix, must store the same entries as interactions")
    return times


def between(name: str, value: float, low: float = 0, high: float = 1) -> float:
    """A share strictly between two limits."""
    if not low < value < high:
        raise ValueError(f"{name} is {value}; it must lie between {low} and {high}, for example 0.2")
    return float(value)


def row_ids(matrix: Any) -> Array:
    """(nnz,) the row of each stored entry."""
    return matrices.owners(matrix)


def keys_of(matrix: Any) -> Array:
    """(nnz,) int64: one number for each row and column, in their order."""
    keys: Array = row_ids(matrix).astype(np.int64) * matrix.shape[1] + matrix.indices
    return keys


def by_user(matrix: Any, order: Array) -> Array:
    """(nnz,) stored entries user by user, each user's in the order of ``order``."""
    return order[np.argsort(row_ids(matrix)[order], kind="stable")]


def shares(matrix: Any, order: Array, taken: Array) -> Array:
    """(nnz,) bool: the first ``taken[u]`` entries of each user u in ``order``."""
    counts = np.diff(matrix.indptr)
    rank = np.arange(matrix.nnz) - np.repeat(matrix.indptr[:-1], counts)
    out = np.zeros(matrix.nnz, dtype=bool)
    out[by_user(matrix, order)] = rank < np.repeat(taken, counts)
    return out


def parts(matrix: Any, held_out: Array) -> tuple[Any, Any]:
    """The entries that are not held out, and those that are, both in the shape of the whole."""
    sparse = require("scipy.sparse", extra="data")
    rows = row_ids(matrix)

    def part(kept: Array) -> Any:
        indptr = np.concatenate([[0], np.cumsum(np.bincount(rows[kept], minlength=matrix.shape[0]))])
        return sparse.csr_array((matrix.data[kept], matrix.indices[kept], indptr), shape=matrix.shape)

    return part(~held_out), part(held_out)
