"""Threads that search an index while others append to it and replace it: every result has to be that of one version.

``tests/index/test_churn.py`` runs it for a second; ``python tools/stress.py --minutes 10`` as long as one likes.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np

import attnrec as ar

WIDTH, K = 16, 10


class Versions:
    """Sets of items that the index goes through, with the results of some queries on each.

    Version v scales its items by 1 + v, so that no score of one version is one of another.
    """

    def __init__(self, n: int, count: int, seed: int) -> None:
        r = np.random.default_rng(seed)
        self.queries = r.standard_normal((16, WIDTH), dtype=np.float32)
        self.base = [np.float32(1 + v) * r.standard_normal((n, WIDTH), dtype=np.float32) for v in range(count)]
        self.more = [
            np.float32(1 + v) * r.standard_normal((n // 10 + 1, WIDTH), dtype=np.float32) for v in range(count)
        ]
        self.known: set[bytes] = set()
        for base, more in zip(self.base, self.more, strict=True):
            for items in (base, np.concatenate([base, more])):
                index = ar.ItemIndex(items)
                for row, query in enumerate(self.queries):
                    found = ar.topk(query, index, K, weights=False, num_threads=1)
                    self.known.add(self.key(row, found.ids, found.scores))

    @staticmethod
    def key(row: int, ids: np.ndarray[Any, Any], scores: np.ndarray[Any, Any]) -> bytes:
        return bytes([row]) + ids.tobytes() + scores.tobytes()


def churn(seconds: float, *, readers: int = 8, n: int = 3000, versions: int = 3, seed: int = 0) -> dict[str, int]:
    """Counts of searches and swaps; raises AssertionError at a result that no version has."""
    given = Versions(n, versions, seed)
    index = ar.ItemIndex(given.base[0])
    stop = threading.Event()
    searches, swaps, failures = [0] * readers, [0], []

    def read(me: int) -> None:
        search = index.searcher(K)
        at = me
        while not stop.is_set():
            row = at % len(given.queries)
            if at % 4 == 0:
                both = ar.topk(given.queries[row], index, K, weights=False, num_threads=1)
                found = both.ids, both.scores
            else:
                found = search(given.queries[row])
            if given.key(row, *found) not in given.known:
                failures.append(AssertionError(f"query {row} got what no version has: {found}"))
                stop.set()
            searches[me] += 1
            at += 1

    def write() -> None:
        version = 0
        while not stop.is_set():
            index.append(given.more[version])
            version = (version + 1) % versions
            index.replace(given.base[version])
            swaps[0] += 2

    def watched(work: Any, *args: Any) -> None:
        try:
            work(*args)
        except BaseException as error:
            failures.append(error)
            stop.set()

    team = [threading.Thread(target=watched, args=(read, i)) for i in range(readers)]
    team.append(threading.Thread(target=watched, args=(write,)))
    for t in team:
        t.start()
    end = time.monotonic() + seconds
    while time.monotonic() < end and not stop.is_set():
        time.sleep(0.05)
    stop.set()
    for t in team:
        t.join()
    if failures:
        raise failures[0]
    return {"searches": sum(searches), "swaps": swaps[0]}


def appends(writers: int, each: int, seed: int = 0) -> None:
    """Several threads append at once, and nothing of it may be lost."""
    r = np.random.default_rng(seed)
    first = r.standard_normal((50, WIDTH), dtype=np.float32)
    index = ar.ItemIndex(first, ids=np.arange(50))

    def write(me: int) -> None:
        for i in range(each):
            index.append(np.full((1, WIDTH), me + 1, dtype=np.float32), ids=[1000 * (me + 1) + i])

    team = [threading.Thread(target=write, args=(i,)) for i in range(writers)]
    for t in team:
        t.start()
    for t in team:
        t.join()
    wanted = [*range(50), *(1000 * (w + 1) + i for w in range(writers) for i in range(each))]
    assert sorted(index.ids.tolist()) == wanted, "an append was lost"
    rows = dict(zip(index.ids.tolist(), index.features, strict=True))
    for name in wanted[50:]:
        assert (rows[name] == name // 1000).all(), f"{name} has the features of another item"
