"""Values below 0 and estimators of implicit feedback: seen, ignored, or interactions; wherever histories come in."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from attnrec import metrics
from attnrec.data import FrameRecommender, Interactions
from attnrec.models import (
    KernelAttentionRecommender,
    KernelAttentionRegressor,
    NeighbourAttention,
    Recommender,
    SoftmaxRecommender,
    load,
)
from attnrec.models.inputs.dislikes import apart, together
from estimators import answers, assert_same, assert_same_bits
from signs import SIGNED, signed

MAKERS: dict[str, Callable[..., Recommender]] = {
    "neighbours": lambda **more: NeighbourAttention(feedback="implicit", **more),
    "neighbours, raw": lambda **more: NeighbourAttention(feedback="implicit", features="raw", **more),
    "kernel": KernelAttentionRecommender,
    "kernel, both": lambda **more: KernelAttentionRecommender(based_on="both", **more),
    "softmax": lambda **more: SoftmaxRecommender(factors=6, epochs=2, **more),
    "softmax, free": lambda **more: SoftmaxRecommender(factors=6, epochs=2, user_representation="embedding", **more),
}
U, N = SIGNED
MINIMAL = [[1, 1, 0, -1], [1, 1, 1, 0], [0, 1, 1, 1]]


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> Callable[..., Recommender]:
    return MAKERS[request.param]


def quiet(model: Recommender, x: Any, **more: Any) -> Recommender:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return model.fit(csr_array(x), show_progress=False, **more)


def same_lists(got: tuple[np.ndarray, ...], want: tuple[np.ndarray, ...]) -> None:
    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_minimal_case(make: Callable[..., Recommender]) -> None:
    x = csr_array(np.float32(MINIMAL))
    with pytest.warns(UserWarning, match=r"user_items holds 1 value below 0.*negative='ignore'.*'interaction'") as told:
        model = make().fit(x, show_progress=False)
    assert len(told) == 1
    assert told[0].filename == __file__
    assert model.recommend(0, N=4)[0].tolist()[:1] == [2]
    assert 3 not in model.recommend(0, N=4)[0]
    assert model.user_items.nnz == 8
    assert model.disliked.toarray().tolist() == np.minimum(MINIMAL, 0).tolist()


@pytest.mark.parametrize("negative", ["ignore", "interaction"])
@pytest.mark.filterwarnings("error")
def test_what_was_asked_for_is_not_warned_of(make: Callable[..., Recommender], negative: str) -> None:
    model = make(negative=negative).fit(csr_array(np.float32(MINIMAL)), show_progress=False)
    assert (3 in model.recommend(0, N=4)[0]) == (negative == "ignore")
    make().fit(csr_array(np.abs(np.float32(MINIMAL))), show_progress=False)


@pytest.mark.filterwarnings("error")
def test_ratings_may_be_below_0() -> None:
    jester = csr_array(np.float32([[-9.5, 8, 0, 3], [1, -2, 5, 0], [0, 4, -10, 10]]))
    for model in (NeighbourAttention(), NeighbourAttention(feedback="explicit"), KernelAttentionRegressor()):
        model.fit(jester, show_progress=False)
        assert model.predicts_ratings
        assert model.user_items.nnz == jester.nnz
        assert model.rating_range == (-10, 10)
        model.recommend([-1], jester[[0]], recalculate_user=True)
        model.partial_fit_users([3], jester[[1]])
    data = Interactions.from_arrays(list("aabb"), list("xyxz"), [-3.0, 4, 5, -1])
    assert NeighbourAttention().fit(data).rating_range == (-3, 5)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), name=st.sampled_from(sorted(MAKERS)))
def test_ignored_is_as_if_it_were_not_stored(seed: int, name: str) -> None:
    x, make = signed(seed), MAKERS[name]
    got, want = quiet(make(negative="ignore"), x), quiet(make(), np.maximum(x, 0))
    assert_same_bits(got, want)
    users, strangers = np.arange(U), signed(seed + 1)
    for given_to in (
        lambda m, s: m.recommend(users, csr_array(s), N=N),
        lambda m, s: m.recommend(np.full(U, -1), csr_array(s), N=N, recalculate_user=True),
        lambda m, s: (m.predict(users, 2, user_items=csr_array(s)),),
        lambda m, s: (m.explain(0, 2, csr_array(s[[1]])).total,),
    ):
        same_lists(given_to(got, strangers), given_to(want, np.maximum(strangers, 0)))
    for m, s in ((got, strangers), (want, np.maximum(strangers, 0))):
        m.partial_fit_users([2, U], csr_array(s[:2])).partial_fit_items([1], csr_array(np.append(s[:, 3], 1)[None]))
    assert_same_bits(got, want)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), name=st.sampled_from(sorted(MAKERS)))
def test_seen_is_ignored_and_hidden(seed: int, name: str) -> None:
    """The same scores for every pair, from which those of the dislikes are left out."""
    x, make = signed(seed), MAKERS[name]
    seen, ignored = quiet(make(), x), quiet(make(negative="ignore"), x)
    pairs = np.repeat(np.arange(U), N), np.tile(np.arange(N), U)
    np.testing.assert_array_equal(seen.predict(*pairs), ignored.predict(*pairs))
    same_lists(seen.similar_items(np.arange(N), N=N), ignored.similar_items(np.arange(N), N=N))
    same_lists(seen.similar_users(np.arange(U), N=U), ignored.similar_users(np.arange(U), N=U))
    shown = csr_array((x >= 0).astype(np.float32))
    users = np.arange(U)
    want = ignored.recommend(users, N=N, candidates=shown, return_weights=True)
    same_lists(seen.recommend(users, N=N, return_weights=True), want)
    same_lists(seen.recommend(users, csr_array(x), N=N, return_weights=True), want)
    folded = seen.recommend(users, csr_array(x), N=N, recalculate_user=True, return_weights=True)
    for a, b in zip(folded, want, strict=True):
        assert_same(a, b)
    same_lists(next(seen.recommend_batches(N=N, format="numpy", show_progress=False))[1:], want[:2])
    everything = {"N": N, "filter_already_liked_items": False}
    same_lists(seen.recommend(users, **everything), ignored.recommend(users, **everything))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), name=st.sampled_from(sorted(MAKERS)))
def test_interactions_as_all_others(seed: int, name: str) -> None:
    x, make = signed(seed), MAKERS[name]
    got = quiet(make(negative="interaction"), x)
    if name != "neighbours, raw":  # whose cosine looks at values
        assert_same_bits(got, quiet(make(), np.abs(x)))
    assert got.user_items.nnz == np.count_nonzero(x)
    assert got.disliked.nnz == 0


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_apart_and_together(seed: int) -> None:
    x = csr_array(signed(seed))
    x.data[::5] = np.where(x.data[::5] > 0, 0, x.data[::5])  # a stored 0 is an interaction
    learned, disliked = apart(x, "seen")
    assert disliked is not None
    assert np.all(learned.data >= 0)
    assert np.all(disliked.data < 0)
    again = together(learned, disliked)
    for part in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(again, part), getattr(x, part))
        assert getattr(again, part).dtype == getattr(x, part).dtype
    assert apart(x, "interaction") == (x, None)
    assert apart(learned, "seen") == (learned, None)


def test_explanations_and_counterfactuals(make: Callable[..., Recommender]) -> None:
    x = signed()
    model = quiet(make(), x)
    for user in (0, 1, 3):
        disliked = np.flatnonzero(x[user] < 0)
        item = int(np.flatnonzero(x[user] == 0)[0])
        why = model.explain(user, item, N=N)
        assert set(why.contributions.ids.tolist()) <= set(np.flatnonzero(x[user] > 0).tolist())
        assert why.total == pytest.approx(model.predict(user, item), rel=1e-4, abs=1e-5)
        for history in (None, csr_array(x[[user]])):
            without = model.counterfactuals(user, item, history, N=N)
            assert set(without.itemids.tolist()) == set(np.flatnonzero(x[user] > 0).tolist())
            listed = model.recommend(user, N=N)[0]
            assert without.rank == 1 + listed.tolist().index(item)
            for left_out, _, rank in without:
                history_without = x[[user]].copy()
                history_without[0, left_out] = 0
                ids = model.recommend(user, csr_array(history_without), N=N, recalculate_user=True)[0]
                assert ids[rank - 1] == item
            for one in disliked[:1]:
                with pytest.raises(ValueError, match=f"itemid {one} is disliked, a value below 0.*has no rank"):
                    model.counterfactuals(user, int(one), history)


def test_states(make: Callable[..., Recommender]) -> None:
    for negative, state in (("seen", "cold"), ("ignore", "cold"), ("interaction", "hot")):
        model = quiet(make(negative=negative), signed())
        assert model.user_states([0, 3, 5]).tolist() == ["hot", state, "cold"]
        assert model.item_states([0, 7]).tolist() == ["hot", state]


def test_vectors_of_given_histories(make: Callable[..., Recommender]) -> None:
    x = signed()
    model = quiet(make(), x)
    dense = [v.toarray() if hasattr(v, "toarray") else v for v in (model.recalculate_user([0, 1], csr_array(x[:2])),)]
    fitted = model.user_vectors[np.array([0, 1])]
    assert_same(dense[0], fitted.toarray() if hasattr(fitted, "toarray") else fitted)
    a = model.similar_items([0, 2], N=N, recalculate_item=True, item_users=csr_array(x.T))
    b = model.similar_items([0, 2], N=N, recalculate_item=True, item_users=csr_array(np.maximum(x, 0).T))
    same_lists(a, b)


def test_updates(make: Callable[..., Recommender], tmp_path: Any) -> None:
    x, new = signed(), signed(1)
    model = quiet(make(), x)
    with pytest.warns(UserWarning, match=r"user_items holds \d+ values below 0") as told:
        model.partial_fit_users([2, U], csr_array(new[:2]))
    assert told[0].filename == __file__
    after = np.vstack([x, new[[1]]])
    after[2] = new[0]
    with pytest.warns(UserWarning, match=r"item_users holds 2 values below 0"):
        model.partial_fit_items([4], csr_array(np.float32([[1, -1, 1] + [0] * (U - 3) + [-2]])))
    after[:, 4] = [1, -1, 1] + [0] * (U - 3) + [-2]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.partial_fit_users([6], csr_array(np.maximum(after[[6]], 0)))  # those of others are not told of again
    after[6] = np.maximum(after[6], 0)
    np.testing.assert_array_equal(model.user_items.toarray(), np.maximum(after, 0))
    np.testing.assert_array_equal(model.disliked.toarray(), np.minimum(after, 0))
    shown = model.recommend(np.arange(U + 1), N=N)[0]
    for user, row in enumerate(shown):
        assert set(row[row >= 0].tolist()) == set(np.flatnonzero(after[user] == 0).tolist())
    if model.updates_are_exact:
        assert_same_bits(model, quiet(make(), after))
    model.save(tmp_path / "m")
    again = load(tmp_path / "m")
    assert again.get_params() == model.get_params()
    assert_same_bits(again, model)
    np.testing.assert_array_equal(again.disliked.toarray(), model.disliked.toarray())
    nothing = csr_array(np.zeros((U + 1, N), np.float32))
    model.partial_fit_users(np.arange(1, U + 1), nothing[1:])
    assert model.disliked[1:].nnz == 0


def test_a_choice_counts_from_the_next_fit_on() -> None:
    x = signed()
    model = quiet(SoftmaxRecommender(factors=4, epochs=1), x).set_params(negative="ignore")
    before = model.disliked.nnz
    with pytest.warns(UserWarning, match="below 0"):
        model.partial_fit_users([U], csr_array(x[[3]]))
    assert model.disliked.nnz == before + 2


def test_nothing_but_dislikes(make: Callable[..., Recommender]) -> None:
    x = csr_array(np.float32([[-1, 0], [0, -1]]))
    for negative in ("seen", "ignore"):
        with pytest.raises(ValueError, match=r"\(2, 2\) holds no interactions but 2 dislikes, values below 0"):
            make(negative=negative).fit(x, show_progress=False)
    with pytest.raises(ValueError, match="negative='never' is not one of 'seen', 'ignore', 'interaction'"):
        make(negative="never").fit(x, show_progress=False)


def test_tuning_never_looks_for_a_dislike() -> None:
    x = signed()
    for make in (MAKERS["kernel"], MAKERS["softmax"]):
        seen = quiet(make(), x, tune=2)
        want = quiet(make(), np.maximum(x, 0), tune=2)
        assert [t["score"] for t in seen.tuning_ or []] == [t["score"] for t in want.tuning_ or []]
        with pytest.raises(ValueError, match="negative says what the data are"):
            quiet(make(), x, tune={"negative": ["seen", "ignore"]})


def test_checkpoints_of_training(tmp_path: Any) -> None:
    x, path = signed(), tmp_path / "training"
    quiet(SoftmaxRecommender(factors=4, epochs=2, validation_users=3), x, checkpoint=path)
    resumed = quiet(SoftmaxRecommender(factors=4, epochs=2, validation_users=3, negative="ignore"), x, checkpoint=path)
    want = quiet(SoftmaxRecommender(factors=4, epochs=2, validation_users=3), np.maximum(x, 0))
    assert_same_bits(resumed, want)
    with pytest.raises(ValueError, match="other data"):
        quiet(SoftmaxRecommender(factors=4, epochs=2, validation_users=3, negative="interaction"), x, checkpoint=path)


def test_memory_needed_is_of_what_is_learned_from() -> None:
    x = signed()
    model = KernelAttentionRecommender()
    assert model.memory_needed(csr_array(x)) == model.memory_needed(csr_array(np.maximum(x, 0)))


def test_metrics_find_no_dislikes() -> None:
    test = csr_array(np.float32([[1, 0, -2, 0], [0, -1, 0, 0]]))
    assert metrics.recall([[2, 1], [1, 0]], test, per_user=True).tolist()[0] == 0
    assert np.isnan(metrics.ndcg([[2, 1], [1, 0]], test, per_user=True)[1])
    test.data[0] = 0  # a stored 0 is an interaction, as in fit
    assert metrics.hit_rate([[0], [0]], test) == 1


def test_frames() -> None:
    """Somebody with dislikes alone has no interactions to recommend from, and is shown none of them by a fallback."""
    users, items = np.nonzero(signed())
    data = Interactions.from_arrays(users, items, signed()[users, items])
    model = NeighbourAttention(feedback="implicit")
    with pytest.warns(UserWarning, match="below 0"):
        model.fit(data)
    frame = FrameRecommender(model, data).recommend([0, 1], k=N)
    for user in (0, 1):
        told = set(frame["item"][frame["user"] == user].tolist())
        assert told == set(np.flatnonzero(signed()[user] == 0).tolist())
    nothing = FrameRecommender(model, data).recommend([3], k=N, with_states=True)
    assert set(nothing["user_state"]) == {"cold"}
    assert set(nothing["item"].tolist()) == set(range(N)) - {1, 4}
    fallen = FrameRecommender(model, data, fallback=np.ones(N)).recommend([3], k=N, with_states=True)
    assert set(fallen["user_state"]) == {"cold"}
    assert fallen["item"].tolist() == [0, 2, 3, 5, 6, 7, 8, 9]
    again = FrameRecommender(model, data, fallback=np.ones(N)).recommend([3], k=N, exclude_seen=False)
    assert again["item"].tolist() == list(range(N))


def test_values_that_are_left_out() -> None:
    """Interactions without values can have no dislikes: said where they are made; the advice works."""
    x = csr_array(np.float32(MINIMAL))
    with pytest.warns(UserWarning, match="explicit=False leaves values out, so that 1 below 0 become") as told:
        assert Interactions.from_sparse(x, explicit=False).user_items.toarray().min() == 0
    assert told[0].filename == __file__
    with pytest.warns(UserWarning, match="1 value below 0, taken as dislikes"):
        model = KernelAttentionRecommender().fit(Interactions.from_sparse(x), show_progress=False)
    assert model.disliked.nnz == 1


def test_copies(make: Callable[..., Recommender]) -> None:
    sklearn = pytest.importorskip("sklearn.base")
    assert sklearn.clone(make(negative="ignore")).get_params() == make(negative="ignore").get_params()
    assert "negative='ignore'" in repr(make(negative="ignore"))
    assert len(answers(quiet(make(), signed()))) == 8
