"""What the splits share: reading what is given, ranks within users, and cutting a matrix in two. Chooses nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._extras import need

__all__ = ["Array", "between", "by_user", "keys_of", "matrix_of", "parts", "row_ids", "shares", "times_of"]

Array = np.ndarray[Any, np.dtype[Any]]


def matrix_of(interactions: Any, name: str = "interactions") -> Any:
    """The (users, items) CSR matrix."""
    matrix = getattr(interactions, "user_items", interactions)
    if getattr(matrix, "format", None) != "csr":
        raise TypeError(f"{name} must be Interactions or a CSR matrix, not {type(matrix).__name__}: use .tocsr()")
    return matrix


def times_of(interactions: Any, matrix: Any, timestamps: Any, who: str) -> Array:
    """(nnz,) when each stored entry happened."""
    given = getattr(interactions, "timestamps", None) if timestamps is None else timestamps
    if given is None:
        raise ValueError(f"{who} needs timestamps: name their column when reading, or pass timestamps=")
    if hasattr(given, "indptr"):
        if not (np.array_equal(given.indptr, matrix.indptr) and np.array_equal(given.indices, matrix.indices)):
            raise ValueError("timestamps, a CSR matrix, must store the same entries as interactions, in the same order")
        given = given.data
    times = np.asarray(given)
    if times.shape != (matrix.nnz,):
        raise ValueError(f"timestamps has shape {times.shape}; it must hold one for each entry, ({matrix.nnz},)")
    if times.dtype.kind not in "iufM" or (times.dtype.kind in "fM" and np.isnan(times).any()):
        raise ValueError(f"timestamps must be numbers or datetime64, none of them missing; they are {times.dtype}")
    return times


def between(name: str, value: float, low: float = 0, high: float = 1) -> float:
    """A share strictly between two limits."""
    if not low < value < high:
        raise ValueError(f"{name} is {value}; it must lie between {low} and {high}, for example 0.2")
    return float(value)


def row_ids(matrix: Any) -> Array:
    """(nnz,) the row of each stored entry."""
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


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
    sparse = need("scipy.sparse", extra="data")
    rows = row_ids(matrix)

    def part(kept: Array) -> Any:
        indptr = np.concatenate([[0], np.cumsum(np.bincount(rows[kept], minlength=matrix.shape[0]))])
        return sparse.csr_array((matrix.data[kept], matrix.indices[kept], indptr), shape=matrix.shape)

    return part(~held_out), part(held_out)
