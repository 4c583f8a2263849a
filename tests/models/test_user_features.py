"""Users added with features, with a history, or with both; and those whose features change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from attnrec import models
from attnrec.features import FeatureEncoder
from attnrec.models import KernelAttentionRegressor, SoftmaxRecommender
from estimators import ESTIMATORS, ITEMS, USERS, assert_same_bits, made

X = made("explicit")
TOWNS = np.eye(3, dtype=np.float32)[np.arange(USERS + 2) % 3]
MAKE: dict[str, Any] = {
    "softmax": lambda: SoftmaxRecommender(factors=8, epochs=5, id_dropout=0.3, random_state=0),
    "kernel": lambda: KernelAttentionRegressor(user_content_weight=0.4, passes=1),
}
NEW = np.array([USERS, USERS + 1])
NOBODY = sp.csr_array((2, ITEMS), dtype=np.float32)


def fitted(name: str, features: Any = TOWNS[:USERS]) -> Any:
    return MAKE[name]().fit(X, user_features=features, show_progress=False)


@pytest.fixture(params=list(MAKE))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_both_is_a_history_with_features_kept(name: str) -> None:
    model, histories = fitted(name), sp.csr_array(X[[5, 6]])
    asked = {"recalculate_user": True, "user_features": TOWNS[USERS:]}
    want = model.recommend([-1, -1], histories, N=5, **asked)
    model.partial_fit_users(NEW, histories, user_features=TOWNS[USERS:])
    got = model.recommend(NEW, N=5)
    if name == "softmax":  # nothing was learned again
        np.testing.assert_array_equal(got[0], want[0])
        np.testing.assert_allclose(got[1], want[1], rtol=1e-5)
    together = MAKE[name]().fit(sp.vstack([X, histories]).tocsr(), user_features=TOWNS, show_progress=False)
    if name == "kernel":
        assert_same_bits(model, together)
    assert (model.user_items != together.user_items).nnz == 0


def test_features_alone(name: str, tmp_path: Path) -> None:
    model = fitted(name)
    want = model.recommend([-1, -1], NOBODY, N=5, recalculate_user=True, user_features=TOWNS[USERS:])
    model.partial_fit_users(NEW, user_features=TOWNS[USERS:])
    assert model.n_users == USERS + 2
    got = model.recommend(NEW, N=5)
    np.testing.assert_allclose(got[1], want[1], rtol=1e-4)  # of kernels, as far as systems are solved
    assert np.any(got[1][0] != got[1][1])
    why = model.explain(int(NEW[0]), int(got[0][0, 0]))
    assert why.bias + why.features.total == pytest.approx(float(got[1][0, 0]), rel=1e-5)
    assert {why.labels["features"][f] for f in why.features.ids} == {f"user feature {USERS % 3}"}
    model.save(tmp_path / "m")
    assert_same_bits(models.load(tmp_path / "m"), model)


def test_fitted_users_keep_what_is_not_given(name: str) -> None:
    model, moved = fitted(name), TOWNS[:USERS].copy()
    moved[[0, 4]] = moved[[1, 2]]
    model.partial_fit_users([0, 4], user_features=moved[[0, 4]])
    assert (model.user_items != X).nnz == 0
    if name == "kernel":
        assert_same_bits(model, fitted(name, moved))
    before = model.recommend([0, 4], N=5)
    model.partial_fit_users([0, 4], sp.csr_array(X[[0, 4]]))
    again = model.recommend([0, 4], N=5)
    own = model.recommend([0, 4], N=5, user_features=moved[[0, 4]])
    for each in (again, own):
        np.testing.assert_allclose(each[1], before[1], rtol=1e-4)
    other = model.recommend([0, 4], N=5, user_features=TOWNS[[0, 4]])
    assert np.any(np.abs(other[1] - before[1]) > 1e-3)


def test_raw_rows_are_encoded(name: str) -> None:
    encoder = FeatureEncoder(categories="town", id=False)
    people = encoder.fit_transform({"town": [f"t{i % 3}" for i in range(USERS)]})
    model, same = fitted(name, people), fitted(name, people)
    model.partial_fit_users(NEW, user_features={"town": ["t2", "t0"]})
    assert_same_bits(model, same.partial_fit_users(NEW, user_features=encoder.transform({"town": ["t2", "t0"]})))


def test_what_does_not_fit(name: str) -> None:
    model = fitted(name)
    with pytest.raises(ValueError, match=r"user_items is missing: .*, or user_features"):
        model.partial_fit_users([0])
    with pytest.raises(ValueError, match="user_features has 2 columns where the model was fitted with 3"):
        model.partial_fit_users([0], user_features=np.ones((1, 2)))
    with pytest.raises(ValueError, match=r"user_features .* one row for each of the 2 .*user"):
        model.partial_fit_users(NEW, user_features=np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"user_features holds NaN|user_features holds nan"):
        model.partial_fit_users([0], user_features=np.full((1, 3), np.nan))
    assert model.n_users == USERS
    plain = MAKE[name]().fit(X, show_progress=False)
    with pytest.raises(ValueError, match="fit it with user_features first"):
        plain.partial_fit_users([0], user_features=np.ones((1, 3)))


@pytest.mark.parametrize(
    "estimator", [e for e in ESTIMATORS if "user_features" not in e.accepted_inputs], ids=lambda e: e.__name__
)
def test_who_has_no_use_for_features_says_so(estimator: Any) -> None:
    model = estimator().fit(X, show_progress=False)
    with pytest.raises(ValueError, match="does not use user_features"):
        model.partial_fit_users([0], user_features=np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"user_items is missing: .* userids$"):
        model.partial_fit_users([0])
