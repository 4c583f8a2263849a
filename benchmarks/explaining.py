"""Seconds to explain 1,000 pairs of user and item with every estimator, and to try what they would be without an item.

Run ``python benchmarks/explaining.py``: on MovieLens 100K where the folder ATTNREC_DATA has it, else on the bundled
data. Exits 1 if some estimator takes more than a second for the pairs, or a sum is not the score it explains.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from _accuracy_data import folder
from _accuracy_data import found as is_there
from attnrec import models
from attnrec.data import Interactions, load_demo

LIMIT, PAIRS = 1.0, 1000
ESTIMATORS: list[Any] = [
    models.NeighbourAttention(),
    models.NeighbourAttention(feedback="implicit"),
    models.KernelAttentionRegressor(),
    models.KernelAttentionRecommender(),
    models.KernelAttentionRecommender(side="item"),
    models.KernelAttentionRecommender(side="both"),
    models.KernelAttentionRecommender(n_blocks=2, temperature=0.3),
    models.SoftmaxRecommender(),
    models.SoftmaxRecommender(users="free"),
]


def interactions() -> tuple[str, Interactions]:
    """MovieLens 100K, or the bundled set."""
    root = folder()
    path = None if root is None else root / "movielens-100k" / "ratings.csv"
    if path is not None and is_there(path):
        return "MovieLens 100K", Interactions.from_csv(path)
    return "bundled data", load_demo().interactions


def measured(model: Any, users: Any, items: Any) -> tuple[float, float, float, float]:
    """Seconds for all pairs at once, for one pair alone, for the counterfactuals of one, and the largest error.

    The error is that of the sum of any view, relative to the score or to the root mean square of all, the larger one.
    """
    model.explain(int(users[0]), int(items[0]))  # what is derived from the model once
    together = np.inf
    for _ in range(3):  # the fastest: other work on the machine disturbs it least
        started = time.perf_counter()
        found = model.explain_many(users, items)
        together = min(together, time.perf_counter() - started)
    some = list(zip(users.tolist(), items.tolist(), strict=True))[:50]
    started = time.perf_counter()
    for user, item in some:
        model.explain(user, item)
    alone = (time.perf_counter() - started) / len(some)
    shown = [(int(user), int(model.recommend(int(user), N=1)[0][0])) for user in users[:20]]
    started = time.perf_counter()
    for user, item in shown:
        model.counterfactuals(user, item)
    without = (time.perf_counter() - started) / len(shown)
    scores = model.predict(users, items)
    sums = np.array([[why.bias + view.total for view in why.views().values()] for why in found])
    size = np.maximum(np.abs(scores), np.sqrt(np.mean(np.square(scores, dtype=np.float64))))
    error = np.max(np.abs(sums - scores[:, None]) / size[:, None])
    return together, alone, without, float(error)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    given = parser.parse_args()
    name, data = interactions()
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, data.n_users, given.pairs), rng.integers(0, data.n_items, given.pairs)
    print(f"{name}: {data.n_users} users, {data.n_items} items, {len(data)} ratings; {given.pairs} pairs at random")
    print(f"{'':<52} {'pairs':>8} {'one alone':>10} {'without':>9} {'error':>8}")
    failed = False
    for model in ESTIMATORS:
        model.fit(data, show_progress=False)
        together, alone, without, error = measured(model, users, items)
        wrong = together > LIMIT * given.pairs / PAIRS or error > 1e-5
        times = f"{together:6.2f} s {alone * 1e3:7.2f} ms {without * 1e3:6.1f} ms"
        print(f"{model!r:<52} {times} {error:8.1e}{'   TOO MUCH' if wrong else ''}", flush=True)
        failed |= wrong
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
