"""Metrics of the compared models on the test parts, with intervals over users."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import metrics
from .._util.extras import require
from ._contestants import Contestant, Fitted
from ._protocols import Array, Part
from ._words import in_parameters

__all__ = ["LEVEL", "measured"]

LEVEL = 0.95
_BLOCK = 512


class _Sums:
    """Of each metric the sum and the number of values of each user, and of each part what has no users."""

    def __init__(self, n_users: int) -> None:
        self.n_users = n_users
        self.of_users: dict[str, tuple[Array, Array]] = {}
        self.of_parts: dict[str, list[float]] = {}

    def add(self, name: str, users: Array, values: Array, counts: Array) -> None:
        """``values`` are sums over ``counts``; each user comes once."""
        sums, numbers = self.of_users.setdefault(name, (np.zeros(self.n_users), np.zeros(self.n_users)))
        sums[users] += np.where(counts > 0, values, 0)
        numbers[users] += counts

    def figures(self, resamples: int, seed: int) -> tuple[dict[str, float], dict[str, list[float]]]:
        """The means by name, then their intervals, from one set of draws."""
        sums, counts = (np.column_stack(columns) for columns in zip(*self.of_users.values(), strict=True))
        means = sums.sum(axis=0) / np.maximum(counts.sum(axis=0), 1)
        means[counts.sum(axis=0) == 0] = np.nan
        limits = metrics.confidence_interval(
            sums / np.maximum(counts, 1), weights=counts, level=LEVEL, resamples=resamples, random_state=seed
        )
        figures, intervals = {}, {}
        for column, name in enumerate(self.of_users):
            root = np.sqrt if name == "rmse" else np.asarray
            figures[name] = float(root(means[column]))
            intervals[name] = [float(end) for end in root(limits[:, column])]
        return figures | {name: float(np.mean(values)) for name, values in self.of_parts.items()}, intervals


def measured(
    contestants: Sequence[Contestant], parts: Sequence[Part], ks: tuple[int, ...], resamples: int, seed: int
) -> list[dict[str, Any]]:
    """Fit, recommend to every user with a held-out item, and measure.

    A user's value counts once for each part that holds something of theirs out; coverage and the Gini index are means
    over the parts. RMSE and MAE are over all ratings together.

    Parameters
    ----------
    contestants, parts
    ks : lengths of the lists, ascending
    resamples, seed : of the intervals

    Returns
    -------
    list of dict
        For each contestant its name ("model"), metrics by name, "intervals" by metric, "seconds" and "notes".
    """
    n_users = 1 + max(int(part.users.max()) for part in parts)
    rows = []
    total = len(contestants) * sum(len(part.users) for part in parts)
    with require("tqdm", extra="models").tqdm(
        total=total, unit="user", disable=not sys.stderr.isatty(), leave=False
    ) as bar:
        for contestant in contestants:
            bar.set_description(contestant.label[:40])
            sums, seconds = _Sums(n_users), {"fit": 0.0, "measure": 0.0}
            for part in parts:
                started = time.perf_counter()
                try:
                    fitted = contestant.fit(part)
                except (TypeError, ValueError) as error:
                    raise ValueError(f"{contestant.label}: {in_parameters(str(error), contestant.label)}") from error
                ready = time.perf_counter()
                _on_part(sums, fitted, part, ks, bar)
                seconds["fit"] += ready - started
                seconds["measure"] += time.perf_counter() - ready
            figures, intervals = sums.figures(resamples, seed)
            row: dict[str, Any] = {"model": contestant.label, **figures, "intervals": intervals}
            rows.append(row | {"seconds": seconds, "notes": list(contestant.notes)})
    return rows


def _on_part(sums: _Sums, fitted: Fitted, part: Part, ks: tuple[int, ...], bar: Any) -> None:
    lists, ratings = [], []
    for start in range(0, len(part.users), _BLOCK):
        at = np.arange(start, min(start + _BLOCK, len(part.users)))
        lists.append(fitted.recommend(at, ks[-1]))
        if fitted.predict is not None:
            ratings.append(fitted.predict(at))
        bar.update(len(at))
    own = np.concatenate(lists)
    for name, values in _found(own, fitted, part, ks).items():
        sums.add(name, part.users, values, np.isfinite(values).astype(np.float64))
    if ratings:
        errors = np.concatenate(ratings) - part.test.data.astype(np.float64)
        owners = np.repeat(np.arange(len(part.users)), np.diff(part.test.indptr))
        for name, each in {"rmse": errors**2, "mae": np.abs(errors)}.items():
            totals = np.bincount(owners, weights=each, minlength=len(part.users))
            sums.add(name, part.users, totals, np.diff(part.test.indptr).astype(np.float64))
    for name, metric in {"coverage": metrics.coverage, "gini": metrics.gini}.items():
        sums.of_parts.setdefault(f"{name}@{ks[-1]}", []).append(metric(own, fitted.n_items))


def _found(own: Array, fitted: Fitted, part: Part, ks: tuple[int, ...]) -> dict[str, Array]:
    """(b,) values of each metric of lists; NaN where a user has none."""
    ids, test, train = own, part.test, part.train.user_items
    if fitted.columns is not None:
        ids = np.where(own >= 0, fitted.columns[own], -1)
        width = 1 + max(int(fitted.columns.max()), test.shape[1] - 1)
        test, train = (_widened(matrix, width) for matrix in (test, train))
    values = {}
    for k in ks:
        values[f"recall@{k}"] = metrics.recall(ids, test, k, per_user=True)
        values[f"ndcg@{k}"] = metrics.ndcg(ids, test, k, per_user=True)
    k = ks[-1]
    values[f"map@{k}"] = metrics.map(ids, test, k, per_user=True)
    values[f"mrr@{k}"] = metrics.mrr(ids, test, k, per_user=True)
    values[f"hit rate@{k}"] = metrics.hit_rate(ids, test, k, per_user=True)
    values[f"precision@{k}"] = metrics.precision(ids, test, k, per_user=True)
    values[f"novelty@{k}"] = metrics.novelty(ids, train, k, per_user=True)
    return values


def _widened(matrix: Any, width: int) -> Any:
    """The same rows in a matrix with more columns."""
    sparse = require("scipy.sparse", extra="data")
    return sparse.csr_array((matrix.data, matrix.indices, matrix.indptr), shape=(matrix.shape[0], width))
