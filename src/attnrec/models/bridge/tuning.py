"""Temperature, regularization and modality weights of ContentBridge by its leave-one-out error."""

from __future__ import annotations

import time
from typing import TypedDict

import numpy as np

from ..._util.extras import require
from ..base.batches import Progress
from ..base.tuning import Trials
from ..content.fusion import Content
from ..inputs.histories import Array, csr
from ..linalg.blas import one_thread

__all__ = ["LeaveOneOut", "learned"]

# Hotter, K is nearly one number, and what known items add to a score nearly cancels: float32 would not do.
_BOUNDS = {"temperature": (0.05, 1.0), "regularization": (0.05, 1000.0), "weight": (1e-4, 1e4)}
_MOST_STEPS, _LEAST_GAIN = 25, 1e-6
_STEEP = 100.0  # times the error: its slopes are about 0.01, and the first step is as long as the slope


class Found(TypedDict):
    """Parameters that were learned."""

    temperature: float
    regularization: float
    modality_weights: dict[str, float]


class LeaveOneOut:
    r"""How far off a bridge is at items that it is not told of, and the gradient of that, in closed form.

    With ``Q = K + regularization I`` and ``P = Q^-1`` the system without item i misses its vector by (Golub, Heath and
    Wahba, 1979)::

        v_i - v^_-i = (P V)_i / P_ii        error = sum_i |(P V)_i|^2 / P_ii^2 / sum_i |v_i|^2

    Parameters
    ----------
    known : Content
        Of n items, each with a modality at least.
    v : (n, d) array
        Their vectors.

    Notes
    -----
    A call takes about ``4 n^3`` multiplications and additions, and there are ``8 n^2 (5 + modalities)`` bytes.
    """

    def __init__(self, known: Content, v: Array) -> None:
        self.there = known.present().astype(np.float64)
        blocks = [csr(b.data.astype(np.float64), b.indices, b.indptr, b.shape) for b in known.blocks.values()]
        self.cosines = [(block @ block.T).toarray() for block in blocks]
        for cosine, there in zip(self.cosines, self.there.T, strict=True):
            np.fill_diagonal(cosine, there)
        wide = v.astype(np.float64)
        self.squares = wide @ wide.T
        self.size = float(np.trace(self.squares)) or 1.0

    def __call__(self, logs: Array) -> tuple[float, Array]:
        """The error and its gradient by the logarithms of the weights, of the temperature and of regularization."""
        weights, (temperature, regularization) = np.exp(logs[:-2]), np.exp(logs[-2:])
        total = self.there @ weights
        scale = 1 / np.sqrt(np.outer(total, total))
        c = sum(w * cosine for w, cosine in zip(weights, self.cosines, strict=True)) * scale
        k = np.exp((c - 1) / temperature)
        p = _inverse(k + regularization * np.eye(len(k)))
        products, diagonal = self.squares @ p, np.diag(p)
        missed = np.einsum("ij,ji->i", p, products)
        error = float((missed / diagonal**2).sum()) / self.size
        by_p = products / diagonal**2
        by_p += by_p.T
        by_p[np.diag_indices_from(by_p)] -= 2 * missed / diagonal**3
        by_q = p @ by_p @ p
        by_q /= -self.size
        by_c = by_q * k / temperature
        level = np.einsum("ij,ij->i", by_c, c) / total
        by_c_scaled = by_c * scale
        by_weights = [np.vdot(by_c_scaled, cosine) for cosine in self.cosines] - self.there.T @ level
        by_rest = [-np.vdot(by_c, c - 1), regularization * np.trace(by_q)]
        return error, np.concatenate([weights * by_weights, by_rest])


def learned(known: Content, v: Array, start: dict[str, object], weights: Array, trials: Trials, bar: Progress) -> Found:
    """The parameters of least error that L-BFGS (Zhu et al., 1997) finds from those that there are.

    Parameters
    ----------
    known, v
        As for :class:`LeaveOneOut`.
    start : dict
        ``temperature`` and ``regularization``.
    weights : (modalities,) float
        More than 0, adding up to 1.
    trials : Trials
        Gets a row for each evaluation, with the share of the vectors that is explained as ``score``.
    """
    error, rest = LeaveOneOut(known, v), ("temperature", "regularization")

    def parameters(logs: Array) -> Found:
        shares = np.exp(logs[:-2]) / np.exp(logs[:-2]).sum()
        by_name = dict(zip(known.blocks, shares.tolist(), strict=True))
        temperature, regularization = np.exp(logs[-2:]).tolist()
        return {"temperature": temperature, "regularization": regularization, "modality_weights": by_name}

    def measured(logs: Array) -> tuple[float, Array]:
        started = time.perf_counter()
        value, gradient = error(logs)
        trials.append({**parameters(logs), "score": 1 - value, "seconds": time.perf_counter() - started})
        bar.update()
        return _STEEP * value, _STEEP * gradient

    first = np.log(np.append(weights, [start[name] for name in rest]))
    bounds = [tuple(np.log(_BOUNDS["weight"]))] * len(weights) + [tuple(np.log(_BOUNDS[name])) for name in rest]
    minimize = require("scipy.optimize", extra="models").minimize
    first = np.clip(first, *np.transpose(bounds))
    options = {"maxiter": _MOST_STEPS, "ftol": _LEAST_GAIN}
    with one_thread():
        found = minimize(measured, first, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    return parameters(found.x)


def _inverse(a: Array) -> Array:
    lapack = require("scipy.linalg.lapack", extra="models")
    factor, failed = lapack.dpotrf(a, lower=1, overwrite_a=1)
    out, failed = (factor, failed) if failed else lapack.dpotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise np.linalg.LinAlgError(f"{len(a)} equations are singular")
    lower = np.tril(out)
    full: Array = lower + np.tril(lower, -1).T
    return full
