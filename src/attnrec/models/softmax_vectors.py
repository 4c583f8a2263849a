"""Vectors of SoftmaxRecommender: unit rows and their gradients, users pooled or solved from histories. Holds no state."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from .sparse import CSR, Array, csr, row_sums

__all__ = ["back", "lengths", "pooled", "pull", "solved", "thinned", "unit"]


def lengths(x: Array) -> Array:
    """Euclidean norm of each row, (n, 1) float32."""
    out: Array = np.sqrt(np.einsum("ij,ij->i", x, x))[:, None]
    return out


def unit(x: Array, norms: Array | None = None) -> Array:
    """Rows at length 1; a row of zeros stays one."""
    norms = lengths(x) if norms is None else norms
    out: Array = np.divide(x, norms, out=np.zeros_like(x), where=norms > 0)
    return out


def back(gradient: Array, rows: Array, norms: Array) -> Array:
    """Gradient by ``x`` from that by ``rows = unit(x)``: ``(I - u u^T) g / ||x||``; 0 for a row of zeros."""
    along = np.einsum("ij,ij->i", gradient, rows)[:, None]
    out: Array = np.divide(gradient - rows * along, norms, out=np.zeros_like(gradient), where=norms > 0)
    return out


def pooled(x: CSR) -> CSR:
    """Weights of a history: n^-1/2 each, so that long ones neither drown the other features nor are drowned."""
    counts = np.diff(x.indptr)
    data = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts).astype(np.float32)
    return csr(data, x.indices, x.indptr, x.shape)


def thinned(x: CSR, share: float, rng: np.random.Generator, whole: float = 0.0) -> CSR:
    """Histories without a random ``share`` of their entries; and without any for a share ``whole`` of the rows."""
    keep = rng.random(len(x.data)) >= share
    if whole:
        keep &= np.repeat(rng.random(x.shape[0]) >= whole, np.diff(x.indptr))
    indptr = np.append(0, np.cumsum(keep))[x.indptr].astype(x.indptr.dtype)
    return csr(x.data[keep], x.indices[keep], indptr, x.shape)


def pull(users: Array, x: CSR, items: Array, temperature: float, normalize: str) -> tuple[CSR, Array]:
    """Which way the loss pulls a user: ``weights @ items - row sums of weights * expected``, up to its length.

    A history item pulls with its weight, 1 less the probability that the user has for it already among what is no
    target ("unseen"), or 1 ("all"); away from it pulls what the user expects, softmax attention over the others.

    Returns
    -------
    weights : (b, n) CSR
    expected : (b, d)
    """
    unseen = normalize == "unseen"
    expected, lse = ops.attend(
        users, items, items, scale=1 / temperature, exclude=x if unseen else None, return_lse=True, check_finite=False
    )
    weights = np.ones(len(x.data), dtype=np.float32)
    if unseen:
        scores = ops.sampled_product(users, items, x, check_finite=False) / np.float32(temperature)
        with np.errstate(over="ignore"):
            weights = 1 / (1 + np.exp(scores - np.repeat(lse, np.diff(x.indptr))))
    return csr(weights.astype(np.float32), x.indices, x.indptr, x.shape), expected


def towards(weights: CSR, expected: Array, items: Array) -> Array:
    """The pull as a vector, (b, d) float32."""
    sums = row_sums(weights.data, weights.indptr)[:, None].astype(np.float32)
    out: Array = np.asarray(weights @ items) - sums * expected
    return out


def solved(x: CSR, items: Array, temperature: float, normalize: str, steps: int) -> tuple[Array, tuple[CSR, Array]]:
    """Users whose loss is least given the items: where the pull points, a user stands. Repeated ``steps`` times.

    Returns
    -------
    users : (b, d)
        Not normalised.
    last : tuple
        What :func:`pull` gave in the last step, of which ``users`` is made.
    """
    users = unit(np.asarray(pooled(x) @ items))
    last: Any = None
    for _ in range(steps):
        last = pull(users, x, items, temperature, normalize)
        users = towards(*last, items)
        users = unit(users)
    return towards(*last, items), last
