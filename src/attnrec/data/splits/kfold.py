"""Cross-validation: every interaction is held out once."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from ._parts import by_user, matrix_of, parts

__all__ = ["kfold"]


def kfold(
    interactions: Any,
    n_splits: int = 5,
    random_state: int | np.random.Generator = 0,
    *,
    per_user: bool = False,
) -> Iterator[tuple[Any, Any]]:
    """Divide the interactions into folds at random and hold out one after the other.

    Parameters
    ----------
    interactions : Interactions or (u, n) sparse matrix
        Interactions to split.
    n_splits : int
        Number of folds, from 2 to the number of interactions; their sizes differ by one at most.
    random_state : int or numpy.random.Generator
        Seed of the folds, 0 or more, or a generator; the same seed gives the same folds.
    per_user : bool
        Whether to spread the interactions of each user over the folds as evenly as possible; otherwise all interactions
        are shuffled together.

    Returns
    -------
    iterator of (train, test)
        Pairs of (u, n) CSR matrices; the test parts are disjoint, and together they hold every interaction.

    Raises
    ------
    ValueError
        If ``n_splits`` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> from attnrec.data import splits
    >>> [(train.nnz, test.nnz) for train, test in splits.kfold(csr_array(np.ones((4, 5))), 3)]
    [(13, 7), (13, 7), (14, 6)]
    """
    matrix = matrix_of(interactions)
    n = operator.index(n_splits)
    if not 2 <= n <= matrix.nnz:
        raise ValueError(f"n_splits is {n}; it must lie in 2 .. {matrix.nnz}, the number of interactions")
    order = np.random.default_rng(random_state).permutation(matrix.nnz)
    fold = np.empty(matrix.nnz, dtype=np.int64)
    # Dealt out user after user, as cards are, neighbours go to different folds.
    fold[by_user(matrix, order) if per_user else order] = np.arange(matrix.nnz) % n
    return (parts(matrix, fold == k) for k in range(n))
