"""Predefined training and test parts, brought to common ids and checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._util.extras import require
from ..ids import Ids
from ._parts import keys_of, matrix_of, row_ids

__all__ = ["pair"]


def pair(train: Any, test: Any) -> tuple[Any, Any]:
    """Check that a given train and test part fit together.

    Parameters
    ----------
    train : Interactions or (u, n) sparse matrix
        Interactions to fit with; their ids are numbered first.
    test : Interactions or (u, n) sparse matrix
        Held-out interactions, of the same type as ``train``; ids that ``train`` lacks are numbered after those of
        ``train``.

    Returns
    -------
    train : Interactions or (u, n) CSR
        The training part with the ids of both; a canonical CSR matrix is returned as it is.
    test : Interactions or (u, n) CSR
        The test part with the ids of both; a canonical CSR matrix is returned as it is.

    Raises
    ------
    ValueError
        If shapes differ, only one has ratings, the two have no user or no item in common, or an interaction is in both;
        the message names the first such interaction.
    TypeError
        If one is Interactions and the other is not, or an input is neither Interactions nor a sparse matrix.

    Examples
    --------
    >>> from attnrec.data import Interactions, splits
    >>> train = Interactions.from_arrays(["ann", "bob"], ["tea", "tea"])
    >>> test = Interactions.from_arrays(["ann", "cid"], ["rum", "tea"])
    >>> train, test = splits.pair(train, test)
    >>> list(test.users), test.user_items.toarray().tolist()
    (['ann', 'bob', 'cid'], [[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]])
    """
    named = [hasattr(each, "user_items") for each in (train, test)]
    if all(named):
        if train.explicit != test.explicit:
            raise ValueError("one of train and test has ratings and the other has none: read both with or without")
        train, test = _numbered_alike(train, test)
    elif any(named):
        raise TypeError("train and test must both be Interactions, or both sparse matrices with the same numbering")
    a, b = matrix_of(train, "train"), matrix_of(test, "test")
    if a.shape != b.shape:
        raise ValueError(f"train {a.shape} and test {b.shape} differ in shape: give both the same users and items")
    both = np.intersect1d(keys_of(a), keys_of(b))
    if len(both):
        user, item = divmod(int(both[0]), a.shape[1])
        what = f"user {train.users[user]!r}, item {train.items[item]!r}" if all(named) else f"row {user}, column {item}"
        raise ValueError(
            f"{len(both)} interactions are in train and in test, the first of them {what}: take them out of one"
        )
    return (train, test) if all(named) else (a, b)


def _numbered_alike(train: Any, test: Any) -> tuple[Any, Any]:
    users, items = (_joined(getattr(train, what), getattr(test, what), what) for what in ("users", "items"))
    return _renumbered(train, users, items), _renumbered(test, users, items)


def _joined(known: Ids, others: Ids, what: str) -> Ids:
    """The ids of ``known``, then those of ``others`` that it lacks."""
    fresh = np.flatnonzero(known.positions(others, unknown="ignore") < 0)
    if len(fresh) == len(others) and len(others):
        raise ValueError(
            f"train and test have no {what} in common: train has ids such as {known[0]!r}, test such as {others[0]!r}"
        )
    return Ids([*known, *others.names(fresh).tolist()]) if len(fresh) else known


def _renumbered(data: Any, users: Ids, items: Ids) -> Any:
    """The same interactions in a larger numbering, sorted by it."""
    sparse = require("scipy.sparse", extra="data")
    old = data.user_items
    rows, columns = users.positions(data.users)[row_ids(old)], items.positions(data.items)[old.indices]
    order = np.lexsort((columns, rows))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(users)))])
    matrix = sparse.csr_matrix((old.data[order], columns[order], indptr), shape=(len(users), len(items)))
    matrix.has_sorted_indices = matrix.has_canonical_format = True
    stamps = None if data.timestamps is None else data.timestamps[order]
    return data._like(matrix, stamps, users, items)
