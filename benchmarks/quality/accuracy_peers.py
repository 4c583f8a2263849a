"""Peers of the implicit part of the accuracy benchmark: fit on histories, score histories of other users."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

Scores = Callable[[sp.csr_array], np.ndarray[Any, np.dtype[Any]]]


def ease(train: sp.csr_array, regularization: float) -> Scores:
    """EASE (Steck, 2019) in NumPy, float32."""
    gram = (train.T @ train).toarray()
    gram[np.diag_indices_from(gram)] += np.float32(regularization)
    inverse = np.linalg.inv(gram)
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return lambda rows: rows @ weights


def popularity(train: sp.csr_array) -> Scores:
    """Items by their number of users."""
    counts = train.sum(axis=0)
    return lambda rows: np.tile(counts, (rows.shape[0], 1))


def implicit_als(train: sp.csr_array, factors: int, regularization: float, alpha: float) -> Scores:
    """implicit's alternating least squares."""
    from implicit.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(factors, regularization, alpha, random_state=0, num_threads=2)
    model.fit(sp.csr_matrix(train), show_progress=False)

    def scores(rows: sp.csr_array) -> np.ndarray[Any, np.dtype[Any]]:
        return model.recalculate_user(np.arange(rows.shape[0]), sp.csr_matrix(rows)) @ model.item_factors.T

    return scores


def _irspack(name: str) -> Callable[..., Scores]:
    def fit(train: sp.csr_array, **settings: Any) -> Scores:
        import irspack.recommenders

        model = getattr(irspack.recommenders, name)(sp.csr_matrix(train, dtype=np.float64), **settings).learn()
        return lambda rows: np.asarray(model.get_score_cold_user(sp.csr_matrix(rows, dtype=np.float64)))

    return fit


PEERS: dict[str, Callable[..., Scores]] = {
    "popularity": popularity,
    "EASE (NumPy)": ease,
    "implicit ALS": implicit_als,
    "irspack RP3beta": _irspack("RP3betaRecommender"),
    "irspack DenseSLIM": _irspack("DenseSLIMRecommender"),
    "irspack iALS": _irspack("IALSRecommender"),
}


def missing(name: str) -> bool:
    """Whether the package of a peer is not installed."""
    package = name.split()[0]
    return package in ("implicit", "irspack") and importlib.util.find_spec(package) is None
