"""KernelAttentionRegressor written out on dense float64 matrices. Holds no test."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array

from attnrec.models import KernelAttentionRegressor

Array = np.ndarray[Any, np.dtype[np.float64]]


def unit(x: Array) -> Array:
    lengths = np.linalg.norm(x, axis=1, keepdims=True)
    return np.divide(x, lengths, out=np.zeros_like(x), where=lengths > 0)


def kernel(c: Array, temperature: float) -> Array:
    out = np.exp((c - 1) / temperature)
    np.fill_diagonal(out, 1)
    return out


def gates(present: Array, share: float, weights: Any) -> Array:
    """What histories and each modality count for each row, from whether it has them, (n, 1 + modalities)."""
    out = present * np.array([1 - share, *(share * w for w in weights)])
    return np.divide(out, out.sum(1, keepdims=True), out=np.zeros_like(out), where=out.sum(1, keepdims=True) > 0)


def fused(c: Array, seen: Array, share: float, content: list[tuple[Array, float]]) -> Array:
    """Similarity by histories ``c`` and modalities, each with its weight."""
    rows = [unit(np.asarray(x, dtype=float)) for x, _ in content]
    g = np.sqrt(gates(np.column_stack([seen, *(x.any(1) for x in rows)]), share, [w for _, w in content]))
    parts = [c, *(x @ x.T for x in rows)]
    return sum(np.outer(g[:, k], g[:, k]) * part for k, part in enumerate(parts))


class Truth:
    """Predictions ``self.rows`` (users, items) before cutting, and ``std`` of every pair, of the last pass.

    ``content`` are the modalities of users and of items, with their weights; the last ``kernels`` and similarities
    ``likeness`` of each, strongest first, are kept.
    """

    def __init__(self, x: csr_array, m: KernelAttentionRegressor, content: Any = (None, None)) -> None:
        mask = np.zeros(x.shape)
        mask[np.repeat(np.arange(x.shape[0]), np.diff(x.indptr)), x.indices] = 1
        r = x.toarray().astype(float)
        users, items = self.pairs = np.nonzero(mask)
        mean, v = x.data.mean(dtype=float), x.data.var(dtype=float) or 1.0
        b_u, b_i = np.zeros(x.shape[0]), np.zeros(x.shape[1])
        for _ in range(10):
            b_u = (mask * (r - mean - b_i)).sum(1) / (mask.sum(1) + m.user_damping)
            b_i = (mask * (r - mean - b_u[:, None])).sum(0) / (mask.sum(0) + m.item_damping)
        last = (mask * (r - mean - b_i)).sum(1) / (mask.sum(1) + m.user_damping)  # of users, given those of items
        e_u, e_i = mask * (r - mean - last[:, None] - b_i), mask * (r - mean - b_u[:, None] - b_i)
        a_u, a_i = mask * (mask.sum(0) + 1.0) ** -0.25, mask.T * (mask.sum(1) + 1.0) ** -0.25
        share = m.residual_weight
        c = [share * unit(e) @ unit(e).T + (1 - share) * unit(a) @ unit(a).T for e, a in ((e_u, a_u), (e_i.T, a_i))]
        shares, seen = (m.user_content_weight, m.content_weight), (mask.any(1), mask.any(0))
        c = [fused(*of, known) if known else of[0] for *of, known in zip(c, seen, shares, content, strict=True)]
        kernels = [(kernel(c[0], m.user_temperature), kernel(c[1], m.item_temperature), m.product_kernel_weight)]
        self._solve(kernels, m, v, m.noise, r[users, items] - mean, mean)
        if m.passes == 1:
            return
        d = self.rows - mean - last[:, None] - b_i
        p = m.predicted_weight
        c = [p * unit(y) @ unit(y).T + (1 - p) * old for y, old in ((d, c[0]), (d.T, c[1]))]
        second = (
            kernel(c[0], m.second_pass_user_temperature),
            kernel(c[1], m.second_pass_item_temperature),
            m.second_pass_product_weight,
        )
        kernels = [second, (*kernels[0][:2], m.second_pass_first_product_weight)]
        self._solve(kernels, m, v, m.second_pass_noise, r[users, items] - mean, mean)

    def _solve(self, kernels: Any, m: Any, v: float, noise: float, y: Array, mean: float) -> None:
        n_users, n_items = len(kernels[0][0]), len(kernels[0][1])
        eye_u, eye_i = np.eye(n_users), np.eye(n_items)
        self.kernels, self.variance = kernels, v
        whole = m.item_kernel_weight * np.kron(eye_u, kernels[0][1]) + m.user_kernel_weight * np.kron(
            kernels[0][0], eye_i
        )
        whole += sum(strength * np.kron(k_u, k_i) for k_u, k_i, strength in kernels)
        whole += m.bias_weight * (
            np.kron(eye_u, np.ones((n_items, n_items))) + np.kron(np.ones((n_users, n_users)), eye_i)
        )
        whole *= v
        seen = self.pairs[0] * n_items + self.pairs[1]
        self.system = whole[np.ix_(seen, seen)] + v * noise * np.eye(len(seen))
        self.coefficients = np.linalg.solve(self.system, y)
        self.rows = mean + (whole[:, seen] @ self.coefficients).reshape(n_users, n_items)
        explained = np.einsum("ij,ji->i", whole[:, seen], np.linalg.solve(self.system, whole[seen]))
        self.std = np.sqrt(np.diag(whole) - explained + v * noise).reshape(n_users, n_items)
