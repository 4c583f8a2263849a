"""Rounding does not grow with the number of terms: the sums of kernels, estimators and what they are made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

import attnrec as ar
from attnrec.models import KernelAttentionRecommender, NeighbourAttention, Recommender, SoftmaxRecommender
from attnrec.models.inputs.histories import product, transposed_product
from attnrec.models.kernel_implicit import ridge
from served import Service
from served import equal as same_lists


def equal(n_rows: int, n: int) -> np.ndarray:
    return np.full((n_rows, n), 1 / np.sqrt(n), np.float32)


@pytest.mark.parametrize("n", [513, 1000, 4096, 172_000, 4_000_000])
def test_rows_of_equal_terms(n: int) -> None:
    x = equal(2, n)
    truth = float(np.sum(np.square(x[0], dtype=np.float64)))
    sparse = csr_array((x.ravel(), np.tile(np.arange(n), 2), [0, n, 2 * n]), shape=(2, n))
    got = {
        "dot_product": ar.dot_product(x[0], x[0]),
        "one query": ar.similarity(x[0], x)[1],
        "sparse, one query": ar.similarity(sparse[[0]], sparse)[0, 1],
        "sampled": ar.sampled_product(x, x, csr_array([[0, 1], [1, 0]]))[0],
    }
    if n < 1_000_000:  # these copy their input for as many queries as the kernels take at once
        got |= {
            "several": ar.similarity(x, x)[0, 1],
            "sparse": ar.similarity(sparse, sparse)[0, 1],
            "pairs": ar.score_pairs(x, x, [0], [1])[0],
            "topk": ar.topk(x, x, 1).scores[0, 0],
            "topk, include": ar.topk(x, x, 1, include=csr_array(np.ones((2, 2)))).scores[0, 0],
        }
    assert {name: round(abs(float(s) / truth - 1), 9) for name, s in got.items() if abs(s / truth - 1) > 1e-6} == {}
    alike = [got[name] for name in got if name != "sampled"]  # which adds up sixteen sums
    assert len({np.float32(s) for s in alike}) == 1


@given(st.integers(0, 2**32 - 1), st.integers(1, 6000), st.floats(0.001, 1000))
def test_any_length_and_size(seed: int, n: int, size: float) -> None:
    """Within what a running sum of 512 terms may lose, and of more than that, in parts of 64, a seventh of it."""
    r = np.random.default_rng(seed)
    x, y = (r.uniform(0.5, 1.5, n).astype(np.float32) * np.float32(size) for _ in range(2))
    terms = x.astype(np.float64) * y
    at_most = (n if n <= 512 else 70) * 2.0**-24 * terms.sum()
    assert abs(ar.dot_product(x, y) - terms.sum()) <= at_most
    assert (
        np.float32(ar.dot_product(x, y))
        == ar.similarity(x, y[None])[0]
        == ar.score_pairs(x[None], y[None], [0], [0])[0]
    )


def test_an_item_is_like_itself_however_many_have_it() -> None:
    n = 172_000
    r = np.random.default_rng(0)
    x = csr_array((r.random((n, 4)) < [1, 0.7, 0.5, 0.3]).astype(np.float32))
    unit = ridge.features(x.T.tocsr(), np.ones(n, np.float32))
    np.testing.assert_allclose(np.diag(ar.similarity(unit, unit)), 1, atol=1e-6)
    dense = unit.toarray().astype(np.float64)
    np.testing.assert_allclose(ridge.kernel(unit, unit, 0.5), np.exp((dense @ dense.T - 1) / 0.5), rtol=3e-6)
    model = KernelAttentionRecommender(based_on="items", activity_exponent=0.0).fit(x, show_progress=False)
    k = np.exp((dense @ dense.T - 1) / model.item_temperature)
    b = -model.item_regularization * np.linalg.inv(k + model.item_regularization * np.eye(4))
    np.fill_diagonal(b, 0)
    np.testing.assert_allclose(
        model.recommend(0, N=4, filter_already_liked_items=False)[1].max(), (x[[0]] @ b).max(), rtol=1e-5
    )


def test_what_many_users_say_of_an_item() -> None:
    """Scores of all users' weights, and of many histories, from few numbers that are rounded alike."""
    n = 300_000
    x = csr_array(np.tile(np.float32([[0.1, 0.7]]), (n, 1)))
    weights = np.full((1, n), 0.3, np.float32)
    truth = float(np.float32(0.3)) * x.data[:2].astype(np.float64) * n
    for b in (1, 2, 100):
        got = ar.predict_ratings(np.repeat(weights, b, 0), x)
        np.testing.assert_allclose(got, np.tile(truth, (b, 1)), rtol=1e-5)
        np.testing.assert_allclose(ar.predict_ratings(np.repeat(weights, b, 0), x.toarray()), got, rtol=1e-5)


