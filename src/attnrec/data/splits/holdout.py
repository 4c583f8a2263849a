"""Hold-out splits: random, the last interaction of each user, or the latest of all."""

from __future__ import annotations

import contextlib
import datetime
import operator
from typing import Any

import numpy as np

from ._parts import Array, between, matrix_of, parts, shares, times_of

__all__ = ["leave_last_out", "random_holdout", "temporal"]


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
    interactions : Interactions or (u, n) sparse matrix
        Interactions to split.
    test_fraction : float
        Share of the interactions to hold out, between 0 and 1 (both excluded), rounded to whole interactions.
    random_state : int or numpy.random.Generator
        Seed of the split, 0 or more, or a generator; the same seed gives the same split.
    per_user : bool
        Whether to hold out ``floor(test_fraction * interactions)`` of each user, so that no user loses all; otherwise
        the part is drawn from all interactions together.

    Returns
    -------
    train : (u, n) CSR
        Interactions to fit with.
    test : (u, n) CSR
        Interactions held out; every stored entry is in one of the two, with its value.

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
    fraction = between("test_fraction", test_fraction)
    matrix = matrix_of(interactions)
    order = np.random.default_rng(random_state).permutation(matrix.nnz)
    return parts(matrix, _first(matrix, order, fraction, per_user))


def leave_last_out(interactions: Any, timestamps: Any = None) -> tuple[Any, Any]:
    """Hold out the last interaction of each user who has at least two.

    Where the last timestamp of a user occurs several times, the entry stored last (the highest item position) is held
    out, so that the split depends on the data alone.

    Parameters
    ----------
    interactions : Interactions or (u, n) sparse matrix
        Interactions to split.
    timestamps : (nnz,) array_like or (u, n) sparse matrix, optional
        Time of each stored entry, in the order of the stored entries, or as a matrix with the same entries; those of
        ``interactions`` if not given.

    Returns
    -------
    train : (u, n) CSR
        Interactions to fit with.
    test : (u, n) CSR
        One held-out interaction of each user with at least two; every stored entry is in one of the two.

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
    matrix = matrix_of(interactions)
    latest_first = _latest_first(times_of(interactions, matrix, timestamps, "leave_last_out"))
    return parts(matrix, shares(matrix, latest_first, np.diff(matrix.indptr) >= 2))


def temporal(
    interactions: Any,
    test_fraction: float | None = None,
    *,
    time: Any = None,
    per_user: bool = False,
    timestamps: Any = None,
) -> tuple[Any, Any]:
    """Hold out the latest interactions: a share of them, or all from a time on.

    With ``time`` everything in ``train`` happened before everything in ``test``. With a share, where a timestamp occurs
    on both sides of the cut, the entries stored last are held out, so that the split depends on the data alone.

    Parameters
    ----------
    interactions : Interactions or (u, n) sparse matrix
        Interactions to split.
    test_fraction : float, optional
        Share of the interactions to hold out, between 0 and 1 (both excluded), rounded to whole interactions; 0.2 if
        neither this nor ``time`` is given.
    time : number, datetime or str, optional
        Time from which on interactions are held out. It is a number, or text of one, where the timestamps are numbers;
        a date, a datetime or ISO 8601 text where they are datetime64 (UTC; a time zone is converted).
    per_user : bool
        Whether to hold out the latest ``floor(test_fraction * interactions)`` of each user, so that no user loses all;
        the test parts of users then begin at different times. It cannot be combined with ``time``.
    timestamps : (nnz,) array_like or (u, n) sparse matrix, optional
        Time of each stored entry, in the order of the stored entries, or as a matrix with the same entries; those of
        ``interactions`` if not given.

    Returns
    -------
    train : (u, n) CSR
        Interactions to fit with.
    test : (u, n) CSR
        Interactions held out; every stored entry is in one of the two, with its value.

    Raises
    ------
    ValueError
        If ``test_fraction`` is out of range or combined with ``time``, ``time`` does not fit the timestamps, or there
        are no timestamps.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from attnrec.data import splits
    >>> train, test = splits.temporal(csr_array([[4, 5, 3], [0, 2, 0]]), time=25, timestamps=[30, 10, 20, 50])
    >>> train.toarray().tolist(), test.toarray().tolist()
    ([[0, 5, 3], [0, 0, 0]], [[4, 0, 0], [0, 2, 0]])
    """
    if time is not None and (test_fraction is not None or per_user):
        raise ValueError("time says where to cut already: leave out test_fraction and per_user")
    matrix = matrix_of(interactions)
    times = times_of(interactions, matrix, timestamps, "temporal")
    if time is not None:
        return parts(matrix, times >= _moment(time, times.dtype))
    fraction = between("test_fraction", 0.2 if test_fraction is None else test_fraction)
    return parts(matrix, _first(matrix, _latest_first(times), fraction, per_user))


def _latest_first(times: Array) -> Array:
    """(nnz,) entries from the latest to the earliest; of equal times the entry stored last comes first."""
    return np.argsort(times, kind="stable")[::-1]


def _first(matrix: Any, order: Array, fraction: float, per_user: bool) -> Array:
    """(nnz,) bool: the first entries in ``order``, a share of all or of each user's."""
    if per_user:
        return shares(matrix, order, np.floor(fraction * np.diff(matrix.indptr) + 1e-9))
    held_out = np.zeros(matrix.nnz, dtype=bool)
    held_out[order[: round(fraction * matrix.nnz)]] = True
    return held_out


def _moment(time: Any, dtype: np.dtype[Any]) -> Any:
    """``time`` as timestamps of this dtype can be compared with."""
    moment: Any = None
    if dtype.kind == "M":
        with contextlib.suppress(ValueError):
            time = datetime.datetime.fromisoformat(time) if isinstance(time, str) else time
        if isinstance(time, datetime.datetime) and time.tzinfo is not None:
            time = time.astimezone(datetime.UTC).replace(tzinfo=None)
        if isinstance(time, (datetime.date, np.datetime64)):
            moment = np.datetime64(time)
    elif not isinstance(time, datetime.date):
        for number in (int, float) if isinstance(time, str) else (operator.index, float):
            with contextlib.suppress(TypeError, ValueError):
                moment = number(time) if moment is None else moment
    if moment is None or np.isnan(moment):
        kind = "a date such as '2020-01-31' or a datetime" if dtype.kind == "M" else "a number, as the timestamps are"
        raise ValueError(f"time is {time!r}; it must be {kind}")
    return moment
