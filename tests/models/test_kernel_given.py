"""Items that KernelAttentionRecommender knows by vectors alone: scores, reasons, updates, files, bad input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from test_content_bridge import catalogue

from attnrec import models
from attnrec.models import ContentBridge, KernelAttentionRecommender
from estimators import assert_same_bits

X, GENRES, NEW = catalogue()
KNOWN = X[:, :50]
USERS = np.arange(150)


def fitted(based_on: Any) -> tuple[KernelAttentionRecommender, np.ndarray]:
    model = KernelAttentionRecommender(based_on=based_on).fit(KNOWN, show_progress=False)
    bridge = ContentBridge().fit(model.history_weights, item_features=GENRES[:50], show_progress=False)
    return model, bridge.transform(GENRES[NEW])


@pytest.mark.parametrize("based_on", ["items", "both"])
def test_new_items_are_recommended_at_once(based_on: Any, tmp_path: Path) -> None:
    model, vectors = fitted(based_on)
    before = model.predict(USERS, 7)
    model.partial_fit_items(NEW[:4], item_vectors=vectors[:4])
    model.partial_fit_items(NEW[4:], item_vectors=vectors[4:])  # as wide as the bridge was fitted, still
    np.testing.assert_array_equal(model.predict(USERS, 7), before)
    scores = model.predict(np.repeat(USERS, 10), np.tile(NEW, 150)).reshape(150, 10)
    np.testing.assert_allclose(scores, KNOWN @ vectors.T, atol=1e-6)
    ids = model.recommend(USERS, N=3, items=NEW)[0]
    assert np.take_along_axis(X.toarray(), ids, axis=1).mean() > 1.5 * X[:, NEW].mean()
    why = model.explain(4, 53)
    assert why.contributions.total == pytest.approx(model.predict(4, 53), rel=1e-5)
    model.save(tmp_path / "model")
    assert_same_bits(KernelAttentionRecommender.load(tmp_path / "model"), model)
    state = model._fitted()
    assert state.vectors is not None
    model._state = replace(state, vectors=replace(state.vectors, given=state.vectors.given[:, :-1]))
    model.save(tmp_path / "damaged")
    with pytest.raises(ValueError, match="does not hold a usable KernelAttentionRecommender"):
        models.load(tmp_path / "damaged")


def test_scores_of_known_items_are_products_too() -> None:
    model, _ = fitted("items")
    users = np.flatnonzero(np.diff(KNOWN.indptr) > 0)
    pairs = np.repeat(users, 50), np.tile(np.arange(50), len(users))
    want = (KNOWN @ model.history_weights.T)[users].ravel()
    np.testing.assert_allclose(model.predict(*pairs), want, atol=1e-6)


def test_vectors_stay_until_somebody_has_the_item() -> None:
    model, vectors = fitted("items")
    model.partial_fit_items(NEW, item_vectors=vectors)
    model.partial_fit_items([53], item_vectors=vectors[[5]])  # another one in its place
    np.testing.assert_allclose(model.history_weights[53, :50], vectors[5], atol=1e-7)
    model.partial_fit_users(
        [150], sp.csr_array((KNOWN[[3]].data, KNOWN[[3]].indices, KNOWN[[3]].indptr), shape=(1, 60))
    )
    np.testing.assert_allclose(model.history_weights[54, :50], vectors[4], atol=1e-7)
    assert not model.history_weights[NEW][:, NEW].any()  # given items add nothing to each other
    rows = np.zeros((1, 151), np.float32)
    rows[0, :150] = X[:, [53]].toarray().ravel()
    model.partial_fit_items([53], sp.csr_array(rows))
    now = sp.csr_array(model.user_items)
    refitted = KernelAttentionRecommender(based_on="items").fit(now, show_progress=False)
    np.testing.assert_array_equal(model.history_weights[53], refitted.history_weights[53])
    np.testing.assert_allclose(model.history_weights[54, :50], vectors[4], atol=1e-7)
    with pytest.raises(ValueError, match="item_vectors has 50 columns where the model was fitted with 60"):
        model.partial_fit_items([51], item_vectors=vectors[[1]])  # they do not say what item 53 adds
    model.partial_fit_items([0], item_vectors=np.ones((1, 60)))  # people have it: what they say counts
    np.testing.assert_array_equal(model.history_weights[0], refitted.history_weights[0])


def test_vectors_that_do_not_fit() -> None:
    model, vectors = fitted("items")
    with pytest.raises(ValueError, match="item_vectors has 3 columns where the model was fitted with 50"):
        model.partial_fit_items([50], item_vectors=np.ones((1, 3)))
    with pytest.raises(ValueError, match="item_vectors has 52 columns where the model was fitted with 50"):
        model.partial_fit_items([50], item_vectors=np.ones((1, 52)))
    with pytest.raises(ValueError, match="item_vectors holds NaN"):
        model.partial_fit_items([50], item_vectors=np.full((1, 50), np.nan))
    with pytest.raises(ValueError, match=r"item_vectors has shape \(10, 50\).*1 itemids"):
        model.partial_fit_items([50], item_vectors=vectors)
    assert model.n_items == 50
    by_users = KernelAttentionRecommender().fit(KNOWN, show_progress=False)
    with pytest.raises(
        ValueError, match="item_vectors say what items of a history add: use them with based_on='items'"
    ):
        by_users.partial_fit_items([50], item_vectors=vectors[[0]])
    with pytest.raises(ValueError, match="based_on='users' has no weights between items"):
        _ = by_users.history_weights
