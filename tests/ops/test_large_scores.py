"""Softmax of scores so large that float32 rounds their exponents away: refused, and no matter where they lose."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

import attnrec as ar
from attnrec import reference

if ar.backend() != "compiled":
    pytest.skip("the reference computes in float64", allow_module_level=True)

R = np.random.default_rng(0)
ITEMS = R.standard_normal((3000, 4)).astype(np.float32)
CALLS = {
    "attention_matrix": lambda q, x: ar.attention_matrix(q, x),
    "attend": lambda q, x: ar.attend(q, x, x),
    "attend, include": lambda q, x: ar.attend(q, x, x, include=csr_array(np.ones((len(q), len(x))))),
    "topk": lambda q, x: ar.topk(q, x, 3),
    "topk, include": lambda q, x: ar.topk(q, x, 3, include=csr_array(np.ones((len(q), len(x))))),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("size", [1e9, 1e15, 1e25])
def test_refused(call: str, size: float) -> None:
    for b in (1, 40):
        for sign in (1, -1):  # the largest score is beyond one end, or all are beyond the other
            queries, items = np.ones((b, 1), np.float32), np.full((50, 1), sign * size, np.float32)
            with pytest.raises(ValueError, match=r"beyond 2\^29 .* lower scale"):
                CALLS[call](queries, items)
        several = np.ones((3000, 1), np.float32)
        several[2000] = size  # among others that are none
        with pytest.raises(ValueError, match=r"beyond 2\^29"):
            CALLS[call](np.ones((b, 1), np.float32), several)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("size", [2.0**20, 2.0**28, 2.0**29])
def test_the_largest_are_as_they_should_be(call: str, size: float) -> None:
    queries, items = np.ones((40, 1), np.float32), np.float32([[size], [size], [-size], [0]])
    got = CALLS[call](queries, items)
    if call == "attention_matrix":
        np.testing.assert_allclose(got, np.tile([0.5, 0.5, 0, 0], (40, 1)), atol=1e-7)
    elif call.startswith("attend"):
        np.testing.assert_allclose(got, np.full((40, 1), size), rtol=1e-6)
    else:
        np.testing.assert_allclose(got.weights, np.tile([0.5, 0.5, 0], (40, 1)), atol=1e-7)


@pytest.mark.parametrize("b", [1, 40])
@pytest.mark.parametrize("bias", [-1e9, -1e20, -1e37])
def test_items_that_lose_by_far_do_not_matter(b: int, bias: float) -> None:
    """As where a bias hides items: whole strips of them before, between and after the others."""
    queries = R.standard_normal((b, 4)).astype(np.float32)
    biases = np.full(len(ITEMS), bias, np.float32)
    biases[1500:1600] = 0
    got = ar.topk(queries, ITEMS, 5, item_bias=biases)
    want = reference.topk(queries, ITEMS[1500:1600], 5)
    np.testing.assert_array_equal(got.ids, want.ids + 1500)
    np.testing.assert_allclose(got.weights, want.weights, rtol=1e-5)
    np.testing.assert_allclose(got.lse, want.lse, rtol=1e-6)
    keys = ITEMS.copy()
    keys[:1500], keys[1600:] = [bias / 4, 0, 0, 0], [bias / 4, 0, 0, 0]
    ahead = np.hstack([np.ones((b, 1)), queries[:, 1:]]).astype(np.float32)
    weights = ar.attention_matrix(ahead, keys)
    np.testing.assert_allclose(weights[:, 1500:1600], reference.attention_matrix(ahead, ITEMS[1500:1600]), rtol=1e-5)
    np.testing.assert_array_equal(weights[:, :1500], 0)
    values = ar.attend(ahead, keys, ITEMS)
    np.testing.assert_allclose(
        values, reference.attend(ahead, ITEMS[1500:1600], ITEMS[1500:1600]), rtol=1e-4, atol=1e-6
    )
