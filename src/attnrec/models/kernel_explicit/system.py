"""The linear system of kernel attention on observed ratings, and conjugate gradients for it. Knows no model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ... import ops
from ..inputs.histories import CSR, Array, csr
from ..linalg.kernel import Kernel

__all__ = ["Entries", "Joint", "System"]


@dataclass(frozen=True)
class Joint:
    """``strength * K_U[u, v] * K_I[i, j]``: what similar users thought of similar items."""

    users: Kernel
    items: Kernel
    strength: float


class Entries:
    """The stored entries of a matrix: user and item of each, and where it is in (items, users)."""

    def __init__(self, pattern: CSR) -> None:
        n_users = pattern.shape[0]
        self.pattern = pattern
        self.users = np.repeat(np.arange(n_users, dtype=np.int64), np.diff(pattern.indptr))
        self.items = pattern.indices.astype(np.int64)
        self.flat = self.items * n_users + self.users

    def rows(self, rows: slice) -> tuple[slice, CSR]:
        """The entries of some users: which they are, and as a matrix."""
        p = self.pattern
        first, last = int(p.indptr[rows.start]), int(p.indptr[rows.stop])
        indptr = p.indptr[rows.start : rows.stop + 1] - first
        part = csr(p.data[first:last], p.indices[first:last], indptr, (rows.stop - rows.start, p.shape[1]))
        return slice(first, last), part


class System:
    """Covariance of observed ratings plus noise, applied to coefficients of the same pattern.

    For entries (u, i) and (v, j) of the pattern, with the kernels K_U and K_I of the first of ``joints``::

        own d_uv K_I[i,j] + same d_ij K_U[u,v] + sum over joints of strength K_U[u,v] K_I[i,j]
            + bias (d_uv + d_ij) + noise d_uv d_ij

    A product takes ``nnz (users + items)`` multiply-adds for each of ``joints``.
    """

    def __init__(
        self, pattern: CSR, joints: Sequence[Joint], *, own: float, same: float, bias: float, noise: float
    ) -> None:
        self.pattern, self.joints = pattern, joints
        self.own, self.same, self.bias, self.noise = own, same, bias, noise
        self._entries = Entries(pattern)
        self.users, self.items = self._entries.users, self._entries.items
        turned = csr(np.arange(pattern.nnz, dtype=np.int64), pattern.indices, pattern.indptr, pattern.shape).T.tocsr()
        self._order, self._turned = turned.data, (turned.indices.astype(np.int32), turned.indptr)

    def __call__(self, x: Array) -> Array:
        """The product with ``x`` (nnz,), float64."""
        return self.noise * x + self.at(x, self._entries)

    def at(self, x: Array, entries: Entries) -> Array:
        """Without noise, and for any entries (n,) of a matrix of the same shape: what is predicted there, less the
        mean, once ``x`` is the solution."""
        n_users, n_items = self.pattern.shape
        y: Array = self.bias * np.bincount(self.users, x, n_users)[entries.users]
        y += self.bias * np.bincount(self.items, x, n_items)[entries.items]
        for which, joint in enumerate(self.joints):
            values = self._by_items(joint.items, x)
            if which == 0:
                y += self.own * values.ravel()[entries.flat]
            values *= np.float32(joint.strength)
            if which == 0:
                values.ravel()[self._entries.flat] += (self.same * x).astype(np.float32)
            for rows, kernel in joint.users.blocks():
                which_entries, part = entries.rows(rows)
                y[which_entries] += ops.sampled_product(kernel, values, part, check_finite=False)
        return y

    def _by_items(self, items: Kernel, x: Array) -> Array:
        """``K_I A^T`` (items, users), A the sparse matrix of the coefficients."""
        n_users, n_items = self.pattern.shape
        coefficients = csr(x[self._order].astype(np.float32), *self._turned, (n_items, n_users))
        out = np.empty((n_items, n_users), np.float32)
        for rows, kernel in items.blocks():
            ops.predict_ratings(kernel, coefficients, check_finite=False, out=out[rows])
        return out

    def values(self, x: Array) -> list[Array]:
        """For each of ``joints`` what its users attend to, ``strength A K_I`` (+ ``same A``), (users, items)."""
        out = []
        for which, joint in enumerate(self.joints):
            turned = self._by_items(joint.items, x)
            turned *= np.float32(joint.strength)
            if which == 0:
                turned.ravel()[self._entries.flat] += (self.same * x).astype(np.float32)
            out.append(np.ascontiguousarray(turned.T))
        return out
