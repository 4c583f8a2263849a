"""Searchers: the bits of topk for one query after another, what they refuse, threads, processes, and no allocation."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import attnrec as ar
from toolchain import c_compiler, run, shared_flags

COUNTER = """
#include <stddef.h>
extern void *__libc_malloc(size_t), *__libc_memalign(size_t, size_t);
static long count;
long allocations(void) { return count; }
void *malloc(size_t n) { ++count; return __libc_malloc(n); }
void *aligned_alloc(size_t a, size_t n) { ++count; return __libc_memalign(a, n); }
int posix_memalign(void **p, size_t a, size_t n) { ++count; *p = __libc_memalign(a, n); return *p == NULL ? 12 : 0; }
"""
COUNTED = """
import ctypes, sys
import numpy as np
import attnrec as ar

allocations = ctypes.CDLL(sys.argv[1]).allocations
items = np.random.default_rng(0).standard_normal((4000, 16), dtype=np.float32)
out, seen, query = (np.empty(10, np.int64), np.empty(10, np.float32)), np.arange(0, 500, 5), items[3].copy()
for options in ({"precision": "float32"}, {"precision": "int8"}, {"item_bias": items[:, 0].copy()},
                {"items": np.arange(0, 4000, 3)}, {"filter_items": np.arange(7)}):
    search = ar.ItemIndex(items).searcher(10, **options)
    used = []
    for calls in (1, 0, 0, 100):
        before = allocations()
        for _ in range(calls):
            search(query, out=out, exclude=seen)
            search(query, out=out)
        used.append(allocations() - before)
    assert used[0] > 0 or used[1] == used[0], used
    assert used[3] == used[2], (options, used)
"""
ALONE = """
import os
import numpy as np
import attnrec as ar

r = np.random.default_rng(0)
large = ar.ItemIndex(r.standard_normal((100_000, 16), dtype=np.float32))  # on one thread: see the environment
ar.set_num_threads(4)
items, query = r.standard_normal((2000, 16), dtype=np.float32), r.standard_normal(16, dtype=np.float32)
index = ar.ItemIndex(items)
ar.topk(query, index, 10), ar.topk(query, items, 10), ar.attend(query[None], items, items)
for searched in (index, large):
    search = searched.searcher(10)
    for _ in range(100):
        search(query, exclude=[1, 2])
