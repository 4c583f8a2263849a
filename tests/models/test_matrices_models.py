"""Estimators: any form of a matrix gives what its canonical CSR gives, and one row is taken where one id is asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from attnrec import models
from estimators import ESTIMATORS, answers
from forms import drawn, form, needs_rows, snapshot, table

USERS, ITEMS = 20, 12
NEW = table(5, (2, ITEMS), 0.5, most=5)
WHO = table(6, (2, USERS), 0.5, most=5)
ALLOWED = table(7, (USERS, ITEMS), 0.7, most=5)


@pytest.fixture(params=ESTIMATORS, ids=lambda e: e.__name__, scope="module")
def estimator(request: pytest.FixtureRequest) -> type[models.Recommender]:
    return request.param


def histories(seed: int, kind: str) -> Any:
    x = table(seed, (USERS, ITEMS), 0.5, most=5)
    return x if kind == "ratings" else sparse.csr_array((np.ones_like(x.data), x.indices, x.indptr), shape=x.shape)


def fitted(estimator: type[models.Recommender], x: Any) -> models.Recommender:
    return estimator().fit(x, show_progress=False)


def calls(model: models.Recommender, users: Any, items: Any, allowed: Any) -> list[Any]:
    """Everything that takes a matrix beside ``fit``; ``users`` are two histories, ``items`` the users of two items."""
    new = np.full(2, -1)
    out = [
        *model.recommend(new, users, N=5, recalculate_user=True, return_weights=True),
        *model.recommend([0, 1], users, N=5),
        *model.recommend(np.arange(USERS), N=5, candidates=allowed),
        model.predict([0, 1], [2, 3], user_items=users),
        *model.similar_items([0, 1], recalculate_item=True, item_users=items),
        *(
            block
            for part in model.recommend_batches([0, 1], users, N=5, format="numpy", show_progress=False)
            for block in part
        ),
    ]
    vectors = (model.recalculate_user([0, 1], users), model.recalculate_item([0, 1], items))
    out.extend(x.toarray() if sparse.issparse(x) else x for x in vectors)
    out.append([why.total for why in model.explain_many([0, 1], [2, 3], user_items=users)])
    model.partial_fit_users([0, USERS], users)
    return [*out, *answers(model)]


def assert_equal(got: list[Any], want: list[Any]) -> None:
    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ["ratings", "ones"])
@given(seed=st.integers(0, 1000), how=drawn())
@settings(max_examples=12, deadline=None)
def test_any_form_of_histories(
    estimator: type[models.Recommender], kind: str, seed: int, how: tuple[str, str, int]
) -> None:
    x = histories(seed, kind)
    other = form(x, how)
    before = snapshot(other)
    got, want = fitted(estimator, other), fitted(estimator, x)
    assert_equal(answers(got), answers(want))
    assert_equal(calls(got, form(NEW, how), form(WHO, how), form(ALLOWED, how)), calls(want, NEW, WHO, ALLOWED))
    assert snapshot(other) == before


@given(seed=st.integers(0, 1000), how=drawn())
@settings(max_examples=10, deadline=None)
def test_any_form_of_content(estimator: type[models.Recommender], seed: int, how: tuple[str, str, int]) -> None:
    x = histories(0, "ratings")
    for name, n in (("item_features", ITEMS), ("user_features", USERS)):
        if name in estimator.accepted_inputs:
            content = table(seed, (n, 6), 0.6)
            content = sparse.csr_array(np.maximum(content.toarray(), np.eye(n, 6, dtype=np.float32)))
            params = {"based_on": "both"} if "based_on" in estimator().get_params() and name == "item_features" else {}
            got = estimator(**params).fit(x, show_progress=False, **{name: form(content, how)})
            want = estimator(**params).fit(x, show_progress=False, **{name: content})
            assert_equal(answers(got), answers(want))


# One row.


@needs_rows
def test_one_row_where_one_id_is_asked_about(estimator: type[models.Recommender]) -> None:
    x = histories(1, "ratings")
    model = fitted(estimator, x)
    row, who = NEW[0], WHO[0]  # one dimension
    assert row.ndim == who.ndim == 1
    for users in (0, [0], np.int64(0)):
        assert_equal(model.recommend(users, row, N=5), model.recommend(users, NEW[[0]], N=5))
        assert_equal(model.recommend(users, N=5, candidates=row), model.recommend(users, N=5, candidates=NEW[[0]]))
        assert_equal([model.predict(users, 2, user_items=row)], [model.predict(users, 2, user_items=NEW[[0]])])
    assert_equal([model.predict(0, [1, 2], user_items=row)], [model.predict(0, [1, 2], user_items=NEW[[0]])])
    assert model.explain(0, 2, user_items=row).total == model.explain(0, 2, user_items=NEW[[0]]).total
    assert_equal(
        model.similar_items(0, recalculate_item=True, item_users=who),
        model.similar_items(0, recalculate_item=True, item_users=WHO[[0]]),
    )
    got, want = fitted(estimator, x), fitted(estimator, x)
    assert_equal(answers(got.partial_fit_users([3], row)), answers(want.partial_fit_users([3], NEW[[0]])))
    if estimator.updates_are_exact:
        assert_equal(answers(got.partial_fit_items([3], who)), answers(want.partial_fit_items([3], WHO[[0]])))


@needs_rows
def test_a_row_as_long_as_there_are_users_is_not_the_full_matrix() -> None:
    square = table(3, (8, 8), 0.6, most=5)
    model = models.NeighbourAttention().fit(square, show_progress=False)
    row = table(4, (1, 8), 0.6, most=5)
    assert model.predict(2, 1, user_items=row[0]) == model.predict(2, 1, user_items=row)


@needs_rows
@pytest.mark.parametrize("call", ["recommend", "predict", "candidates", "users", "items", "similar"])
def test_one_row_for_several_is_refused_with_a_fix_that_works(call: str) -> None:
    x = histories(1, "ratings")
    model = models.NeighbourAttention().fit(x, show_progress=False)
    asked: dict[str, tuple[Any, Any, str]] = {
        "recommend": (lambda rows: model.recommend([1, 2, 3], rows), x, "userid"),
        "predict": (lambda rows: model.predict([1, 2, 3], [0, 0, 0], user_items=rows), x, "userid"),
        "candidates": (lambda rows: model.recommend([1, 2, 3], candidates=rows), x, "userid"),
        "users": (lambda rows: model.partial_fit_users([1, 2, 3], rows), x, "userids"),
        "items": (lambda rows: model.partial_fit_items([1, 2, 3], rows), sparse.csr_array(x.T), "itemids"),
        "similar": (
            lambda rows: model.similar_items([1, 2, 3], recalculate_item=True, item_users=rows),
            sparse.csr_array(x.T),
            "itemid",
        ),
    }
    run, matrix, name = asked[call]
    with pytest.raises(ValueError, match=rf"one row, for 3 {name}: pass a row for each, picked as X\[{name}\]"):
        run(matrix[0])
    run(matrix[[1, 2, 3]])


@needs_rows
def test_what_is_no_matrix_is_refused_with_a_fix_that_works(estimator: type[models.Recommender]) -> None:
    x = histories(1, "ratings")
    with pytest.raises(ValueError, match=r"user_items is one row, of shape \(12,\).*pass user_items.reshape\(1, -1\)"):
        estimator().fit(x[0])
    dense = x.toarray()
    with pytest.raises(TypeError, match=r"pass scipy.sparse.csr_array\(user_items\), or"):
        estimator().fit(dense)
    model = fitted(estimator, sparse.csr_array(dense))
    with pytest.raises(TypeError, match=r"pass scipy.sparse.csr_array\(numpy.atleast_2d\(user_items\)\), or"):
        model.recommend(0, dense[0])
    assert_equal(model.recommend(0, sparse.csr_array(np.atleast_2d(dense[0]))), model.recommend(0, x[[0]]))
    with pytest.raises(TypeError, match=r"numpy.atleast_2d\(user_items\)"):
        model.recommend(0, dense[0].tolist())
    with pytest.raises(ValueError, match="11 columns where the model was fitted with 12"):
        model.recommend(0, x[0].reshape(1, -1).tocsr()[0, :11])
