"""What hiding seen items costs: top-k with 500 excluded items a user against the same without, in turns.

Run ``python -m benchmarks.speed.exclusion``. Excluded are random items, and the 500 best, which all pass the threshold.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp

import attnrec as ar

B, N, D, SEEN = 512, 100_000, 64, 500


def excluded(ids: np.ndarray) -> sp.csr_array:
    """(b, SEEN) item ids as the rows of a CSR matrix."""
    columns = np.sort(ids, axis=1).astype(np.int32).ravel()
    indptr = np.arange(0, B * SEEN + 1, SEEN, dtype=np.int32)
    return sp.csr_array((np.ones(B * SEEN, np.float32), columns, indptr), shape=(B, N))


def ratios(calls: list[Callable[[], object]], rounds: int) -> list[float]:
    """Median over rounds of each call's time to the first one's."""
    took: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds + 1):
        for times, call in zip(took, calls, strict=True):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
    return [statistics.median(t / first for t, first in zip(times[1:], took[0][1:], strict=True)) for times in took]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    r = np.random.default_rng(0)
    q, index = r.standard_normal((B, D), np.float32), ar.ItemIndex(r.standard_normal((N, D), np.float32))
    chance = excluded(np.stack([r.choice(N, SEEN, replace=False) for _ in range(B)]))
    best = excluded(ar.topk(q, index, SEEN, weights=False).ids)
    scans: dict[str, dict[str, Any]] = {"float32": {"weights": False, "precision": "float32"}, "weights": {}}
    scans["8 bits"] = {"weights": False, "precision": "int8"}
    for name, options in scans.items():
        calls = [partial(ar.topk, q, index, 10, exclude=seen, **options) for seen in (None, chance, best)]
        _, by_chance, by_score = ratios(calls, rounds)
        print(f"{name}: {SEEN} random items {by_chance:.3f}, the {SEEN} best {by_score:.3f} times as long")


if __name__ == "__main__":
    main()
