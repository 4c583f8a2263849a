"""Implicit feedback: KernelAttentionRecommender beside EASE, ALS and irspack on MovieLens 1M and Gowalla.

Settings were chosen by ``--choose``: on MovieLens 1M with a sixth seed, 12 settings a method at most; on Gowalla on a
part held out of the training interactions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import scipy.sparse as sp

from _accuracy_data import best_unseen, folder, gowalla, held_out_users, movielens_1m
from _accuracy_peers import PEERS, Scores, missing
from attnrec import metrics
from attnrec.models import KernelAttentionRecommender
from attnrec.models.tuning import hold_out
from read_csv import peak_bytes

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
    **{f"attnrec {side}": _ours(side=side) for side in ("user", "item", "both")},
    **{f"attnrec both, {n} blocks": _ours(side="both", n_blocks=n) for n in (2, 4)},
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
# Gowalla: chosen on 20 % of the training interactions of 3,000 users, the rest of the training part being learned from.
GOWALLA: dict[str, Any] = {"temperature": 0.6, "regularization": 2.0, "popularity_exponent": 0.25}
GOWALLA_GRID: dict[str, tuple[Any, ...]] = {"temperature": (0.5, 0.6), "regularization": (1.0, 2.0)}
# Fewer users are further apart: blocks of users want a higher temperature, and less regularization.
GOWALLA_BLOCKS: dict[int, dict[str, Any]] = {1: {}, 4: {"temperature": 1.0, "regularization": 0.25}}


def run(options: Any) -> dict[str, Any]:
    """Both data sets, or the one asked for; every figure as a dict."""
    root = folder()
    parts = {"movielens-1m": _movielens, "gowalla": _gowalla}
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


def points(grid: dict[str, tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Every setting of a grid."""
    yield from (dict(zip(grid, values, strict=True)) for values in product(*grid.values()))


def _trial(name: str, x: sp.csr_array, seed: int, setting: dict[str, Any]) -> dict[str, Any]:
    train, fold_in, test = held_out_users(x, seed)
    started = time.perf_counter()
    ids = METHODS[name](train, **setting)(fold_in, 100)
    seconds = time.perf_counter() - started
    found = metrics.recall(ids, test, 20, denominator="capped")
    one = {"recall": found, "ndcg": metrics.ndcg(ids, test, 100), "seconds": seconds}
    print(f"seed {seed} {name} {setting}: {one['recall']:.4f} {one['ndcg']:.4f} {seconds:.1f} s", flush=True)
    return {"seed": seed, **setting, **one}


def _gowalla(root: Any, options: Any) -> dict[str, Any]:
    data = gowalla(root)
    if data is None:
        return {}
    train, test = data
    print(
        "Gowalla, LightGCN's split: train items masked, all others ranked; mean over users with a test item.\n"
        "Recall@20 = hits / held-out items; NDCG@20, ideal over min(20, held-out items)."
    )
    if options.choose:
        part, held, users = hold_out(train, 0, most=3000)
        return {"trials": [_on_gowalla(part, held, users, {**GOWALLA, **point}) for point in points(GOWALLA_GRID)]}
    users = np.flatnonzero(np.diff(test.indptr))
    settings = {n: {**GOWALLA, **own, "n_blocks": n} for n, own in GOWALLA_BLOCKS.items()}
    return {str(n): _on_gowalla(train, test[users], users, setting) for n, setting in settings.items()}


def _on_gowalla(train: sp.csr_array, test: sp.csr_array, users: Any, setting: dict[str, Any]) -> dict[str, Any]:
    started = time.perf_counter()
    model = KernelAttentionRecommender(**setting, memory_budget=6 << 30)
    print(f"fit takes {model.memory_needed(train) / 1e9:.2f} GB", flush=True)
    model.fit(train)
    fitted = time.perf_counter()
    ids = model.recommend(users, N=20)[0]
    done = time.perf_counter()
    one = {"recall": metrics.recall(ids, test), "ndcg": metrics.ndcg(ids, test)}
    one |= {"fit": fitted - started, "recommend": done - fitted, "peak_gb": peak_bytes() / 1e9}
    print(
        f"{setting}: {one['recall']:.4f} {one['ndcg']:.4f}; fit {one['fit']:.0f} s, {len(users):,} users ranked in "
        f"{one['recommend']:.0f} s, peak {one['peak_gb']:.2f} GB",
        flush=True,
    )
    return {**setting, **one}
