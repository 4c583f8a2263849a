"""Gowalla, LightGCN's split: train items masked, all others ranked. KernelAttentionRecommender and SoftmaxRecommender.

Settings were chosen on 20 % of the training interactions of some users, the rest of the training part being learned
from: with 3,000 users by ``--choose`` for the kernel, with 6,000 in some twenty trials of 10 epochs for the softmax, at
64 and 128 factors; dropout at 256 and 512 goes on from there. Popularity and its temperature were compared with 6,000
users too, at 64 and 128 factors (0.5 and 1; 0.08, 0.1 and 0.12; 128 factors have NDCG@20 .1468 there, .1436 without).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import scipy.sparse as sp

from attnrec import metrics
from attnrec.models import KernelAttentionRecommender, SoftmaxRecommender
from attnrec.models.base.tuning import hold_out
from benchmarks.quality.accuracy_data import gowalla
from benchmarks.speed.read_csv import peak_bytes

KERNEL: dict[str, Any] = {"temperature": 0.6, "regularization": 2.0, "popularity_exponent": 0.25, "n_blocks": 1}
SOFTMAX: dict[str, Any] = {"factors": 64, "temperature": 0.08, "history_dropout": 0.2, "learning_rate": 0.03}
POPULARITY: dict[str, Any] = {**SOFTMAX, "temperature": 0.1, "popularity_exponent": 0.5}
# Fewer users are further apart: blocks of users want a higher temperature, and less regularization.
METHODS: dict[str, tuple[Any, dict[str, Any]]] = {
    "attnrec user": (KernelAttentionRecommender, KERNEL),
    "attnrec user, 4 blocks": (
        KernelAttentionRecommender,
        {**KERNEL, "temperature": 1.0, "regularization": 0.25, "n_blocks": 4},
    ),
    "attnrec softmax": (SoftmaxRecommender, SOFTMAX),
    "attnrec softmax, free users": (SoftmaxRecommender, {**SOFTMAX, "user_representation": "embedding", "epochs": 20}),
    "attnrec softmax, 128": (SoftmaxRecommender, {**SOFTMAX, "factors": 128, "history_dropout": 0.3}),
    "attnrec softmax, 256": (SoftmaxRecommender, {**SOFTMAX, "factors": 256, "history_dropout": 0.3}),
    "attnrec softmax, 512": (SoftmaxRecommender, {**SOFTMAX, "factors": 512, "history_dropout": 0.4}),
    "attnrec softmax, popularity": (SoftmaxRecommender, POPULARITY),
    "attnrec softmax, popularity, 256": (SoftmaxRecommender, {**POPULARITY, "factors": 256, "history_dropout": 0.3}),
    "attnrec softmax, popularity, 512": (SoftmaxRecommender, {**POPULARITY, "factors": 512, "history_dropout": 0.4}),
}
GRIDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "attnrec user": {"temperature": (0.5, 0.6), "regularization": (1.0, 2.0)},
    "attnrec softmax": {"temperature": (0.07, 0.08, 0.1), "history_dropout": (0.1, 0.2, 0.3)},
    "attnrec softmax, popularity": {"temperature": (0.08, 0.1), "popularity_exponent": (0.0, 0.5, 1.0)},
}


def points(grid: dict[str, tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Every setting of a grid."""
    yield from (dict(zip(grid, values, strict=True)) for values in product(*grid.values()))


def run(root: Any, options: Any) -> dict[str, Any]:
    """Every method, or those asked for; every figure as a dict."""
    data = gowalla(root)
    if data is None:
        return {}
    train, test = data
    print(
        "Gowalla, LightGCN's split: train items masked, all others ranked; mean over users with a test item.\n"
        "Recall@20 = hits / held-out items; NDCG@20, ideal over min(20, held-out items)."
    )
    out: dict[str, Any] = {}
    for name in options.methods or list(GRIDS if options.choose else METHODS):
        cls, setting = METHODS[name]
        if options.choose:
            part, held, users = hold_out(train, 0, most=3000)
            out[name] = [_one(cls, part, held, users, {**setting, **point}) for point in points(GRIDS[name])]
            print("chosen:", name, max(out[name], key=lambda one: float(one["ndcg"])))
        else:
            users = np.flatnonzero(np.diff(test.indptr))
            out[name] = _one(cls, train, test[users], users, setting)
    return out


def _one(cls: Any, train: sp.csr_array, test: sp.csr_array, users: Any, setting: dict[str, Any]) -> dict[str, Any]:
    started = time.perf_counter()
    model = cls(**setting, **({"memory_budget": 6 << 30} if cls is KernelAttentionRecommender else {}))
    model.fit(train)
    fitted = time.perf_counter()
    ids = model.recommend(users, N=20)[0]
    done = time.perf_counter()
    one = {"recall": metrics.recall(ids, test), "ndcg": metrics.ndcg(ids, test)}
    one |= {"fit": fitted - started, "recommend": done - fitted, "peak_gb": peak_bytes() / 1e9}
    print(
        f"{model}: {one['recall']:.4f} {one['ndcg']:.4f}; fit {one['fit']:.0f} s, {len(users):,} users ranked in "
        f"{one['recommend']:.0f} s, peak of the process so far {one['peak_gb']:.2f} GB",
        flush=True,
    )
    return {**setting, **one}
