"""Standard deviations of predicted ratings: the posterior of the Gaussian process."""

from __future__ import annotations

import numpy as np

from ..inputs.histories import Array
from ..linalg.conjugate_gradients import conjugate_gradients
from .preconditioner import Preconditioner
from .system import ProductKernelSystem

__all__ = ["standard_deviations"]


def standard_deviations(
    system: ProductKernelSystem, users: Array, items: Array, *, tolerance: float, max_steps: int, rank: int
) -> Array:
    """Standard deviations of ratings of pairs, noise included, (p,) float32.

    ``sqrt(k** + noise - k*^T (k + noise I)^-1 k*)``, Rasmussen and Williams, 2006, eq. 2.26, k* the covariance of the
    pair with all observed ratings. A solve each.
    """
    prior = (
        system.item_kernel_weight
        + system.user_kernel_weight
        + sum(term.weight for term in system.product_kernels)
        + 2 * system.bias_weight
    )
    precondition = Preconditioner(system, rank)
    out = np.empty(len(users), np.float32)
    for at, (user, item) in enumerate(zip(users.tolist(), items.tolist(), strict=True)):
        covariance = _covariance(system, user, item)
        solved = conjugate_gradients(
            system, covariance, preconditioner=precondition, tolerance=tolerance, max_steps=max_steps
        )
        if solved.interrupted:
            raise KeyboardInterrupt
        out[at] = np.sqrt(max(prior - float(covariance @ solved.x), 0.0) + system.noise)
    return out


def _covariance(system: ProductKernelSystem, user: int, item: int) -> Array:
    """Of one pair with every observed rating, (nnz,) float64."""
    same_user, same_item = system.users == user, system.items == item
    out: Array = system.bias_weight * (same_user.astype(np.float64) + same_item)
    for k, term in enumerate(system.product_kernels):
        by_user = term.users.rows(np.array([user]))[0].astype(np.float64)[system.users]
        by_item = term.items.rows(np.array([item]))[0].astype(np.float64)[system.items]
        out += term.weight * by_user * by_item
        if k == 0:
            out += system.item_kernel_weight * same_user * by_item + system.user_kernel_weight * same_item * by_user
    return out
