"""Every public class can be pickled, copied and kept by joblib, and what comes back is the same thing."""

from __future__ import annotations

import copy
import importlib
import inspect
import io
import pickle
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
import pytest
import scipy.sparse as sp

import attnrec as ar
from attnrec import compat, data, explain, features, models
from attnrec.doctor import Finding
from attnrec.doctor.selftest import Outcome
from attnrec.explain import counterfactuals
from attnrec.models.base.tuning import Trials
from attnrec.report import Measured

DOORS = (
    "attnrec",
    *(f"attnrec.{name}" for name in ("bench", "compat", "data", "data.splits", "doctor", "explain")),
    *(f"attnrec.{name}" for name in ("features", "metrics", "models", "plots", "report", "doctor.selftest")),
)
R = np.random.default_rng(3)
Q, V = R.standard_normal((3, 4)).astype(np.float32), R.standard_normal((6, 4)).astype(np.float32)
TABLE = {"id": list("abcdef"), "genre": ["x", "y", "x", None, "z", "x"], "year": [1, 2, 3, 4, 5, 6]}
X = sp.csr_array((R.random((5, 6)) < 0.6) * R.integers(1, 6, (5, 6)).astype(np.float32))


def interactions() -> data.Interactions:
    rows = [("ann", 5, 4.0, 1), ("ann", 6, 2.0, 2), ("bob", 5, 5.0, 3), ("cid", 7, 1.0, 4)]
    users, items, ratings, times = map(list, zip(*rows, strict=True))
    return data.Interactions.from_arrays(users, items, ratings, timestamps=times)


def encoder() -> features.FeatureEncoder:
    return features.FeatureEncoder(categories="genre", numbers="year", id="id").fit(TABLE)


def fitted(cls: Any, **params: Any) -> Any:
    return cls(**params).fit(X, show_progress=False)


def recommended(model: Any) -> Any:
    """Of an estimator: its parameters, and what it recommends once it is fitted."""
    params = model.get_params()
    if model._state is None:
        return params
    if isinstance(model, models.ContentBridge):
        return params, model.transform(V)
    return params, model.recommend([0, 1, 2], N=4), model.similar_items([0], N=3)


def estimators(cls: Any, **params: Any) -> list[tuple[Callable[[], Any], Callable[[Any], Any]]]:
    return [(lambda: cls(**params), recommended), (lambda: fitted(cls, **params), recommended)]


def bridge() -> models.ContentBridge:
    return models.ContentBridge().fit(Q[[0, 1, 2, 0, 1, 2]], item_features=V, show_progress=False)


