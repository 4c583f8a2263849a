"""The gradients of the loss against finite differences in float64, and what its options mean. Compiled kernels are
held against the reference by the oracle (test_ops)."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import attnrec as ar
import oracle
from attnrec import reference
from cases_train import targets
from inputs import normal

B, N, D = 7, 12, 5
OPTIONS = [
    {"normalize": normalize, "lse_weight": lse_weight, "bias": bias, "weights": weights}
    for normalize, lse_weight, bias, weights in itertools.product(("all", "unseen"), (1.0, 1.3), (0, 1), (0, 1))
]


def made(seed: int, bias: int, weights: int, **options: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    r = np.random.default_rng(seed)
    x = {"queries": r.standard_normal((B, D)), "items": r.standard_normal((N, D))}
    if bias:
        x["item_bias"] = r.standard_normal(N)
    if weights:
        options["sample_weight"] = r.random(B)
    return x, {**options, "targets": targets(r, B, N, 0.3), "scale": 0.7}


def loss(x: dict[str, np.ndarray], options: dict[str, Any]) -> float:
    return reference.softmax_cross_entropy(**x, **options, grad=False).loss


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(map(str, o.values())))
def test_finite_differences(options: dict[str, Any]) -> None:
    x, rest = made(1, **options)
    got = reference.softmax_cross_entropy(**x, **rest)
    h = 1e-5
    for name, array in x.items():
        want = np.zeros_like(array)
        for at in np.ndindex(array.shape):
            kept = array[at]
            around = []
            for step in (-2 * h, -h, h, 2 * h):
                array[at] = kept + step
                around.append(loss(x, rest))
            array[at] = kept
            want[at] = (around[0] - 8 * around[1] + 8 * around[2] - around[3]) / (12 * h)
        gradient = getattr(got, f"d_{name}")
        assert np.abs(gradient - want).max() <= 1e-6 * np.abs(want).max(), name


def test_loss_is_the_mean_cross_entropy() -> None:
    r = np.random.default_rng(2)
    q, v, ids = normal(r, 30, 8), normal(r, 50, 8), r.integers(0, 50, 30)
    s = q.astype(np.float64) @ v.T.astype(np.float64)
    want = np.mean(np.log(np.exp(s).sum(axis=1)) - s[np.arange(30), ids])
    assert ar.softmax_cross_entropy(q, v, ids).loss == pytest.approx(want, rel=1e-6)
    one_hot = sp.csr_array((np.ones(30), ids, np.arange(31)), shape=(30, 50))
    assert oracle.bits(ar.softmax_cross_entropy(q, v, one_hot)) == oracle.bits(ar.softmax_cross_entropy(q, v, ids))


def test_unseen_leaves_the_other_targets_out() -> None:
    """A target far above the others costs them nothing, unless they compete with it."""
    q, v = np.ones((1, 1)), np.array([[9.0], [0.0], [0.0]])
    y = sp.csr_array(np.array([[1.0, 1.0, 0.0]]))
    apart = ar.softmax_cross_entropy(q, v, y, normalize="unseen").loss
    assert apart == pytest.approx((np.log1p(np.exp(-9)) + np.log(2)) / 2, rel=1e-6)
    assert ar.softmax_cross_entropy(q, v, y).loss > apart + 4


def test_rows_without_targets_count_for_nothing() -> None:
    r = np.random.default_rng(3)
    q, v, y = normal(r, 9, 4), normal(r, 20, 4), targets(r, 9, 20, 0.3)
    empty = sp.csr_array((2, 20), dtype=np.float32)
    more = ar.softmax_cross_entropy(np.vstack([q, normal(r, 2, 4)]), v, sp.vstack([y, empty]).tocsr())
    less = ar.softmax_cross_entropy(q, v, y)
    assert more.loss == less.loss
    assert np.array_equal(more.d_queries[:9], less.d_queries)
    assert not more.d_queries[9:].any()
    assert np.allclose(more.d_items, less.d_items, rtol=1e-5, atol=1e-8)
    nothing = ar.softmax_cross_entropy(q, v, sp.csr_array((9, 20), dtype=np.float32))
    assert nothing.loss == 0
    assert not nothing.d_queries.any()
    assert not nothing.d_items.any()


@pytest.mark.parametrize("normalize", ["all", "unseen"])
def test_eps_stays_within_its_bound(normalize: Any) -> None:
    """Items in clusters, so that whole strips are negligible: they are left out, and no more than that."""
    r = np.random.default_rng(4)
    centres = normal(r, 8, 16)
    v = np.repeat(centres, 300, axis=0) + 0.1 * normal(r, 2400, 16)
    q = np.repeat(centres, 40, axis=0) + 0.1 * normal(r, 320, 16)
    y = targets(r, 320, 2400, 0.01)
    exact = ar.softmax_cross_entropy(q, v, y, normalize=normalize)
    eps = 1e-6
    loose = ar.softmax_cross_entropy(q, v, y, normalize=normalize, eps=eps)
    assert loose.loss == exact.loss
    assert loose.d_queries.tobytes() != exact.d_queries.tobytes()
    share = np.asarray(y.sum(axis=1)).ravel() / y.sum()
    bound = eps * share * np.linalg.norm(v, axis=1).sum()
    assert np.all(np.linalg.norm(loose.d_queries - exact.d_queries, axis=1) <= bound + 1e-9)
    assert np.abs(loose.d_items - exact.d_items).max() <= eps * np.abs(q).max() + 1e-9


def test_gradients_go_where_they_are_told() -> None:
    r = np.random.default_rng(5)
    q, v, y = normal(r, 9, 4), normal(r, 20, 4), targets(r, 9, 20, 0.3)
    want = ar.softmax_cross_entropy(q, v, y, item_bias=np.zeros(20))
    room = ar.CrossEntropy(0.0, np.empty((9, 4), "f"), np.empty((20, 4), "f"), np.empty(20, "f"))
    got = ar.softmax_cross_entropy(q, v, y, item_bias=np.zeros(20), out=room)
    assert got.d_queries is room.d_queries
    assert oracle.bits(got) == oracle.bits(want)
    with pytest.raises(ValueError, match=r"d_items has to be .* of shape \(20, 4\)"):
        ar.softmax_cross_entropy(q, v, y, out=ar.CrossEntropy(0.0, np.empty((9, 4), "f"), np.empty((9, 4), "f"), None))
    one = np.empty((9, 4), "f")
    with pytest.raises(ValueError, match="d_items overlaps d_queries"):
        ar.softmax_cross_entropy(q, v[:9], y[:, :9].tocsr(), out=ar.CrossEntropy(0.0, one, one, None))
    with pytest.raises(ValueError, match="overlaps queries"):
        ar.softmax_cross_entropy(q, v, y, out=ar.CrossEntropy(0.0, q, np.empty((20, 4), "f"), None))


def test_adam_finds_the_least_squares() -> None:
    r = np.random.default_rng(6)
    a, b = normal(r, 40, 5), normal(r, 40)
    x, first, second = np.zeros(5, "f"), np.zeros(5, "f"), np.zeros(5, "f")
    for step in range(1, 2001):
        ar.adam_step(x, a.T @ (a @ x - b) / 40, first, second, step, learning_rate=0.5 / step**0.5)
    assert np.allclose(x, np.linalg.lstsq(a, b, rcond=None)[0], atol=1e-3)


def test_adam_writes_nothing_on_a_bad_gradient() -> None:
    x, first, second = np.ones(5, "f"), np.zeros(5, "f"), np.zeros(5, "f")
    with pytest.raises(ValueError, match=r"gradient holds NaN or infinity .*at 3"):
        ar.adam_step(x, [0, 1, 2, np.inf, 4], first, second, 1)
    assert x.tolist() == [1] * 5
    assert not first.any()