@given(st.integers(0, 2**32 - 1), st.lists(st.sampled_from([0, 1, 511, 512, 513, 1024, 1500, 3000]), max_size=5))
def test_sparse_products(seed: int, lengths: list[int]) -> None:
    r = np.random.default_rng(seed)
    indptr = np.append(0, np.cumsum(lengths)).astype(np.int64)
    indices = np.concatenate([np.zeros(0, np.int64), *(np.sort(r.permutation(4000)[:n]) for n in lengths)])
    x: Any = csr_array((r.random(indptr[-1], np.float32), indices, indptr), shape=(len(lengths), 4000))
    y = r.random((4000, 3), np.float32)
    got, want = product(x, y), x.astype(np.float64) @ y
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, want, rtol=2e-5)
    short = np.diff(indptr) <= 512
    assert got[short].tobytes() == np.asarray(x @ y)[short].tobytes()
    z = r.random((len(lengths), 3), np.float32)
    np.testing.assert_allclose(transposed_product(x, z), x.T.astype(np.float64) @ z, rtol=2e-5)


def test_sparse_products_of_equal_terms() -> None:
    n = 1_000_000
    x: Any = csr_array((np.full(n, 0.1, np.float32), np.zeros(n, np.int32), np.arange(n + 1)), shape=(n, 1))
    truth = float(np.float32(0.1)) ** 2 * n
    y = np.full((n, 2), 0.1, np.float32)
    np.testing.assert_allclose(transposed_product(x, y), [[truth, truth]], rtol=1e-5)
    np.testing.assert_allclose(product(x.T.tocsr(), y), [[truth, truth]], rtol=1e-5)


def test_gradient_of_an_item_that_all_have() -> None:
    n = 100_000
    q = np.full((n, 2), 0.1, np.float32)
    y = csr_array((np.ones(n, np.float32), np.zeros(n, np.int32), np.arange(n + 1)), shape=(n, 2))
    got = ar.softmax_cross_entropy(q, np.zeros((2, 2), np.float32), y, item_bias=[0, 0])
    np.testing.assert_allclose(got.d_items, [[-0.05, -0.05], [0.05, 0.05]], rtol=1e-5)
    np.testing.assert_allclose(got.d_item_bias, [-0.5, 0.5], rtol=1e-5)


def test_the_vector_of_a_long_history() -> None:
    """Of one user with 3,000 items, beside the same in float64."""
    r = np.random.default_rng(1)
    x = csr_array(np.vstack([np.ones((1, 3000)), r.random((40, 3000)) < 0.01]).astype(np.float32))
    model = SoftmaxRecommender(factors=4, epochs=1, batch_size=64).fit(x, show_progress=False)
    items = model._fitted().items.astype(np.float64)
    raw = items.sum(axis=0)
    np.testing.assert_allclose(model.user_vectors[0], raw / np.linalg.norm(raw), atol=1e-5)


@pytest.mark.parametrize(
    ("make", "within"),
    [
        (NeighbourAttention, 0),
        (lambda: KernelAttentionRecommender(based_on="items"), 0),
        (lambda: KernelAttentionRecommender(based_on="both"), 1e-6),
        (lambda: SoftmaxRecommender(factors=4, epochs=1, batch_size=2000), 1e-6),
    ],
)
def test_served_from_c_as_from_python(make: Callable[[], Recommender], within: float, tmp_path: Path) -> None:
    """Long histories, of more users than one running sum takes."""
    r = np.random.default_rng(2)
    x = csr_array((r.random((900, 1300)) < np.where(np.arange(900) % 300 == 0, 0.9, 0.02)[:, None]).astype(np.float32))
    model = make().fit(x, show_progress=False)
    model.save(tmp_path / "model.safetensors")
    users, service = np.arange(0, 900, 50), Service(tmp_path)
    with service.open(tmp_path / "model.safetensors") as served:
        same_lists(service.recommend(served, userids=users), model.recommend(users), within)
        nobody = np.full(len(users), -1)
        want = model.recommend(nobody, x[users], recalculate_user=True)
        same_lists(service.recommend(served, x[users]), want, within)
