"""Content of every estimator that takes it: updates, files, and explanations by feature and modality that add up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from attnrec import models
from attnrec.features import FeatureEncoder
from attnrec.models import KernelAttentionRecommender, KernelAttentionRegressor, SoftmaxRecommender
from attnrec.models.content.attribution import Columns, by_size
from attnrec.models.inputs.histories import RowChunks
from estimators import ESTIMATORS, ITEMS, USERS, answers, assert_same_bits, made
from kernel_truth import Truth, unit

FILMS = {
    "genre": [("Drama", "Noir", "War", None)[k % 4] for k in range(ITEMS)],
    "year": [None if k == 5 else 1950 + 3 * k for k in range(ITEMS)],
}
ENCODER = FeatureEncoder(categories="genre", numbers="year")
ITEM_FEATURES = ENCODER.fit_transform(FILMS)
USER_FEATURES = FeatureEncoder(categories="town").fit_transform({"town": [f"t{k % 5}" for k in range(USERS)]})
NAMES = ["genre=Drama", "genre=Noir", "genre=War", "year", "year:known"]

SETTINGS: dict[type[models.Recommender], list[dict[str, Any]]] = {  # ways to use content that need a parameter
    KernelAttentionRecommender: [{"based_on": "items"}, {"based_on": "both"}],
    KernelAttentionRegressor: [{}, {"passes": 1, "content_weight": 0.5, "user_content_weight": 0.4}],
    SoftmaxRecommender: [{"epochs": 3, "factors": 8}],
}
CASES = [
    (estimator, setting, taken)
    for estimator in ESTIMATORS
    for setting in SETTINGS.get(estimator, [{}])
    for taken in (("item_features",), ("user_features",), ("item_features", "user_features"))
    if set(taken) <= estimator.accepted_inputs
]
GIVEN = {"item_features": ITEM_FEATURES, "user_features": USER_FEATURES}
CASES += [(SoftmaxRecommender, {"epochs": 3, "factors": 8, "user_representation": "embedding"}, ("item_features",))]


@pytest.fixture(scope="module", params=CASES, ids=lambda c: f"{c[0].__name__}-{c[1]}-{'-'.join(c[2])}")
def case(request: pytest.FixtureRequest) -> Any:
    estimator, setting, taken = request.param
    given = {name: GIVEN[name] for name in taken}
    return estimator(**setting).fit(made("explicit"), show_progress=False, **given), taken


def test_every_estimator_that_takes_features_is_here() -> None:
    assert {case[0] for case in CASES} == {
        e for e in ESTIMATORS if {"item_features", "user_features"} & e.accepted_inputs
    }


def test_every_view_adds_up_to_the_score(case: Any) -> None:
    model, _ = case
    rng = np.random.default_rng(1)
    users, items = np.append(rng.integers(0, USERS, 80), [3, 0, 3]), np.append(rng.integers(0, ITEMS, 80), [0, 7, 7])
    scores = model.predict(users, items)
    size = float(np.sqrt(np.mean(np.square(scores, dtype=float))))
    for score, why in zip(scores, model.explain_many(users, items, N=100), strict=True):
        assert {"contributions", "features", "modalities"} <= set(why.views())
        for view in why.views().values():
            assert why.bias + view.total == pytest.approx(score, abs=1e-5 * max(size, abs(float(score))))
        labels = dict(enumerate(why.labels["features"]))
        by_modality = dict(zip(why.modalities.ids.tolist(), why.modalities.contributions, strict=True))
        for k, name in enumerate(why.labels["modalities"][1:], start=1):
            its = [c for i, c in why.features if labels[i].startswith(f"{name}=") or labels[i].startswith(f"{name}:")]
            its += [c for i, c in why.features if labels[i] == name]
            assert by_modality[k] == pytest.approx(sum(its), abs=1e-9 + 1e-6 * size)
        if made("explicit")[[why.userid]].nnz and why.features.count:
            assert np.abs(why.features.contributions).max() > 0


def test_columns_have_the_names_that_they_were_given_with(case: Any, tmp_path: Path) -> None:
    model, taken = case
    why = model.explain(0, 2)
    items, users = ("item_features" in taken), ("user_features" in taken)
    assert why.labels["modalities"] == ["interactions", *["genre", "year"] * items, *["user town"] * users]
    assert why.labels["features"] == [*NAMES * items, *[f"user town=t{k}" for k in range(5)] * users]
    model.save(tmp_path / "model")
    again = models.load(tmp_path / "model")
    assert str(again.explain(0, 2)) == str(why)
    assert_same_bits(again, model)
    for word in (["genre"] if items else []) + (["user town"] if users else []):
        assert word in str(why)
        assert any(word in label for label, _ in why.bars("features"))


def test_columns_without_names_have_numbers() -> None:
    for estimator, setting, taken in CASES:
        if taken == ("item_features",):
            matrix = ITEM_FEATURES.matrix.toarray()
            model = estimator(**setting).fit(made("explicit"), item_features=matrix, show_progress=False)
            why = model.explain(0, 1)
            assert why.labels == {
                "modalities": ["interactions", "content"],
                "features": [f"feature {c}" for c in range(5)],
            }


def test_new_items_are_explained_by_content(case: Any) -> None:
    model, taken = case
    if "item_features" not in taken:
        return
    twin = type(model)(**model.get_params())
    given = {name: GIVEN[name] for name in taken}
    twin.fit(made("explicit"), show_progress=False, **given)
    new = ENCODER.transform({"genre": ["Noir", None], "year": [1971, 1990]})
    twin.partial_fit_items([ITEMS, ITEMS + 1], item_features=new)
    assert np.all(np.isfinite(twin.predict(np.arange(USERS), ITEMS)))
    why = twin.explain(0, ITEMS)
    assert why.bias + why.modalities.total == pytest.approx(twin.predict(0, ITEMS), rel=1e-5, abs=1e-5)
    assert set(why.features.ids.tolist()) - set(range(5, 10)) == {1, 3, 4}
    twin.partial_fit_users([USERS, 0], sp.csr_array(made("explicit")[[1, 2]].toarray() @ np.eye(ITEMS, ITEMS + 2)))
    for user in (0, USERS):
        why = twin.explain(user, ITEMS)
        assert why.bias + why.features.total == pytest.approx(twin.predict(user, ITEMS), rel=1e-5, abs=1e-5)


# Each against its formula, written out on dense matrices.


def test_a_tower_is_linear_in_its_columns() -> None:
    model = SoftmaxRecommender(factors=8, epochs=5).fit(made("explicit"), show_progress=False, **GIVEN)
    s = model._state
    assert s is not None
    x, y = (np.asarray(f.matrix.toarray() if sp.issparse(f.matrix) else f.matrix, float) for f in GIVEN.values())
    w, b = s.item.features.astype(float), s.user.features.astype(float)
    own = s.items - x @ w
    for user, item in ((0, 2), (11, 7), (3, 4)):
        history = made("explicit")[[user]].indices
        says = s.items[history].sum(0) / max(1, len(history)) ** 0.5
        u, v = says + y[user] @ b, s.items[item]
        scale = 1 / (np.linalg.norm(u) * np.linalg.norm(v) * s.temperature)
        why = model.explain(user, item, N=100)
        want = np.append(x[item] * (w @ says), y[user] * (b @ v)) * scale
        np.testing.assert_allclose(why.features.contributions, want[why.features.ids], atol=2e-5)
        assert dict(why.modalities)[0] == pytest.approx(scale * says @ own[item], abs=2e-5)
        assert dict(why.modalities)[2] == pytest.approx(want[3:5].sum(), abs=2e-5)


MOODS = np.abs(np.random.default_rng(7).standard_normal((ITEMS, 3))) * (np.arange(ITEMS) % 6 > 0)[:, None]
AGES = np.random.default_rng(8).standard_normal((USERS, 2))


@pytest.mark.parametrize("passes", [1, 2])
@pytest.mark.parametrize("sides", [(False, True), (True, False), (True, True)])
def test_ratings_with_content_are_those_of_the_formula(passes: int, sides: tuple[bool, bool]) -> None:
    x = made("explicit")
    kinds, modalities = np.eye(4)[np.arange(ITEMS) % 4], {"kind": slice(0, 4), "mood": slice(4, 7)}
    features = SimpleNamespace(features=np.hstack([kinds, MOODS]), modalities=modalities)
    model = KernelAttentionRegressor(
        passes, content_weight=0.4, user_content_weight=0.3, modality_weights={"kind": 3, "mood": 1}, tolerance=1e-12
    )  # fmt: skip
    if not sides[1]:
        model.modality_weights = None
    given = {"user_features": AGES} if sides[0] else {}
    given |= {"item_features": features} if sides[1] else {}
    model.fit(x, show_progress=False, **given)
    items = [(kinds, 0.75), (MOODS, 0.25)] if sides[1] else None
    truth = Truth(x, model, ([(AGES, 1.0)] if sides[0] else None, items))
    got = model.predict(*np.indices(x.shape).reshape(2, -1))
    np.testing.assert_allclose(got, np.clip(truth.rows, 1, 5).ravel(), atol=3e-4)
    if passes == 1:
        for user, item in ((0, 2), (11, 7), (3, 4), (6, 6)):
            parts = _shared_out(truth, model, x, user, item, sides, (AGES, items))
            why = model.explain(user, item, N=100)
            np.testing.assert_allclose(why.features.contributions, parts[why.features.ids], atol=3e-4)


def _per_similarity(row: np.ndarray, temperature: float) -> np.ndarray:
    """(K - K_0) / C, and its limit at C = 0."""
    c, zero = 1 + temperature * np.log(row), np.exp(-1 / temperature)
    return np.where(np.abs(c) < 1e-9, zero / temperature, (row - zero) / np.where(c == 0, 1, c))


def _shared_out(truth: Truth, m: Any, x: Any, user: int, item: int, sides: Any, content: Any) -> np.ndarray:
    """What each column adds: its part of the similarity times (K - K_0) / C, over all pairs of users and items."""
    ((k_u, k_i, _),) = truth.kernels
    a = np.zeros(x.shape)
    a[truth.pairs] = truth.coefficients * truth.variance
    zero_u, zero_i = np.exp(-1 / m.user_temperature), np.exp(-1 / m.item_temperature)
    per_u, per_i = _per_similarity(k_u[user], m.user_temperature), _per_similarity(k_i[item], m.item_temperature)
    out = []
    if sides[1]:
        seen = x.toarray().any(0)
        blocks = [unit(np.asarray(block, float)) for block, _ in content[1]]
        gates = np.column_stack(
            [seen * 0.6, *(0.4 * w * b.any(1) for b, (_, w) in zip(blocks, content[1], strict=True))]
        )
        gates = np.sqrt(gates / gates.sum(1, keepdims=True))
        rows = np.hstack([g[:, None] * b for g, b in zip(gates.T[1:], blocks, strict=True)])
        attention = (k_u[user] + zero_u) / 2 if sides[0] else k_u[user].copy()
        attention[user] = 0
        weights = m.product_kernel_weight * attention @ a + (m.product_kernel_weight + m.item_kernel_weight) * a[user]
        out.append(((weights * per_i) @ rows) * rows[item])
    if sides[0]:
        seen = x.toarray().any(1)
        gates = np.column_stack([seen * 0.7, np.full(USERS, 0.3)])
        rows = unit(AGES) * np.sqrt(gates / gates.sum(1, keepdims=True))[:, [1]]
        rater_weights = (
            a @ ((k_i[item] + zero_i) / 2 if sides[1] else k_i[item]) * m.product_kernel_weight
            + m.user_kernel_weight * a[:, item]
        )
        rater_weights[user] = 0
        out.append(((rater_weights * per_u) @ rows) * rows[user])
    return np.concatenate(out)


def test_what_history_items_add_is_shared_by_size() -> None:
    rows = sp.csr_array(np.array([[1.0, 2.0, -2.0, 0.5], [0, 0, 0, 1.0], [0, 0, 0, 0]], dtype=np.float32))
    item, belongs = np.array([1.0, 1.0, 0.5, 2.0]), np.array([1, 1, 1, 2])
    pieces = RowChunks.of(rows, np.arange(3))
    got, histories = by_size(np.array([8.0, -1.0, 5.0]), np.array([2.0, 1.0, 0.0]), item, pieces, belongs)
    # the first: histories 2, modality 1 |1 + 2 - 1| = 2, modality 2 |1|; of modality 1 its columns are 1 : 2 : 1
    want = np.array([8 * 2 / 5 / 4, 8 * 2 / 5 / 2, 8 * 2 / 5 / 4, 8 / 5 - 2 / 3])
    np.testing.assert_allclose(got, want, atol=1e-12)
    assert histories == pytest.approx(8 * 2 / 5 - 1 / 3)
    nothing = Columns.of(None, None)
    assert (nothing.modalities, nothing.features, len(nothing.belongs)) == (["interactions"], [], 0)


# What a user meets.


def test_ratings_of_new_items_and_of_people_by_features() -> None:
    x = made("explicit")
    model = KernelAttentionRegressor(content_weight=0.3).fit(
        sp.csr_array(x[:, :20]), item_features=ITEM_FEATURES[:20], user_features=USER_FEATURES, show_progress=False
    )  # fmt: skip
    model.partial_fit_items(np.arange(20, ITEMS), item_features=ITEM_FEATURES[20:])
    whole = x.tolil()
    whole[:, 20:] = 0
    want = KernelAttentionRegressor(content_weight=0.3).fit(
        sp.csr_array(whole), item_features=ITEM_FEATURES, user_features=USER_FEATURES, show_progress=False
    )  # fmt: skip
    assert_same_bits(model, want)
    users = np.arange(USERS)
    for histories in (None, x):
        again = model.recommend(users, histories, recalculate_user=histories is not None, N=5)
        with_own = model.recommend(
            users, histories, recalculate_user=histories is not None, N=5, user_features=USER_FEATURES
        )  # fmt: skip
        np.testing.assert_array_equal(with_own[0], again[0])
        np.testing.assert_allclose(with_own[1], again[1], atol=1e-5)
    nobody = sp.csr_array((2, ITEMS), dtype=np.float32)
    by_town = model.recommend([-1, -1], nobody, recalculate_user=True, user_features=USER_FEATURES[:2], N=5)[1]
    assert np.any(by_town[0] != by_town[1])
    before = answers(model)
    model.partial_fit_users([0], sp.csr_array(whole)[[0]])
    for a, b in zip(answers(model)[3:], before[3:], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_tuning_tries_the_share_of_content_where_there_is_content() -> None:
    x = made("explicit")
    for given, tried in (({}, set()), ({"item_features": ITEM_FEATURES}, {"content_weight"})):
        model = KernelAttentionRegressor(passes=1).fit(x, tune=True, show_progress=False, **given)
        assert {"content_weight", "user_content_weight"} & set(model.tuning_[0]) == tried
    grid = [{"genre": 1, "year": 0}, {"genre": 0, "year": 1}]
    model.fit(x, item_features=ITEM_FEATURES, tune={"modality_weights": grid}, show_progress=False)
    assert model.modality_weights in grid
    assert len(model.tuning_) == 2


BAD: list[tuple[dict[str, Any], dict[str, Any], type[Exception], str]] = [
    ({}, {"item_features": np.ones((3, 2))}, ValueError, r"item_features has shape \(3, 2\).*25 items"),
    ({}, {"user_features": np.ones((ITEMS, 2))}, ValueError, r"user_features has shape \(25, 2\).*40 users"),
    ({}, {"item_features": np.full((ITEMS, 2), np.nan)}, ValueError, "item_features .*NaN or infinity .*row 0"),
    ({}, {"user_features": np.zeros((USERS, 2))}, ValueError, "user_features: .* is missing for all 40 users"),
    ({}, {"item_features": np.zeros((ITEMS, 0))}, ValueError, "item_features has no columns"),
    ({}, {"item_features": [["a"]] * ITEMS}, TypeError, "item_features holds .* not real numbers"),
    ({"content_weight": 1.5}, {}, ValueError, "content_weight=1.5 must lie between 0 and 1"),
    ({"user_content_weight": "a"}, {}, TypeError, "user_content_weight='a' is not a number"),
    ({"modality_weights": {"a": 1}}, {"item_features": ITEM_FEATURES}, ValueError, "modality_weights names .*'a'"),
    ({"user_modality_weights": {"a": 1}}, {"user_features": AGES}, ValueError, "user_modality_weights names .*'a'"),
    ({"modality_weights": [1, 2]}, {"item_features": ITEM_FEATURES}, TypeError, r"modality_weights=\[1, 2\] is no map"),
]


@pytest.mark.parametrize(("setting", "given", "error", "says"), BAD, ids=lambda v: str(v)[:24])
def test_content_that_does_not_fit(setting: Any, given: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        KernelAttentionRegressor(**setting).fit(made("explicit"), show_progress=False, **given)


def test_content_that_does_not_fit_the_model() -> None:
    plain = KernelAttentionRegressor().fit(made("explicit"), show_progress=False)
    with pytest.raises(ValueError, match="item_features: the model was fitted without any"):
        plain.partial_fit_items([ITEMS], item_features=np.ones((1, 2)))
    with pytest.raises(ValueError, match="user_features: the model was fitted without any"):
        plain.recommend(0, user_features=np.ones((1, 2)))
    model = KernelAttentionRegressor().fit(made("explicit"), user_features=AGES, show_progress=False)
    with pytest.raises(ValueError, match="has 3 columns where the model was fitted with 2"):
        model.recommend(0, user_features=np.ones((1, 3)))


@pytest.mark.parametrize("damage", ["widths", "names"])
def test_a_file_whose_names_do_not_fit_is_refused(damage: str, tmp_path: Path) -> None:
    for model in (KernelAttentionRegressor(), SoftmaxRecommender(factors=4, epochs=1)):
        model.fit(made("explicit"), item_features=ITEM_FEATURES, show_progress=False)
        state = model._fitted()
        if isinstance(model, KernelAttentionRegressor):
            model._state = replace(state, items=replace(state.items, content_names='["a"]'))
        else:
            columns = '{"modalities": {"a": 2}, "names": null}'
            model._state = replace(state, item=replace(state.item, columns=columns))
        model.save(tmp_path / "model")
        with pytest.raises(ValueError, match=r"does not hold a usable .*names of its features do not fit"):
            models.load(tmp_path / "model")
