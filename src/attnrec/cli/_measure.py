"""Measures models and a popularity baseline on one split. Reads no files and shows nothing but a progress bar."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import metrics, ops
from .._extras import need

__all__ = ["measured"]

_BLOCK = 512
Array = np.ndarray[Any, np.dtype[Any]]


def measured(
    train: Any, test: Any, ks: tuple[int, ...], explicit: bool, new_model: Callable[[bool], Any]
) -> list[dict[str, Any]]:
    """Fit, recommend to every user with a held-out item, and measure.

    Parameters
    ----------
    train, test : (u, n) CSR
    ks : lengths of the lists
    explicit : whether the values are ratings; then they are predicted too
    new_model : gives an estimator for ratings (True) or for 0/1 (False)

    Returns
    -------
    list of dict
        For each model its name, metrics and seconds.
    """
    users = np.flatnonzero(np.diff(test.indptr))
    kinds = [True, False] if explicit else [False]
    rows = []
    with need("tqdm", extra="models").tqdm(
        total=len(users) * (len(kinds) + 1), unit="user", disable=not sys.stderr.isatty(), leave=False
    ) as bar:
        for ratings in kinds:
            started = time.perf_counter()
            model = new_model(ratings).fit(train, show_progress=False)
            ids = _lists(_recommender(model, max(ks)), users, bar)
            row = _ranked(type(model).__name__ + (" (ratings)" if ratings else " (0/1)"), ids, test[users], ks)
            if ratings:
                row |= _predicted(test, model.predict(*_pairs(test)))
            rows.append(row | {"seconds": time.perf_counter() - started})
        started = time.perf_counter()
        row = _ranked("popularity", _lists(_popularity(train, max(ks)), users, bar), test[users], ks)
        if explicit:
            row |= _predicted(test, _item_means(train)[test.indices])
        rows.append(row | {"seconds": time.perf_counter() - started})
    return rows


def _lists(recommend: Callable[[Array], Array], users: Array, bar: Any) -> Array:
    parts = []
    for start in range(0, len(users), _BLOCK):
        at = users[start : start + _BLOCK]
        parts.append(recommend(at))
        bar.update(len(at))
    return np.concatenate(parts)


def _recommender(model: Any, k: int) -> Callable[[Array], Array]:
    def recommend(users: Array) -> Array:
        ids: Array = model.recommend(users, N=k)[0]
        return ids

    return recommend


def _popularity(train: Any, k: int) -> Callable[[Array], Array]:
    """The items that most users have, less the user's own."""
    counts = np.bincount(train.indices, minlength=train.shape[1]).astype(np.float32)[:, None]

    def recommend(users: Array) -> Array:
        ones = np.ones((len(users), 1), dtype=np.float32)
        return ops.topk(ones, counts, k, exclude=train[users], weights=False).ids

    return recommend


def _item_means(train: Any) -> Array:
    """(n,) mean rating of each item; the overall mean where it has none."""
    counts = np.bincount(train.indices, minlength=train.shape[1])
    sums = np.bincount(train.indices, weights=train.data, minlength=train.shape[1])
    return np.where(counts > 0, sums / np.maximum(counts, 1), train.data.mean())


def _ranked(name: str, ids: Array, test: Any, ks: tuple[int, ...]) -> dict[str, Any]:
    row: dict[str, Any] = {"model": name}
    for k in ks:
        for metric in ("recall", "ndcg"):
            row[f"{metric}@{k}"] = getattr(metrics, metric)(ids, test, k)
    widest = max(ks)
    row[f"precision@{widest}"] = metrics.precision(ids, test, widest)
    row[f"hit rate@{widest}"] = metrics.hit_rate(ids, test, widest)
    row[f"mrr@{widest}"] = metrics.mrr(ids, test, widest)
    row[f"coverage@{widest}"] = metrics.coverage(ids, test.shape[1], widest)
    return row


def _pairs(test: Any) -> tuple[Array, Array]:
    return np.repeat(np.arange(test.shape[0]), np.diff(test.indptr)), test.indices


def _predicted(test: Any, guess: Array) -> dict[str, float]:
    return {"rmse": metrics.rmse(test.data, guess), "mae": metrics.mae(test.data, guess)}
