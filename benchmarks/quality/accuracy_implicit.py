"""Implicit feedback: KernelAttentionRecommender beside EASE, ALS and irspack on MovieLens 1M.

Settings were chosen by ``--choose`` with a sixth seed, 12 settings a method at most.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from attnrec import metrics
from attnrec.models import KernelAttentionRecommender
from benchmarks.quality import accuracy_gowalla
from benchmarks.quality.accuracy_data import best_unseen, folder, movielens_1m, user_holdout
from benchmarks.quality.accuracy_gowalla import points
from benchmarks.quality.accuracy_peers import PEERS, Scores, missing

SEEDS, CHOOSING = (0, 1, 2, 3, 4), 5
Rank = Callable[[sp.csr_array, int], Any]  # the k best items that are not in each history
Method = Callable[..., Rank]


def _ours(**fixed: Any) -> Method:
    def fit(train: sp.csr_array, **settings: Any) -> Rank:
        model = KernelAttentionRecommender(**fixed, memory_budget=4 << 30, **settings)
        model.fit(train, show_progress=False)
        return lambda rows, k: model.recommend(np.full(rows.shape[0], -1), rows, N=k, recalculate_user=True)[0]

    return fit


def _peer(fit: Callable[..., Scores]) -> Method:
    def ranked(train: sp.csr_array, **settings: Any) -> Rank:
        scores = fit(train, **settings)
        return lambda rows, k: best_unseen(scores(rows), rows, k)

    return ranked


OURS: dict[str, Method] = {
    **{f"attnrec {what}": _ours(based_on=what) for what in ("users", "items", "both")},
    **{f"attnrec both, {n} blocks": _ours(based_on="both", n_blocks=n) for n in (2, 4)},
}
METHODS: dict[str, Method] = {**OURS, **{name: _peer(fit) for name, fit in PEERS.items()}}

# What --choose chose on MovieLens 1M, seed 5.
MOVIELENS: dict[str, dict[str, Any]] = {
    "attnrec user": {"temperature": 0.25, "regularization": 0.15, "popularity_exponent": 0.1},
    "attnrec item": {"item_temperature": 0.5, "item_regularization": 0.5, "activity_exponent": 0.2},
    "attnrec both": {"regularization": 0.15, "popularity_exponent": 0.2, "item_regularization": 0.5},
    "attnrec both, 2 blocks": {"temperature": 0.3, "regularization": 0.2, "popularity_exponent": 0.2},
    "attnrec both, 4 blocks": {"temperature": 0.5, "regularization": 0.3, "popularity_exponent": 0.2},
    "popularity": {},
    "EASE (NumPy)": {"regularization": 800},
    "implicit ALS": {"factors": 64, "regularization": 1.0, "alpha": 5.0},
    "irspack RP3beta": {"alpha": 0.6, "beta": 0.4, "top_k": 500},
    "irspack DenseSLIM": {"reg": 800},
    "irspack iALS": {"n_components": 64, "alpha0": 0.3, "reg": 0.003},
}
# At most 12 settings a method.
GRIDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "attnrec user": {"temperature": (0.2, 0.25, 0.3), "regularization": (0.15, 0.3), "popularity_exponent": (0.1, 0.2)},
    "attnrec item": {
        "item_temperature": (0.3, 0.5),
        "item_regularization": (0.5, 1.0),
        "activity_exponent": (0.2, 0.5),
    },
    "attnrec both": {
        "regularization": (0.15, 0.3),
        "popularity_exponent": (0.15, 0.2),
        "item_regularization": (0.5, 1.0),
    },
    "attnrec both, 2 blocks": {"temperature": (0.25, 0.3, 0.4), "regularization": (0.1, 0.2, 0.3)},
    "attnrec both, 4 blocks": {"temperature": (0.3, 0.4, 0.5), "regularization": (0.1, 0.3, 1.0)},
    "popularity": {},
    "EASE (NumPy)": {"regularization": (100, 200, 300, 400, 500, 600, 700, 800, 1000, 1200, 1500, 2000)},
    "implicit ALS": {"factors": (64, 128), "regularization": (0.01, 0.1, 1.0), "alpha": (1.0, 5.0)},
    "irspack RP3beta": {"alpha": (0.6, 0.8, 1.0), "beta": (0.2, 0.4), "top_k": (100, 500)},
    "irspack DenseSLIM": {"reg": (100, 200, 300, 400, 500, 600, 700, 800, 1000, 1200, 1500, 2000)},
    "irspack iALS": {"n_components": (64, 128), "alpha0": (0.03, 0.1, 0.3), "reg": (1e-3, 3e-3)},
}


def run(options: Any) -> dict[str, Any]:
    """Both data sets, or the one asked for; every figure as a dict."""
    root = folder()
    parts = {"movielens-1m": _movielens, "gowalla": accuracy_gowalla.run}
    return {} if root is None else {n: part(root, options) for n, part in parts.items() if options.data in (None, n)}


def _movielens(root: Any, options: Any) -> dict[str, Any]:
    x = movielens_1m(root)
    if x is None:
        return {}
    print(
        "MovieLens 1M: 1,000 users held out, 80 % of each one's items folded in, all other items ranked.\n"
        "Recall@20 = hits / min(20, held-out items); NDCG@100. Seconds are fit + 100 best for each of the 1,000."
    )
    chosen = options.methods or list(GRIDS if options.choose else MOVIELENS)
    out: dict[str, Any] = {}
    for name in chosen:
        if missing(name):
            print(f"skipped {name}: its package is not installed")
        elif options.choose:
            out[name] = [_trial(name, x, CHOOSING, setting) for setting in points(GRIDS[name])]
            print("chosen:", name, max(out[name], key=lambda one: float(one["ndcg"])))
        else:
            out[name] = [_trial(name, x, seed, MOVIELENS[name]) for seed in SEEDS]
            recalls, ndcgs, seconds = ([one[k] for one in out[name]] for k in ("recall", "ndcg", "seconds"))
            print(f"mean: {name}: {np.mean(recalls):.4f} {np.mean(ndcgs):.4f}, median {np.median(seconds):.1f} s")
    return out


def _trial(name: str, x: sp.csr_array, seed: int, setting: dict[str, Any]) -> dict[str, Any]:
    train, fold_in, test = user_holdout(x, seed)
    started = time.perf_counter()
    ids = METHODS[name](train, **setting)(fold_in, 100)
    seconds = time.perf_counter() - started
    found = metrics.recall(ids, test, 20, denominator="capped")
    one = {"recall": found, "ndcg": metrics.ndcg(ids, test, 100), "seconds": seconds}
    print(f"seed {seed} {name} {setting}: {one['recall']:.4f} {one['ndcg']:.4f} {seconds:.1f} s", flush=True)
    return {"seed": seed, **setting, **one}
