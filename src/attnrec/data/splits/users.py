"""Splits by user, for models that fold in new users: strong generalisation."""

from __future__ import annotations

import operator
from typing import Any, NamedTuple

import numpy as np

from ._parts import Array, between, matrix_of, parts, shares

__all__ = ["UserHoldout", "user_holdout"]


class UserHoldout(NamedTuple):
    """Result of :func:`user_holdout`.

    Attributes
    ----------
    train : (users - h, n) CSR
        All interactions of the other users, in their order, and none of the held-out users.
    fold_in : (h, n) CSR
        History of each held-out user that a model is given at recommendation time.
    test : (h, n) CSR
        The remaining interactions of the held-out users, aligned with ``fold_in``.
    userids : (h,) int64 ndarray
        Rows of the held-out users in the interactions, ascending.
    """

    train: Any
    fold_in: Any
    test: Any
    userids: Array


def user_holdout(
    interactions: Any,
    n_users: int,
    fold_in_fraction: float = 0.8,
    random_state: int | np.random.Generator = 0,
) -> UserHoldout:
    """Hold out users, and return a part of each one's history for fold-in: strong generalisation (Marlin, 2004).

    A model is fitted with ``train``, in which held-out users have no row, and recommends to them with
    ``model.recommend(np.full(h, -1), fold_in, recalculate_user=True)``. For a validation part, hold out users of
    ``train`` once more.

    Parameters
    ----------
    interactions : Interactions or (u, n) sparse matrix
        Interactions to split.
    n_users : int
        Number of users to hold out, at least 1, drawn from those with at least two interactions.
    fold_in_fraction : float
        Share of the interactions of each held-out user to fold in, drawn at random, between 0 and 1 (both excluded); a
        larger one gives models longer histories. The test part has ``floor((1 - fold_in_fraction) * interactions)`` of
        them, and at least one.
    random_state : int or numpy.random.Generator
        Seed of the split, 0 or more, or a generator; the same seed gives the same split.

    Returns
    -------
    UserHoldout
        Named tuple of ``train, fold_in, test, userids``.

    Raises
    ------
    ValueError
        If there are fewer users with two interactions than ``n_users``, no user would be left to train with, or
        ``fold_in_fraction`` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> from attnrec.data import splits
    >>> train, fold_in, test, userids = splits.user_holdout(csr_array(np.ones((6, 10))), n_users=2)
    >>> train.shape, fold_in.shape, fold_in.nnz, test.nnz, userids.shape
    ((4, 10), (2, 10), 16, 4, (2,))
    """
    matrix = matrix_of(interactions)
    fraction = between("fold_in_fraction", fold_in_fraction)
    n = operator.index(n_users)
    able = np.flatnonzero(np.diff(matrix.indptr) >= 2)
    if not 1 <= n <= len(able) or n >= matrix.shape[0]:
        raise ValueError(
            f"n_users is {n}; it must be at least 1, at most the {len(able)} users with two interactions or more, and "
            f"leave some of the {matrix.shape[0]} users to train with"
        )
    rng = np.random.default_rng(random_state)
    userids = np.sort(rng.choice(able, n, replace=False))
    theirs = matrix[userids]
    counts = np.diff(theirs.indptr)
    taken = np.maximum(np.floor((1 - fraction) * counts + 1e-9), 1)
    fold_in, test = parts(theirs, shares(theirs, rng.permutation(theirs.nnz), taken))
    others = matrix[np.setdiff1d(np.arange(matrix.shape[0]), userids)]
    return UserHoldout(parts(others, np.zeros(others.nnz, dtype=bool))[0], fold_in, test, userids)
