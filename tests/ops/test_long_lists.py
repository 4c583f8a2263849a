"""Long lists of many queries start from a guessed threshold: what is returned does not depend on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import attnrec as ar
from attnrec import reference
from cases import integers, normal, pattern

B, N, D, K = 70, 33_001, 8, 100
SAMPLE = 2048


def sampled() -> np.ndarray:
    """The items that are looked at for a guess (csrc/ops/retrieval/threshold_estimate.cpp)."""
    i = np.arange(SAMPLE, dtype=np.uint64)
    first = i * np.uint64(N) // np.uint64(SAMPLE)
    size = (i + np.uint64(1)) * np.uint64(N) // np.uint64(SAMPLE) - first
    mixed = (i + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    return (first + (mixed >> np.uint64(32)) % size).astype(np.int64)


def assert_as_without(q: np.ndarray, v: Any, k: int = K, **options: Any) -> None:
    """As from calls on so few queries that none is made; each of them was checked against the reference elsewhere."""
    exclude = options.pop("exclude", None)
    guessed = [ar.topk(q, v, k, num_threads=threads, exclude=exclude, **options) for threads in (1, 7)]
    for rows in (slice(0, 33), slice(33, len(q))):
        few = ar.topk(q[rows], v, k, exclude=None if exclude is None else exclude[rows], **options)
        for got in guessed:
            assert np.array_equal(got.ids[rows], few.ids)
            assert got.scores[rows].tobytes() == few.scores.tobytes()
            assert np.array_equal(got.counts[rows], few.counts)
            if few.weights is not None:
                assert got.weights[rows].tobytes() == few.weights.tobytes()


@pytest.fixture(params=["arrays", "float32", "int8"])
def prepared(request: pytest.FixtureRequest) -> Any:
    if request.param == "arrays":
        return lambda v: v
    return lambda v: ar.ItemIndex(v, precision=request.param)


@pytest.mark.parametrize("make", [normal, integers])
def test_as_without_a_guess(prepared: Any, make: Any) -> None:
    r = np.random.default_rng(0)
    q, v = make(r, B, D), prepared(make(r, N, D))
    assert_as_without(q, v)
    assert_as_without(q, v, weights=False)
    assert_as_without(q, v, k=40, weights=False, scale=-0.3, item_bias=make(r, 1, N)[0])
    assert_as_without(q, v, weights=False, items=np.arange(1, N, 1))


@pytest.mark.parametrize("weights", [False, True])
def test_what_the_reference_says(weights: bool) -> None:
    r = np.random.default_rng(1)
    q, v = integers(r, B, D), integers(r, N, D)
    got, want = ar.topk(q, v, K, weights=weights), reference.topk(q, v, K, weights=weights)
    assert np.array_equal(got.ids, want.ids)
    assert np.array_equal(got.scores, want.scores)


@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("best", [20, 99, 100])
@pytest.mark.parametrize("alike", [False, True])
def test_a_sample_of_the_best_alone(prepared: Any, best: int, alike: bool, weights: bool) -> None:
    """Some of the sample are better than all else, so that fewer than k pass; of equal ones all pass."""
    r = np.random.default_rng(2)
    q, v = np.abs(normal(r, B, D)), np.abs(normal(r, N, D))
    at = sampled()[:best]
    v[at] = 100 + (v[at[0]] if alike else v[at])
    assert_as_without(q, prepared(v), weights=weights)


def test_hidden_items(prepared: Any) -> None:
    """A few from most users, half from one, nearly all and all from others."""
    r = np.random.default_rng(3)
    q, v = normal(r, B, D), prepared(normal(r, N, D))
    rows = [pattern(r, n, N, density, messy=True) for n, density in ((B - 3, 0.01), (1, 0.5), (1, 0.998), (1, 1.1))]
    hidden = sp.vstack(rows, format="csr")
    assert_as_without(q, v, weights=False, exclude=hidden, filter_items=np.arange(0, N, 7))


def test_all_items_alike(prepared: Any) -> None:
    r = np.random.default_rng(4)
    q, v = normal(r, B, D), normal(r, N, D)
    q[3] = 0
    assert_as_without(q, prepared(v), weights=False)
    assert_as_without(q, prepared(np.zeros_like(v)), weights=False)
