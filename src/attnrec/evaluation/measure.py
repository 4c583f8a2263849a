"""Metrics of candidates on parts, with bootstrap intervals and paired differences over the same users."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import metrics
from .._util.extras import require
from ..metrics.intervals import resampled_means
from .models import Candidate, Fitted
from .protocols import Array, Part

__all__ = ["LEVEL", "OF_LISTS", "OF_PARTS", "OF_RATINGS", "measured"]

LEVEL = 0.95
_BLOCK = 512
Reword = Callable[[str, str], str]

# Metrics of lists, by user; those of a whole part; those of ratings, from the errors.
OF_LISTS: dict[str, Callable[..., Any]] = {
    "recall": metrics.recall,
    "ndcg": metrics.ndcg,
    "map": metrics.map,
    "mrr": metrics.mrr,
    "hit rate": metrics.hit_rate,
    "precision": metrics.precision,
    "novelty": metrics.novelty,
}
OF_PARTS: dict[str, Callable[..., Any]] = {"coverage": metrics.coverage, "gini": metrics.gini}
OF_RATINGS: dict[str, Callable[[Array], Array]] = {"rmse": np.square, "mae": np.abs}


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

    def means(self) -> dict[str, float]:
        """The value of each metric: means over users, roots of them for the RMSE, and means over parts."""
        out = {}
        for name, (sums, counts) in self.of_users.items():
            mean = sums.sum() / counts.sum() if counts.sum() else np.nan
            out[name] = float(np.sqrt(mean)) if name == "rmse" else float(mean)
        return out | {name: float(np.mean(values)) for name, values in self.of_parts.items()}

    def columns(self) -> tuple[list[str], Array, Array]:
        """Names, means of each user (u, m), and their numbers of values (u, m)."""
        if not self.of_users:
            return [], np.zeros((self.n_users, 0)), np.zeros((self.n_users, 0))
        sums, counts = (np.column_stack(columns) for columns in zip(*self.of_users.values(), strict=True))
        return list(self.of_users), sums / np.maximum(counts, 1), counts


def measured(
    candidates: Sequence[Candidate],
    parts: Sequence[Part],
    names: Sequence[str],
    resamples: int,
    seed: int,
    *,
    versus: str | None = None,
    show_progress: bool | None = None,
    reword: Reword = lambda message, label: message,
) -> list[dict[str, Any]]:
    """Fit, recommend to every user with a held-out item, and measure.

    A user's value counts once for each part that holds something of theirs out; coverage and the Gini index are means
    over the parts. RMSE and MAE are over all ratings together. All models share the resamples of users, so that the
    interval of a difference is that of the paired values.

    Parameters
    ----------
    candidates, parts
    names : sequence of str
        ``"ndcg@10"`` and the like of :data:`OF_LISTS` and :data:`OF_PARTS`; "rmse" and "mae", for candidates that
        predict ratings.
    resamples, seed : int
        Of the bootstrap.
    versus : str, optional
        The label of the candidate that the others are compared with; none unless given.
    show_progress : bool, optional
        Whether a progress bar is shown on stderr; where stderr is a terminal unless given.
    reword : callable
        ``(message, label)`` of an error of a candidate to the message that is raised.

    Returns
    -------
    list of dict
        For each candidate its name ("model"), metrics by name, "intervals" and "differences" by metric, "seconds" and
        "notes". A difference is (value, lower limit, upper limit) of the model's metric less that of ``versus``.
    """
    n_users = 1 + max(int(part.users.max()) for part in parts)
    rows: list[dict[str, Any]] = []
    sums: list[_Sums] = []
    total = len(candidates) * sum(len(part.users) for part in parts)
    shown = sys.stderr.isatty() if show_progress is None else show_progress
    with require("tqdm", extra="models").tqdm(total=total, unit="user", disable=not shown, leave=False) as bar:
        for candidate in candidates:
            bar.set_description(candidate.label[:40])
            found, seconds = _Sums(n_users), {"fit": 0.0, "measure": 0.0}
            for part in parts:
                started = time.perf_counter()
                try:
                    fitted = candidate.fit(part)
                except (TypeError, ValueError) as error:
                    raise ValueError(f"{candidate.label}: {reword(str(error), candidate.label)}") from error
                ready = time.perf_counter()
                _on_part(found, fitted, part, names, bar)
                seconds["fit"] += ready - started
                seconds["measure"] += time.perf_counter() - ready
            sums.append(found)
            notes = {"seconds": seconds, "notes": list(candidate.notes)}
            rows.append({"model": candidate.label, **found.means(), **notes})
    resampled = _resampled(sums, resamples, seed)
    for row, means in zip(rows, resampled, strict=True):
        row["intervals"] = {name: _limits(drawn) for name, drawn in means.items()}
    base = next((at for at, row in enumerate(rows) if row["model"] == versus), None)
    for at, row in enumerate(rows):
        row["differences"] = {}
        if base is not None and at != base:
            for name, drawn in resampled[at].items():
                if name in resampled[base]:
                    row["differences"][name] = (row[name] - rows[base][name], *_limits(drawn - resampled[base][name]))
    return rows


def _resampled(sums: Sequence[_Sums], resamples: int, seed: int) -> list[dict[str, Array]]:
    """For each model (resamples,) values of each metric of users, all from the same draws."""
    found = [one.columns() for one in sums]
    means = resampled_means(
        np.hstack([values for _, values, _ in found]),
        weights=np.hstack([counts for _, _, counts in found]),
        resamples=resamples,
        random_state=seed,
    )
    out, start = [], 0
    for names, _, _ in found:
        columns = means[:, start : start + len(names)].T
        out.append({n: np.sqrt(c) if n == "rmse" else c for n, c in zip(names, columns, strict=True)})
        start += len(names)
    return out


def _limits(means: Array) -> list[float]:
    """The middle 95 % of the resamples; NaN where there is none."""
    if not np.isfinite(means).any():
        return [float("nan")] * 2
    return [float(end) for end in np.nanquantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])]


def _on_part(sums: _Sums, fitted: Fitted, part: Part, names: Sequence[str], bar: Any) -> None:
    longest = max((int(name.partition("@")[2]) for name in names if "@" in name), default=1)
    of_ratings = [name for name in names if name in OF_RATINGS]
    lists, ratings = [], []
    for start in range(0, len(part.users), _BLOCK):
        at = np.arange(start, min(start + _BLOCK, len(part.users)))
        lists.append(fitted.recommend(at, longest))
        if fitted.predict is not None and of_ratings:
            ratings.append(fitted.predict(at))
        bar.update(len(at))
    own = np.concatenate(lists)
    for name, values in _of_lists(own, fitted, part, names).items():
        sums.add(name, part.users, values, np.isfinite(values).astype(np.float64))
    if ratings:
        errors = np.concatenate(ratings) - part.test.data.astype(np.float64)
        owners = np.repeat(np.arange(len(part.users)), np.diff(part.test.indptr))
        for name in of_ratings:
            totals = np.bincount(owners, weights=OF_RATINGS[name](errors), minlength=len(part.users))
            sums.add(name, part.users, totals, np.diff(part.test.indptr).astype(np.float64))
    for name in names:
        kind, _, k = name.partition("@")
        if kind in OF_PARTS:
            sums.of_parts.setdefault(name, []).append(OF_PARTS[kind](own[:, : int(k)], fitted.n_items))


def _of_lists(own: Array, fitted: Fitted, part: Part, names: Sequence[str]) -> dict[str, Array]:
    """(b,) values of each metric of lists; NaN where a user has none."""
    ids, test, train = own, part.test, part.train.user_items
    if fitted.columns is not None:
        ids = np.where(own >= 0, fitted.columns[own], -1)
        width = 1 + max(int(fitted.columns.max()), test.shape[1] - 1)
        test, train = (_widened(matrix, width) for matrix in (test, train))
    values = {}
    for name in names:
        kind, _, k = name.partition("@")
        if kind in OF_LISTS:
            against = train if kind == "novelty" else test
            values[name] = OF_LISTS[kind](ids, against, int(k), per_user=True)
    return values


def _widened(matrix: Any, width: int) -> Any:
    """The same rows in a matrix with more columns."""
    sparse = require("scipy.sparse", extra="data")
    return sparse.csr_array((matrix.data, matrix.indices, matrix.indptr), shape=(matrix.shape[0], width))
