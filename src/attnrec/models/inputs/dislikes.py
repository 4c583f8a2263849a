"""Dislikes, stored values below 0: split from the interactions that are learned from, and merged again."""

from __future__ import annotations

import numpy as np

from .histories import CSR, Array, csr

__all__ = ["CHOICES", "apart", "check", "together", "warning"]

CHOICES = ("seen", "ignore", "interaction")


def apart(x: CSR, negative: str) -> tuple[CSR, CSR | None]:
    """The entries that are learned from, and those that are only hidden from their user, if there are any.

    Values below 0 are the second with ``negative="seen"``, neither with "ignore", and as others with "interaction".
    """
    if negative == "interaction":
        return x, None
    below = x.data < 0
    if not below.any():
        return x, None
    return _some(x, ~below), _some(x, below) if negative == "seen" else None


def _some(x: CSR, kept: Array) -> CSR:
    ends = np.append(0, np.cumsum(kept))[x.indptr]
    return csr(x.data[kept], x.indices[kept], ends.astype(x.indptr.dtype), x.shape)


def together(learned: CSR, disliked: CSR | None) -> CSR:
    """The matrix that :func:`apart` took these from; a matrix that stores both may hold 0."""
    if disliked is None or not disliked.nnz:
        return learned
    rows = [np.repeat(np.arange(x.shape[0]), np.diff(x.indptr)) for x in (learned, disliked)]
    columns = np.concatenate([learned.indices, disliked.indices])
    order = np.lexsort((columns, np.concatenate(rows)))
    wide = len(order) > np.iinfo(np.int32).max
    ends = learned.indptr.astype(np.int64) + disliked.indptr
    data = np.concatenate([learned.data, disliked.data])[order]
    dtype = np.int64 if wide else columns.dtype
    return csr(data, columns[order].astype(dtype), ends.astype(dtype), learned.shape)


def warning(name: str, count: int) -> str:
    """What to say of so many values below 0 in the argument ``name``."""
    values = f"{count:,} values" if count != 1 else "1 value"
    return (
        f"{name} holds {values} below 0, taken as dislikes: hidden from the recommendations of their users, and not "
        "learned from. Choose negative='ignore' for neither, or negative='interaction' for interactions like others"
    )


def check(x: CSR, disliked: CSR | None, negative: str | None) -> None:
    """Raise ValueError for dislikes beside histories that no fit would have left."""
    if disliked is None:
        return
    if negative != "seen" or disliked.shape != x.shape or not np.all(disliked.data < 0):
        raise ValueError("disliked holds what is no dislike")
    both = together(x, disliked)
    keys = np.repeat(np.arange(x.shape[0]), np.diff(both.indptr)) * np.int64(x.shape[1]) + both.indices
    if np.any(keys[1:] == keys[:-1]):
        raise ValueError("an item is both in the histories and disliked")
