"""What attnrec costs before it computes: its import, a call on almost nothing, its wheel. Exits 1 past the limits.

Run ``python -m benchmarks.speed.overhead``, or with ``--wheel dist/attnrec-*.whl``.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import attnrec as ar

IMPORT_MS, CALL_US, SEARCHER_US, WHEEL_MB = 100.0, 5.0, 3.0, 3.0
_IMPORT = "import time, numpy; t = time.perf_counter(); import attnrec; print(time.perf_counter() - t)"


def import_ms(times: int) -> float:
    """Median over fresh processes of what the import takes after NumPy's."""
    took = []
    for _ in range(times):
        out = subprocess.run([sys.executable, "-c", _IMPORT], capture_output=True, text=True, check=True, timeout=60)
        took.append(float(out.stdout) * 1e3)
    return statistics.median(took)


def calls() -> dict[str, Callable[[], Any]]:
    """Every operation on one query of width 5 and five items."""
    r = np.random.default_rng(0)
    query = r.standard_normal((1, 5), dtype=np.float32)
    items = r.standard_normal((5, 5), dtype=np.float32)
    u, v, one = query[0], items[0], np.zeros(1, dtype=np.int64)
    return {
        "attend": lambda: ar.attend(query, items, items),
        "attention_matrix": lambda: ar.attention_matrix(query, items),
        "dot_product": lambda: ar.dot_product(u, v),
        "predict_ratings": lambda: ar.predict_ratings(query, items),
        "score_pairs": lambda: ar.score_pairs(query, items, one, one),
        "similarity": lambda: ar.similarity(query, items),
        "topk": lambda: ar.topk(query, items, k=3),
    }


def searcher() -> Callable[[], Any]:
    """A search of five items into arrays of the caller's, where Python is nearly all there is."""
    r = np.random.default_rng(0)
    search = ar.ItemIndex(r.standard_normal((5, 5), dtype=np.float32)).searcher(3)
    query, out = r.standard_normal(5, dtype=np.float32), (np.empty(3, dtype=np.int64), np.empty(3, dtype=np.float32))
    return lambda: search(query, out=out)


def call_us(call: Callable[[], Any], seconds: float) -> float:
    """Microseconds of a call: the fastest of many short series, which other work on the machine disturbs least."""
    number = 500
    call()
    once = timeit.timeit(call, number=number)
    series = max(5, int(seconds / max(once, 1e-6)))
    return min(timeit.repeat(call, number=number, repeat=series)) / number * 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, help="whose size to check")
    parser.add_argument("--imports", type=int, default=11, help="fresh processes to import in")
    parser.add_argument("--seconds", type=float, default=0.3, help="for how long each operation is called")
    given = parser.parse_args()
    figures = [("import, beyond NumPy", import_ms(given.imports), IMPORT_MS, "ms")]
    figures += [(f"{name}, 1 x 5", call_us(call, given.seconds), CALL_US, "us") for name, call in calls().items()]
    figures.append(("a searcher, 1 x 5", call_us(searcher(), given.seconds), SEARCHER_US, "us"))
    if given.wheel is not None:
        figures.append((given.wheel.name, given.wheel.stat().st_size / 1e6, WHEEL_MB, "MB"))
    for name, figure, limit, unit in figures:
        print(f"{name:<40} {figure:8.2f} {unit}, limit {limit:g}{'' if figure < limit else '   TOO MUCH'}")
    return int(any(figure >= limit for _, figure, limit, _ in figures))


if __name__ == "__main__":
    raise SystemExit(main())
