"""Train and test parts of interactions. Needs SciPy; draws no sample that is not seeded."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._extras import need

__all__ = ["leave_last_out", "random_holdout"]

Array = np.ndarray[Any, np.dtype[Any]]


def random_holdout(
    interactions: Any,
    test_fraction: float = 0.2,
    random_state: int | np.random.Generator = 0,
    *,
    per_user: bool = False,
) -> tuple[Any, Any]:
    """Hold out a random part of the interactions.

    Parameters
    ----------
    interactions : Interactions or (u, n) CSR
    test_fraction : float
        Share of the interactions to hold out, between 0 and 1 (both excluded), rounded to whole interactions.
    random_state : int or numpy.random.Generator
        The same seed gives the same split.
    per_user : bool
        Hold out ``floor(test_fraction * interactions of the user)`` of each user, so that nobody loses all; else
        draw from all interactions together.

    Returns
    -------
    train, test : (u, n) CSR
        Every stored entry is in one of them, with its value.

    Raises
    ------
    ValueError
        If ``test_fraction`` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> from attnrec.data import splits
    >>> train, test = splits.random_holdout(csr_array(np.ones((4, 5))), test_fraction=0.25)
    >>> train.nnz, test.nnz
    (15, 5)
    """
    if not 0 < test_fraction < 1:
        raise ValueError(f"test_fraction is {test_fraction}; it must lie between 0 and 1, for example 0.2")
    matrix = _matrix(interactions)
    order = np.random.default_rng(random_state).permutation(matrix.nnz)
    held_out = np.zeros(matrix.nnz, dtype=bool)
    if per_user:
        rows = _rows(matrix)
        by_row = order[np.argsort(rows[order], kind="stable")]
        counts = np.diff(matrix.indptr)
        rank = np.arange(matrix.nnz) - np.repeat(matrix.indptr[:-1], counts)
        held_out[by_row] = rank < np.repeat(np.floor(test_fraction * counts + 1e-9), counts)
    else:
        held_out[order[: round(test_fraction * matrix.nnz)]] = True
    return _parts(matrix, held_out)


def leave_last_out(interactions: Any, timestamps: Any = None) -> tuple[Any, Any]:
    """Hold out the last interaction of each user who has at least two.

    Where a user's last timestamp occurs several times, the entry stored last (the highest item position) is held
    out: the split depends on the data alone.

    Parameters
    ----------
    interactions : Interactions or (u, n) CSR
    timestamps : (nnz,) array_like or (u, n) CSR, optional
        When each stored entry happened, in the order of the stored entries, or as a CSR matrix with the same entries.
        Taken from ``interactions`` unless given.

    Returns
    -------
    train, test : (u, n) CSR

    Raises
    ------
    ValueError
        If there are no timestamps, or not one for each entry.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from attnrec.data import splits
    >>> train, test = splits.leave_last_out(csr_array([[4, 5, 3], [0, 2, 0]]), timestamps=[30, 10, 20, 50])
    >>> train.toarray().tolist(), test.toarray().tolist()
    ([[0, 5, 3], [0, 2, 0]], [[4, 0, 0], [0, 0, 0]])
    """
    matrix = _matrix(interactions)
    times = _times(interactions, matrix, timestamps)
    rows = _rows(matrix)
    by_time = np.lexsort((np.arange(matrix.nnz), times, rows))
    counts = np.diff(matrix.indptr)
    held_out = np.zeros(matrix.nnz, dtype=bool)
    held_out[by_time[matrix.indptr[1:][counts >= 2] - 1]] = True
    return _parts(matrix, held_out)


def _matrix(interactions: Any) -> Any:
    matrix = getattr(interactions, "user_items", interactions)
    if getattr(matrix, "format", None) != "csr":
        raise TypeError(f"interactions must be Interactions or a CSR matrix, not {type(matrix).__name__}: use .tocsr()")
    return matrix


def _times(interactions: Any, matrix: Any, timestamps: Any) -> Array:
    given = getattr(interactions, "timestamps", None) if timestamps is None else timestamps
    if given is None:
        raise ValueError("leave_last_out needs timestamps: name their column when reading, or pass timestamps=")
    if hasattr(given, "indptr"):
        if not (np.array_equal(given.indptr, matrix.indptr) and np.array_equal(given.indices, matrix.indices)):
            raise ValueError("timestamps, a CSR matrix, must store the same entries as interactions, in the same order")
        given = given.data
    times = np.asarray(given)
    if times.shape != (matrix.nnz,):
        raise ValueError(f"timestamps has shape {times.shape}; it must hold one for each entry, ({matrix.nnz},)")
    return times


def _rows(matrix: Any) -> Array:
    return np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))


def _parts(matrix: Any, held_out: Array) -> tuple[Any, Any]:
    sparse = need("scipy.sparse", extra="data")
    rows = _rows(matrix)

    def part(kept: Array) -> Any:
        indptr = np.concatenate([[0], np.cumsum(np.bincount(rows[kept], minlength=matrix.shape[0]))])
        return sparse.csr_array((matrix.data[kept], matrix.indices[kept], indptr), shape=matrix.shape)

    return part(~held_out), part(held_out)
