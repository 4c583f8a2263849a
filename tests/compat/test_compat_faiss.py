"""attnrec.compat.IndexFlatIP beside FAISS's: ids, scores, padding, what it says of itself, threads, what is refused."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from attnrec.compat import IndexFlatIP
from beside import assert_same_rankings
from inputs import integers, normal

faiss = pytest.importorskip("faiss", reason="faiss is not installed: pip install faiss-cpu")


def filled(items: Any, kind: Any = IndexFlatIP) -> Any:
    index = kind(items.shape[1])
    index.add(items)
    return index


def assert_same(items: Any, queries: Any, k: int) -> None:
    (ours, ids), (theirs, want) = filled(items).search(queries, k), filled(items, faiss.IndexFlatIP).search(queries, k)
    assert (ours.dtype, ids.dtype, ours.shape) == (theirs.dtype, want.dtype, theirs.shape)
    assert_same_rankings(ids, ours, want, theirs)
    np.testing.assert_array_equal(ids[want < 0], want[want < 0])


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 500, 8), (7, 40, 3), (19, 1000, 33), (60, 3000, 64)])
@pytest.mark.parametrize("k", [1, 10, 60])
def test_random_vectors(shape: tuple[int, int, int], k: int) -> None:
    b, n, d = shape
    r = np.random.default_rng([*shape, k])
    assert_same(normal(r, n, d), normal(r, b, d), k)
    assert_same(normal(r, n, d) * np.exp(2 * normal(r, n, 1)), normal(r, b, d), k)


def test_its_own_first_example() -> None:
    r = np.random.RandomState(1234)
    items = r.random((5000, 64)).astype("float32")
    items[:, 0] += np.arange(5000) / 1000.0
    queries = r.random((300, 64)).astype("float32")
    queries[:, 0] += np.arange(300) / 1000.0
    assert_same(items, queries, 4)


def test_equal_scores_are_in_order_of_ids() -> None:
    r = np.random.default_rng(0)
    items, queries = integers(r, 200, 3), integers(r, 30, 3)
    (ours, ids), (theirs, _) = filled(items).search(queries, 9), filled(items, faiss.IndexFlatIP).search(queries, 9)
    np.testing.assert_array_equal(ours, theirs)
    assert ((np.diff(ours, axis=1) < 0) | (np.diff(ids, axis=1) > 0)).all()


def test_what_it_says_of_itself() -> None:
    r = np.random.default_rng(1)
    items = normal(r, 9, 4)
    for index in (IndexFlatIP(4), faiss.IndexFlatIP(4)):
        assert (index.d, index.ntotal, index.is_trained) == (4, 0, True)
        scores, ids = index.search(items, 2)
        assert (ids == -1).all()
        assert (scores == np.finfo(np.float32).min).all()
        assert index.add(items[:5]) is None
        index.add(items[5:6])
        index.search(items, 2)
        index.add(items[6:].astype(np.float64))
        index.add(items[:0])
        assert index.ntotal == 9
        np.testing.assert_array_equal(index.reconstruct(6), items[6])
        np.testing.assert_array_equal(index.search(items[7:8], 9)[1][0], np.argsort(-(items @ items[7])))
        assert index.reset() is None
        assert index.ntotal == 0
        assert (index.search(items, 1)[1] == -1).all()
    ours = filled(items)
    ours.reconstruct(0)[:] = 7
    np.testing.assert_array_equal(ours.reconstruct(0), items[0])


def test_what_was_added_is_a_copy() -> None:
    items = np.ones((3, 2), np.float32)
    index = filled(items)
    items[:] = 9
    np.testing.assert_array_equal(index.search(np.ones((1, 2)), 1)[0], [[2.0]])


def test_searches_while_vectors_are_added() -> None:
    r = np.random.default_rng(2)
    items = normal(r, 4000, 8)
    index, failed = filled(items[:1000]), []

    def search() -> None:
        for _ in range(40):
            scores, ids = index.search(items[:5], 3)
            expected = np.einsum("ij,ikj->ik", items[:5], items[ids])
            if not np.allclose(scores, expected, rtol=1e-5, atol=1e-5):
                failed.append(ids)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for start in range(1000, 4000, 300):
        index.add(items[start : start + 300])
    for thread in threads:
        thread.join()
    assert not failed
    assert index.ntotal == 4000
    np.testing.assert_array_equal(index.search(items[:50], 9)[1], filled(items).search(items[:50], 9)[1])


BAD: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "width": ("d is 0", lambda _: IndexFlatIP(0)),
    "add-shape": (r"add: x has shape \(2, 3\); give a row of 4", lambda index: index.add(np.ones((2, 3)))),
    "add-axes": (r"add: x has shape \(4,\)", lambda index: index.add(np.ones(4))),
    "add-nan": ("add: x holds NaN or infinity in row 1", lambda index: index.add([[0, 0, 0, 0], [0, np.nan, 0, 0]])),
    "search-shape": (r"search: x has shape \(4,\)", lambda index: index.search(np.ones(4), 1)),
    "search-nan": ("NaN", lambda index: index.search(np.full((1, 4), np.nan), 1)),
    "k": ("k is 0", lambda index: index.search(np.ones((1, 4)), 0)),
    "key": ("key is 1; there are 1", lambda index: index.reconstruct(1)),
    "key-negative": ("key is -1", lambda index: index.reconstruct(-1)),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)  # which would answer some of it
    words, call = BAD[name]
    index = filled(np.ones((1, 4), np.float32))
    with pytest.raises(ValueError, match=words):
        call(index)
    assert index.ntotal == 1
