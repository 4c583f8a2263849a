"""Seconds to explain 1,000 pairs of user and item with every estimator, and to try what they would be without an item.

Run ``python -m benchmarks.speed.explaining``: on MovieLens 100K where the folder ATTNREC_DATA has it, else on the
bundled data; estimators that take content of items also with genres and year. Exits 1 if some estimator takes more than
a second for the pairs, or a sum is not the score it explains.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from attnrec import models
from attnrec.data import Interactions, load_demo
from attnrec.features import FeatureEncoder, Features
from benchmarks.quality.accuracy_data import folder
from benchmarks.quality.accuracy_data import found as is_there

LIMIT, PAIRS = 1.0, 1000
ESTIMATORS: list[Any] = [
    models.NeighbourAttention(),
    models.NeighbourAttention(feedback="implicit"),
    models.KernelAttentionRegressor(),
    models.KernelAttentionRecommender(),
    models.KernelAttentionRecommender(based_on="items"),
    models.KernelAttentionRecommender(based_on="both"),
    models.KernelAttentionRecommender(n_blocks=2, temperature=0.3),
    models.SoftmaxRecommender(),
    models.SoftmaxRecommender(user_representation="embedding"),
]


WITH_CONTENT: list[Any] = [
    models.KernelAttentionRegressor(),
    models.KernelAttentionRecommender(based_on="items"),
    models.SoftmaxRecommender(),
]


def interactions() -> tuple[str, Interactions, Features]:
    """MovieLens 100K, or the bundled set, with genres and year of its films."""
    root = folder()
    path = None if root is None else root / "movielens-100k"
    encoder = FeatureEncoder(id="item", multi="genres", categories="year")
    if path is not None and is_there(path / "ratings.csv") and is_there(path / "items.csv"):
        data = Interactions.from_csv(path / "ratings.csv")
        return "MovieLens 100K", data, encoder.fit_transform(path / "items.csv").align(data.items)
    demo = load_demo()
    return "bundled data", demo.interactions, encoder.fit_transform(demo.items).align(demo.interactions.items)


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
    sums = [[why.bias + view.total for view in why.views().values()] for why in found]
    return together, alone, without, _error(model.predict(users, items), sums)


def measured_bridge(
    content: Features, data: Interactions, users: Any, items: Any, tune: bool
) -> tuple[float, float, float, float]:
    """The same for a bridge from content to vectors that never saw it, of which there are no counterfactuals."""
    model = models.SoftmaxRecommender().fit(data, show_progress=False)
    known, queries = content.matrix, model.user_vectors[users] / model.temperature
    bridge = models.ContentBridge(normalize=True)
    bridge.fit(model.item_vectors, item_features=content if tune else known, tune=tune, show_progress=False)
    new = known[items]
    together = np.inf
    for _ in range(3):
        started = time.perf_counter()
        found = bridge.explain_many(new, queries)
        together = min(together, time.perf_counter() - started)
    started = time.perf_counter()
    for pair in range(50):
        bridge.explain(new[[pair]], queries[pair])
    alone = (time.perf_counter() - started) / 50
    scores = np.einsum("ij,ij->i", bridge.transform(new), queries, dtype=np.float64)
    return together, alone, np.nan, _error(scores, [[why.total] for why in found])


def _error(scores: Any, sums: list[list[float]]) -> float:
    size = np.maximum(np.abs(scores), np.sqrt(np.mean(np.square(scores, dtype=np.float64))))
    return float(np.max(np.abs(np.array(sums) - scores[:, None]) / size[:, None]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    given = parser.parse_args()
    name, data, content = interactions()
    rng = np.random.default_rng(0)
    users, items = rng.integers(0, data.n_users, given.pairs), rng.integers(0, data.n_items, given.pairs)
    print(f"{name}: {data.n_users} users, {data.n_items} items, {len(data)} ratings; {given.pairs} pairs at random")
    print(f"{'':<52} {'pairs':>8} {'one alone':>10} {'without':>9} {'error':>8}")
    failed = False

    def show(name: str, figures: tuple[float, float, float, float]) -> None:
        nonlocal failed
        together, alone, without, error = figures
        wrong = together > LIMIT * given.pairs / PAIRS or error > 1e-5
        times = f"{together:6.2f} s {alone * 1e3:7.2f} ms {without * 1e3:6.1f} ms"
        print(f"{name:<52} {times} {error:8.1e}{'   TOO MUCH' if wrong else ''}", flush=True)
        failed |= wrong

    for model in ESTIMATORS:
        show(repr(model), measured(model.fit(data, show_progress=False), users, items))
    for model in WITH_CONTENT:
        model.fit(data, item_features=content, show_progress=False)
        show(f"{model!r}, content", measured(model, users, items))
    for tune in (False, True):
        name = f"ContentBridge(normalize=True){', learned' if tune else ''}"
        show(name, measured_bridge(content, data, users, items, tune))
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
