"""Dislikes and the scale of ratings through the C interface: what Python answers, and files forged in either."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

import attnrec
from attnrec.data import Interactions
from attnrec.models import (
    KernelAttentionRecommender,
    KernelAttentionRegressor,
    NeighbourAttention,
    Recommender,
    SoftmaxRecommender,
    load,
)
from served import Service, equal, forge
from signs import SIGNED, signed

U, N = SIGNED

if attnrec.backend() != "compiled":
    pytest.skip("there is no C interface without the compiled extension", allow_module_level=True)

MAKERS: dict[str, tuple[Callable[..., Recommender], float]] = {
    "neighbours": (lambda **more: NeighbourAttention(feedback="implicit", **more), 0),
    "neighbours, raw": (lambda **more: NeighbourAttention(feedback="implicit", features="raw", **more), 0),
    "kernel": (KernelAttentionRecommender, 1e-6),
    "kernel, item": (lambda **more: KernelAttentionRecommender(based_on="items", **more), 0),
    "softmax": (lambda **more: SoftmaxRecommender(factors=6, epochs=2, **more), 1e-6),
    "softmax, free": (
        lambda **more: SoftmaxRecommender(factors=6, epochs=2, user_representation="embedding", **more),
        1e-3,
    ),
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    return Service(tmp_path_factory.mktemp("service"))


def fitted(model: Recommender, x: Any, path: Path) -> Recommender:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model.fit(x, show_progress=False)
    model.save(path)
    return model


@pytest.mark.parametrize("negative", ["seen", "ignore", "interaction"])
@pytest.mark.parametrize("name", MAKERS)
def test_dislikes_are_as_in_python(name: str, negative: str, service: Service, tmp_path: Path) -> None:
    make, within = MAKERS[name]
    model = fitted(make(negative=negative), csr_array(signed()), tmp_path / "m")
    new, users, nobody = csr_array(signed(1)), np.arange(U), np.full(U, -1)
    with service.open(tmp_path / "m") as served:
        for keep in (False, True):
            how = {"N": N, "filter_already_liked_items": not keep}
            told = service.recommend(served, userids=users, k=N, keep=keep)
            equal(told, model.recommend(users, **how), within)
            told = service.recommend(served, new, k=N, keep=keep)
            equal(told, model.recommend(nobody, new, recalculate_user=True, **how), within)
            told = service.recommend(served, csr_array(signed()), userids=users, k=N, keep=keep)
            equal(told, model.recommend(users, csr_array(signed()), recalculate_user=True, **how), within)
        for budget in (1, 3000):
            small = service.recommend(served, new, k=N, memory_budget=budget)
            for a, b in zip(small, service.recommend(served, new, k=N), strict=True):
                np.testing.assert_array_equal(a, b)


def test_explicit_ratings_below_0(service: Service, tmp_path: Path) -> None:
    x = csr_array(signed())
    for model, within in ((NeighbourAttention(damping=0.0), 0), (KernelAttentionRegressor(noise=0.05), 1e-5)):
        fitted(model, x, tmp_path / "m")
        with service.open(tmp_path / "m") as served:
            for clip in (True, False):
                told = service.recommend(served, csr_array(signed(1)), k=N, clip=clip)
                want = model.recommend(np.full(U, -1), csr_array(signed(1)), N=N, recalculate_user=True, clip=clip)
                equal(told, want, within)


@pytest.mark.parametrize(
    "model", [NeighbourAttention(0.2, damping=0.0), KernelAttentionRegressor(bias_weight=1.0, noise=0.05)]
)
def test_a_narrow_scale_cuts(model: Recommender, service: Service, tmp_path: Path) -> None:
    """One that was declared, made narrower in the file, so that nearly everything is cut."""
    users, items = np.nonzero(signed() > 0)
    data = Interactions.from_arrays(users, items, signed()[users, items], rating_range=(1, 3))
    fitted(model, data, tmp_path / "m")
    narrow = {"low": 1.9, "high": 2.1, "range_low": 2.0, "range_high": 2.0}
    forge(tmp_path / "m", lambda h, a: h["facts"].update(narrow))
    again = load(tmp_path / "m")
    every = np.arange(again.n_users)
    with service.open(tmp_path / "m") as served:
        ids, scores, counts = service.recommend(served, userids=every, k=again.n_items)
        equal((ids, scores, counts), again.recommend(every, N=again.n_items), 1e-5)
        assert set(np.unique(scores[ids >= 0])) & {np.float32(1.9), np.float32(2.1)}
        raw = service.recommend(served, userids=every, k=again.n_items, clip=False)
        equal(raw, again.recommend(every, N=again.n_items, clip=False), 1e-5)
        np.testing.assert_array_equal(raw[0], ids)


def both_refuse(service: Service, path: Path, says: str) -> None:
    with pytest.raises(ValueError, match=f"(?s){path.name}.*({says})"):
        load(path)
    with pytest.raises(ValueError, match=f"(?s)^model_open: .*{path.name}.*({says})"), service.open(path):
        pass


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda h, a: h["facts"].pop("negative"), "negative|dislike"),
        (lambda h, a: h["facts"].update(negative="never"), "negative|dislike"),
        (lambda h, a: h["facts"].update(negative="ignore"), "dislike"),
        (lambda h, a: a["disliked.data"].__setitem__(0, 1), "dislike"),
        (lambda h, a: a["disliked.data"].__setitem__(0, np.nan), "not finite"),
        (lambda h, a: a["disliked.indices"].__setitem__(0, N), "disliked"),
        (lambda h, a: a["disliked.indptr"].__setitem__(-1, 10**6), "disliked"),
        (lambda h, a: h["shapes"].update(disliked=[U, N + 1]), "dislike"),
        (lambda h, a: a.update({f"disliked.{p}": a[f"histories.{p}"] for p in ("indices", "indptr")}), "dislike"),
        (lambda h, a: a.pop("disliked.indptr"), "disliked"),
    ],
)
@pytest.mark.parametrize("name", ["neighbours", "kernel", "softmax"])
def test_forged_dislikes(name: str, change: Any, says: str, service: Service, tmp_path: Path) -> None:
    fitted(MAKERS[name][0](), csr_array(signed()), tmp_path / "forged")

    def make(header: Any, arrays: Any) -> None:
        change(header, arrays)
        if len(arrays["disliked.data"]) != len(arrays["disliked.indices"]):
            arrays["disliked.data"] = np.full(len(arrays["disliked.indices"]), -1, np.float32)

    forge(tmp_path / "forged", make)
    both_refuse(service, tmp_path / "forged", says)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"low": 3.0, "high": 2.0}, "scale of ratings|high that is no number of at least 3"),
        ({"high": 1e39}, "scale of ratings|more than a float32 holds"),
        ({"low": -1e39}, "scale of ratings|low that is no number"),
        ({"low": "1"}, "low"),
    ],
)
@pytest.mark.parametrize("model", [NeighbourAttention(feedback="explicit"), KernelAttentionRegressor()])
def test_forged_scales(model: Recommender, facts: Any, says: str, service: Service, tmp_path: Path) -> None:
    fitted(model, csr_array(signed()), tmp_path / "forged")
    forge(tmp_path / "forged", lambda h, a: h["facts"].update(facts))
    both_refuse(service, tmp_path / "forged", says)


def test_a_file_without_a_scale(service: Service, tmp_path: Path) -> None:
    for model in (NeighbourAttention(feedback="explicit"), KernelAttentionRegressor()):
        fitted(model, csr_array(signed()), tmp_path / "forged")
        forge(tmp_path / "forged", lambda h, a: h["facts"].pop("low"))
        both_refuse(service, tmp_path / "forged", "low")
