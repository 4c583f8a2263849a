"""Many more threads than processors on searchers: who waits is answered with others, as if alone."""

from __future__ import annotations

import os
import sys

import pytest

from toolchain import run

# One processor lets two searches in at a time, so that of eight threads six wait. Fewer items would not wait.
START = """
import os, signal, sys, threading, time
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import numpy as np
import attnrec as ar

N = 140_000
sys.setswitchinterval(1e-4)
r = np.random.default_rng(0)
items = r.standard_normal((N, 32), dtype=np.float32)
items[70_000:70_040] = items[:40]  # ties
queries = np.concatenate([r.standard_normal((24, 32), dtype=np.float32), items[:8]])
queries[3] = 0
seen = [r.choice(N, size, replace=False) for size in r.integers(0, 60, len(queries))]
best = ar.topk(queries, ar.ItemIndex(items), 10, weights=False).ids
seen = [np.concatenate([s, b[::3]]) for s, b in zip(seen, best)]
index = ar.ItemIndex(items)

def team(work, count):
    threads = [threading.Thread(target=work, args=(t,), daemon=True) for t in range(count)]
    for t in threads:
        t.start()
    return threads
"""
TOGETHER = """
for options in ({}, {"precision": "float32"}, {"precision": "int8"}, {"item_bias": items[:, 0].copy()},
                {"items": np.arange(N)}, {"filter_items": np.arange(7), "scale": -2.0}):
    alone = index.searcher(10, **options)
    wanted = [[x.tobytes() for x in alone(q, exclude=s)] for q, s in zip(queries, seen)]
    wrong = []
    def work(me):
        search = index.searcher(10, **options)
        for i in np.random.default_rng(me).permutation(len(queries)):
            found = search(queries[i], exclude=seen[i][::-1])
            if [x.tobytes() for x in found] != wanted[i]:
                wrong.append((options, i, found))
    for t in team(work, 8):
        t.join()
    assert not wrong, wrong[0]
"""
DIFFERENT = """
kinds = [(3, {}), (10, {}), (10, {"scale": 3.0}), (10, {"precision": "float32"}),
         (10, {"filter_items": best[:, 0]}), (10, {"filter_items": best[:, 1]}),
         (10, {"item_bias": items[:, 0].copy()}), (10, {"item_bias": items[:, 1].copy()}),
         (10, {"items": np.arange(N - 9)}), (10, {"items": np.arange(1, N - 8)})]
searches = [index.searcher(k, **options) for k, options in kinds]
wanted = [[search(q)[1].tobytes() for q in queries] for search in searches]
wrong = []
def work(me):
    for i, query in enumerate(queries):
        if searches[me](query)[1].tobytes() != wanted[me][i]:
            wrong.append(kinds[me])
for t in team(work, len(kinds)):
    t.join()
assert not wrong, wrong[0]
"""
FORKED = """
done, wanted = threading.Event(), index.searcher(10)(queries[0])[0].tolist()
def work(me):
    search = index.searcher(10)
    while not done.is_set():
        search(queries[me])
threads, mine = team(work, 8), index.searcher(10)
for _ in range(20):
    time.sleep(0.005)
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # a lock that nobody will free
        same = mine(queries[0])[0].tolist() == index.searcher(10)(queries[0])[0].tolist() == wanted
        for t in team(lambda me: index.searcher(10)(queries[me]), 4):
            t.join()
        os._exit(0 if same else 1)
    status = os.waitpid(child, 0)[1]
    assert status == 0, status
done.set()
for t in threads:
    t.join()
"""
CANCELLED = """
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where whoever started this ignores it
items = r.standard_normal((400_000, 64), dtype=np.float32)
index = ar.ItemIndex(items, precision="float32")
queries = r.standard_normal((6, 64), dtype=np.float32)
wanted, done = index.searcher(10)(queries[0])[0].tolist(), threading.Event()
def work(me):
    search = index.searcher(10)
    while not done.is_set():
        search(queries[me])
threads, mine = team(work, 5), index.searcher(10)
stopped = 0
for _ in range(4):
    end = time.monotonic() + 20
    try:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        while time.monotonic() < end:
            mine(queries[5])
    except KeyboardInterrupt:
        stopped += 1
    assert mine(queries[0])[0].tolist() == wanted  # free again, and right
done.set()
for t in threads:
    t.join()
assert stopped == 4, stopped
"""

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs Linux to have one processor")


@pytest.mark.parametrize(
    "script", [TOGETHER, DIFFERENT, FORKED, CANCELLED], ids=["together", "different", "forked", "cancelled"]
)
def test_waiting_searches(script: str) -> None:
    if script is FORKED and "tsan" in os.environ.get("LD_PRELOAD", ""):
        pytest.skip("ThreadSanitizer allows no thread in a child of a process with threads")
    run(sys.executable, "-c", START + script)
