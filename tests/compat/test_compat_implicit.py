"""attnrec.compat.implicit_topk beside implicit's own: ids, scores, padding, hidden items, dtypes, what is refused."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

import attnrec as ar
from attnrec.compat import _search, implicit_topk
from beside import assert_same_rankings
from inputs import integers, normal
from inputs import pattern as seen

theirs = pytest.importorskip(
    "implicit.cpu.topk", reason="implicit is not installed: pip install 'attnrec[compat]'"
).topk
LOWEST = -np.finfo(np.float32).max


def assert_same(items: Any, query: Any, k: int, *, ties: bool = False, **options: Any) -> None:
    """The same ranking, or with ``ties`` among small integers the same scores and the lower id first."""
    ids, scores = implicit_topk(items, query, k, **options)
    want_ids, want_scores = theirs(items, query, k, **options)
    assert (ids.shape, ids.dtype, scores.dtype) == (want_ids.shape, np.int32, want_scores.dtype)
    if not ties:
        assert_same_rankings(ids, scores, want_ids, want_scores)
        shown = np.broadcast_to(np.arange(k) < len(items), ids.shape)
        np.testing.assert_array_equal(ids[~shown], want_ids[~shown])
        return
    np.testing.assert_array_equal(scores, want_scores)
    scores_of = query @ items.T
    shown = (scores > LOWEST) & (np.arange(k) < len(items))
    np.testing.assert_array_equal(scores_of[np.nonzero(shown)[0], ids[shown]], scores[shown])
    tied = (np.diff(scores, axis=1) == 0) & shown[:, 1:]
    assert (np.diff(ids, axis=1)[tied] > 0).all()


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 400, 7), (3, 50, 16), (100, 300, 8), (101, 999, 33), (350, 2000, 64)])
@pytest.mark.parametrize("k", [1, 10])
def test_random_factors(shape: tuple[int, int, int], k: int) -> None:
    b, n, d = shape
    r = np.random.default_rng([*shape, k])
    items, query = normal(r, n, d), normal(r, b, d)
    assert_same(items, query, k)
    assert_same(items, query, k, filter_query_items=sp.csr_matrix(seen(r, b, n, 0.2)))
    assert_same(items, query, k, filter_items=r.permutation(n)[: n // 3].tolist())
    norms = np.linalg.norm(items, axis=1)
    assert_same(items, query, k, item_norms=norms, filter_query_items=sp.csr_matrix(seen(r, b, n, 0.2)), num_threads=2)


def test_one_query_without_an_axis() -> None:
    r = np.random.default_rng(1)
    assert_same(normal(r, 30, 4), normal(r, 4), 5)


@pytest.mark.parametrize("k", [2, 5, 9, 14])
def test_hidden_items_come_last_and_ids_end_in_zeros(k: int) -> None:
    r = np.random.default_rng(2)
    items, query = normal(r, 9, 3), normal(r, 130, 3)
    for density in (0.3, 0.8, 1.0):
        hidden = sp.csr_matrix(seen(r, 130, 9, density))
        assert_same(items, query, k, filter_query_items=hidden)
        assert_same(items, query, k, filter_query_items=hidden, filter_items=[8, 0, 0])
    assert_same(items, query, k, filter_items=np.arange(9))


@pytest.mark.parametrize(
    "hidden",
    [[], [-1, 3], np.array([2, 2, 5]), np.arange(20) % 3 == 0, slice(4, 15), (1, 2), np.int64(3), np.empty(0, int)],
    ids=str,
)
def test_every_kind_of_index_hides(hidden: Any) -> None:
    r = np.random.default_rng(3)
    assert_same(normal(r, 20, 3), normal(r, 6, 3), 20, filter_items=hidden)


def test_stored_zeros_hide_and_rows_behind_do_not_matter() -> None:
    r = np.random.default_rng(4)
    hidden = sp.csr_matrix(seen(r, 12, 40, 0.3, messy=True))
    hidden.data[::2] = 0
    assert_same(normal(r, 40, 5), normal(r, 10, 5), 10, filter_query_items=hidden)
    assert_same(normal(r, 60, 5), normal(r, 12, 5), 10, filter_query_items=hidden)  # fewer columns than items


def test_sparse_queries() -> None:
    r = np.random.default_rng(5)
    items, query = normal(r, 60, 60), seen(r, 120, 60, 0.2)
    matrix = sp.csr_matrix(query)
    assert_same(items, matrix, 7, filter_query_items=matrix)
    for ours, same in zip(
        implicit_topk(items, query, 7, filter_query_items=query),  # sparse arrays, which implicit does not read
        implicit_topk(items, matrix, 7, filter_query_items=matrix),
        strict=True,
    ):
        assert np.array_equal(ours, same)


def test_double_precision_goes_in_and_comes_out() -> None:
    r = np.random.default_rng(6)
    assert_same(r.standard_normal((50, 4)), r.standard_normal((8, 4)), 6)


@pytest.mark.parametrize("b", [7, 150])
def test_equal_scores_are_in_order_of_ids(b: int) -> None:
    r = np.random.default_rng(7)
    items, query = integers(r, 300, 3), integers(r, b, 3)
    assert_same(items, query, 12, ties=True)
    assert_same(items, query, 12, ties=True, filter_query_items=sp.csr_matrix(seen(r, b, 300, 0.4)))
    ids, _ = implicit_topk(np.zeros((40, 3), np.float32), query, 5)
    assert (ids == np.arange(5)).all()


def test_items_nobody_used_and_large_norms() -> None:
    r = np.random.default_rng(8)
    items, query = normal(r, 500, 16) * np.exp(3 * normal(r, 500, 1)), normal(r, 200, 16)
    items[::7] = 0
    norms = np.linalg.norm(items, axis=1)
    norms[norms == 0] = 1e-10
    assert_same(items, query, 10)
    assert_same(items, query, 10, item_norms=norms)


@pytest.mark.parametrize("decay", [0.0, 1.5])
def test_a_large_call_takes_the_scan_that_suits_it(decay: float, monkeypatch: pytest.MonkeyPatch) -> None:
    if ar.backend() != "compiled":
        pytest.skip("the choice is between compiled scans")
    r = np.random.default_rng(9)
    items, query = normal(r, 12_000, 16) * np.exp(decay * normal(r, 12_000, 1)), normal(r, 600, 16)
    used = []
    topk = _search.ops.topk
    monkeypatch.setattr(_search.ops, "topk", lambda *a, **o: used.append(o.get("precision")) or topk(*a, **o))
    hidden = seen(r, 600, 12_000, 0.002)
    found = implicit_topk(items, query, 10, filter_query_items=hidden)
    assert used == ["float32", "int8" if decay else "auto"]
    want = topk(query, items, 10, exclude=hidden, weights=False, precision="float32")
    assert np.array_equal(found[0], want.ids)
    assert np.array_equal(found[1], want.scores)


def test_empty() -> None:
    for b, n in ((0, 5), (3, 0)):
        ids, scores = implicit_topk(
            np.ones((n, 2)), np.ones((b, 2), np.float32), 4, filter_query_items=sp.csr_array((b, n))
        )
        assert ids.shape == scores.shape == (b, 4)
        assert not ids.any()
        assert not scores.any()


V, Q = np.ones((5, 3), np.float32), np.ones((2, 3), np.float32)
BAD: dict[str, tuple[type[Exception], str, dict[str, Any]]] = {
    "widths": (ValueError, r"query \(2, 2\) and items \(5, 3\)", {"query": Q[:, :2]}),
    "items-axis": (ValueError, r"items \(3,\)", {"items": V[0]}),
    "k": (ValueError, "k is 0", {"k": 0}),
    "k-float": (TypeError, "k is 2.5; give an integer", {"k": 2.5}),
    "sparse-items": (TypeError, "items is sparse", {"items": sp.csr_array(V)}),
    "words": (TypeError, "query can not be read", {"query": np.full((2, 3), "x")}),
    "norms-shape": (ValueError, r"item_norms \(4,\) does not fit items \(5, 3\)", {"item_norms": np.ones(4)}),
    "norms-zero": (ValueError, r"item_norms\[1\] is 0", {"item_norms": [1, 0, 1, 1, 1]}),
    "norms-nan": (ValueError, r"item_norms\[2\] is nan", {"item_norms": [1, 1, np.nan, 1, 1]}),
    "rows": (ValueError, r"filter_query_items \(1, 5\) has fewer rows", {"filter_query_items": sp.csr_array((1, 5))}),
    "columns": (
        ValueError,
        r"filter_query_items .*outside 0 .. 4",
        {"filter_query_items": sp.csr_array(np.eye(2, 6, 4))},
    ),
    "dense": (TypeError, "filter_query_items is ndarray", {"filter_query_items": np.ones((2, 5))}),
    "ids-range": (ValueError, "filter_items does not fit the 5 items", {"filter_items": [5]}),
    "ids-floats": (TypeError, "filter_items has dtype float64", {"filter_items": [1.5]}),
    "mask": (ValueError, "filter_items does not fit", {"filter_items": np.ones(4, bool)}),
    "nan": (ValueError, "quer.*NaN", {"query": np.full((2, 3), np.nan, np.float32)}),
    "threads": (ValueError, "num_threads", {"num_threads": -1}),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "implicit.cpu.topk", None)  # which would answer some of it
    error, words, changed = BAD[name]
    with pytest.raises(error, match=words):
        implicit_topk(**{"items": V, "query": Q, "k": 2, **changed})
