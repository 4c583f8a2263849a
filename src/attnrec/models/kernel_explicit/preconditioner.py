"""Preconditioner of the kernel attention system: biases and leading eigenvectors of both kernels, solved together."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ... import ops
from ..inputs.histories import CSR, Array, csr
from ..linalg.blas import one_thread
from ..linalg.kernel import Kernel
from .system import ProductKernelSystem

__all__ = ["Preconditioner", "leading"]

_SWEEPS = 2  # a second one saves a third of the steps on a million ratings
_ITERATIONS = 6  # of the subspace: the directions need not be exact


class Preconditioner:
    """An approximate inverse of a :class:`ProductKernelSystem`.

    With ``K = V L V^T + c I`` for both kernels, V their ``rank`` leading eigenvectors, the covariance becomes a
    multiple of the identity plus effects of each user that are linear in V of the items, effects of each item that
    are linear in V of the users, and effects of both together: a crossed random-effects model. By Woodbury its
    inverse needs the coefficients of these effects, for which symmetric sweeps of block Gauss-Seidel (both, users,
    items, users, both) are made. A sweep costs some ``rank nnz`` operations, a product with the system
    ``(users + items) nnz``.
    """

    def __init__(self, system: ProductKernelSystem, rank: int) -> None:
        self._pattern = system.pattern
        first = system.product_kernels[0]
        with one_thread():
            user_vectors, user_values, user_rest = leading(first.users, rank)
            item_vectors, item_values, item_rest = leading(first.items, rank)
        both = sum(term.weight for term in system.product_kernels)
        item_weight, user_weight = (
            system.item_kernel_weight + both * user_rest,
            system.user_kernel_weight + both * item_rest,
        )
        self._noise = system.noise + item_weight * item_rest + system.user_kernel_weight * user_rest
        n_users, n_items = system.pattern.shape
        by_item = np.column_stack([np.ones(n_items), item_vectors])
        by_user = np.column_stack([np.ones(n_users), user_vectors])
        ones = self._sparse(np.ones(system.pattern.nnz))
        r, s = user_vectors.shape[1], item_vectors.shape[1]
        together = (_squares(user_vectors).T @ (ones @ _squares(item_vectors))).reshape(r, r, s, s)
        effects = [
            # variances of the coefficients, their Gram matrices, Z^T x, and the two factors of Z w
            (
                both * np.outer(user_values, item_values).ravel(),
                together.transpose(0, 2, 1, 3).reshape(1, r * s, r * s),
                lambda x: (user_vectors.T @ (x @ item_vectors)).reshape(1, r * s),
                lambda w: (user_vectors @ w.reshape(r, s), item_vectors),
            ),
            (
                np.append(system.bias_weight, item_weight * item_values),
                ones @ _squares(by_item),
                lambda x: x @ by_item,
                lambda w: (w, by_item),
            ),
            (
                np.append(system.bias_weight, user_weight * user_values),
                ones.T @ _squares(by_user),
                lambda x: x.T @ by_user,
                lambda w: (by_user, w),
            ),
        ]
        with one_thread():
            self._effects = [_Effect(*parts, self._noise) for parts in effects if len(parts[0])]

    def _sparse(self, data: Array) -> CSR:
        p = self._pattern
        return csr(data, p.indices, p.indptr, p.shape)

    def __call__(self, x: Array) -> Array:
        """About the solution for the right-hand side ``x`` (nnz,)."""
        once = [*range(len(self._effects)), *range(len(self._effects) - 2, -1, -1)]
        order = once + once[1:] * (_SWEEPS - 1)
        found: dict[int, Array] = {}
        for which in order:
            effect = self._effects[which]
            change = effect.change(self._sparse(x), found.get(which))
            found[which] = change + found.get(which, 0)
            left, right = effect.factors(change)
            x = x - ops.sampled_product(left, right, self._pattern, check_finite=False)
        return x / self._noise


Factors = tuple[Array, Array]


class _Effect:
    """Coefficients w of one kind, with variances: solved for with all others held fixed."""

    def __init__(
        self, variances: Array, grams: Array, adjoint: Callable[[CSR], Array], factors: Callable[[Array], Factors],
        noise: float,
    ) -> None:  # fmt: skip
        n = len(variances)
        self._shrinkage = noise / np.maximum(variances, 1e-12 * max(noise, float(variances.max(initial=0))))
        self._inverses = np.linalg.inv(grams.reshape(-1, n, n) + np.diag(self._shrinkage))
        self._adjoint, self.factors = adjoint, factors

    def change(self, rest: CSR, w: Array | None) -> Array:
        """What to add to ``w`` (None: 0) when ``rest`` is left to be explained."""
        slope = self._adjoint(rest)
        if w is not None:
            slope = slope - self._shrinkage * w
        out: Array = np.einsum("nij,nj->ni", self._inverses, slope)
        return out


def leading(kernel: Kernel, rank: int) -> tuple[Array, Array, float]:
    """About the ``rank`` largest eigenvalues with their vectors (n, rank), and the mean of the diagonal without them.

    By subspace iteration (Golub and Van Loan, Matrix Computations, 4th ed., section 8.2.4).
    """
    rank = min(rank, kernel.n)
    if rank == 0:
        return np.zeros((kernel.n, 0)), np.zeros(0), 1.0
    x = np.random.default_rng(0).standard_normal((kernel.n, min(rank + 4, kernel.n)))
    x[:, 0] = 1
    image = x
    for _ in range(_ITERATIONS):
        x = np.linalg.qr(image)[0]
        image = np.concatenate([ops.predict_ratings(k, x, check_finite=False) for _, k in kernel.blocks()])
        image = image.astype(np.float64)
    values, turn = np.linalg.eigh(x.T @ image)
    values, vectors = values[::-1][:rank], (x @ turn)[:, ::-1][:, :rank]
    values = np.maximum(values, 0)
    rest = 1 - float(np.sum(vectors**2 * values)) / kernel.n
    return vectors, values, max(rest, 1e-3)


def _squares(x: Array) -> Array:
    """The products of all pairs of columns, (n, columns^2)."""
    return (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)
