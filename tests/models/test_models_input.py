"""The contract of every estimator, continued: input in every form, odd, misaligned and wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse import csr_array, csr_matrix

from attnrec import models
from attnrec.data import FrameRecommender, Interactions
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


# Accepted.


@pytest.mark.parametrize(
    "form",
    [
        csr_matrix,
        sparse.csc_array,
        sparse.coo_array,
        sparse.lil_array,
        lambda x: x.astype(np.float64),
        lambda x: x.astype(np.int16),
        lambda x: type("Interactions", (), {"user_items": x})(),
    ],
    ids=["csr_matrix", "csc", "coo", "lil", "float64", "int16", "user_items"],
)
def test_forms_of_histories(model: models.Recommender, x: csr_array, form: Callable[[Any], Any]) -> None:
    got = type(model)().fit(form(x), show_progress=False)
    assert_same_bits(got, model)
    assert_same(got.recommend(2, form(x), N=ITEMS)[0], model.recommend(2, N=ITEMS)[0])


def test_int64_unsorted_and_duplicate_entries(model: models.Recommender, x: csr_array) -> None:
    rows = np.repeat(np.arange(USERS), np.diff(x.indptr))
    order = np.lexsort((-x.indices, rows))
    halves = np.repeat(x.data[order] / 2, 2), np.repeat(x.indices[order], 2)
    twice = csr_array((*halves, 2 * x.indptr), shape=x.shape)
    for part in ("indices", "indptr"):
        setattr(twice, part, getattr(twice, part).astype(np.int64))
    before = twice.data.copy()
    assert_same_bits(type(model)().fit(twice, show_progress=False), model)
    assert_same(twice.data, before)
    assert_same(model.recommend(2, twice, N=ITEMS)[0], model.recommend(2, N=ITEMS)[0])


def test_the_input_is_not_kept(estimator: type[models.Recommender], x: csr_array) -> None:
    mine = x.copy()
    model = estimator().fit(mine, show_progress=False)
    want = answers(model)
    mine.data[:], mine.indices[:] = 99, 0
    for a, b in zip(answers(model), want, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "small",
    [
        [[3.0]],
        [[1.0, 2.0, 0.0, 4.0]],
        [[1.0], [2.0], [0.0], [5.0]],
        [[4.0, 4.0, 0.0], [0.0, 4.0, 4.0]],
        [[0.0, 0.0], [0.0, 2.0]],
        [[1e-30, 1e30], [1e30, 0.0]],
        [[-3.0, 2.0, 0.0], [0.0, -2.0, 1.0]],
    ],
    ids=["1x1", "one user", "one item", "constant", "one entry", "extreme", "negative"],
)
@pytest.mark.filterwarnings("error")
def test_small_and_odd_histories(estimator: type[models.Recommender], small: list[list[float]], tmp_path: Any) -> None:
    x = csr_array(np.array(small))
    kept = (
        {"negative": "interaction"} if "negative" in estimator().get_params() else {}
    )  # else it is a dislike, and said
    model = estimator(**kept).fit(x, show_progress=False)
    everything = answers(model)
    assert not any(np.any(np.isnan(part)) for part in everything)
    assert np.all(np.isfinite(everything[3]))
    for user in range(x.shape[0]):
        for item in range(x.shape[1]):
            score = model.predict(user, item)
            assert model.explain(user, item).total == pytest.approx(score, rel=1e-5, abs=1e-6)
    model.save(tmp_path / "m")
    assert_same_bits(models.load(tmp_path / "m"), model)


def test_interactions_and_their_frames(model: models.Recommender, x: csr_array) -> None:
    coo = x.tocoo()
    users, items = np.append(coo.row, 3), np.append(coo.col, 0)  # everybody has a row, so all ids are there
    data = Interactions.from_arrays(users, items, np.append(coo.data, 1))
    got = type(model)(feedback="explicit") if "feedback" in model.get_params() else type(model)()
    got.fit(data, show_progress=False)
    ids, scores = got.recommend([5, 2], data.user_items[[5, 2]], N=3)
    frame = FrameRecommender(got, data).recommend([5, 2], 3)
    assert frame["user"].tolist() == [5, 5, 5, 2, 2, 2]
    assert frame["item"].tolist() == data.items.names(ids.ravel()).tolist()
    assert_same(frame["score"].to_numpy(), scores.ravel())
    backwards = list(range(USERS))[::-1]
    shown = FrameRecommender(got, data).recommend(backwards, 1)
    assert shown["user"].tolist() == backwards
    assert shown["item"].tolist()[-6] == frame["item"].tolist()[0]


# Refused, and how.


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (lambda x: x.toarray(), TypeError, "csr_array"),
        (lambda x: None, TypeError, "NoneType"),
        (lambda x: x.astype(complex), TypeError, "complex64|complex128"),
        (lambda x: csr_array((0, 5)), ValueError, r"\(0, 5\) holds no interactions"),
        (lambda x: csr_array((4, 4)), ValueError, "nothing to learn"),
        (lambda x: spoiled(x, "data", 5, np.nan), ValueError, r"nan .*row 0, column"),
        (lambda x: spoiled(x, "data", -1, np.inf), ValueError, rf"inf .*row {USERS - 1}"),
        (lambda x: spoiled(x.astype(np.float64), "data", 0, 1e300), ValueError, r"inf \(as float32\)"),
        (lambda x: spoiled(x, "indices", 3, ITEMS), ValueError, f"column {ITEMS} of {ITEMS}"),
        (lambda x: spoiled(x, "indices", 3, -1), ValueError, "column -1"),
        (lambda x: spoiled(x, "indptr", 2, 10**6), ValueError, "indptr decreases at row 2"),
        (lambda x: spoiled(x, "indptr", -1, 10**6), ValueError, "indptr runs from 0 to 1000000"),
        (lambda x: spoiled(x, "indptr", 0, -5), ValueError, "indptr"),
    ],
)
def test_fit_refuses(
    estimator: type[models.Recommender], x: csr_array, wrong: Callable[[Any], Any], error: Any, says: str
) -> None:
    with pytest.raises(error, match=f"(?s)user_items.*({says})"):
        estimator().fit(wrong(x), show_progress=False)


def spoiled(x: csr_array, part: str, at: int, value: float) -> csr_array:
    x = x.copy()
    getattr(x, part)[at] = value
    return x


def test_misaligned_histories_are_refused(model: models.Recommender, x: csr_array) -> None:
    with pytest.raises(ValueError, match=r"7 rows for 2 userid: pass user_items\[userid\]"):
        model.recommend([0, 1], x[:7])
    with pytest.raises(ValueError, match=r"9 columns where the model was fitted with 25"):
        model.recommend([0, 1], x[:2, :9])
    with pytest.raises(ValueError, match=r"transposed: pass user_items\.T\.tocsr\(\)"):
        model.recommend([0, 1], csr_array(x.T))
    with pytest.raises(ValueError, match=f"userid {USERS} has no row in it"):
        model.recommend([0, USERS], x, recalculate_user=True)
    with pytest.raises(ValueError, match="recalculate_user=True needs user_items"):
        model.recommend(0, recalculate_user=True)
    with pytest.raises(ValueError, match="row 1, column"):
        model.recommend([0, 1], spoiled(x[:2], "data", -1, np.nan))
    for call in (model.recommend, lambda u, m: model.predict(u, 0, user_items=m)):
        with pytest.raises(ValueError, match="3 rows for 2 userid"):
            call([0, 1], x[:3])


def test_all_users_in_another_order(model: models.Recommender, x: csr_array) -> None:
    order = np.random.default_rng(0).permutation(USERS)
    want = model.recommend(order, N=5)[0]
    assert_same(model.recommend(order, x[order], N=5)[0], want)
    assert_same(model.recommend(order, x, N=5)[0], want)
    assert_same(model.predict(order, 2, user_items=x), model.predict(order, 2))
    other = made("explicit", seed=9)
    with pytest.raises(ValueError, match=r"not clear which is meant. Sort userid"):
        model.recommend(order, other)
    with pytest.raises(ValueError, match=r"not clear which is meant"):
        model.recommend(order, candidates=other)
    with pytest.raises(ValueError, match=r"not clear which is meant"):
        model.predict(order, 2, user_items=other)
    sorted_ = model.recommend(np.arange(USERS), other, N=5)[0]
    assert_same(sorted_[4], model.recommend(4, other[[4]], N=5)[0])


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (
            lambda m: m.recommend(USERS),
            ValueError,
            rf"userid {USERS} is not one of the {USERS} fitted users.*recalculate_user=True",
        ),
        (lambda m: m.recommend(-1), ValueError, "userid -1"),
        (lambda m: m.recommend(1.5), TypeError, "userid must be row numbers"),
        (lambda m: m.recommend("ann"), TypeError, "userid"),
        (lambda m: m.recommend(True), TypeError, "userid"),
        (lambda m: m.recommend([[1]]), ValueError, r"pass userid.ravel\(\)"),
        (lambda m: m.recommend(0, N=0), ValueError, "N=0"),
        (lambda m: m.recommend(0, N=2.5), TypeError, "N=2.5"),
        (lambda m: m.recommend(0, items=[ITEMS]), ValueError, f"items {ITEMS}"),
        (lambda m: m.recommend(0, filter_items=[-1]), ValueError, "filter_items -1"),
        (lambda m: m.recommend(0, items=[True, False]), ValueError, r"items is a mask of shape \(2,\)"),
        (lambda m: m.recommend(-7, csr_array((1, ITEMS)), recalculate_user=True), ValueError, "-7 is negative"),
        (lambda m: m.predict(0, ITEMS), ValueError, f"itemid {ITEMS}"),
        (lambda m: m.predict([0, 1], [0, 1, 2]), ValueError, "2 entries and itemid 3"),
        (lambda m: m.similar_items(ITEMS), ValueError, f"itemid {ITEMS}"),
        (lambda m: m.similar_users(USERS), ValueError, f"userid {USERS}"),
        (lambda m: m.similar_items(0, recalculate_item=True), ValueError, "needs item_users"),
        (lambda m: m.explain([0, 1], 0), ValueError, "one userid and one itemid"),
        (lambda m: m.explain(0, ITEMS), ValueError, f"itemid {ITEMS}"),
        (lambda m: m.partial_fit_items([0]), ValueError, "item_users"),
    ],
)
def test_calls_refused(model: models.Recommender, call: Callable[[Any], Any], error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        call(model)


def test_inputs_an_estimator_does_not_use_are_refused(estimator: type[models.Recommender], x: csr_array) -> None:
    for name in {"user_features", "item_features", "sample_weight"} - estimator.accepted_inputs:
        with pytest.raises(ValueError, match=f"does not use {name} .*leave it out"):
            estimator().fit(x, show_progress=False, **{name: np.ones((USERS, 2))})
    if "user_features" not in estimator.accepted_inputs:
        with pytest.raises(ValueError, match="does not use user_features"):
            estimator().fit(x, show_progress=False).recommend(0, user_features=np.ones((1, 2)))
