"""explain_many and counterfactuals of every estimator, against what recommend() says when it is asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from attnrec import config, models
from attnrec.explain.counterfactuals import Counterfactuals
from attnrec.models.base.ranking import best, ranks
from estimators import ESTIMATORS, ITEMS, USERS, made

STRANGER = -1
# The bits that recommend() gives, from compiled kernels; NumPy's products depend on the batch, and training on them.
CLOSE = {"rel": 0, "abs": 0} if config.backend() == "compiled" else {"rel": 1e-4, "abs": 1e-5}
MORE: list[Any] = [  # other ways to score that one class has
    models.NeighbourAttention(feedback="implicit"),
    models.KernelAttentionRegressor(passes=1),
    models.KernelAttentionRecommender(based_on="items"),
    models.KernelAttentionRecommender(based_on="both"),
    models.KernelAttentionRecommender(n_blocks=2),
    models.SoftmaxRecommender(user_representation="embedding", epochs=3),
]
ALL: list[Any] = [*(e() for e in ESTIMATORS), *MORE]


@pytest.fixture(scope="module", params=ALL, ids=repr)
def model(request: pytest.FixtureRequest) -> models.Recommender:
    return request.param.fit(made("explicit"), show_progress=False)


@pytest.fixture(scope="module")
def towers() -> models.Recommender:
    """A model that knows users by their features too."""
    features = np.random.default_rng(2).random((USERS, 4))
    fit = models.SoftmaxRecommender(factors=8, epochs=3).fit
    return fit(made("implicit"), user_features=features, show_progress=False)


def without(history: csr_array, item: int) -> csr_array:
    kept = history.indices != item
    assert np.count_nonzero(~kept) == 1
    return csr_array((history.data[kept], history.indices[kept], [0, kept.sum()]), shape=history.shape)


def asked(model: models.Recommender, user: int, history: csr_array, item: int, **options: Any) -> tuple[float, int]:
    """Score and rank of an item as recommend() lists it."""
    ids, scores = model.recommend(user, history, N=ITEMS, recalculate_user=True, **options)
    at = int(np.flatnonzero(ids == item)[0])
    return float(scores[at]), at + 1


def agree(model: models.Recommender, got: Counterfactuals, user: int, history: csr_array, **options: Any) -> None:
    histories = [(history, got.score, got.rank), *((without(history, i), score, rank) for i, score, rank in got)]
    for each, score, rank in histories:
        want = asked(model, user, each, got.itemid, **options)
        assert score == pytest.approx(want[0], **CLOSE)
        assert rank == want[1]


@pytest.mark.parametrize("user", [0, 11])
def test_of_a_fitted_user(model: models.Recommender, user: int) -> None:
    history = made("explicit")[[user]]
    for item in model.recommend(user, N=ITEMS)[0][[0, 4]].tolist():
        got = model.counterfactuals(user, item, N=ITEMS)
        assert (got.userid, got.itemid, got.count) == (user, item, history.nnz)
        assert sorted(got.itemids.tolist()) == history.indices.tolist()
        assert np.all(np.diff(np.abs(got.scores - np.float32(got.score))) <= 0)
        assert got.score == model.predict(user, item)
        agree(model, got, user, history)


def test_something_depends_on_the_history(model: models.Recommender) -> None:
    items = model.recommend(11, N=ITEMS)[0][:5].tolist()
    changes = np.concatenate([(w := model.counterfactuals(11, item)).ranks - w.rank for item in items])
    assert np.any(changes > 0)


def test_of_a_stranger(model: models.Recommender) -> None:
    history = made("explicit", seed=5)[[1]]
    for user in (STRANGER, USERS + 7):
        item = int(model.recommend(user, history, N=1, recalculate_user=True)[0][0])
        got = model.counterfactuals(user, item, history)
        assert got.userid == STRANGER
        agree(model, got, user, history)
    assert "for a new user" in str(got)


def test_with_another_history(model: models.Recommender) -> None:
    """A fitted user who is still not their own neighbour, out of the full matrix."""
    other = made("explicit", seed=6)
    item = int(model.recommend(5, other[[5]], N=1, recalculate_user=True)[0][0])
    agree(model, model.counterfactuals(5, item, other), 5, other[[5]])


def test_the_ones_that_contribute_most(model: models.Recommender) -> None:
    item = int(model.recommend(0, N=1)[0][0])
    few = model.counterfactuals(0, item, N=2)
    assert set(few.itemids.tolist()) == set(model.explain(0, item, N=2).contributions.ids.tolist())
    assert (len(few), few.count) == (2, made("explicit")[[0]].nnz)
    agree(model, few, 0, made("explicit")[[0]])


def test_filters(model: models.Recommender) -> None:
    best_two = model.recommend(11, N=2)[0].tolist()
    options = {"filter_items": [best_two[0]]}
    got = model.counterfactuals(11, best_two[1], **options)
    assert got.rank == 1
    agree(model, got, 11, made("explicit")[[11]], **options)
    with pytest.raises(ValueError, match=f"itemid {best_two[0]} is filtered, so it is not shown and has no rank"):
        model.counterfactuals(11, best_two[0], **options)


def test_an_empty_history(model: models.Recommender) -> None:
    for user, history in ((3, None), (STRANGER, csr_array((1, ITEMS), dtype=np.float32))):
        got = model.counterfactuals(user, 2, history)
        assert (len(got), list(got), got.count) == (0, [], 0)
        agree(model, got, user, csr_array((1, ITEMS), dtype=np.float32))
        assert str(got).endswith("There is no history to leave anything out of.")
    last = csr_array(([4.0], ([0], [9])), shape=(1, ITEMS))
    agree(model, model.counterfactuals(STRANGER, 2, last), STRANGER, last)


def test_what_is_refused(model: models.Recommender) -> None:
    inside = int(made("explicit")[[0]].indices[0])
    with pytest.raises(ValueError, match=f"itemid {inside} is in the history, so it is not shown and has no rank"):
        model.counterfactuals(0, inside)
    with pytest.raises(ValueError, match="one userid and one itemid"):
        model.counterfactuals([0, 1], 2)
    with pytest.raises(ValueError, match=f"itemid {ITEMS} is not one of"):
        model.counterfactuals(0, ITEMS)
    with pytest.raises(ValueError, match="N=0"):
        model.counterfactuals(0, 2, N=0)
    with pytest.raises(ValueError, match=f"userid {USERS} is not one of"):
        model.counterfactuals(USERS, 2)


def test_user_features_stay(towers: models.Recommender) -> None:
    item = int(towers.recommend(11, N=1)[0][0])
    agree(towers, towers.counterfactuals(11, item), 11, made("implicit")[[11]])


def test_blocks_do_not_matter(model: models.Recommender, monkeypatch: pytest.MonkeyPatch) -> None:
    item = int(model.recommend(0, N=1)[0][0])
    users, items = np.arange(12) % 5, np.arange(12)
    want, whole = model.counterfactuals(0, item), model.explain_many(users, items)
    monkeypatch.setattr("attnrec.models.base.batches._MOST", 2)
    got = model.counterfactuals(0, item)
    np.testing.assert_array_equal(got.itemids, want.itemids)
    np.testing.assert_allclose(got.scores, want.scores, rtol=CLOSE["rel"], atol=CLOSE["abs"])
    for a, b in zip(model.explain_many(users, items), whole, strict=True):
        assert a.total == pytest.approx(b.total, rel=1e-5, abs=1e-5)


def test_many_are_as_one(model: models.Recommender) -> None:
    rng = np.random.default_rng(4)
    users, items = rng.integers(0, USERS, 60), rng.integers(0, ITEMS, 60)
    many = model.explain_many(users, items, N=4)
    scores = model.predict(users, items)
    for user, item, score, got in zip(users.tolist(), items.tolist(), scores, many, strict=True):
        one = model.explain(user, item, N=4)
        assert (got.userid, got.itemid, got.bias_name) == (user, item, one.bias_name)
        assert list(got.views()) == list(one.views())
        assert got.total == pytest.approx(score, rel=1e-5, abs=1e-6)
        assert got.total == pytest.approx(one.total, rel=1e-6, abs=1e-7)
        for a, b in zip(got.views().values(), one.views().values(), strict=True):
            assert got.bias + a.total == pytest.approx(got.total, rel=1e-9, abs=1e-9)
            np.testing.assert_allclose(a.contributions, b.contributions, rtol=1e-4, atol=1e-6)
            assert a.count == b.count


def test_many_of_one_user_and_of_strangers(model: models.Recommender) -> None:
    assert [(w.userid, w.itemid) for w in model.explain_many(4, [7, 2])] == [(4, 7), (4, 2)]
    assert model.explain_many([], []) == []
    histories = made("explicit", seed=5)[:2]
    got = model.explain_many([STRANGER, STRANGER], [7, 2], user_items=histories, N=3)
    assert [w.userid for w in got] == [STRANGER] * 2
    for row, why in enumerate(got):
        one = model.explain(STRANGER, why.itemid, histories[[row]], N=3)
        assert why.total == pytest.approx(one.total, rel=1e-5, abs=1e-5)
    with pytest.raises(ValueError, match="pass pairs, or one number"):
        model.explain_many([1, 2, 3], [1, 2])


def test_ranks_are_places_in_the_list() -> None:
    scores = np.random.default_rng(0).integers(0, 4, (50, 9)).astype(np.float32)
    scores[::7, 3] = -0.0
    ids, _ = best(scores, 9)
    for column in range(9):
        np.testing.assert_array_equal(ranks(scores, column), np.argwhere(ids == column)[:, 1] + 1)
