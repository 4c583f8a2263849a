"""Models served through the C interface recommend what they do in Python; bad calls are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

import attnrec
from attnrec.data import Interactions
from attnrec.features import FeatureEncoder
from attnrec.models import KernelAttentionRecommender, KernelAttentionRegressor
from estimators import ITEMS, KINDS, USERS, made
from served import CONTENT, SERVED, Service, equal, forge, saved

if attnrec.backend() != "compiled":
    pytest.skip("there is no C interface without the compiled extension", allow_module_level=True)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    return Service(tmp_path_factory.mktemp("service"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SERVED)
def test_recommends_what_python_does(name: str, kind: str, service: Service, tmp_path: Path) -> None:
    model, path, within = saved(name, kind, tmp_path)
    new, nobody, users = made(kind, seed=5), np.full(USERS, -1), np.arange(USERS)
    with service.open(path) as served:
        assert service.info(served) == (type(model).__name__, USERS, ITEMS)
        equal(service.recommend(served, new), model.recommend(nobody, new, recalculate_user=True), within)
        if kind == "implicit":
            told = service.recommend(served, new, ones=True)
            equal(told, model.recommend(nobody, new, recalculate_user=True), within)
        for clip in (True, False):
            equal(service.recommend(served, userids=users, clip=clip), model.recommend(users, clip=clip), within)
        turned = np.where(users == 20, -1, users[::-1])
        mixed = csr_array(
            new.toarray() * (users % 2 == 0)[:, None] + made(kind)[turned].toarray() * (users % 2)[:, None]
        )
        told = service.recommend(served, mixed, userids=turned, k=30, keep=True)
        want = model.recommend(turned, mixed, N=30, recalculate_user=True, filter_already_liked_items=False)
        equal(told, want, within)
        limits: dict[str, Any] = {"items": np.arange(20, 2, -1), "filter_items": [4, 5, 4]}
        told = service.recommend(served, new, k=12, **limits)
        equal(told, model.recommend(nobody, new, N=12, recalculate_user=True, **limits), within)
        for more in ({"num_threads": 3}, {"memory_budget": 1}, {"num_threads": 2, "memory_budget": 5000}):
            for a, b in zip(service.recommend(served, new, k=12, **limits, **more), told, strict=True):
                np.testing.assert_array_equal(a, b)


def test_a_model_with_outside_ids(service: Service, tmp_path: Path) -> None:
    path, x = tmp_path / "model.safetensors", made("implicit")
    data = Interactions.from_sparse(x, [f"u{u}" for u in range(USERS)], [(i, "é") for i in range(ITEMS)])
    model = KernelAttentionRecommender(based_on="items").fit(data, show_progress=False)
    model.save(path)
    with service.open(path) as served:
        equal(service.recommend(served, x), model.recommend(np.full(USERS, -1), x, recalculate_user=True), 0)


def test_a_model_with_the_encoder_of_its_features(service: Service, tmp_path: Path) -> None:
    words = {"words": ["|".join(f"{item}-{word}" for word in range(3000)) for item in range(ITEMS)]}
    features = FeatureEncoder(multi="words", id=False, max_features=80_000).fit_transform(words)
    model = KernelAttentionRecommender(based_on="items").fit(
        made("implicit"), item_features=features, show_progress=False
    )
    path = tmp_path / "model.safetensors"
    model.save(path)
    with service.open(path) as served:
        equal(service.recommend(served, userids=np.arange(USERS)), model.recommend(np.arange(USERS)), 0)


def test_histories_in_any_order(service: Service, tmp_path: Path) -> None:
    model, path, _ = saved("neighbours", "explicit", tmp_path)
    x = csr_array((np.float32([2, 5, 1, 3]), np.int32([9, 2, 9, 4]), np.int32([0, 4, 4])), shape=(2, ITEMS))
    with service.open(path) as served:
        equal(service.recommend(served, x), model.recommend([-1, -1], x.copy(), recalculate_user=True), 0)
        ids, scores, counts = service.recommend(served, csr_array((0, ITEMS)))
        assert ids.shape == scores.shape == (0, 10)
        assert counts.shape == (0,)


def test_rows_of_64_bit_integers(service: Service, tmp_path: Path) -> None:
    model, path, _ = saved("neighbours", "implicit", tmp_path)
    forge(path, lambda h, a: a.update({n: x.astype(np.int64) for n, x in a.items() if x.dtype == np.int32}))
    new = made("implicit", seed=1)
    with service.open(path) as served:
        want = model.recommend(np.full(USERS, -1), new, recalculate_user=True)
        equal(service.recommend(served, new), want, 0)


@pytest.mark.parametrize("name", ["softmax", "kernel, item"])
def test_users_and_items_that_came_later(name: str, service: Service, tmp_path: Path) -> None:
    """One item with users, and one that is known by its vector alone."""
    model, path, within = saved(name, "implicit", tmp_path)
    model.partial_fit_users([USERS], made("implicit", seed=2)[[0]])
    model.partial_fit_items([ITEMS], csr_array(np.ones((1, USERS + 1), np.float32)))
    width = ITEMS + 1 if name == "kernel, item" else 8
    model.partial_fit_items([ITEMS + 1], item_vectors=np.full((1, width), 0.3))
    model.save(path)
    with service.open(path) as served:
        assert service.info(served)[1:] == (USERS + 1, ITEMS + 2)
        users = np.arange(USERS + 1)
        want = model.recommend(users, N=ITEMS + 2)
        assert (want[0] == ITEMS + 1).any()
        equal(service.recommend(served, userids=users, k=ITEMS + 2), want, within)


def test_a_file_that_is_replaced_stays_what_it_was(service: Service, tmp_path: Path) -> None:
    model, path, _ = saved("kernel, item", "implicit", tmp_path)
    want = model.recommend(np.arange(USERS))
    with service.open(path) as served:
        KernelAttentionRecommender(based_on="items").fit(csr_array(np.eye(3) + 1), show_progress=False).save(path)
        equal(service.recommend(served, userids=np.arange(USERS)), want, 0)
        with service.open(path) as newer:
            assert service.info(newer) == ("KernelAttentionRecommender", 3, 3)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ({}, r"give histories \(b, 25\), or userids of fitted users, 0 to 39"),
        ({"histories": made("explicit")[:, :20]}, r"histories \(40, 20\) have 20 columns, and the model has 25 items"),
        ({"histories": made("explicit"), "k": 0}, "k is 0; ask for at least 1"),
        ({"histories": made("explicit"), "ones": True}, "fitted on ratings; give those of the histories as their data"),
        ({"userids": [0, 40]}, r"userids\[1\] is 40, and the model was fitted with users 0 to 39"),
        ({"userids": [-1]}, r"userids\[0\] is -1"),
        ({"histories": made("explicit")[:1], "userids": [-2]}, r"userids\[0\] is -2"),
        ({"userids": [0], "items": [25]}, r"items\[0\] is 25; there are 25 rows"),
        ({"userids": [0], "filter_items": [3, -1]}, r"filter_items\[1\] is -1"),
        ({"userids": [0], "num_threads": -1}, "num_threads is -1"),
        ({"histories": csr_array(np.float32([[np.nan] * ITEMS]))}, "histories holds NaN or infinity"),
    ],
)
def test_bad_calls(call: dict[str, Any], says: str, service: Service, tmp_path: Path) -> None:
    _, path, _ = saved("neighbours", "explicit", tmp_path)
    with service.open(path) as served, pytest.raises(ValueError, match=f"^model_recommend: .*{says}"):
        service.recommend(served, **call)


def test_broken_histories(service: Service, tmp_path: Path) -> None:
    _, path, _ = saved("kernel", "implicit", tmp_path)
    with service.open(path) as served:
        for ones in (False, True):
            x = made("implicit")
            x.indices[3] = ITEMS
            with pytest.raises(ValueError, match="model_recommend: histories row 0 holds column 25"):
                service.recommend(served, x, ones=ones)
            x = made("implicit")
            x.indptr[2] = 1000
            with pytest.raises(ValueError, match=r"model_recommend: histories\.indptr decreases"):
                service.recommend(served, x, ones=ones)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (KernelAttentionRegressor().fit(made("explicit"), **CONTENT), "with content can not be .* without item_feat"),
        (KernelAttentionRecommender(n_blocks=2).fit(made("explicit")), "in 2 blocks of users .* n_blocks=1"),
    ],
)
def test_what_is_not_served(model: Any, says: str, service: Service, tmp_path: Path) -> None:
    model.save(tmp_path / "m")
    with pytest.raises(ValueError, match=f"model_open: .*{says}"), service.open(tmp_path / "m"):
        pass
