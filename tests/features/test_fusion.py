"""Content beside histories: the fused similarity, and KernelAttentionRecommender with it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from attnrec.models import KernelAttentionRecommender
from attnrec.models.content import fusion
from attnrec.models.inputs.histories import unit_rows
from attnrec.models.kernel_implicit import item_kernel as items_of
from attnrec.models.kernel_implicit import ridge
from estimators import assert_same_bits

USERS, ITEMS = 60, 30


def made(seed: int = 0) -> tuple[sp.csr_array, SimpleNamespace]:
    """Histories of users of three tastes, and items with a genre and numbers; item 4 has no genre, 5 neither."""
    r = np.random.default_rng(seed)
    taste, kind = r.integers(0, 3, USERS), r.integers(0, 3, ITEMS)
    x = sp.csr_array((r.random((USERS, ITEMS)) < np.where(taste[:, None] == kind, 0.5, 0.05)).astype(np.float32))
    genre, mood = np.eye(3)[kind], np.abs(r.standard_normal((ITEMS, 2)))
    genre[[4, 5]], mood[5] = 0, 0
    features = SimpleNamespace(
        features=sp.csr_array(np.hstack([genre, mood]).astype(np.float32)),
        modalities={"genre": slice(0, 3), "mood": slice(3, 5)},
    )
    return x, features


def some(features: SimpleNamespace, rows: Any) -> SimpleNamespace:
    return SimpleNamespace(features=features.features[rows], modalities=features.modalities)


X, FEATURES = made()
WEIGHTS = {"genre": 0.75, "mood": 0.25}
SETTING: dict[str, Any] = {"based_on": "items", "content_weight": 0.4, "modality_weights": WEIGHTS}


def cosines(x: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(x, axis=1)
    unit = np.divide(x, norms[:, None], out=np.zeros_like(x), where=norms[:, None] > 0)
    return unit @ unit.T


def test_fused_rows_give_the_sum_of_similarities() -> None:
    by_item = unit_rows(sp.csr_array(X.T))
    known = fusion.content("item_features", FEATURES, ITEMS, "items")
    got = fusion.fused(by_item, known, np.array([0.75, 0.25]), 0.4).toarray()
    dense = FEATURES.features.toarray().astype(np.float64)
    parts = [cosines(X.toarray().T.astype(np.float64)), cosines(dense[:, :3]), cosines(dense[:, 3:])]
    gates = np.tile([0.6, 0.3, 0.1], (ITEMS, 1))
    gates[4] = np.array([0.6, 0, 0.1]) / 0.7
    gates[5] = [1, 0, 0]
    want = sum(np.sqrt(np.outer(gates[:, m], gates[:, m])) * part for m, part in enumerate(parts))
    np.testing.assert_allclose(got @ got.T, want, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(got, axis=1), 1, atol=1e-6)
    assert np.linalg.eigvalsh(got @ got.T).min() > -1e-5


def test_new_items_get_their_column_of_the_larger_system() -> None:
    used = np.ones(ITEMS, dtype=bool)
    used[[3, 8, 20]] = False
    history = X.copy().tolil()
    history[:, ~used] = 0
    by_item = unit_rows(sp.csr_array(sp.csr_array(history).T))
    known = fusion.content("item_features", FEATURES, ITEMS, "items")
    unit = fusion.fused(by_item, known, np.array([0.5, 0.5]), 0.4)
    got = items_of.between(unit, used, 0.5, 0.3, lambda n: None)
    kernel = ridge.kernel(unit, unit, 0.5).astype(np.float64)
    for item in np.flatnonzero(~used):
        at = np.append(np.flatnonzero(used), item)
        inverse = np.linalg.inv(kernel[np.ix_(at, at)] + 0.3 * np.eye(len(at)))
        np.testing.assert_allclose(got[at[:-1], item], -0.3 * inverse[:-1, -1], atol=2e-5)
    warm = np.flatnonzero(used)
    inverse = np.linalg.inv(kernel[np.ix_(warm, warm)] + 0.3 * np.eye(len(warm)))
    want = -0.3 * inverse
    np.fill_diagonal(want, 0)
    np.testing.assert_allclose(got[np.ix_(warm, warm)], want, atol=2e-5)
    assert not got[~used].any()


@pytest.mark.parametrize("based_on", ["items", "both"])
def test_new_items_are_recommended_by_content_alone(based_on: Any, tmp_path: Path) -> None:
    new = np.arange(24, ITEMS)
    model = KernelAttentionRecommender(**{**SETTING, "based_on": based_on})
    model.fit(X[:, :24], item_features=some(FEATURES, np.arange(24)), show_progress=False)
    model.partial_fit_items(new, item_features=some(FEATURES, new))
    whole = X.copy().tolil()
    whole[:, new] = 0
    want = KernelAttentionRecommender(**{**SETTING, "based_on": based_on})
    want.fit(sp.csr_array(whole), item_features=FEATURES, show_progress=False)
    assert_same_bits(model, want)
    ids = model.recommend(np.arange(USERS), N=2, items=new)[0]
    hits = np.take_along_axis(X.toarray(), ids, axis=1).mean()
    assert hits > 1.5 * X[:, new].mean()
    model.save(tmp_path / "model")
    assert_same_bits(KernelAttentionRecommender.load(tmp_path / "model"), model)
    again = model.partial_fit_items([ITEMS], sp.csr_array(X[:, [0]].T))  # without features: by its users
    assert again.n_items == ITEMS + 1
    before = again.user_items
    kept = again.partial_fit_items([0], item_features=some(FEATURES, [5])).user_items  # features alone
    assert (kept != before).nnz == 0


def test_without_content_nothing_changes() -> None:
    got = KernelAttentionRecommender(based_on="items", content_weight=0.0).fit(
        X, item_features=FEATURES, show_progress=False
    )
    want = KernelAttentionRecommender(based_on="items").fit(X, show_progress=False)
    np.testing.assert_allclose(got.predict(3, np.arange(ITEMS)), want.predict(3, np.arange(ITEMS)), atol=1e-5)


BAD: list[tuple[dict[str, Any], Any, type[Exception], str]] = [
    ({"based_on": "users"}, FEATURES, ValueError, "based_on='items' or based_on='both'"),
    ({}, np.ones((3, 2)), ValueError, r"item_features has shape \(3, 2\).*30 items"),
    ({}, np.zeros((ITEMS, 2)), ValueError, "'content' is missing for all 30 items"),
    (
        {"modality_weights": {"genre": 1}},
        FEATURES,
        ValueError,
        "names .* where there are",
    ),
    ({"modality_weights": {"genre": -1, "mood": 1}}, FEATURES, ValueError, "0 or more"),
    ({"modality_weights": {"genre": 0, "mood": 0}}, FEATURES, ValueError, "not all 0"),
    ({"content_weight": 1.5}, FEATURES, ValueError, "content_weight=1.5 is a share"),
    ({}, np.full((ITEMS, 2), np.inf), ValueError, "NaN or infinity .*row 0"),
]


@pytest.mark.parametrize(("setting", "features", "error", "says"), BAD, ids=lambda v: str(v)[:30])
def test_bad_input(setting: dict[str, Any], features: Any, error: type[Exception], says: str) -> None:
    model = KernelAttentionRecommender(**{**SETTING, **setting})
    with pytest.raises(error, match=says):
        model.fit(X, item_features=features, show_progress=False)


def test_updates_that_do_not_fit() -> None:
    model = KernelAttentionRecommender(**SETTING).fit(X, item_features=FEATURES, show_progress=False)
    with pytest.raises(ValueError, match="has 3 columns where the model was fitted with 5"):
        model.partial_fit_items([ITEMS], item_features=np.ones((1, 3)))
    other = SimpleNamespace(features=FEATURES.features[[0]], modalities={"a": slice(0, 3), "mood": slice(3, 5)})
    with pytest.raises(ValueError, match=r"modalities \['a', 'mood'\] where the model was fitted with"):
        model.partial_fit_items([ITEMS], item_features=other)
    plain = KernelAttentionRecommender(based_on="items").fit(X, show_progress=False)
    with pytest.raises(ValueError, match="fit it with item_features first"):
        plain.partial_fit_items([ITEMS], item_features=np.ones((1, 3)))
    with pytest.raises(ValueError, match="learns items from their users"):
        plain.partial_fit_items([ITEMS])
