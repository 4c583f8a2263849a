"""Peak memory of top-k against the number of queries, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

K = 10
RESULT_BYTES = K * (8 + 4) + 8  # of a query: ids, scores, and how many of them
SLACK = 16  # MiB that the allocator may hold on to

CHILD = """
import sys
import numpy as np, attnrec as ar
from benchmarks.speed.read_csv import peak_bytes
b, n, k, precision, threads = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], int(sys.argv[5])
rng = np.random.default_rng(0)
index = ar.ItemIndex(rng.standard_normal((n, 64), dtype=np.float32), precision=precision)
queries = rng.standard_normal((b, 64), dtype=np.float32)
call = dict(weights=False, precision=precision, num_threads=threads)
ar.topk(queries[:64], index, k, **call)  # threads and libraries are there now
try:
    with open("/proc/self/clear_refs", "w") as clear:
        clear.write("5")  # Linux forgets the peak so far, which was that of packing the items
except OSError:
    pass
before = peak_bytes()
ar.topk(queries, index, k, **call)
print(peak_bytes() - before)
"""


def added(b: int, n: int, precision: str, num_threads: int) -> float:
    """MiB by which the peak rises in a call with b queries, beyond the inputs, the index, and a call with 64."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    arguments = [*map(str, (b, n, K)), precision, str(num_threads)]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *arguments], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return int(done.stdout) / 2**20


def growth(queries: list[int], n: int, num_threads: int) -> dict[str, Any]:
    """MiB by precision and number of queries, beside what the scores would take; and whether it is flat."""
    peaks = {p: {b: added(b, n, p, num_threads) for b in queries} for p in ("float32", "int8")}
    out: dict[str, Any] = {"n": n, "scores": {b: 4 * b * n / 2**20 for b in queries}, "added": peaks}
    return out | {"flat": {p: flat(by_b) for p, by_b in peaks.items()}}


def flat(by_b: dict[int, float]) -> bool:
    """Whether nothing grows but the results: within SLACK of the smallest."""
    return all(mib - RESULT_BYTES * b / 2**20 <= min(by_b.values()) + SLACK for b, mib in by_b.items())