assert len(os.listdir("/proc/self/task")) == 1, os.listdir("/proc/self/task")
ar.topk(np.tile(query, (64, 1)), large, 10)
assert len(os.listdir("/proc/self/task")) > 1, "a large call would have been seen"
"""


def given(n: int, d: int = 16, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).standard_normal((n, d), dtype=np.float32)


def same(found: Any, wanted: ar.TopK) -> None:
    np.testing.assert_array_equal(found[0], wanted.ids)
    np.testing.assert_array_equal(found[1], wanted.scores)


@pytest.mark.parametrize("precision", ["auto", "float32", "int8"])
@pytest.mark.parametrize("n", [0, 1, 11, 1000, 5003])
def test_bits_of_topk(n: int, precision: Any) -> None:
    items, queries = given(n), given(6, seed=1)
    queries[4] = 0
    index = ar.ItemIndex(items, precision=precision)
    bias = np.linspace(-1, 1, n, dtype=np.float32)
    some = np.arange(0, n, 3)
    rng = np.random.default_rng(2)
    for k in (1, 10, 40):
        for options in ({}, {"scale": -0.5}, {"item_bias": bias}, {"items": some}, {"filter_items": some}):
            search = index.searcher(k, precision=precision, **options)
            for row, query in enumerate(queries):
                seen = rng.integers(0, n, 30 * row) if n else np.zeros(0, dtype=np.int64)
                hidden = np.concatenate([seen, options.get("filter_items", seen[:0])])
                ours = {**options, "filter_items": hidden, "precision": precision}
                same(search(query, exclude=seen), ar.topk(query, index, k, weights=False, **ours))


def test_a_query_too_small_for_8_bits_leaves_nothing_of_the_one_before() -> None:
    items = np.zeros((2000, 8), dtype=np.float32)
    items[:960] = -np.abs(given(960, 8))  # the rest, of zeros, is best
    search, tiny = ar.ItemIndex(items).searcher(10, precision="int8"), np.full(8, 1e-30, dtype=np.float32)
    search(np.full(8, -3, dtype=np.float32))
    same(search(tiny), ar.topk(tiny, items, 10, weights=False))


def test_names_follow_the_index() -> None:
    index = ar.ItemIndex(given(300), ids=np.arange(300)[::-1] * 10)
    search = index.searcher(5, filter_items=[20])
    query = given(1, seed=3)[0]
    best = search(query)[0]
    assert 20 not in best
    assert not set(best[:2]) & set(search(query, exclude=[best[1], best[0], 5])[0]), "5 is no name and hides nothing"
    index.append(100 * query[None], ids=[7])
    assert search(query)[0][0] == 7
    same(search(query), ar.topk(query, index, 5, weights=False, filter_items=[20]))
    index.replace(given(3), ids=[20, 21, 22])
    np.testing.assert_array_equal(np.sort(search(query)[0]), [-1, -1, -1, 21, 22])
    index.replace(given(3), ids=[1, 2, 3])
    with pytest.raises(ValueError, match="searcher: filter_items holds 20"):
        search(query)


def test_a_bias_of_the_old_length_is_refused_after_an_append() -> None:
    index = ar.ItemIndex(given(10))
    search = index.searcher(3, item_bias=np.zeros(10))
    index.append(given(1))
    with pytest.raises(ValueError, match="item_bias"):
        search(given(1)[0])


def test_out_is_written_and_returned() -> None:
    search = ar.ItemIndex(given(50)).searcher(4)
    query, out = given(1)[0], (np.empty(4, np.int64), np.empty(4, np.float32))
    found = search(query, out=out)
    assert found[0] is out[0]
    assert found[1] is out[1]
    first = search(query)
    search(-query)
    np.testing.assert_array_equal(first[0], found[0], err_msg="arrays of an earlier call are the caller's")


@pytest.mark.parametrize("query", [[1, 2], np.ones((1, 16)), [np.nan] * 16, [np.inf] * 16, np.ones(0)])
def test_queries_that_are_refused(query: Any) -> None:
    with pytest.raises(ValueError, match="searcher: query"):
        ar.ItemIndex(given(50)).searcher(4)(query)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"k": 0}, ValueError, "k is 0"),
        ({"k": 1.5}, TypeError, "k is 1.5"),
        ({"scale": np.nan}, ValueError, "scale"),
        ({"scale": "a"}, TypeError, "scale"),
        ({"item_bias": [1.0]}, ValueError, "item_bias"),
        ({"item_bias": [np.nan] * 50}, ValueError, "item_bias holds NaN"),
        ({"items": [50]}, ValueError, "items"),
        ({"filter_items": [-1]}, ValueError, "filter_items"),
        ({"precision": "int4"}, ValueError, "precision"),
        ({"num_threads": 0}, ValueError, "num_threads"),
    ],
)
def test_options_that_are_refused(options: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=f"searcher: {words}"):
        ar.ItemIndex(given(50)).searcher(**options)


def test_calls_that_are_refused() -> None:
    search, query = ar.ItemIndex(given(50)).searcher(4), given(1)[0]
    ids, scores = np.empty(4, np.int64), np.empty(4, np.float32)
    for bad, error in (
        ((ids,), TypeError),
        ((scores, ids), TypeError),
        ((ids[:3], scores), ValueError),
        ((np.empty(8, np.int64)[::2], scores), ValueError),
    ):
        with pytest.raises(error, match="out"):
            search(query, out=bad)
    for seen, error in (
        ([50], ValueError),
        ([-1], ValueError),
        ([True] * 50, TypeError),
        ([0.5], TypeError),
        ([[1]], ValueError),
    ):
        with pytest.raises(error, match="exclude"):
            search(query, exclude=seen)
    huge = np.full(16, 1e38, dtype=np.float32)
    with pytest.raises(ValueError, match="range of float32"):
        search(huge)


def test_more_threads_give_the_same_bits() -> None:
    index, query = ar.ItemIndex(given(30000)), given(1)[0]
    same(
        index.searcher(10, num_threads=2)(query, exclude=[1]),
        ar.topk(query, index, 10, weights=False, items=None, filter_items=[1]),
    )


def test_two_threads_on_one_searcher_raise_or_are_right() -> None:
    index, query = ar.ItemIndex(given(20000)), given(1)[0]
    search, wanted = index.searcher(10), ar.topk(query, index, 10, weights=False)
    bad: list[BaseException] = []

    def often() -> None:
        for _ in range(200):
            try:
                same(search(query), wanted)
            except RuntimeError as error:
                if "another thread" not in str(error):
                    bad.append(error)
            except AssertionError as error:
                bad.append(error)

    team = [threading.Thread(target=often) for _ in range(4)]
    for t in team:
        t.start()
    for t in team:
        t.join()
    assert not bad, bad[0]


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
@pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="a sanitizer has threads of its own")
def test_small_work_starts_no_thread() -> None:
    run(sys.executable, "-c", ALONE, env={"OPENBLAS_NUM_THREADS": "1", "ATTNREC_NUM_THREADS": "1"})


def test_others_run_during_a_search() -> None:
    """The interpreter lock is given away: nobody is asked for it here as long as the test takes."""
    index, query, done = ar.ItemIndex(given(200_000)), given(1)[0], threading.Event()
    search, before, turns = index.searcher(10, precision="float32"), sys.getswitchinterval(), 0

    def often() -> None:
        for _ in range(200):
            search(query)
        done.set()

    sys.setswitchinterval(100)
    try:
        other = threading.Thread(target=often)
        other.start()
        while not done.is_set():
            time.sleep(0)
            turns += 1
        other.join()
    finally:
        sys.setswitchinterval(before)
    assert turns > 20


def test_pickles_with_its_index() -> None:
    search, query = ar.ItemIndex(given(50)).searcher(4, scale=2), given(1)[0]
    same(pickle.loads(pickle.dumps(search))(query), ar.topk(query, given(50), 4, scale=2, weights=False))


def test_by_reference() -> None:
    ar.set_backend("reference")
    try:
        search = ar.ItemIndex(given(50), ids=np.arange(50) + 5).searcher(4, filter_items=[5])
        found = search(given(1, seed=1)[0], exclude=[6, 1000])
    finally:
        ar.set_backend("compiled")
    wanted = ar.ItemIndex(given(50), ids=np.arange(50) + 5).searcher(4, filter_items=[5])(
        given(1, seed=1)[0], exclude=[6]
    )
    np.testing.assert_array_equal(found[0], wanted[0])
    np.testing.assert_allclose(found[1], wanted[1], rtol=1e-5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("num_threads", [1, 2])
def test_works_in_a_forked_child(num_threads: int) -> None:
    index, query = ar.ItemIndex(given(30000)), given(1)[0]
    search = index.searcher(10, num_threads=num_threads)
    wanted = search(query)
    child = os.fork()
    if child == 0:
        fine = all(np.array_equal(a, b) for a, b in zip(search(query), wanted, strict=True))
        index.append(100 * query[None])
        os._exit(0 if fine and search(query)[0][0] == 30000 else 1)
    assert os.waitpid(child, 0)[1] == 0


def best_of(index: ar.ItemIndex) -> list[int]:
    return index.searcher(3)(given(1)[0])[0].tolist()


def test_works_in_a_spawned_process() -> None:
    index = ar.ItemIndex(given(50))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(best_of, (index,)) == best_of(index)


@pytest.mark.skipif(sys.platform != "linux", reason="counts the calls of glibc's allocator")
@pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="a sanitizer counts them already")
def test_nothing_is_allocated(tmp_path: Path) -> None:
    (tmp_path / "count.c").write_text(COUNTER)
    library = tmp_path / "count.so"
    run(*c_compiler(), "-O1", *shared_flags(), tmp_path / "count.c", "-o", library)
    env = {**os.environ, "LD_PRELOAD": str(library), "OPENBLAS_NUM_THREADS": "1"}
    run(sys.executable, "-c", COUNTED, library, env=env)
