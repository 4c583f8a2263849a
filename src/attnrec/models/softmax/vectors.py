"""Vectors of SoftmaxRecommender: normalisation, pooled users, fold-in, and their gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ... import ops
from ..inputs.histories import CSR, Array, csr, product, row_sums

__all__ = [
    "Loss",
    "bias",
    "drop_history",
    "lengths",
    "normalize_backward",
    "pooled",
    "solved",
    "unit",
    "user_loss_gradient",
]


def lengths(x: Array) -> Array:
    """Euclidean norm of each row, (n, 1) float32."""
    out: Array = np.sqrt(np.einsum("ij,ij->i", x, x))[:, None]
    return out


def unit(x: Array, norms: Array | None = None) -> Array:
    """Rows at length 1; a row of zeros stays one."""
    norms = lengths(x) if norms is None else norms
    out: Array = np.divide(x, norms, out=np.zeros_like(x), where=norms > 0)
    return out


def normalize_backward(gradient: Array, rows: Array, norms: Array) -> Array:
    """Gradient by ``x`` from that by ``rows = unit(x)``, in its place: ``(I - u u^T) g / ||x||``; 0 for a row of 0."""
    gradient -= rows * np.einsum("ij,ij->i", gradient, rows)[:, None]
    with np.errstate(divide="ignore"):
        gradient *= np.where(norms > 0, 1 / norms, 0)
    return gradient


def bias(counts: Array, exponent: float) -> Array:
    """Popularity bias of each item's score: ``exponent log n`` for n users, and 0 for none."""
    out: Array = (exponent * np.log(np.maximum(counts, 1))).astype(np.float32)
    return out


def pooled(x: CSR) -> CSR:
    """Weights of a history, n^-1/2 for each of n items, so that its length does not dominate the other features."""
    counts = np.diff(x.indptr)
    data = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts).astype(np.float32)
    return csr(data, x.indices, x.indptr, x.shape)


def drop_history(x: CSR, share: float, rng: np.random.Generator, whole: float = 0.0) -> CSR:
    """Drop each entry of the histories with probability ``share``, and all of a row with probability ``whole``."""
    keep = rng.random(len(x.data)) >= share
    if whole:
        keep &= np.repeat(rng.random(x.shape[0]) >= whole, np.diff(x.indptr))
    indptr = np.append(0, np.cumsum(keep))[x.indptr].astype(x.indptr.dtype)
    return csr(x.data[keep], x.indices[keep], indptr, x.shape)


@dataclass(frozen=True)
class Loss:
    """The loss of one user, as training has it: see :class:`SoftmaxRecommender`."""

    temperature: float
    lse_weight: float
    normalize: Literal["unseen", "all"]


def user_loss_gradient(users: Array, x: CSR, items: Array, loss: Loss) -> tuple[Array, Array, Array]:
    """Loss of each user, and its negative gradient by the user's vector.

    With p_h the probability of a history item among items outside the history ("unseen"; 0 for "all") and t =
    lse_weight, the negative gradient is ``sum_h (1 - t p_h) v_h - t sum_h (1 - p_h) expected``: history items attract,
    the more the less probable they are, and the softmax average of the others repels.

    Returns
    -------
    losses : (b,) float64
    weights : (nnz,) float32
        Weights of the history items in the negative gradient.
    descents : (b, d) float32
    """
    unseen = loss.normalize == "unseen"
    scale = 1 / loss.temperature
    hidden = x if unseen else None
    expected, lse = ops.attend(users, items, items, scale=scale, exclude=hidden, return_lse=True, check_finite=False)
    scores = ops.sampled_product(users, items, x, check_finite=False) * np.float32(scale)
    rest = np.repeat(lse, np.diff(x.indptr))
    with np.errstate(over="ignore"):
        own = 1 / (1 + np.exp(rest - scores)) if unseen else np.zeros_like(scores)
    above = np.logaddexp(rest, scores) if unseen else rest
    losses = row_sums(np.float32(loss.lse_weight) * above - scores, x.indptr)
    weights = 1 - np.float32(loss.lse_weight) * own
    push = loss.lse_weight * row_sums(1 - own, x.indptr)
    descents = product(csr(weights, x.indices, x.indptr, x.shape), items) - push[:, None].astype(np.float32) * expected
    return losses, weights, descents


def solved(x: CSR, items: Array, loss: Loss, steps: int) -> tuple[Array, Array]:
    """Fold-in of user embeddings: gradient descent on the sphere from the pooled history, with the items fixed.

    Each user has a step size of its own, which doubles after a step that lowered the loss; a step that did not is
    undone, and the size falls to a quarter.

    Returns
    -------
    users : (b, d) float32
        Of length 1; 0 without a history.
    weights : (nnz,) float32
        Weight of each history item in its user's vector; the rest of the vector is the repulsion.
    """
    start = pooled(x)
    raw = product(start, items)
    norms = lengths(raw)
    counts = np.maximum(np.diff(x.indptr), 1)[:, None].astype(np.float32)
    users, size = unit(raw, norms), np.full_like(norms, loss.temperature)
    parts = _divide_rows(start.data, norms, x)
    losses, weights, descents = user_loss_gradient(users, x, items, loss)
    for _ in range(steps):
        raw = users + size / counts * descents
        norms = lengths(raw)
        there = user_loss_gradient(unit(raw, norms), x, items, loss)
        better = there[0] <= losses
        of_entries = np.repeat(better, np.diff(x.indptr))
        moved = _divide_rows(parts + np.repeat((size / counts)[:, 0], np.diff(x.indptr)) * weights, norms, x)
        parts, weights = np.where(of_entries, moved, parts), np.where(of_entries, there[1], weights)
        losses = np.where(better, there[0], losses)
        users, descents = (
            np.where(better[:, None], unit(raw, norms), users),
            np.where(better[:, None], there[2], descents),
        )
        size = np.where(better[:, None], 2 * size, size / 4)
    return users, parts


def _divide_rows(entries: Array, norms: Array, x: CSR) -> Array:
    """Entries over the norm of their row."""
    by = np.repeat(norms[:, 0], np.diff(x.indptr))
    out: Array = np.divide(entries, by, out=np.zeros_like(entries), where=by > 0)
    return out