def flat(n: int = 6) -> compat.IndexFlatIP:
    index = compat.IndexFlatIP(4)
    index.add(V[: n // 2])
    index.add(V[n // 2 : n])
    return index


def ranked() -> data.FrameRecommender:
    read = interactions()
    model = models.NeighbourAttention().fit(read, show_progress=False)
    return data.FrameRecommender(model, read, fallback=data.popularity(read))


def of_slots(x: Any) -> list[Any]:
    return [getattr(x, name) for name in type(x).__slots__]


def explained() -> explain.Explanation:
    return fitted(models.NeighbourAttention).explain(0, 1)


EPOCHS = {"factors": 4, "epochs": 1}
MADE: dict[Any, list[tuple[Callable[[], Any], Callable[[Any], Any]]]] = {
    ar.TopK: [(lambda: ar.topk(Q, V, 2), of_slots), (lambda: ar.topk(Q[0], V, 2, weights=False), of_slots)],
    ar.CrossEntropy: [(lambda: ar.softmax_cross_entropy(Q, V, [0, 1, 2], item_bias=np.ones(6)), of_slots)],
    ar.ItemIndex: [
        (lambda: ar.ItemIndex(V), lambda x: (x.ids, x.features, x.precision, ar.topk(Q, x, 3).ids)),
        (
            lambda: ar.ItemIndex(V, ids=2**40 + np.arange(6), precision="int8"),
            lambda x: (x.ids, x.features, x.precision),
        ),
        (lambda: ar.ItemIndex(V[:0], ids=[]), lambda x: (x.ids, x.features)),
    ],
    ar.Searcher: [
        (lambda: ar.ItemIndex(V, ids=np.arange(6) + 9).searcher(k=2, filter_items=[10]), lambda x: x(Q[0], exclude=[9]))
    ],
    compat.IndexFlatIP: [
        (flat, lambda x: (x.d, x.ntotal, x.search(Q, 3), x.reconstruct(2))),
        (lambda: compat.IndexFlatIP(4), lambda x: (x.d, x.ntotal, x.search(Q, 2))),
    ],
    compat.RecToolsRanker: [
        (lambda d=d: compat.RecToolsRanker(d, Q, V), lambda x: x.rank([0, 2], 3))
        for d in ("dot", "cosine", "euclidean")
    ],
    data.Alignment: [(lambda: data.Alignment("items", "id", 3, 1, 2, ("tea",), ("rum",)), lambda x: (str(x), vars(x)))],
    data.Ids: [
        (lambda names=names: data.Ids(names), lambda x: (list(x), x.to_numpy(), x.positions(list(x))))
        for names in ([5, 9], ["a", ("b", 1)], np.array([2**63 + 1], np.uint64), [])
    ],
    data.Interactions: [
        (interactions, lambda x: (x.user_items, x.users.to_numpy(), x.items.to_numpy(), x.timestamps, repr(x.report)))
    ],
    data.Items: [(lambda: data.Items(data.Ids([5]), ["Heat"], {"year": [1995]}), lambda x: (x.row(5), list(x.ids)))],
    data.Report: [(lambda: interactions().report, lambda x: (str(x), x.clean))],
    data.FrameRecommender: [(ranked, lambda x: x.recommend(["ann", "new"], 2).to_dict("list"))],
    data.UserHoldout: [(lambda: data.splits.user_holdout(X, n_users=2, random_state=0), tuple)],
    features.FeatureEncoder: [
        (lambda: features.FeatureEncoder(categories="genre"), lambda x: x.get_params()),
        (encoder, lambda x: (x.get_params(), x.transform(TABLE).matrix)),
    ],
    features.Features: [
        (lambda: encoder().transform(TABLE), lambda x: (x.matrix, x.present, list(x.names), list(x.ids)))
    ],
    models.ContentBridge: [(models.ContentBridge, recommended), (bridge, recommended)],
    models.KernelAttentionRecommender: estimators(models.KernelAttentionRecommender),
    models.KernelAttentionRegressor: estimators(models.KernelAttentionRegressor),
    models.NeighbourAttention: estimators(models.NeighbourAttention),
    models.SoftmaxRecommender: estimators(models.SoftmaxRecommender, **EPOCHS),
    models.NotFittedError: [(lambda: models.NotFittedError("fit it"), str)],
    explain.Explanation: [(explained, lambda x: (x.text(), list(x.views()), x.shares("contributions")))],
    explain.Part: [(lambda: explained().contributions, lambda x: (x.ids, x.contributions, x.total))],
    counterfactuals.Counterfactuals: [
        (lambda: fitted(models.NeighbourAttention).counterfactuals(*free_pair()), lambda x: (x.text(), x.ranks))
    ],
    Finding: [(lambda: Finding("gpu", "note", "none"), vars)],
    Outcome: [(lambda: Outcome("topk", 0.1, 0.2), vars)],
    Measured: [(lambda: Measured("a tenth", [("model", {"recall": (0.1, None, 0.2)})]), vars)],
    Trials: [(lambda: Trials([{"a": 1, "score": 0.5}]), list)],
}
ABSTRACT = {models.Recommender}  # what estimators are made from


def free_pair() -> tuple[int, int]:
    """A user, and an item that the user does not have."""
    user, item = np.argwhere(X.toarray() == 0)[0]
    return int(user), int(item)


def public_classes() -> set[Any]:
    found = {Trials}
    for door in DOORS:
        module = importlib.import_module(door)
        found |= {x for name in module.__all__ if inspect.isclass(x := getattr(module, name))}
    return found - ABSTRACT


def test_every_public_class_is_here() -> None:
    assert {cls.__name__ for cls in public_classes()} == {cls.__name__ for cls in MADE}


def flatten(x: Any) -> Any:
    """Something comparable: bytes of arrays with their dtypes."""
    if isinstance(x, (tuple, list)):
        return [flatten(part) for part in x]
    if isinstance(x, dict):
        return {key: flatten(part) for key, part in x.items()}
    if sp.issparse(x):
        return type(x).__name__, x.shape, flatten([x.data, x.indices, x.indptr])
    if isinstance(x, np.ndarray):
        return str(x.dtype), x.shape, x.tolist() if x.dtype == object else x.tobytes()
    return x


def by_joblib(x: Any) -> Any:
    kept = io.BytesIO()
    joblib.dump(x, kept)
    kept.seek(0)
    return joblib.load(kept)


WAYS: dict[str, Callable[[Any], Any]] = {
    **{f"pickle-{p}": lambda x, p=p: pickle.loads(pickle.dumps(x, protocol=p)) for p in range(2, 6)},
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "joblib": by_joblib,
}
CASES = [(cls, at) for cls, made in MADE.items() for at in range(len(made))]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("cls", "at"), CASES, ids=lambda x: getattr(x, "__name__", x))
def test_comes_back_the_same(cls: Any, at: int, way: str) -> None:
    make, look = MADE[cls][at]
    thing = make()
    assert type(thing) is cls
    back = WAYS[way](thing)
    assert type(back) is cls
    assert flatten(look(back)) == flatten(look(thing))


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_of_a_flat_index_is_its_own(way: str) -> None:
    index = flat()
    before = index.search(Q, 2)
    other = WAYS[way](index)
    other.add(9 * V)
    index.reset()
    index.add(V)
    assert (other.ntotal, index.ntotal) == (12, 6)
    assert flatten(index.search(Q, 2)) == flatten(before)
    other.reconstruct(0)[:] = 0
    assert other.reconstruct(0).tolist() == V[0].tolist()
