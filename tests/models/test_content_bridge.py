"""ContentBridge: the formula, explanations that add up, new items of a model trained without content, bad input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import attnrec as ar
from attnrec import models
from attnrec.models import ContentBridge, SoftmaxRecommender
from attnrec.models.bridge import bridge as content_bridge
from estimators import ESTIMATORS, assert_same_bits, made

WARM, COLD, WIDTH = 40, 6, 5
SETTING: dict[str, Any] = {"temperature": 0.3, "regularization": 0.5, "modality_weights": {"genre": 0.75, "mood": 0.25}}


def content(n: int, seed: int) -> SimpleNamespace:
    """A genre and a mood; the second item has no genre, the third has neither."""
    r = np.random.default_rng(seed)
    genre, mood = np.eye(3)[r.integers(0, 3, n)], np.abs(r.standard_normal((n, 2)))
    genre[[1, 2]], mood[2] = 0, 0
    return SimpleNamespace(
        features=sp.csr_array(np.hstack([genre, mood]).astype(np.float32)),
        modalities={"genre": slice(0, 3), "mood": slice(3, 5)},
    )


OLD, NEW = content(WARM, 0), content(COLD, 1)
VECTORS = np.random.default_rng(2).standard_normal((WARM, WIDTH)).astype(np.float32)


def some(x: SimpleNamespace, rows: list[int]) -> SimpleNamespace:
    return SimpleNamespace(features=x.features[rows], modalities=x.modalities)


def truth(temperature: float, regularization: float, weights: tuple[float, float]) -> np.ndarray:
    """``k (K + regularization I)^-1 V`` in float64, from dense matrices."""
    both = [x.features.toarray().astype(np.float64) for x in (OLD, NEW)]
    gates, parts = [], []
    for x in both:
        there = np.stack([x[:, :3].any(axis=1), x[:, 3:].any(axis=1)], axis=1) * weights
        gates.append(there / np.maximum(there.sum(axis=1, keepdims=True), 1e-300))
        norms = [np.linalg.norm(x[:, at], axis=1, keepdims=True) for at in (slice(0, 3), slice(3, 5))]
        parts.append([x[:, :3] / np.maximum(norms[0], 1e-300), x[:, 3:] / np.maximum(norms[1], 1e-300)])

    def kernel(a: int, b: int) -> np.ndarray:
        c = sum(np.sqrt(np.outer(gates[a][:, m], gates[b][:, m])) * (parts[a][m] @ parts[b][m].T) for m in range(2))
        return np.exp((c - 1) / temperature)

    known = np.delete(np.arange(WARM), 2)
    solved = np.linalg.solve(kernel(0, 0)[np.ix_(known, known)] + regularization * np.eye(len(known)), VECTORS[known])
    out = kernel(1, 0)[:, known] @ solved
    out[2] = 0
    return out


@pytest.fixture
def bridge() -> ContentBridge:
    return ContentBridge(**SETTING).fit(VECTORS, item_features=OLD, show_progress=False)


@pytest.mark.parametrize("temperature", [0.1, 0.4])
@pytest.mark.parametrize("regularization", [0.1, 2.0])
def test_the_formula(temperature: float, regularization: float) -> None:
    setting = {**SETTING, "temperature": temperature, "regularization": regularization}
    bridge = ContentBridge(**setting).fit(VECTORS, item_features=OLD, show_progress=False)
    want = truth(temperature, regularization, (0.75, 0.25))
    np.testing.assert_allclose(bridge.transform(NEW), want, atol=2e-3 * np.abs(want).max())
    assert bridge.transform(NEW).dtype == np.float32
    unit = ContentBridge(**setting, normalize=True).fit(VECTORS, item_features=OLD, show_progress=False)
    lengths = np.linalg.norm(unit.transform(NEW), axis=1)
    np.testing.assert_allclose(lengths, np.where(np.arange(COLD) == 2, 0, 1), atol=1e-6)


def test_one_set_of_bits(bridge: ContentBridge) -> None:
    want = bridge.transform(NEW)
    tiles = ContentBridge(**SETTING, memory_budget=1).fit(VECTORS, item_features=OLD, show_progress=False)
    np.testing.assert_array_equal(tiles.transform(NEW), want)
    with ar.thread_limit(1):
        again = ContentBridge(**SETTING).fit(VECTORS.astype(np.float64), item_features=OLD, show_progress=False)
    np.testing.assert_array_equal(again.transform(NEW), want)
    rows = [bridge.transform(some(NEW, [i])) for i in range(COLD)]
    if ar.backend() == "compiled":
        np.testing.assert_array_equal(np.concatenate(rows), want)
    np.testing.assert_array_equal(bridge.transform(NEW.features.toarray()), want)  # columns in the same order
    assert bridge.transform(NEW.features[:0]).shape == (0, WIDTH)


@pytest.mark.parametrize("normalize", [False, True])
def test_explanations_add_up(normalize: bool) -> None:
    bridge = ContentBridge(**SETTING, normalize=normalize).fit(VECTORS, item_features=OLD, show_progress=False)
    query = np.random.default_rng(3).standard_normal(WIDTH)
    for item in range(COLD):
        one = some(NEW, [item])
        why = bridge.explain(one, query, N=WARM)
        assert why.total == pytest.approx(float(bridge.transform(one)[0] @ query), abs=1e-5)
        assert 2 not in why.ids
        np.testing.assert_allclose(why.contributions, why.weights * why.values)
        assert why.weights.sum() == pytest.approx(0 if item == 2 else 1)
        short = bridge.explain(one, query, N=3)
        assert len(short) == 3
        assert short.total == pytest.approx(why.total)
    queries = np.random.default_rng(4).standard_normal((COLD, WIDTH)).astype(np.float32)
    many = bridge.explain_many(NEW, queries, N=3)
    assert len(many) == COLD
    for item, why in enumerate(many):
        one = bridge.explain(some(NEW, [item]), queries[item], N=3)
        np.testing.assert_array_equal(why.ids, one.ids)
        np.testing.assert_allclose(why.contributions, one.contributions, rtol=1e-6)
        assert why.total == pytest.approx(float(bridge.transform(some(NEW, [item]))[0] @ queries[item]), abs=1e-5)


def test_attention_goes_to_items_with_the_same_content() -> None:
    genres = np.eye(4)[np.arange(20) % 4]
    bridge = ContentBridge(0.05, 0.1).fit(VECTORS[:20], item_features=genres, show_progress=False)
    why = bridge.explain(genres[[3]], np.ones(WIDTH), N=5)
    assert set(why.ids) == {3, 7, 11, 15, 19}
    assert why.weights.sum() == pytest.approx(1, abs=1e-6)
    mean = VECTORS[3:20:4].mean(axis=0)
    np.testing.assert_allclose(bridge.transform(genres[[3]])[0], mean * 5 / 5.1, rtol=1e-3)


def catalogue() -> tuple[sp.csr_array, np.ndarray, np.ndarray]:
    """Users of three tastes, the genres of 60 items, and which of them nobody has seen yet."""
    r = np.random.default_rng(5)
    taste, kind = r.integers(0, 3, 150), r.integers(0, 3, 60)
    x = sp.csr_array((r.random((150, 60)) < np.where(taste[:, None] == kind, 0.4, 0.03)).astype(np.float32))
    return x, np.eye(3)[kind] + 0.1 * r.random((60, 3)), np.arange(50, 60)


@pytest.mark.parametrize("user_representation", ["pooled", "embedding"])
def test_a_model_without_content_takes_new_items(user_representation: Any, tmp_path: Path) -> None:
    x, genres, new = catalogue()
    model = SoftmaxRecommender(user_representation=user_representation, factors=16, epochs=20).fit(
        x[:, :50], show_progress=False
    )
    before = model.predict(np.arange(150), 7)
    bridge = ContentBridge(normalize=True).fit(model.item_vectors, item_features=genres[:50], show_progress=False)
    vectors = bridge.transform(genres[new])
    model.partial_fit_items(new, item_vectors=vectors)
    np.testing.assert_array_equal(model.predict(np.arange(150), 7), before)
    np.testing.assert_allclose(model.item_vectors[new], vectors, atol=1e-6)
    ids = model.recommend(np.arange(150), N=3, items=new)[0]
    assert np.take_along_axis(x.toarray(), ids, axis=1).mean() > 1.5 * x[:, new].mean()
    score = model.predict(4, 53)
    assert model.explain(4, 53).total == pytest.approx(score, abs=1e-4)
    query = model.user_vectors[4] / model.temperature
    assert bridge.explain(genres[[53]], query).total == pytest.approx(score, abs=1e-4)
    model.save(tmp_path / "model")
    assert_same_bits(SoftmaxRecommender.load(tmp_path / "model"), model)


def test_vectors_of_a_library_that_ranks_by_dot_products() -> None:
    x, genres, new = catalogue()
    u, s, vt = np.linalg.svd(x[:, :50].toarray(), full_matrices=False)
    user_factors, item_factors = u[:, :3] * s[:3], vt[:3].T
    bridge = ContentBridge(regularization=0.1).fit(item_factors, item_features=genres[:50], show_progress=False)
    scores = user_factors @ bridge.transform(genres[new]).T
    best = np.argsort(-scores, axis=1)[:, :3]
    assert np.take_along_axis(x[:, new].toarray(), best, axis=1).mean() > 1.5 * x[:, new].mean()


def test_files(bridge: ContentBridge, tmp_path: Path) -> None:
    bridge.save(tmp_path / "bridge")
    for load in (ContentBridge.load, models.load):
        for mmap in (True, False):
            got = load(tmp_path / "bridge", mmap=mmap)
            assert got.get_params() == bridge.get_params()
            np.testing.assert_array_equal(got.transform(NEW), bridge.transform(NEW))
    with pytest.raises(ValueError, match="holds ContentBridge, not SoftmaxRecommender"):
        SoftmaxRecommender.load(tmp_path / "bridge")
    state = bridge._fitted()
    for change in ({"values": state.values[:-1]}, {"temperature": 0.0}, {"items": state.items - 1}):
        bridge._state = replace(state, **change)
        bridge.save(tmp_path / "damaged")
        with pytest.raises(ValueError, match="does not hold a usable ContentBridge"):
            models.load(tmp_path / "damaged")


BAD: list[tuple[dict[str, Any], Any, Any, type[Exception], str]] = [
    ({"temperature": 0}, VECTORS, OLD, ValueError, "temperature=0 must be finite and at least 0.01"),
    ({"regularization": 0}, VECTORS, OLD, ValueError, "regularization=0 must be finite and at least 0.001"),
    ({"regularization": "1"}, VECTORS, OLD, TypeError, "regularization='1' is not a number"),
    ({"normalize": 1}, VECTORS, OLD, TypeError, "normalize=1 is not True or False"),
    ({"memory_budget": 0}, VECTORS, OLD, ValueError, "memory_budget=0 must be a whole number of at least 1"),
    ({"modality_weights": {"genre": 1}}, VECTORS, OLD, ValueError, "names .* where there are"),
    ({}, sp.csr_array(VECTORS), OLD, TypeError, "item_vectors is sparse: pass dense vectors"),
    ({}, VECTORS[:3], OLD, ValueError, r"item_features has shape \(40, 5\).*3 rows of item_vectors"),
    ({}, VECTORS[0], OLD, ValueError, r"item_vectors has shape \(5,\)"),
    ({}, VECTORS[:0], OLD, ValueError, "item_vectors has no rows"),
    ({}, 3.0, OLD, ValueError, r"item_vectors has shape \(\)"),
    ({}, VECTORS.astype(str), OLD, TypeError, "item_vectors holds .*not real numbers"),
    ({}, [[1.0], [1.0, 2.0]], OLD, TypeError, "item_vectors is no matrix"),
    ({}, np.where(np.arange(WARM)[:, None] == 4, np.nan, VECTORS), OLD, ValueError, "NaN or infinity .*row 4"),
    ({"modality_weights": None}, VECTORS, np.zeros((WARM, 2)), ValueError, "'content' is missing for all 40"),
    ({"modality_weights": None}, VECTORS, [[1]] * WARM + [[1, 2]], TypeError, "item_features is no matrix"),
]


@pytest.mark.parametrize(("setting", "vectors", "features", "error", "says"), BAD, ids=lambda v: str(v)[:30])
def test_bad_input(setting: dict[str, Any], vectors: Any, features: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        ContentBridge(**{**SETTING, **setting}).fit(vectors, item_features=features, show_progress=False)


def test_what_has_no_weight_counts_for_nothing() -> None:
    only = ContentBridge(**{**SETTING, "modality_weights": {"genre": 1, "mood": 0}})
    bridge = only.fit(VECTORS, item_features=OLD, show_progress=False)
    assert not {1, 2} & set(bridge.explain(some(NEW, [0]), np.ones(WIDTH), N=WARM).ids)
    assert not bridge.transform(some(NEW, [1, 2])).any()  # no genre
    genres = ContentBridge(0.3, 0.5).fit(VECTORS, item_features=OLD.features[:, :3], show_progress=False)
    np.testing.assert_allclose(bridge.transform(NEW), genres.transform(NEW.features[:, :3]), atol=1e-5)


def test_an_item_like_no_other_has_a_direction_still() -> None:
    content = np.eye(5)
    bridge = ContentBridge(0.015, 1.0, normalize=True).fit(VECTORS[:4], item_features=content[:4], show_progress=False)
    mean = VECTORS[:4].mean(axis=0)
    np.testing.assert_allclose(bridge.transform(content[[4]])[0], mean / np.linalg.norm(mean), atol=1e-5)


def test_a_fit_that_does_not_end_leaves_the_old_one(bridge: ContentBridge, monkeypatch: pytest.MonkeyPatch) -> None:
    want = bridge.transform(NEW)
    monkeypatch.setattr(content_bridge, "_MOST_STEPS", 2)
    with pytest.raises(ValueError, match=r"39 items with regularization=0\.5 is too near singular .* after 2 steps"):
        bridge.fit(-VECTORS, item_features=OLD, show_progress=False)

    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    np.testing.assert_array_equal(bridge.transform(NEW), want)
    with monkeypatch.context() as patch:
        patch.setattr(content_bridge.ops, "predict_ratings", interrupted)
        with pytest.raises(KeyboardInterrupt):
            bridge.fit(-VECTORS, item_features=OLD, show_progress=False)
    np.testing.assert_array_equal(bridge.transform(NEW), want)


def test_new_content_that_does_not_fit(bridge: ContentBridge) -> None:
    with pytest.raises(ValueError, match="ContentBridge is not fitted yet: call fit\\(item_vectors"):
        ContentBridge().transform(NEW)
    with pytest.raises(ValueError, match="has 3 columns where the model was fitted with 5"):
        bridge.transform(np.ones((2, 3)))
    other = SimpleNamespace(features=NEW.features, modalities={"a": slice(0, 3), "mood": slice(3, 5)})
    with pytest.raises(ValueError, match=r"modalities \['a', 'mood'\] where the model was fitted with"):
        bridge.transform(other)
    with pytest.raises(ValueError, match="item_features has 6 rows: explain one item"):
        bridge.explain(NEW, np.ones(WIDTH))
    one = NEW.features[[0]]
    with pytest.raises(ValueError, match=r"query has shape \(3,\): it needs the 5 numbers"):
        bridge.explain(one, np.ones(3))
    with pytest.raises(ValueError, match="query holds NaN"):
        bridge.explain(one, np.full(WIDTH, np.nan))
    with pytest.raises(ValueError, match="N=0"):
        bridge.explain(one, np.ones(WIDTH), N=0)
    with pytest.raises(ValueError, match=r"queries has shape \(2, 5\): it needs one row for each of the 6"):
        bridge.explain_many(NEW, np.ones((2, WIDTH)))


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: e.__name__)
def test_who_takes_item_vectors(estimator: type[models.Recommender]) -> None:
    x = made("implicit")
    model = estimator().fit(x, show_progress=False)
    n = model.n_items
    if "item_vectors" not in estimator.accepted_inputs:
        with pytest.raises(ValueError, match=r"does not use item_vectors \(.*SoftmaxRecommender.* does\)"):
            model.partial_fit_items([n], item_vectors=np.ones((1, 64)))
        return
    if estimator is models.KernelAttentionRecommender:
        return  # test_kernel_given.py
    with pytest.raises(ValueError, match="item_vectors has 3 columns where the model was fitted with 64"):
        model.partial_fit_items([n], item_vectors=np.ones((1, 3)))
    with pytest.raises(ValueError, match="item_vectors holds NaN"):
        model.partial_fit_items([n], item_vectors=np.full((1, 64), np.inf))
    with pytest.raises(ValueError, match=r"item_vectors has shape \(2, 64\).*1 itemids"):
        model.partial_fit_items([n], item_vectors=np.ones((2, 64)))
    with pytest.raises(ValueError, match="or item_features, or item_vectors"):
        model.partial_fit_items([n])
    assert model.n_items == n
    model.partial_fit_items([n, 0], item_vectors=model.item_vectors[[4, 4]])
    assert model.n_items == n + 1
    assert (model.user_items[:, [0]] != x[:, [0]]).nnz == 0  # a fitted item keeps its users
    np.testing.assert_allclose(model.item_vectors[n], model.item_vectors[4], atol=1e-6)
