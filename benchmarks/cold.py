"""Items nobody has seen: how well content alone finds them, and whether content costs anything elsewhere.

``python benchmarks/cold.py`` with the environment variable ATTNREC_DATA naming the folder of the data sets. A fifth of
the items is left out of training; users are those with a history of the others; the hidden items are ranked by content
and history, and held against what the user chose among them: NDCG@10 and Recall@20, mean over users with a choice, five
seeds. Then a random fifth of all interactions is held out, and fitted with content and without. ``--ratings`` does the
same with RMSE on MovieLens 100K, folds u1 .. u5 and five seeds without a fifth of the items.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

import _cold_ratings
from _accuracy_data import folder
from _accuracy_gowalla import points
from _cold_data import DATA, hidden_items
from attnrec import metrics
from attnrec.data import random_holdout
from attnrec.models import KernelAttentionRecommender, SoftmaxRecommender

Array = np.ndarray[Any, np.dtype[Any]]
# (train (users, warm), features of warm items, features of cold items) -> scores (users, cold)
Method = Callable[[sp.csr_array, Any, Any], Array]


def chance() -> Method:
    return lambda train, warm, cold: np.random.default_rng(0).random((train.shape[0], cold.shape[0]))


def content_knn(power: float) -> Method:
    """Sum over the history of the cosine of content, to some power."""

    def scores(train: sp.csr_array, warm: Any, cold: Any) -> Array:
        norms = [np.sqrt(np.asarray(x.multiply(x).sum(axis=1)).ravel()) for x in (warm, cold)]
        a, b = (sp.diags_array(1 / np.maximum(n, 1e-12)) @ x for n, x in zip(norms, (warm, cold), strict=True))
        cosines = (a @ b.T).toarray()
        return np.asarray(train @ np.maximum(cosines, 0) ** power)

    return scores


def cmf(**setting: Any) -> Method:
    """Collective matrix factorisation of implicit feedback with content of items (cmfrec)."""

    def scores(train: sp.csr_array, warm: Any, cold: Any) -> Array:
        import cmfrec

        model = cmfrec.CMF_implicit(**setting, nthreads=2, verbose=False)
        model.fit(sp.coo_array(train), I=sp.coo_array(warm))
        return np.asarray(model.A_ @ np.stack([model.item_factors_cold(I=row) for row in cold.toarray()]).T)

    return scores


def _ours(cls: Any) -> Callable[..., Method]:
    def with_setting(**setting: Any) -> Method:
        def scores(train: sp.csr_array, warm: Any, cold: Any) -> Array:
            n = warm.shape[0]
            model = cls(**setting).fit(train, item_features=warm, show_progress=False)
            items = np.arange(n, n + cold.shape[0])
            model.partial_fit_items(items, item_features=cold)
            blocks = np.array_split(np.arange(train.shape[0]), -(-train.shape[0] // 2000))
            out = [model.predict(np.repeat(u, len(items)), np.tile(items, len(u))).reshape(len(u), -1) for u in blocks]
            return np.concatenate(out)

        return scores

    return with_setting


METHODS: dict[str, Callable[..., Method]] = {
    "by chance": chance,
    "content kNN": content_knn,
    "cmfrec CMF_implicit": cmf,
    "attnrec kernel, fused": _ours(KernelAttentionRecommender),
    "attnrec softmax, tower": _ours(SoftmaxRecommender),
}
KERNEL: dict[str, Any] = {"side": "item", "item_temperature": 0.5, "item_regularization": 0.5}
GRIDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "by chance": {},
    "content kNN": {"power": (1.0, 2.0, 4.0, 8.0)},
    "cmfrec CMF_implicit": {"k": (40,), "lambda_": (10.0, 50.0, 200.0), "w_item": (5.0, 20.0, 80.0), "alpha": (1.0,)},
    "attnrec kernel, fused": {
        **{name: (value,) for name, value in KERNEL.items()},
        "item_temperature": (0.15, 0.3, 0.5),
        "item_regularization": (0.5, 2.0),
        "content_share": (0.3, 0.6),
    },
    "attnrec softmax, tower": {
        "temperature": (0.1, 0.2, 0.3),
        "id_dropout": (0.5, 0.8, 0.95),
        "history_dropout": (0.2,),
    },
}


CHOSEN: dict[str, dict[str, dict[str, Any]]] = {
    "xwines": {
        "content kNN": {"power": 4.0},
        "cmfrec CMF_implicit": {"lambda_": 50.0, "w_item": 20.0},
        "attnrec kernel, fused": {"item_temperature": 0.15, "item_regularization": 2.0, "content_share": 0.3},
        "attnrec softmax, tower": {"temperature": 0.2, "id_dropout": 0.95},
    },
    "movielens-100k": {
        "content kNN": {"power": 2.0},
        "cmfrec CMF_implicit": {"lambda_": 10.0, "w_item": 5.0},
        "attnrec kernel, fused": {"item_temperature": 0.5, "item_regularization": 2.0, "content_share": 0.6},
        "attnrec softmax, tower": {"temperature": 0.1, "id_dropout": 0.5},
    },
}


def setting_of(data: str, name: str) -> dict[str, Any]:
    """What ``--choose`` chose, with a sixth seed."""
    first = {key: values[0] for key, values in GRIDS[name].items()}
    return {**first, **CHOSEN.get(data, {}).get(name, {})}


def cold(method: Method, x: sp.csr_array, features: Any, seed: int) -> dict[str, Any]:
    hidden, shown = hidden_items(x, seed)
    train, test = sp.csr_array(x[:, shown]), sp.csr_array(x[:, hidden])
    users = np.flatnonzero((np.diff(train.indptr) > 0) & (np.diff(test.indptr) > 0))
    matrix = sp.csr_array(features.matrix)
    started = time.perf_counter()
    scores = method(train, matrix[shown], matrix[hidden])[users]
    seconds = time.perf_counter() - started
    ids = np.argsort(-scores, axis=1, kind="stable")[:, :20]
    return {
        "ndcg": metrics.ndcg(ids[:, :10], test[users]),
        "recall": metrics.recall(ids, test[users]),
        "seconds": seconds,
        "users": len(users),
    }


def warm(x: sp.csr_array, features: Any) -> dict[str, Any]:
    """NDCG@10 of held-out interactions with content and without."""
    train, test = random_holdout(x, per_user=True)
    users = np.flatnonzero(np.diff(test.indptr) > 0)
    out: dict[str, Any] = {}
    for name, cls, setting in (
        ("attnrec kernel", KernelAttentionRecommender, {**KERNEL, "content_share": 0.05}),
        ("attnrec softmax", SoftmaxRecommender, {"id_dropout": 0.1}),
    ):
        for kind, given in (("without", None), ("with", features.matrix)):
            model = cls(**setting).fit(train, item_features=given, show_progress=False)
            out[f"{name}, {kind} content"] = metrics.ndcg(model.recommend(users, N=10)[0], test[users])
    return out


def measure(data: str, name: str, x: sp.csr_array, features: Any, options: Any) -> list[dict[str, Any]]:
    """Five seeds with the setting chosen; or with ``--choose`` the sixth with every setting."""
    if options.choose:
        found = [{**point, **cold(METHODS[name](**point), x, features, 5)} for point in points(GRIDS[name])]
        print("  chosen:", name, max(found, key=lambda one: float(one["ndcg"])), flush=True)
        return found
    setting = setting_of(data, name)
    found = [cold(METHODS[name](**setting), x, features, seed) for seed in range(options.seeds)]
    ndcg, recall, seconds = ([one[k] for one in found] for k in ("ndcg", "recall", "seconds"))
    print(
        f"  {name} {setting}: NDCG@10 {np.mean(ndcg):.4f} ({min(ndcg):.4f} to {max(ndcg):.4f}), "
        f"Recall@20 {np.mean(recall):.4f}, {np.median(seconds):.1f} s",
        flush=True,
    )
    return found


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", choices=sorted(DATA), help="one data set; all unless given")
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--choose", action="store_true", help="choose settings with a sixth seed instead, and show all")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there too")
    parser.add_argument("--ratings", action="store_true", help="RMSE of predicted ratings instead")
    options = parser.parse_args(argv)
    root = folder()
    record: dict[str, Any] = {}
    if root is not None and options.ratings:
        record["ratings"] = _cold_ratings.run(root)
    for data in [] if root is None or options.ratings else [options.data] if options.data else list(DATA):
        made = DATA[data](root)
        if made is None:
            continue
        x, features = made
        print(f"{data}: {x.shape[0]:,} users, {x.shape[1]:,} items, {x.nnz:,} interactions; {features!r}", flush=True)
        record[data] = {name: measure(data, name, x, features, options) for name in options.methods}
        if not options.choose:
            record[data]["warm"] = warm(x, features)
            for name, value in record[data]["warm"].items():
                print(f"  warm, {name}: NDCG@10 {value:.4f}")
    if options.json:
        options.json.write_text(json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
