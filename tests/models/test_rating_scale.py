"""Predicted ratings on the scale of the data: cut after ranking, the same in every answer, and the rest in the bias."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from attnrec.data import FrameRecommender, Interactions
from attnrec.models import (
    KernelAttentionRecommender,
    KernelAttentionRegressor,
    NeighbourAttention,
    Recommender,
    SoftmaxRecommender,
    load,
)
from estimators import ESTIMATORS, assert_same_bits, made
from signs import RATED, enthusiasts

U, N = RATED
RATERS: dict[str, Any] = {
    "neighbours": lambda: NeighbourAttention(0.2, damping=0.0),
    "regressor": lambda: KernelAttentionRegressor(
        bias_weight=1.0, noise=0.05, second_pass_noise=0.05, user_damping=0.1, item_damping=0.1
    ),
    "regressor, one pass": lambda: KernelAttentionRegressor(1, bias_weight=1.0, noise=0.05),
}


@pytest.fixture(params=RATERS)
def model(request: pytest.FixtureRequest) -> Recommender:
    return RATERS[request.param]().fit(csr_array(enthusiasts()), show_progress=False)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), name=st.sampled_from(sorted(RATERS)))
def test_ranked_by_what_was_not_cut(seed: int, name: str) -> None:
    x = csr_array(enthusiasts(seed))
    model = RATERS[name]().fit(x, show_progress=False)
    low, high = model.rating_range
    users, strangers = np.arange(U), csr_array(enthusiasts(seed + 1))
    for how in ({}, {"user_items": strangers, "recalculate_user": True}, {"filter_already_liked_items": False}):
        ids, raw, weights = model.recommend(users, N=N, return_weights=True, clip=False, **how)
        got = model.recommend(users, N=N, return_weights=True, **how)
        np.testing.assert_array_equal(got[0], ids)
        np.testing.assert_array_equal(got[1], np.where(ids >= 0, np.clip(raw, low, high), -np.inf))
        np.testing.assert_array_equal(got[2], weights)
        assert np.all(np.diff(np.where(ids >= 0, raw, -1e9), axis=1) <= 0)
    pairs = np.repeat(users, N), np.tile(np.arange(N), U)
    raw = model.predict(*pairs, clip=False)
    np.testing.assert_array_equal(model.predict(*pairs), np.clip(raw, low, high))
    blocks = model.recommend_batches(N=N, format="numpy", show_progress=False, clip=False)
    np.testing.assert_array_equal(next(blocks)[2], model.recommend(users, N=N, clip=False)[1])


def test_something_is_past_the_scale(model: Recommender) -> None:
    """Otherwise the other tests would say nothing; items that are told to be alike stand in their true order."""
    ids, raw = model.recommend(np.arange(U), N=N, clip=False)
    past = (ids >= 0) & ((raw > 5) | (raw < 1))
    assert past.any()
    told = model.recommend(np.arange(U), N=N)[1]
    assert np.all((told[ids >= 0] >= 1) & (told[ids >= 0] <= 5))
    if (raw > 5).sum(axis=1).max() > 1:
        user = int((raw > 5).sum(axis=1).argmax())
        assert told[user, 0] == told[user, 1] == 5
        assert raw[user, 0] > raw[user, 1]


def test_explanations_add_up_to_what_is_told(model: Recommender) -> None:
    pairs = np.repeat(np.arange(U), N), np.tile(np.arange(N), U)
    told, raw = model.predict(*pairs), model.predict(*pairs, clip=False)
    cut = 0
    for why, kept, score, before in zip(
        model.explain_many(*pairs, N=3), model.explain_many(*pairs, N=3, clip=False), told, raw, strict=True
    ):
        assert why.total == pytest.approx(score, rel=2e-6, abs=2e-6)
        assert kept.total == pytest.approx(before, rel=2e-5, abs=2e-5)
        for view in why.views():
            assert why.bias + why.views()[view].total == pytest.approx(why.total, abs=1e-9)
            assert why.views()[view].total == kept.views()[view].total
        if not 1 <= kept.total <= 5:
            cut += 1
            assert why.total in (1, 5)
            assert why.bias == pytest.approx(kept.bias + why.total - kept.total)
            assert why.bias_name == f"{kept.bias_name}, less what passes the range of ratings"
        else:
            assert (why.bias, why.bias_name, why.total) == (kept.bias, kept.bias_name, kept.total)
        if why.sources is not None:
            assert why.bias + sum(why.sources.values()) == pytest.approx(why.total, abs=1e-9)
    assert cut
    ids, raw_scores = model.recommend(0, N=2, clip=False)
    item = int(ids[0])
    without, raw_without = model.counterfactuals(0, item), model.counterfactuals(0, item, clip=False)
    order, raw_order = np.argsort(without.itemids), np.argsort(raw_without.itemids)
    assert without.score == model.predict(0, item)
    assert raw_without.score == raw_scores[0]
    np.testing.assert_array_equal(without.scores[order], np.clip(raw_without.scores[raw_order], 1, 5))
    np.testing.assert_array_equal(without.ranks[order], raw_without.ranks[raw_order])


def interactions(x: np.ndarray, rating_range: tuple[float, float] | None) -> Interactions:
    users, items = np.nonzero(x)
    return Interactions.from_arrays(users, items, x[users, items], rating_range=rating_range)


@pytest.mark.parametrize("name", RATERS)
def test_the_declared_range(name: str, tmp_path: Any) -> None:
    x = np.clip(enthusiasts(), 0, 4)
    assert RATERS[name]().fit(csr_array(x)).rating_range == (1, 4)
    assert RATERS[name]().fit(interactions(x, None)).rating_range == (1, 4)
    data = interactions(x, (0.1, 5))
    model = RATERS[name]().fit(data, show_progress=False)
    assert model.rating_range == (float(np.float32(0.1)), 5)
    part = data.select(np.arange(len(data)) % 2 == 0)
    assert RATERS[name]().fit(part, show_progress=False).rating_range == model.rating_range
    model.save(tmp_path / "m")
    assert load(tmp_path / "m").rating_range == model.rating_range
    top = model.recommend(np.arange(U), N=3)[1].max()
    assert top == np.clip(model.recommend(np.arange(U), N=3, clip=False)[1].max(), 0.1, 5)


@pytest.mark.parametrize("name", RATERS)
def test_updates_widen_it(name: str) -> None:
    """As a refit with the same declaration would; without one the scale is that of what is stored."""
    x, new = enthusiasts(), np.float32([[9] + [2] * (N - 1)])
    after = np.vstack([x, new])
    for source in (csr_array, lambda values: interactions(values, (0.5, 6.0))):
        got = RATERS[name]().fit(source(x), show_progress=False)
        before = got.rating_range
        got.partial_fit_users([U], csr_array(new))
        assert got.rating_range == (before[0], 9)
        if source is csr_array:
            assert_same_bits(got, RATERS[name]().fit(csr_array(after), show_progress=False))
        got.partial_fit_users([U], csr_array(np.float32([[0] * (N - 1) + [2]])))
        assert got.rating_range == before


def test_scores_that_are_no_ratings_stay() -> None:
    x, users = made("implicit"), np.arange(10)
    for model in (
        NeighbourAttention(),
        KernelAttentionRecommender(),
        SoftmaxRecommender(factors=4, epochs=1),
        KernelAttentionRegressor(),
    ):
        model.fit(x, show_progress=False)
        assert not model.predicts_ratings
        assert model.rating_range is None
        for a, b in zip(model.recommend(users), model.recommend(users, clip=False), strict=True):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(model.predict(users, 3), model.predict(users, 3, clip=False))
        assert model.explain(0, 3).total == model.explain(0, 3, clip=False).total


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_clip_is_true_or_false(estimator: type[Recommender]) -> None:
    model = estimator().fit(made("explicit"), show_progress=False)
    for call in (
        lambda clip: model.recommend(0, clip=clip),
        lambda clip: model.recommend_batches(clip=clip),
        lambda clip: model.predict(0, 1, clip=clip),
        lambda clip: model.explain(0, 1, clip=clip),
        lambda clip: model.explain_many(0, 1, clip=clip),
        lambda clip: model.counterfactuals(0, 7, clip=clip),
    ):
        with pytest.raises(TypeError, match=r"clip=\(1, 5\) is not True or False"):
            call((1, 5))
        call(np.bool_(False))


def test_frames(model: Recommender) -> None:
    data = interactions(enthusiasts(), None)
    got = FrameRecommender(model, data).recommend(k=N)["score"].to_numpy()
    raw = FrameRecommender(model, data).recommend(k=N, clip=False)["score"].to_numpy()
    assert got.max() <= 5
    np.testing.assert_array_equal(got, np.clip(raw, 1, 5))
    assert np.any(got != raw)
