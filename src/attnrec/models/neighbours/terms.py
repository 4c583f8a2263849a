"""The terms of NeighbourAttention's formula, as pure functions of arrays."""

from __future__ import annotations

import numpy as np

from ..._util.validate import check_number
from ..inputs.histories import CSR, Array, csr, row_sums

__all__ = [
    "attention",
    "check_numbers",
    "features",
    "item_features",
    "means",
    "self_mask",
    "values",
]


def check_numbers(*, temperature: object, damping: object, mean_damping: object) -> None:
    """temperature > 0, the others >= 0, all finite."""
    check_number("temperature", temperature, 0.0001)
    check_number("damping", damping)
    check_number("mean_damping", mean_damping)


def means(x: CSR, overall: float, damping: float) -> Array:
    """Damped mean of each row, (rows,) float32; ``overall`` for a row without entries."""
    sums = row_sums(x.data, x.indptr)
    counts = np.diff(x.indptr) + damping
    out: Array = np.divide(sums + damping * overall, counts, out=np.full(len(sums), overall), where=counts > 0)
    return out.astype(np.float32)


def features(x: CSR, row_means: Array, kind: str) -> CSR:
    """Rows that the cosine compares, before they are normalised."""
    return csr(_data(x.data, np.repeat(row_means, np.diff(x.indptr)), kind), x.indices, x.indptr, x.shape)


def item_features(x: CSR, user_means: Array, kind: str) -> CSR:
    """The same with items as rows and users as columns."""
    return csr(_data(x.data, user_means[x.indices], kind), x.indices, x.indptr, x.shape)


def _data(ratings: Array, means: Array, kind: str) -> Array:
    if kind == "binary":
        return np.ones_like(ratings)
    return ratings - means if kind == "centred" else ratings


def values(x: CSR, row_means: Array, feedback: str) -> CSR:
    """Values of the attention: ones, or [deviations | ones] in one matrix, so that one pass gives both sums."""
    if feedback == "implicit":
        return csr(np.ones_like(x.data), x.indices, x.indptr, x.shape)
    lengths = np.diff(x.indptr)
    nnz, n = len(x.data), x.shape[1]
    wide = max(2 * nnz, 2 * n) > np.iinfo(np.int32).max
    indptr = x.indptr.astype(np.int64 if wide else x.indptr.dtype) * 2
    first = np.arange(nnz) + np.repeat(x.indptr[:-1], lengths)  # row r starts at 2 indptr[r], entries keep their order
    second = first + np.repeat(lengths, lengths)
    data, indices = np.ones(2 * nnz, dtype=np.float32), np.empty(2 * nnz, dtype=indptr.dtype)
    data[first] = _data(x.data, np.repeat(row_means, lengths), "centred")
    indices[first], indices[second] = x.indices, x.indices.astype(indptr.dtype) + n
    return csr(data, indices, indptr, (x.shape[0], 2 * n))


def self_mask(userids: Array, n_users: int) -> CSR:
    """Mask (b, users) of each fitted user's own column, since no user is a neighbour of itself."""
    fitted = userids >= 0
    indptr = np.append(0, np.cumsum(fitted)).astype(np.int64)
    indices = userids[fitted].astype(np.int64)
    return csr(np.ones(len(indices), dtype=np.float32), indices, indptr, (len(userids), n_users))


def attention(cosines: Array, temperature: float, userid: int) -> tuple[float, Array]:
    """exp(0) / Z and softmax(cosines / temperature), with ``userid`` left out (-1: no user)."""
    logits = cosines / temperature
    if userid >= 0:
        logits[userid] = -np.inf
    top = float(np.max(logits, initial=-np.inf))
    if not np.isfinite(top):
        return 0.0, np.zeros(len(logits))
    parts = np.exp(logits - top)
    return float(np.exp(-top) / parts.sum()), parts / parts.sum()
