"""One contract over every estimator of ``attnrec.models``; a new one is found by its name in ``__all__``."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse import csr_array

from attnrec import models
from estimators import ESTIMATORS, ITEMS, KINDS, USERS, answers, assert_same, assert_same_bits, made


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=ESTIMATORS, ids=lambda e: e.__name__)
def estimator(request: pytest.FixtureRequest) -> type[models.Recommender]:
    return request.param


@pytest.fixture
def x(kind: str) -> csr_array:
    return made(kind)


@pytest.fixture
def model(estimator: type[models.Recommender], x: csr_array) -> models.Recommender:
    return estimator().fit(x, show_progress=False)


def test_there_are_estimators() -> None:
    assert "NeighbourAttention" in [e.__name__ for e in ESTIMATORS]


# Shapes and what is shown.


def test_recommend_one_and_many(model: models.Recommender) -> None:
    ids, scores, weights = model.recommend([4, 9], N=6, return_weights=True)
    assert (ids.shape, ids.dtype, scores.shape, scores.dtype) == ((2, 6), np.int64, (2, 6), np.float32)
    assert weights.dtype == np.float32
    assert np.all((weights >= 0) & (weights <= 1 + 1e-6))
    assert np.all(np.diff(scores, axis=1) <= 0)
    one = model.recommend(9, N=6)
    assert len(one) == 2
    assert_same(one[0], ids[1])
    assert_same(one[1], scores[1])
    none = model.recommend([], N=6, return_weights=True)
    assert [part.shape for part in none] == [(0, 6)] * 3


def test_recommend_scores_are_predictions_best_first(model: models.Recommender, x: csr_array) -> None:
    for user in (0, 3, 11):
        ids, scores = model.recommend(user, N=ITEMS + 4)
        unseen = np.setdiff1d(np.arange(ITEMS), x[[user]].indices)
        order = np.lexsort((unseen, -model.predict(user, unseen, clip=False)))
        assert_same(ids, np.append(unseen[order], [-1] * (ITEMS + 4 - len(unseen))))
        assert_same(scores[: len(unseen)], model.predict(user, unseen)[order])
        assert np.all(scores[len(unseen) :] == -np.inf)


def test_prefix(model: models.Recommender) -> None:
    assert_same(model.recommend([0, 3], N=9)[0][:, :4], model.recommend([0, 3], N=4)[0])


def test_seen_items_never_come_back(model: models.Recommender, x: csr_array) -> None:
    users = np.arange(USERS)
    for given in (None, x):
        ids, scores, weights = model.recommend(users, given, N=ITEMS, return_weights=True)
        for user in users:
            shown = ids[user][ids[user] >= 0]
            assert not set(shown) & set(x[[user]].indices)
            assert len(shown) == ITEMS - x[[user]].nnz
        assert np.all(np.isneginf(scores) == (ids < 0))
        assert np.all(weights[ids < 0] == 0)
    kept = model.recommend(users, N=ITEMS, filter_already_liked_items=False)[0]
    assert np.all(np.sort(kept, axis=1) == np.arange(ITEMS))


def test_given_histories_say_what_is_filtered(model: models.Recommender) -> None:
    seen = csr_array(([1.0, 1.0], ([0, 0], [2, 5])), shape=(1, ITEMS))
    ids, scores = model.recommend(8, seen, N=ITEMS)
    assert set(range(ITEMS)) - set(ids) == {2, 5}
    assert_same(scores[:23], model.predict(8, ids[:23]))


def test_filters_and_candidates(model: models.Recommender, x: csr_array) -> None:
    options: dict[str, Any] = {"N": ITEMS, "filter_already_liked_items": False}
    assert set(model.recommend(5, items=[3, 1, 8], **options)[0]) == {3, 1, 8, -1}
    mask = np.zeros(ITEMS, bool)
    mask[[3, 1, 8]] = True
    assert set(model.recommend(5, items=mask, filter_items=[1], **options)[0]) == {3, 8, -1}
    assert not {4, 6} & set(model.recommend(5, filter_items=[4, 6], **options)[0])
    assert set(model.recommend(5, items=[], **options)[0]) == {-1}
    allowed = csr_array(([1.0, 0.0, 1.0], ([0, 0, 1], [2, 9, 4])), shape=(2, ITEMS))
    ids = model.recommend([5, 6], candidates=allowed, **options)[0]
    assert set(ids[0]) == {2, 9, -1}
    assert set(ids[1]) == {4, -1}
    hidden = model.recommend(5, candidates=x, N=ITEMS)[0]
    assert set(hidden) == {-1}


def test_ties_go_to_the_lower_id(estimator: type[models.Recommender]) -> None:
    x = csr_array(np.array([[1, 0, 0, 0, 1], [1, 1, 1, 1, 0], [1, 1, 1, 1, 0]], dtype=float))
    model = estimator().fit(x, show_progress=False)
    if estimator.updates_are_exact:  # else vectors start at random: items 1, 2 and 3 are alike, and not the same
        assert model.recommend(0, N=3)[0].tolist() == [1, 2, 3]
    tied = model.partial_fit_users([0], csr_array((1, 5), dtype=np.float32)).recommend(0, N=5)
    assert np.all((np.diff(tied[1]) < 0) | (np.diff(tied[0]) > 0))


# Fold-in and updates.


def test_fold_in_equals_fitted(model: models.Recommender, x: csr_array) -> None:
    users = np.array([7, 0, 3])
    want = model.recommend(users, N=ITEMS, return_weights=True)
    for given in (x[users], x):
        got = model.recommend(users, given, N=ITEMS, recalculate_user=True, return_weights=True)
        for a, b in zip(got, want, strict=True):
            assert_same(a, b)
        assert_same(model.predict(users, 4, user_items=given), model.predict(users, 4))
    a, b = model.explain(7, 2, x[[7]]), model.explain(7, 2)
    assert a.total == b.total
    vectors = model.recalculate_user(users, x)
    dense = vectors.toarray() if sparse.issparse(vectors) else vectors
    lengths = np.linalg.norm(dense, axis=1)
    assert np.all(np.isclose(lengths, 1, atol=1e-6) | (lengths == 0))


def test_a_stranger_gets_recommendations(model: models.Recommender) -> None:
    history = made("explicit", seed=5)[[0]]
    for name in (-1, USERS, USERS + 1000):
        ids, scores = model.recommend(name, history, N=5, recalculate_user=True)
        assert np.all(ids >= 0)
        assert np.all(np.isfinite(scores))
        assert not set(ids) & set(history.indices)
        assert_same(np.float32(model.predict(name, int(ids[0]), user_items=history)), scores[0])
        assert model.explain(name, int(ids[0]), history).total == pytest.approx(scores[0], rel=1e-5)
    nothing = csr_array((1, ITEMS), dtype=np.float32)
    assert np.all(model.recommend(-1, nothing, N=ITEMS, recalculate_user=True)[0] >= 0)


def test_partial_fit_users(estimator: type[models.Recommender], x: csr_array) -> None:
    """As if fitted with them from the start; or, where that takes training, as if folded in, and nobody else moves."""
    new = made("explicit", seed=3)[[1, 2, 4]] if np.ptp(x.data) else made("implicit", seed=3)[[1, 2, 4]]
    after = sparse.vstack([x, new[[1]], new[[2]]], format="lil")
    after[5] = new[[0]].toarray()
    got = estimator().fit(x, show_progress=False)
    answers(got)  # so that what is kept between calls has to be renewed
    before = got.recommend(np.arange(USERS), N=ITEMS)
    assert got.partial_fit_users([5, USERS, USERS + 1], new) is got
    if not estimator.updates_are_exact:
        others = np.setdiff1d(np.arange(USERS), [5])
        for a, b in zip(got.recommend(others, N=ITEMS), before, strict=True):
            assert_same(a, b[others])
        for a, b in zip(
            got.recommend([5, USERS, USERS + 1], N=ITEMS),
            got.recommend([-1, -1, -1], new, N=ITEMS, recalculate_user=True),
            strict=True,
        ):
            assert_same(a, b)
        return
    assert_same_bits(got, estimator().fit(after.tocsr(), show_progress=False))


def test_partial_fit_items(estimator: type[models.Recommender], x: csr_array) -> None:
    """As if fitted with them from the start; or, where that takes training, other items keep their scores."""
    other = made("explicit" if np.ptp(x.data) else "implicit", seed=4)
    new = csr_array(other.T)[[2, 3]]
    after = sparse.hstack([x, new[[1]].T], format="lil")
    after[:, [6]] = new[[0]].T.toarray()
    got = estimator().fit(x, show_progress=False)
    answers(got)
    users, before = np.arange(USERS), got.similar_items(np.arange(ITEMS), N=ITEMS, filter_items=[6])
    assert got.partial_fit_items([6, ITEMS], new) is got
    assert got.n_items == ITEMS + 1
    if not estimator.updates_are_exact:
        after = got.similar_items(np.arange(ITEMS), N=ITEMS, filter_items=[6, ITEMS])
        kept = np.delete(np.arange(ITEMS), 6)
        assert_same(after[1][kept], before[1][kept])
        ids = got.recommend(users, N=ITEMS + 1)[0]
        assert np.all((ids == ITEMS).any(axis=1) | np.isin(users, new[[1]].indices))
        return
    assert_same_bits(got, estimator().fit(after.tocsr(), show_progress=False))


def test_updates_refuse_what_does_not_fit(model: models.Recommender, x: csr_array) -> None:
    before = answers(model)
    with pytest.raises(ValueError, match="twice"):
        model.partial_fit_users([1, 1], x[[1, 1]])
    with pytest.raises(ValueError, match=f"follow on from {USERS} without a gap"):
        model.partial_fit_users([USERS + 1], x[[1]])
    with pytest.raises(ValueError, match="one row for each of the 2 userids"):
        model.partial_fit_users([1, 2], x)
    with pytest.raises(ValueError, match="one row for each of the 1 itemids"):
        model.partial_fit_items([1], x[[1]])
    for a, b in zip(answers(model), before, strict=True):
        np.testing.assert_array_equal(a, b)


# Similar users and items.


def test_similar(model: models.Recommender, x: csr_array) -> None:
    for find, n in ((model.similar_items, ITEMS), (model.similar_users, USERS)):
        ids, scores = find(2, N=6)
        assert (ids.shape, ids.dtype, scores.dtype) == ((6,), np.int64, np.float32)
        assert ids[0] == 2
        assert scores[0] == pytest.approx(1, abs=1e-5)
        assert np.all(np.abs(scores) <= 1 + 1e-5)
        assert np.all(np.diff(scores) <= 0)
        many = find([4, 2], N=6)
        assert_same(many[0][1], ids)
        assert set(find(2, N=n + 3)[0]) == {*range(n), -1}
    assert 2 not in model.similar_items(2, filter_items=[2])[0]
    assert set(model.similar_items(2, items=[4, 5])[0]) == {4, 5, -1}
    assert set(model.similar_users(2, users=[4, 5, 6], filter_users=[6])[0]) == {4, 5, -1}
    item_users = csr_array(x.T)
    if not model.updates_are_exact:
        near, cosines = model.similar_items([2, 5], N=ITEMS, recalculate_item=True, item_users=item_users)
        assert np.all(np.diff(cosines) <= 0)
        assert np.all(np.sort(near, axis=1) == np.arange(ITEMS))
        assert_same(model.similar_items([2, 5], N=ITEMS, recalculate_item=True, item_users=item_users[[2, 5]])[0], near)
        return
    for given in (item_users, item_users[[2, 5]]):
        got = model.similar_items([2, 5], recalculate_item=True, item_users=given)
        assert_same(got[0], model.similar_items([2, 5])[0])
        assert_same(got[1], model.similar_items([2, 5])[1])


# Explanations.


def test_explanations_add_up(model: models.Recommender, x: csr_array) -> None:
    rng = np.random.default_rng(1)
    pairs = np.column_stack([rng.integers(0, USERS, 150), rng.integers(0, ITEMS, 150)])
    pairs = np.vstack([pairs, [[3, 0], [0, 7], [3, 7]]])
    scores = model.predict(pairs[:, 0], pairs[:, 1])
    for (user, item), score in zip(pairs.tolist(), scores, strict=True):
        why = model.explain(user, item, N=4)
        assert (why.userid, why.itemid) == (user, item)
        assert why.total == pytest.approx(score, rel=1e-5, abs=1e-6)
        for view in why.views().values():
            assert why.bias + view.total == pytest.approx(why.total, rel=1e-9, abs=1e-9)
            assert len(view) <= 4
        assert set(why.contributions.ids.tolist()) <= set(x[[user]].indices.tolist())
        assert str(item) in str(why)
    full = model.explain(0, 2, N=1000)
    assert len(full.contributions) == x[[0]].nnz
    assert full.contributions.rest == 0


# The object: parameters, copies, files, interruption.


def test_parameters(estimator: type[models.Recommender]) -> None:
    sklearn = pytest.importorskip("sklearn.base")
    model = estimator()
    twin = sklearn.clone(model)
    assert twin is not model
    assert twin.get_params() == model.get_params() == model.get_params(deep=False)
    assert list(model.get_params()) == list(inspect.signature(estimator).parameters)
    assert model.set_params(**twin.get_params()) is model
    assert repr(model) == f"{estimator.__name__}()"
    with pytest.raises(ValueError, match=r"no parameter 'no_such'.* it has "):
        model.set_params(no_such=1)


def test_fitting_twice_gives_the_same_bits(estimator: type[models.Recommender], model: Any, x: csr_array) -> None:
    assert_same_bits(estimator().fit(x, show_progress=False), model)
    assert_same_bits(model.fit(x, show_progress=False), model)


def test_batches_and_blocks_do_not_matter(model: models.Recommender, monkeypatch: pytest.MonkeyPatch) -> None:
    want = answers(model)
    monkeypatch.setattr("attnrec.models.base.batches._MOST", 7)
    for a, b in zip(answers(model), want, strict=True):
        assert_same(a, b)


@pytest.mark.parametrize("copied", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy], ids=["pickle", "deepcopy"])
def test_copies(model: models.Recommender, copied: Callable[[Any], Any]) -> None:
    answers(model)
    assert_same_bits(copied(model), model)


@pytest.mark.parametrize("mmap", [True, False])
def test_save_and_load(model: models.Recommender, tmp_path: Any, mmap: bool) -> None:
    path = tmp_path / "model.safetensors"
    model.save(path)
    first = path.read_bytes()
    for load in (type(model).load, models.load):
        got = load(path, mmap=mmap)
        assert type(got) is type(model)
        assert got.get_params() == model.get_params()
        assert_same_bits(got, model)
        got.save(path)  # over the file it is mapped to
        assert_same_bits(got, model)
        assert path.read_bytes() == first
        assert_same_bits(pickle.loads(pickle.dumps(got)), model)
        got.partial_fit_users([0], csr_array(([1.0], ([0], [2])), shape=(1, ITEMS)))
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_interruption_leaves_the_model(model: models.Recommender, x: csr_array) -> None:
    want = answers(model)

    def stop(epoch: int, seconds: float, loss: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(x[:, :9], show_progress=False, callback=stop)
    for a, b in zip(answers(model), want, strict=True):
        np.testing.assert_array_equal(a, b)


def test_callback(estimator: type[models.Recommender], x: csr_array) -> None:
    calls: list[tuple[int, float, float]] = []
    estimator().fit(x, show_progress=False, callback=lambda *told: calls.append(told))
    assert [epoch for epoch, _, _ in calls] == list(range(1, len(calls) + 1))
    assert calls
    assert all(seconds >= 0 for _, seconds, _ in calls)


def test_predicts_ratings(model: models.Recommender, kind: str) -> None:
    assert model.predicts_ratings in (kind == "explicit", False)


def test_not_fitted(estimator: type[models.Recommender], tmp_path: Any) -> None:
    model = estimator()
    for use in (
        lambda: model.recommend(0),
        lambda: model.predict(0, 0),
        lambda: model.similar_items(0),
        lambda: model.explain(0, 0),
        lambda: model.save(tmp_path / "m"),
        lambda: model.recommend_batches(),
        lambda: model.predicts_ratings,
        lambda: model.partial_fit_users([0], None),
    ):
        with pytest.raises(models.NotFittedError, match=r"call fit\(user_items\) first"):
            use()


# Batches.


def test_recommend_batches(model: models.Recommender, x: csr_array, monkeypatch: pytest.MonkeyPatch) -> None:
    pa = pytest.importorskip("pyarrow")
    monkeypatch.setattr("attnrec.models.base.batches._MOST", 16)
    ids, scores, weights = model.recommend(np.arange(USERS), N=ITEMS, return_weights=True)
    blocks = list(model.recommend_batches(N=ITEMS, format="numpy", show_progress=False))
    assert [len(users) for users, _, _ in blocks] == [16, 16, 8]
    assert_same(np.concatenate([b[1] for b in blocks]), ids)
    assert_same(np.concatenate([b[2] for b in blocks]), scores)
    table = pa.Table.from_batches(model.recommend_batches(N=ITEMS, show_progress=False))
    assert table.column_names == ["userid", "itemid", "score", "weight", "rank"]
    assert table.num_rows == np.sum(ids >= 0)
    user, rank = (table[name].to_numpy() for name in ("userid", "rank"))
    assert_same(table["itemid"].to_numpy(), ids[user, rank - 1])
    assert_same(table["weight"].to_numpy(), weights[user, rank - 1])
    strangers = [USERS + 5, -1, USERS + 2]
    got = next(
        model.recommend_batches(
            strangers, x[:3], format="numpy", recalculate_user=True, show_progress=False, items=[1, 7]
        )
    )
    assert got[0].tolist() == strangers
    assert set(got[1].ravel()) <= {1, 7, -1}
    for wrong in ({"userids": [USERS]}, {"format": "csv"}, {"N": 0}):
        with pytest.raises(ValueError, match=r"userid|format|N="):
            model.recommend_batches(**wrong)
