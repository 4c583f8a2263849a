"""Predictions of one pass of kernel attention, for fitted users and for any history."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ... import ops
from ..inputs.histories import CSR, Array, csr
from ..linalg.blas import one_thread, solve
from .system import Entries, ProductKernelSystem

__all__ = ["RatingPredictor", "Rows"]


@dataclass(frozen=True)
class Rows:
    """Predictions for some users.

    Attributes
    ----------
    predictor : RatingPredictor
    base : (b, items) float64
        The part of all other users, and the mean.
    coefficients : (b, items) CSR
        Coefficients of the users' own ratings.
    """

    predictor: RatingPredictor
    base: Array
    coefficients: CSR

    @cached_property
    def scores(self) -> Array:
        """Predictions, (b, items) float64, with the part of the users' own ratings."""
        return self.base + self.predictor.scale * self.predictor.own_part(self.coefficients.toarray())


@dataclass(frozen=True)
class RatingPredictor:
    """The system of a pass with its solution, for ratings less their mean over ``scale``.

    A prediction for user u takes the coefficients of all others as they are, and solves for u's own given these,
    which for a fitted user changes nothing once the system is solved exactly. So a fitted user, the same user given by
    a history, and a new user are all predicted in one way.
    """

    system: ProductKernelSystem
    coefficients: Array  # (nnz,) float64
    mean: float
    scale: float

    @cached_property
    def values(self) -> list[Array]:
        """Values of the attention, (users, items) for each product kernel."""
        return self.system.values(self.coefficients)

    @cached_property
    def by_item(self) -> Array:
        """Sum of the coefficients of each item."""
        return np.bincount(self.system.items, self.coefficients, self.system.pattern.shape[1])

    @cached_property
    def sparse(self) -> CSR:
        """The coefficients as a matrix."""
        p = self.system.pattern
        return csr(self.coefficients, p.indices, p.indptr, p.shape)

    @cached_property
    def transposed(self) -> CSR:
        """The coefficients as a matrix, (items, users)."""
        return self.sparse.T.tocsr()

    def predict(self, kernels: list[Array], histories: CSR, userids: Array) -> Rows:
        """Predictions from the rows of the users' kernels, one for each product kernel and with 0 for themselves."""
        system = self.system
        base = np.zeros(histories.shape)
        for kernel, values in zip(kernels, self.values, strict=True):
            base += ops.predict_ratings(kernel, values, check_finite=False)
        if system.bias_weight:
            base += system.bias_weight * self.by_item
            fitted = userids >= 0
            base[fitted] -= system.bias_weight * self.sparse[userids[fitted]].toarray()
        with one_thread():
            own = [self._own(base[at], histories, at) for at in range(len(userids))]
        data = np.concatenate([np.zeros(0), *own])
        coefficients = csr(data, histories.indices, histories.indptr, histories.shape)
        return Rows(self, self.mean + self.scale * base, coefficients)

    def rmse(self, test: Entries, scale: tuple[float, float]) -> float:
        """Root mean squared error of the predictions of other ratings, cut to the scale."""
        predictions = self.mean + self.scale * self.system.at(self.coefficients, test)
        return float(np.sqrt(np.mean((np.clip(predictions, *scale) - test.pattern.data) ** 2)))

    def own_part(self, coefficients: Array) -> Array:
        """The part of users' own ratings, from their coefficients (b, items), over the scale."""
        system = self.system
        out: Array = (
            system.bias_weight * coefficients.sum(axis=1, keepdims=True)
            + (system.user_kernel_weight + system.bias_weight) * coefficients
        )
        for weight, term in zip(self._item_kernel_weights, system.product_kernels, strict=True):
            for rows, kernel in term.items.blocks():
                out += weight * ops.predict_ratings(coefficients[:, rows], kernel, check_finite=False)
        return out

    @property
    def _item_kernel_weights(self) -> list[float]:
        """Weight of each kernel between items for one user, where ``K_U[u, u] = 1``."""
        return [
            term.weight + (self.system.item_kernel_weight if k == 0 else 0)
            for k, term in enumerate(self.system.product_kernels)
        ]

    def own_covariance(self, items: Array) -> Array:
        """Covariance of one user's ratings of these items, noise included, (h, h) float64."""
        system = self.system
        out = np.full((len(items), len(items)), system.bias_weight)
        out[np.diag_indices(len(items))] += system.user_kernel_weight + system.bias_weight + system.noise
        at = items.astype(np.int64)
        at = at[:, None] * system.pattern.shape[1] + at
        for weight, term in zip(self._item_kernel_weights, system.product_kernels, strict=True):
            between = term.items.between(items, at)
            between *= np.float32(weight)
            out += between
        return out.T  # symmetric; LAPACK wants columns

    def _own(self, base: Array, histories: CSR, at: int) -> Array:
        entries = slice(histories.indptr[at], histories.indptr[at + 1])
        items = histories.indices[entries]
        if len(items) == 0:
            return np.zeros(0)
        targets = (histories.data[entries].astype(np.float64) - self.mean) / self.scale
        return solve(self.own_covariance(items), targets - base[items])
