"""Hot, warm and cold: on estimators, in frames, and what those get of whom nothing is known."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from attnrec.data import Interactions, popularity
from attnrec.features import FeatureEncoder
from attnrec.models import KernelAttentionRecommender, SoftmaxRecommender, load
from attnrec.serving import FrameRecommender
from estimators import ESTIMATORS, ITEMS, KINDS, USERS, made

DATA = Interactions.from_arrays(list("aaabbbccdd"), list("xyzxywzwxy"), timestamps=[1, 2, 3, 4, 5, 6, 20, 21, 22, 23])


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_states_follow_histories(cls: Any) -> None:
    model = cls().fit(made("implicit"), show_progress=False)
    users, items = model.user_states(), model.item_states()
    assert users.tolist() == ["cold" if u == 3 else "hot" for u in range(USERS)]
    assert items.tolist() == ["cold" if i == 7 else "hot" for i in range(ITEMS)]
    assert model.user_states([-1, USERS, 0]).tolist() == ["cold", "cold", "hot"]
    assert model.item_states(7).tolist() == ["cold"]
    with pytest.raises(TypeError, match="userids must be row numbers"):
        model.user_states(["a"])


@pytest.mark.parametrize(
    "make", [lambda: KernelAttentionRecommender(based_on="items"), lambda: SoftmaxRecommender(epochs=2)]
)
@pytest.mark.parametrize("dense", [False, True])
def test_items_with_features_alone_are_warm(make: Any, dense: bool) -> None:
    features = np.eye(4)[np.arange(ITEMS) % 4]
    features[[7, 9]] = [[0, 1, 0, 1], [0, 0, 0, 0]]
    given = features if dense else sp.csr_array(features)
    model = make().fit(made("implicit"), item_features=given, show_progress=False)
    assert model.item_states([7, 9, 0]).tolist() == ["warm", "hot", "hot"]
    model.partial_fit_items([ITEMS, ITEMS + 1], item_features=np.array([[1, 0, 0, 0], [0, 0, 0, 0]]))
    assert model.item_states([ITEMS, ITEMS + 1]).tolist() == ["warm", "cold"]


@pytest.mark.parametrize("model", [KernelAttentionRecommender(based_on="items"), SoftmaxRecommender(epochs=2)])
def test_items_with_a_given_vector_alone_are_warm(model: Any, tmp_path: Path) -> None:
    model.fit(made("implicit"), show_progress=False)
    vectors = np.ones((2, ITEMS if isinstance(model, KernelAttentionRecommender) else model.item_vectors.shape[1]))
    new = [ITEMS, ITEMS + 1]
    model.partial_fit_items(new, item_vectors=vectors)
    assert model.item_states([7, *new, ITEMS + 2]).tolist() == ["cold", "warm", "warm", "cold"]
    model.save(tmp_path / "model")
    assert load(tmp_path / "model").item_states(new).tolist() == ["warm", "warm"]
    users = sp.csr_array(([1.0], ([0], [0])), shape=(1, USERS))
    model.partial_fit_items([ITEMS], users)
    assert model.item_states(new).tolist() == ["hot", "warm"]
    for wrong in ([ITEMS + 2], [3, 3], [-1]):
        state = model._fitted()
        if isinstance(model, KernelAttentionRecommender):
            rows = np.repeat(state.vectors.given[:1], len(wrong), axis=0)
            state = replace(state, vectors=replace(state.vectors, given_items=np.array(wrong), given=rows))
        else:
            state = replace(state, given_items=np.array(wrong))
        damaged = type(model)()
        damaged._state = state
        damaged.save(tmp_path / "damaged")
        with pytest.raises(ValueError, match="given_items"):
            load(tmp_path / "damaged")


def test_users_with_features_alone_are_warm() -> None:
    features = np.eye(3)[np.arange(USERS) % 3]
    model = SoftmaxRecommender(epochs=2).fit(made("implicit"), user_features=features, show_progress=False)
    assert model.user_states([3, 0, USERS]).tolist() == ["warm", "hot", "cold"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cls", ESTIMATORS)
def test_nobody_in_particular_gets_an_order_that_is_no_accident(cls: Any, kind: str) -> None:
    """Scores of an empty history are finite, are not all alike, and favour items that many like."""
    x = made(kind)
    if kind == "implicit" and cls.__name__ == "KernelAttentionRegressor":
        pytest.skip("ratings that are all alike say nothing, and nothing is preferred")
    settings = (
        [{"based_on": what} for what in ("users", "items", "both")] if cls is KernelAttentionRecommender else [{}]
    )
    for setting in settings:
        model = cls(**setting).fit(x, show_progress=False)
        ids, scores = model.recommend([-1], sp.csr_array((1, ITEMS), dtype=np.float32), N=ITEMS, recalculate_user=True)
        assert np.isfinite(scores).all()
        assert np.ptp(scores) > 0
        ranked = scores[0][np.argsort(ids[0])]
        counts = np.asarray((x > 0).sum(axis=0))
        liked = x.sum(axis=0) / np.maximum(counts, 1) if model.predicts_ratings else counts
        assert np.corrcoef(ranked[counts > 0], np.asarray(liked)[counts > 0])[0, 1] > 0.5
        why = model.explain(-1, int(ids[0, 0]), sp.csr_array((1, ITEMS), dtype=np.float32))
        assert why.total == pytest.approx(float(scores[0, 0]), rel=1e-5)


def test_popularity_is_its_formula() -> None:
    shares = np.array([2, 3, 3, 2]) / 10  # w x y z, by hand
    np.testing.assert_allclose(popularity(DATA), shares)
    counts = np.array([1, 1, 1, 1])  # of the last four
    np.testing.assert_allclose(popularity(DATA, window=4, prior=0), counts / 4)
    np.testing.assert_allclose(popularity(DATA, window=4, prior=0.5), (counts + 2 * shares) / 6)
    days = [datetime.datetime(2020, 1, d) for d in (1, 2, 10)]
    dated = Interactions.from_arrays(["a", "b", "c"], ["x", "x", "y"], timestamps=days)
    assert popularity(dated, window=datetime.timedelta(days=3), prior=0).tolist() == [0, 1]
    assert popularity(dated, window=np.timedelta64(9, "D"), prior=0).tolist() == [0.5, 0.5]


def test_popularity_refuses() -> None:
    plain = Interactions.from_arrays(["a"], ["x"])
    with pytest.raises(ValueError, match="needs timestamps"):
        popularity(plain, window=3)
    with pytest.raises(TypeError, match="give a number in their unit"):
        popularity(DATA, window=datetime.timedelta(days=3))
    for window in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="must be above 0"):
            popularity(DATA, window=window)
    for prior in (-1, float("nan"), "a"):
        with pytest.raises(ValueError, match="prior="):
            popularity(DATA, prior=prior)
    with pytest.raises(TypeError, match="make Interactions of it"):
        popularity(DATA.user_items)  # type: ignore[arg-type]


def front(fallback: Any = None) -> tuple[FrameRecommender, Any]:
    encoder = FeatureEncoder(categories="town", id="user")
    people = encoder.fit_transform({"user": list("abcdef"), "town": ["P", "P", "Q", "P", "Q", None]})
    model: Any = SoftmaxRecommender(factors=4, epochs=2)
    model.fit(DATA, user_features=people.align(DATA.users), show_progress=False)
    return FrameRecommender(model, DATA, fallback=fallback), people


def test_frames_of_hot_warm_and_cold_users() -> None:
    recommender, people = front(popularity(DATA))
    frame = recommender.recommend(["f", "e", "a"], 2, user_features=people, with_states=True)
    assert frame["user"].tolist() == ["f", "f", "e", "e", "a"]
    assert frame["user_state"].tolist() == ["cold", "cold", "warm", "warm", "hot"]
    assert frame["item_state"].tolist() == ["hot"] * 5
    assert frame["item"].tolist()[:2] == ["x", "y"]  # as popular as can be, ties by lower id
    np.testing.assert_allclose(frame["score"].tolist()[:2], [0.3, 0.3], rtol=1e-6)
    nothing = sp.csr_array((1, 4), dtype=np.float32)
    want = recommender.model.recommend([-1], nothing, N=2, recalculate_user=True, user_features=people.matrix[[4]])
    assert frame["item"].tolist()[2:4] == DATA.items.names(want[0][0]).tolist()
    np.testing.assert_array_equal(frame["score"].to_numpy()[2:4], want[1][0])
    alone = recommender.recommend(["a"], 2)
    assert list(alone.columns) == ["user", "item", "score", "rank"]
    np.testing.assert_array_equal(alone["score"], frame["score"][4:])
    some = recommender.recommend(["f"], 3, items_to_recommend=["z", "w"])
    assert some["item"].tolist() == ["w", "z"]
    assert some["rank"].tolist() == [1, 2]
    as_rows = recommender.recommend(["e", "a"], 2, user_features=people.matrix[[4, 0]])
    np.testing.assert_array_equal(as_rows["score"], frame["score"][2:])


def test_unsupported_targets() -> None:
    recommender, people = front()
    with pytest.raises(ValueError, match="1 of 2 users have no interactions: 'f'"):
        recommender.recommend(["f", "e"], user_features=people)
    with pytest.warns(UserWarning, match="1 of 2 users"):
        frame = recommender.recommend(["f", "e"], 1, user_features=people, on_unsupported_targets="warn")
    assert frame["user"].tolist() == ["e"]
    assert recommender.recommend(["f", "q"], on_unsupported_targets="ignore").empty
    with pytest.raises(ValueError, match="3 rows for 2 users"):
        recommender.recommend(["e", "a"], user_features=people.matrix[:3])
    for wrong in (pd.Series([1, 2]), {"town": ["P", "Q"]}, pd.DataFrame({"town": ["P", "Q"]})):
        with pytest.raises(TypeError, match="give a matrix of numbers, or Features"):
            recommender.recommend(["e", "a"], user_features=wrong)
    dense = people.matrix[[4, 0]].toarray()
    want = recommender.recommend(["e", "a"], user_features=people)
    for given in (dense, dense.tolist(), people.matrix[[4, 0]].tocoo()):
        got = recommender.recommend(["e", "a"], user_features=given)
        np.testing.assert_array_equal(got["score"], want["score"])
    for wrong in ([1.0], [1, 2, 3, np.nan]):
        with pytest.raises(ValueError, match="a finite score for each of the 4 items"):
            FrameRecommender(recommender.model, DATA, fallback=wrong)
