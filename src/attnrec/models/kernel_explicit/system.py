"""The linear system of kernel attention on observed ratings, and its product with coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ... import ops
from ..inputs.histories import CSR, Array, csr
from ..linalg.kernel import Kernel

__all__ = ["Entries", "ProductKernel", "ProductKernelSystem"]


@dataclass(frozen=True)
class ProductKernel:
    """A product of two kernels, ``weight * K_U[u, v] * K_I[i, j]``: ratings of similar items by similar users."""

    users: Kernel
    items: Kernel
    weight: float


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


class ProductKernelSystem:
    """Covariance of observed ratings plus noise, applied to coefficients of the same pattern.

    For entries (u, i) and (v, j) of the pattern, with the kernels K_U and K_I of the first of ``product_kernels``::

        item_kernel_weight d_uv K_I[i,j] + user_kernel_weight d_ij K_U[u,v]
            + sum over product_kernels of weight K_U[u,v] K_I[i,j] + bias_weight (d_uv + d_ij) + noise d_uv d_ij

    A product takes ``nnz (users + items)`` multiply-adds for each of ``product_kernels``.
    """

    def __init__(
        self,
        pattern: CSR,
        product_kernels: Sequence[ProductKernel],
        *,
        item_kernel_weight: float,
        user_kernel_weight: float,
        bias_weight: float,
        noise: float,
    ) -> None:
        self.pattern, self.product_kernels = pattern, product_kernels
        self.item_kernel_weight, self.user_kernel_weight = item_kernel_weight, user_kernel_weight
        self.bias_weight, self.noise = bias_weight, noise
        self._entries = Entries(pattern)
        self.users, self.items = self._entries.users, self._entries.items
        transposed = csr(
            np.arange(pattern.nnz, dtype=np.int64), pattern.indices, pattern.indptr, pattern.shape
        ).T.tocsr()
        self._order, self._transposed = transposed.data, (transposed.indices.astype(np.int32), transposed.indptr)

    def __call__(self, x: Array) -> Array:
        """The product with ``x`` (nnz,), float64."""
        return self.noise * x + self.at(x, self._entries)

    def at(self, x: Array, entries: Entries) -> Array:
        """Without noise, and for any entries (n,) of a matrix of the same shape: what is predicted there, less the
        mean, once ``x`` is the solution."""
        n_users, n_items = self.pattern.shape
        y: Array = self.bias_weight * np.bincount(self.users, x, n_users)[entries.users]
        y += self.bias_weight * np.bincount(self.items, x, n_items)[entries.items]
        for which, term in enumerate(self.product_kernels):
            values = self._by_items(term.items, x)
            if which == 0:
                y += self.item_kernel_weight * values.ravel()[entries.flat]
            values *= np.float32(term.weight)
            if which == 0:
                values.ravel()[self._entries.flat] += (self.user_kernel_weight * x).astype(np.float32)
            for rows, kernel in term.users.blocks():
                which_entries, part = entries.rows(rows)
                y[which_entries] += ops.sampled_product(kernel, values, part, check_finite=False)
        return y

    def _by_items(self, items: Kernel, x: Array) -> Array:
        """``K_I A^T`` (items, users), A the sparse matrix of the coefficients."""
        n_users, n_items = self.pattern.shape
        coefficients = csr(x[self._order].astype(np.float32), *self._transposed, (n_items, n_users))
        out = np.empty((n_items, n_users), np.float32)
        for rows, kernel in items.blocks():
            ops.predict_ratings(kernel, coefficients, check_finite=False, out=out[rows])
        return out

    def values(self, x: Array) -> list[Array]:
        """For each of ``product_kernels`` what its users attend to, ``weight A K_I`` (+ ``user_kernel_weight A``)."""
        out = []
        for which, term in enumerate(self.product_kernels):
            transposed = self._by_items(term.items, x)
            transposed *= np.float32(term.weight)
            if which == 0:
                transposed.ravel()[self._entries.flat] += (self.user_kernel_weight * x).astype(np.float32)
            out.append(np.ascontiguousarray(transposed.T))
        return out
