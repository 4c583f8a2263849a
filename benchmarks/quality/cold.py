"""Items nobody has seen: how well content alone finds them, and whether content costs anything elsewhere.

``python -m benchmarks.quality.cold`` (extra ``cold``) where ATTNREC_DATA names the folder of the data sets. A fifth of
the items is left out of training; users are those with a history of the others; the hidden items are ranked by content
and history, ties at random, and held against what the user chose among them: NDCG@10 and Recall@20, mean over users
with a choice, five seeds. Then, unless ``--methods`` names some, a random fifth of all interactions is held out, and
fitted with content and without.

``python -m benchmarks.quality.cold --data xwines-tfidf xwines-sentences xwines-both`` says what is known of each wine
as one text, and gives it as TF-IDF, as the vectors of a sentence encoder (all-MiniLM-L6-v2), or as both. ``--ratings``
gives RMSE on MovieLens 100K instead, folds u1 .. u5 and five seeds without a fifth of the items.

"learned bridge" takes a weight for each modality, and all else but whether vectors have length 1, from the items of
training: ``ContentBridge.fit(tune=True)``. The others are given the modalities side by side as one matrix, and settings
of ``CHOSEN``.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from attnrec import metrics
from attnrec.data import random_holdout
from attnrec.models import ContentBridge, KernelAttentionRecommender, SoftmaxRecommender
from benchmarks.quality import cold_ratings
from benchmarks.quality.accuracy_data import folder
from benchmarks.quality.accuracy_gowalla import points
from benchmarks.quality.cold_data import DATA, TEXTS, hidden_items

Array = np.ndarray[Any, np.dtype[Any]]
# (train (users, warm), features of warm items, features of cold items) -> scores (users, cold)
Method = Callable[[sp.csr_array, Any, Any], Array]


def on_matrices(method: Method) -> Method:
    """For methods that take features as one matrix, all modalities side by side."""
    return lambda train, warm, cold: method(train, *(sp.csr_array(getattr(x, "matrix", x)) for x in (warm, cold)))


def chance() -> Method:
    return lambda train, warm, cold: np.random.default_rng(0).random((train.shape[0], cold.shape[0]))


def content_knn(power: float) -> Method:
    """Sum over the history of the cosine of content, to some power."""

    def scores(train: sp.csr_array, warm: Any, cold: Any) -> Array:
        norms = [np.sqrt(np.asarray(x.multiply(x).sum(axis=1)).ravel()) for x in (warm, cold)]
        a, b = (sp.diags_array(1 / np.maximum(n, 1e-12)) @ x for n, x in zip(norms, (warm, cold), strict=True))
        cosines = (a @ b.T).toarray()
        return np.asarray(train @ np.maximum(cosines, 0) ** power)

    return on_matrices(scores)


def cmf(**setting: Any) -> Method:
    """Collective matrix factorisation of implicit feedback with content of items (cmfrec)."""

    def scores(train: sp.csr_array, warm: Any, cold: Any) -> Array:
        import cmfrec

        model = cmfrec.CMF_implicit(**setting, nthreads=2, verbose=False)
        model.fit(sp.coo_array(train), I=sp.coo_array(warm))
        return np.asarray(model.A_ @ np.stack([model.item_factors_cold(I=row) for row in cold.toarray()]).T)

    return on_matrices(scores)


def feature_ials(**setting: Any) -> Method:
    """Implicit ALS whose item factors are drawn to a linear map of content (irspack)."""

    def scores(train: sp.csr_array, warm: Any, cold: Any) -> Array:
        import irspack

        with contextlib.redirect_stdout(io.StringIO()):  # its progress bar
            model = irspack.IALSRecommender(
                sp.csr_matrix(train), item_features=sp.csr_matrix(warm), n_threads=2, **setting
            ).learn()
        return np.asarray(model.get_score_from_item_features(np.arange(train.shape[0]), sp.csr_matrix(cold)))

    return on_matrices(scores)


def _scores_of_new(model: Any, n: int) -> Array:
    """What every user's score is for the last ``n`` items, (users, n)."""
    items = np.arange(model.n_items - n, model.n_items)
    blocks = np.array_split(np.arange(model.n_users), -(-model.n_users // 2000))
    return np.concatenate([model.predict(np.repeat(u, n), np.tile(items, len(u))).reshape(len(u), -1) for u in blocks])


def _ours(cls: Any) -> Callable[..., Method]:
    def with_setting(**setting: Any) -> Method:
        def scores(train: sp.csr_array, warm: Any, cold: Any) -> Array:
            model = cls(**setting).fit(train, item_features=warm, show_progress=False)
            model.partial_fit_items(np.arange(warm.shape[0], warm.shape[0] + cold.shape[0]), item_features=cold)
            return _scores_of_new(model, cold.shape[0])

        return on_matrices(scores)

    return with_setting


def without_content() -> Method:
    """Vectors that never saw content: a new item has no users, so all score the same."""

    def scores(train: sp.csr_array, warm: Any, cold: Any) -> Array:
        model = SoftmaxRecommender().fit(train, show_progress=False)
        nobody = sp.csr_array((cold.shape[0], train.shape[0]), dtype=np.float32)
        model.partial_fit_items(np.arange(warm.shape[0], warm.shape[0] + cold.shape[0]), nobody)
        return _scores_of_new(model, cold.shape[0])

    return on_matrices(scores)


def bridged(**setting: Any) -> Method:
    """The same vectors, and a bridge from content to them."""

    def scores(train: sp.csr_array, warm: Any, cold: Any) -> Array:
        model = SoftmaxRecommender().fit(train, show_progress=False)
        bridge = ContentBridge(**setting, normalize=True)
        return _known_by(bridge.fit(model.item_vectors, item_features=warm, show_progress=False), model, cold)

    return on_matrices(scores)


def learned_bridge(*, normalize: bool = True) -> Method:
    """The same with a weight for each modality, learned with the rest of the bridge from the known items alone."""

    def scores(train: sp.csr_array, warm: Any, cold: Any) -> Array:
        model = SoftmaxRecommender().fit(train, show_progress=False)
        bridge = ContentBridge(normalize=normalize)
        bridge.fit(model.item_vectors, item_features=warm, tune=True, show_progress=False)
        return _known_by(bridge, model, cold)

    return scores


def kernel_bridge(**setting: Any) -> Method:
    """Such a bridge to attention between items that never saw content."""

    def scores(train: sp.csr_array, warm: Any, cold: Any) -> Array:
        model = KernelAttentionRecommender(**setting).fit(train, show_progress=False)
        bridge = ContentBridge().fit(model.history_weights, item_features=warm, tune=True, show_progress=False)
        return _known_by(bridge, model, cold)

    return scores


def _known_by(bridge: ContentBridge, model: Any, cold: Any) -> Array:
    vectors = bridge.transform(cold)
    model.partial_fit_items(np.arange(model.n_items, model.n_items + len(vectors)), item_vectors=vectors)
    return _scores_of_new(model, len(vectors))


def bridged_als(**setting: Any) -> Method:
    """Implicit ALS with its library's defaults, and a bridge from content to its item factors."""

    def scores(train: sp.csr_array, warm: Any, cold: Any) -> Array:
        import implicit

        with warnings.catch_warnings(action="ignore"):  # of BLAS threads
            model = implicit.als.AlternatingLeastSquares(random_state=0, num_threads=2)
        model.fit(sp.csr_matrix(train), show_progress=False)
        bridge = ContentBridge(**setting).fit(model.item_factors, item_features=warm, show_progress=False)
        return np.asarray(model.user_factors @ bridge.transform(cold).T)

    return on_matrices(scores)


METHODS: dict[str, Callable[..., Method]] = {
    "by chance": chance,
    "content kNN": content_knn,
    "cmfrec CMF_implicit": cmf,
    "irspack iALS": feature_ials,
    "attnrec softmax, no content": without_content,
    "implicit ALS, attnrec bridge": bridged_als,
    "attnrec softmax, bridge": bridged,
    "attnrec softmax, learned bridge": learned_bridge,
    "attnrec kernel, learned bridge": kernel_bridge,
    "attnrec kernel, fused": _ours(KernelAttentionRecommender),
    "attnrec softmax, tower": _ours(SoftmaxRecommender),
}
BRIDGE: dict[str, tuple[Any, ...]] = {"temperature": (0.1, 0.2, 0.4, 0.8), "regularization": (0.5, 2.0, 8.0)}
KERNEL: dict[str, Any] = {
    "based_on": "items",
    "item_temperature": 0.5,
    "item_regularization": 0.5,
    "memory_budget": 2**31,
}
GRIDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "by chance": {},
    "content kNN": {"power": (1.0, 2.0, 4.0, 8.0, 16.0)},
    "cmfrec CMF_implicit": {"k": (40,), "lambda_": (10.0, 50.0, 200.0), "w_item": (5.0, 20.0, 80.0), "alpha": (1.0,)},
    "irspack iALS": {
        "n_components": (40,),
        "alpha0": (0.003, 0.01, 0.1, 0.3, 1.0, 3.0, 10.0),
        "reg": (0.001, 0.003, 0.01, 0.03, 0.1),
        "lambda_item_feature": (0.3, 1.0, 10.0, 30.0, 100.0, 300.0),
    },
    "attnrec softmax, no content": {},
    "implicit ALS, attnrec bridge": BRIDGE,
    "attnrec softmax, bridge": BRIDGE,
    "attnrec softmax, learned bridge": {"normalize": (True, False)},
    "attnrec kernel, learned bridge": {"based_on": ("items",)},
    "attnrec kernel, fused": {
        **{name: (value,) for name, value in KERNEL.items()},
        "item_temperature": (0.15, 0.3, 0.5),
        "item_regularization": (0.5, 2.0),
        "content_weight": (0.3, 0.6),
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
        "irspack iALS": {"alpha0": 0.3, "reg": 0.03, "lambda_item_feature": 100.0},
        "implicit ALS, attnrec bridge": {"temperature": 0.8, "regularization": 2.0},
        "attnrec softmax, bridge": {"temperature": 0.4, "regularization": 8.0},
        "attnrec kernel, fused": {"item_temperature": 0.15, "item_regularization": 2.0, "content_weight": 0.3},
        "attnrec softmax, tower": {"temperature": 0.2, "id_dropout": 0.95},
    },
    "movielens-100k": {
        "content kNN": {"power": 2.0},
        "cmfrec CMF_implicit": {"lambda_": 10.0, "w_item": 5.0},
        "irspack iALS": {"alpha0": 3.0, "reg": 0.01, "lambda_item_feature": 300.0},
        "implicit ALS, attnrec bridge": {"temperature": 0.8, "regularization": 8.0},
        "attnrec softmax, bridge": {"temperature": 0.4, "regularization": 0.5},
        "attnrec kernel, fused": {"item_temperature": 0.5, "item_regularization": 2.0, "content_weight": 0.6},
        "attnrec softmax, tower": {"temperature": 0.1, "id_dropout": 0.5},
    },
    "beauty": {
        "content kNN": {"power": 2.0},
        "cmfrec CMF_implicit": {"lambda_": 10.0, "w_item": 5.0},
        "implicit ALS, attnrec bridge": {"temperature": 0.8, "regularization": 8.0},
        "irspack iALS": {"alpha0": 0.01, "reg": 0.01, "lambda_item_feature": 1.0},
        "attnrec softmax, bridge": {"temperature": 0.4, "regularization": 0.5},
        "attnrec kernel, fused": {"item_temperature": 0.3, "item_regularization": 0.5, "content_weight": 0.3},
        "attnrec softmax, tower": {"temperature": 0.2, "id_dropout": 0.5},
    },
    "xwines-tfidf": {
        "content kNN": {"power": 2.0},
        "attnrec softmax, bridge": {"temperature": 0.8, "regularization": 2.0},
        "attnrec kernel, fused": {"item_temperature": 0.3, "item_regularization": 2.0, "content_weight": 0.3},
    },
    "xwines-sentences": {
        "content kNN": {"power": 8.0},
        "attnrec softmax, bridge": {"temperature": 0.1, "regularization": 8.0},
        "attnrec kernel, fused": {"item_temperature": 0.15, "item_regularization": 2.0, "content_weight": 0.6},
    },
    "xwines-both": {
        "content kNN": {"power": 4.0},
        "attnrec softmax, bridge": {"temperature": 0.2, "regularization": 2.0},
        "attnrec kernel, fused": {"item_temperature": 0.5, "item_regularization": 2.0, "content_weight": 0.6},
    },
}


def setting_of(data: str, name: str) -> dict[str, Any]:
    """What ``--choose`` chose, with a sixth seed."""
    first = {key: values[0] for key, values in GRIDS[name].items()}
    return {**first, **CHOSEN.get(data, {}).get(name, {})}


def best(scores: Array, k: int = 20) -> Array:
    """Columns of the ``k`` largest of each row, (rows, k), the first of equal ones first."""
    k = min(k, scores.shape[1])
    out = np.sort(np.argpartition(-scores, k - 1, axis=1)[:, :k], axis=1)
    least = np.take_along_axis(scores, out, axis=1).min(axis=1, keepdims=True)
    tied = np.count_nonzero(scores >= least, axis=1) > k  # at the end of the list: any of them could be in it
    out[tied] = np.sort(np.argsort(-scores[tied], axis=1, kind="stable")[:, :k], axis=1)
    largest = np.argsort(-np.take_along_axis(scores, out, axis=1), axis=1, kind="stable")
    return np.take_along_axis(out, largest, axis=1)


def cold(method: Method, x: sp.csr_array, features: Any, seed: int) -> dict[str, Any]:
    hidden, shown = hidden_items(x, seed)
    train, test = sp.csr_array(x[:, shown]), sp.csr_array(x[:, hidden])
    users = np.flatnonzero((np.diff(train.indptr) > 0) & (np.diff(test.indptr) > 0))
    started = time.perf_counter()
    scores = method(train, features[shown], features[hidden])[users]
    seconds = time.perf_counter() - started
    order = np.random.default_rng(seed).permutation(len(hidden))
    ids = order[best(scores[:, order])]
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
        ("attnrec kernel", KernelAttentionRecommender, {**KERNEL, "content_weight": 0.05}),
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
    found = []
    for seed in range(options.seeds):
        found.append(cold(METHODS[name](**setting), x, features, seed))
        print(f"    seed {seed}: {found[-1]['ndcg']:.4f}, {found[-1]['seconds']:.1f} s", flush=True)
    ndcg, recall, seconds = ([one[k] for one in found] for k in ("ndcg", "recall", "seconds"))
    print(
        f"  {name} {setting}: NDCG@10 {np.mean(ndcg):.4f} ({min(ndcg):.4f} to {max(ndcg):.4f}), "
        f"Recall@20 {np.mean(recall):.4f}, {np.median(seconds):.1f} s",
        flush=True,
    )
    return found


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", nargs="+", choices=[*DATA, *TEXTS], default=list(DATA), help=f"unless given {', '.join(DATA)}"
    )
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--choose", action="store_true", help="choose settings with a sixth seed instead, and show all")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there too")
    parser.add_argument("--ratings", action="store_true", help="RMSE of predicted ratings instead")
    options = parser.parse_args(argv)
    root = folder()
    record: dict[str, Any] = {}
    if root is not None and options.ratings:
        record["ratings"] = cold_ratings.run(root)
    for data in [] if root is None or options.ratings else options.data:
        made = {**DATA, **TEXTS}[data](root)
        if made is None:
            continue
        x, features = made
        print(f"{data}: {x.shape[0]:,} users, {x.shape[1]:,} items, {x.nnz:,} interactions; {features!r}", flush=True)
        record[data] = {name: measure(data, name, x, features, options) for name in options.methods}
        if not options.choose and options.methods == list(METHODS):
            record[data]["warm"] = warm(x, features)
            for name, value in record[data]["warm"].items():
                print(f"  warm, {name}: NDCG@10 {value:.4f}")
    if options.json:
        options.json.write_text(json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
