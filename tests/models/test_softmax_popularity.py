"""SoftmaxRecommender(popularity_exponent=...): what is added to scores, whence, and that training knows of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import attnrec as ar
from attnrec.models import SoftmaxRecommender
from estimators import ITEMS, USERS, assert_same_bits, made

X = made("implicit")
COUNTS = np.asarray(X.sum(axis=0)).ravel()
BIAS = 0.75 * np.log(np.maximum(COUNTS, 1))
EVERY = (np.repeat(np.arange(USERS), ITEMS), np.tile(np.arange(ITEMS), USERS))


def fitted(**params: Any) -> SoftmaxRecommender:
    more = {k: params.pop(k) for k in list(params) if k.endswith("features")}
    setting = {"factors": 8, "epochs": 3, "popularity_exponent": 0.75, **params}
    return SoftmaxRecommender(**setting).fit(X, show_progress=False, **more)


def test_scores_are_cosines_and_the_logarithm_of_counts() -> None:
    model = fitted(temperature=0.2)
    want = model.user_vectors @ model.item_vectors.T / 0.2 + BIAS
    np.testing.assert_allclose(model.predict(*EVERY).reshape(USERS, ITEMS), want, atol=1e-5)
    want[X.toarray() > 0] = -np.inf
    ids, scores = model.recommend(np.arange(USERS), N=5)
    np.testing.assert_allclose(scores, -np.sort(-want, axis=1)[:, :5], atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(want, ids, axis=1), scores, atol=1e-5)


def test_weights_are_the_softmax_of_these_scores() -> None:
    model = fitted()
    every = model.predict(*EVERY).reshape(USERS, ITEMS).astype(np.float64)
    _, scores, weights = model.recommend(np.arange(USERS), N=6, return_weights=True)
    np.testing.assert_allclose(weights, np.exp(scores - np.log(np.exp(every).sum(axis=1))[:, None]), rtol=1e-5)


def test_explanations_start_from_it() -> None:
    r = np.random.default_rng(0)
    features = {"item_features": r.random((ITEMS, 3)), "user_features": r.random((USERS, 2))}
    for model in (fitted(), fitted(**features)):
        for user, item in ((0, 5), (3, 2), (7, 7)):  # user 3 has no history, nobody has item 7
            why = model.explain(user, item)
            assert why.bias == pytest.approx(BIAS[item], abs=1e-6)
            assert why.total == pytest.approx(float(model.predict(user, item)), abs=1e-5)
            for view in (why.contributions, why.modalities):
                assert view is None or view.total == pytest.approx(why.total - why.bias, abs=1e-5)
    assert "how many chose the item" in why.text()


def test_training_sees_it() -> None:
    """The first loss is that of the vectors training starts from, with the bias in the denominator and the scores."""
    one = {"epochs": 1, "batch_size": USERS, "history_dropout": 0.0, "learning_rate": 0.0, "normalize": "all"}
    model = fitted(**one)
    want = ar.softmax_cross_entropy(model.user_vectors, model.item_vectors, X, scale=1 / 0.08, item_bias=BIAS).loss
    assert model.losses_[0] == pytest.approx(want, rel=1e-5)
    assert abs(fitted(**one, popularity_exponent=0.0).losses_[0] - want) > 0.005


def test_new_items_bring_their_counts() -> None:
    users = sp.csr_array(np.r_[np.ones(9), np.zeros(USERS - 9)][None].astype(np.float32))
    model = fitted()
    before = model.predict(np.arange(USERS), np.full(USERS, 4))
    model.partial_fit_items([ITEMS, 2], sp.csr_array(sp.vstack([users, users[:, ::-1]])))
    assert [model.explain(0, item).bias for item in (ITEMS, 2, 4)] == pytest.approx(
        [0.75 * np.log(9), 0.75 * np.log(9), BIAS[4]], abs=1e-6
    )
    np.testing.assert_array_equal(model.predict(np.arange(USERS), np.full(USERS, 4)), before)


def test_it_is_saved_and_folded_in(tmp_path: Path) -> None:
    model = fitted()
    model.save(tmp_path / "model")
    loaded = SoftmaxRecommender.load(tmp_path / "model")
    assert_same_bits(loaded, model)
    for a, b in zip(
        loaded.recommend(np.arange(USERS), X, N=5, recalculate_user=True),
        model.recommend(np.arange(USERS), N=5),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)
    assert loaded.partial_fit_items([7], sp.csr_array(X[:, [0]].T)).explain(0, 7).bias == pytest.approx(BIAS[0])


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match=r"popularity_exponent=0.75 goes with user_representation='pooled'"):
        fitted(user_representation="embedding")
    with pytest.raises(ValueError, match="popularity_exponent=-1"):
        fitted(popularity_exponent=-1.0)
