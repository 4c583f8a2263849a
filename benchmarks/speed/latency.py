"""How long one query takes: median and tails of topk and of a searcher, beside implicit, FAISS and torch.

Run ``python -m benchmarks.speed.latency --json latency.json``; the libraries come with ``pip install '.[bench]'``.
Items and queries are Gaussian, d = 64, k = 10; every library gets one thread a query and keeps the items as it likes
best, and its results are compared with float64 before anything is timed. ``threads``: calls of 1 to 16 Python threads,
each with a searcher of its own, in turns; of the rounds, the median of what all threads get done, and the times of all
calls. ``loop``: 100,000 calls on 100,000 items. Exits 1 where 16 threads get fewer searches done than 2, in the median
of the rounds' ratios, on 100,000 items or more.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import attnrec as ar
from attnrec import _core
from attnrec._util.files import written_beside
from benchmarks.lib import yardsticks

Search = Callable[[Any], Any]
Record = dict[str, Any]
PARTS = ("threads", "loop")
WIDTH, K, QUERIES, LOOP = 64, 10, 256, 100_000
LARGE = 100_000  # items: of fewer, to take turns costs as much as a search


def _topk(items: Any) -> Callable[[], Search]:
    index = ar.ItemIndex(items)
    return lambda: lambda q: ar.topk(q, index, K, weights=False, num_threads=1).ids


def _searcher(items: Any) -> Callable[[], Search]:
    index = ar.ItemIndex(items)

    def make() -> Search:
        search, out = index.searcher(K), (np.empty(K, np.int64), np.empty(K, np.float32))
        return lambda q: search(q, out=out)[0]

    return make


def _implicit(items: Any) -> Callable[[], Search]:
    from implicit.cpu.topk import topk

    return lambda: lambda q: topk(items, q[None], K, num_threads=1)[0][0]


def _faiss(items: Any) -> Callable[[], Search]:
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(WIDTH)
    index.add(items)

    def make() -> Search:
        return lambda q: index.search(q[None], K)[1][0]

    return make


def _torch(items: Any) -> Callable[[], Search]:
    import torch

    torch.set_num_threads(1)
    rows = torch.from_numpy(items)
    return lambda: lambda q: torch.topk(rows @ torch.from_numpy(q), K).indices.numpy()


LIBRARIES: dict[str, tuple[str, Callable[[Any], Callable[[], Search]]]] = {
    "attnrec searcher": ("attnrec", _searcher),
    "attnrec topk": ("attnrec", _topk),
    "implicit": ("implicit", _implicit),
    "faiss": ("faiss", _faiss),
    "torch": ("torch", _torch),
}


def data(n: int) -> tuple[Any, Any]:
    r = np.random.default_rng(n)
    return r.standard_normal((n, WIDTH), dtype=np.float32), r.standard_normal((QUERIES, WIDTH), dtype=np.float32)


def libraries(items: Any, queries: Any, names: list[str]) -> dict[str, Callable[[], Search]]:
    """Those that are here, once their results are the best items of some queries."""
    out = {}
    for name in names:
        module, made = LIBRARIES[name]
        if importlib.util.find_spec(module) is None:
            continue
        out[name] = made(items)
        search = out[name]()
        for query in queries[:3]:
            scores = items.astype(np.float64) @ query
            found = np.sort(scores[np.asarray(search(query))])
            np.testing.assert_allclose(found, np.sort(np.partition(scores, -K)[-K:]), rtol=1e-5, err_msg=name)
    return out


def timed(search: Search, queries: Any, seconds: float, calls: int) -> Any:
    """Seconds of each call, until time or calls run out."""
    took = np.empty(calls)
    for query in queries[:20]:
        search(query)
    clock, end = time.perf_counter, time.perf_counter() + seconds
    for i in range(calls):
        query = queries[i % QUERIES]
        started = clock()
        search(query)
        now = clock()
        took[i] = now - started
        if now > end:
            return took[: i + 1]
    return took


def together(make: Callable[[], Search], queries: Any, count: int, seconds: float) -> tuple[Any, float]:
    """Seconds of each call of ``count`` threads at once, and calls a second of all of them."""
    start, found = threading.Barrier(count + 1), []
    searches = [make() for _ in range(count)]  # before anybody is timed

    def work(search: Search, shift: int) -> None:
        mine = np.roll(queries, shift, axis=0)
        start.wait()
        found.append(timed(search, mine, seconds, 1_000_000))

    team = [threading.Thread(target=work, args=(s, i)) for i, s in enumerate(searches)]
    for t in team:
        t.start()
    start.wait()
    started = time.perf_counter()
    for t in team:
        t.join()
    took = np.concatenate(found)
    return took, (len(took) + 20 * count) / (time.perf_counter() - started)


def row(part: str, name: str, n: int, threads: int, took: Any, per_second: list[float], machine: Record) -> Record:
    p50, p99, p999 = np.percentile(took, [50, 99, 99.9]) * 1e6
    return {
        "part": part,
        "library": name,
        "n": n,
        "threads": threads,
        "calls": len(took),
        "p50_us": p50,
        "p99_us": p99,
        "p99.9_us": p999,
        "per_second": float(np.median(per_second)),
        "rounds": per_second,
        "of_ceiling": 2 * n * WIDTH / 1e3 / p50 / machine["gflops"],
        "of_streaming": 4 * n * WIDTH / 1e3 / p50 / machine["gbytes"],
    }


def ceilings() -> Record:
    """What one core can do at most, now."""
    buffer = np.ones(1 << 26, dtype=np.float32)
    return {"gflops": _core.fma_ceiling(0.3, 1) / 1e9, "gbytes": yardsticks.streaming(buffer, 1) / 1e9}


def show(rows: list[Record]) -> None:
    for r in rows:
        print(
            f"{r['part']:<8} {r['library']:<17} n={r['n']:<9,} {r['threads']:>2} thr {r['calls']:>8,} calls  "
            f"p50 {r['p50_us']:9.1f} us  p99 {r['p99_us']:9.1f}  p99.9 {r['p99.9_us']:9.1f}  "
            f"{r['per_second']:10,.0f}/s  {r['of_ceiling']:5.2f} of FMA  {r['of_streaming']:5.2f} of streaming",
            flush=True,
        )


def measure(given: argparse.Namespace, record: Record) -> None:
    rows: list[Record] = record["rows"]

    def add(part: str, name: str, n: int, threads: int, took: Any, per_second: list[float]) -> None:
        rows.append(row(part, name, n, threads, took, per_second, record["one_core"]))
        show(rows[-1:])

    for n in given.items if "threads" in given.only else []:
        items, queries = data(n)
        for name, make in libraries(items, queries, list(LIBRARIES)).items():
            done = [[together(make, queries, t, given.seconds) for t in given.threads] for _ in range(given.rounds)]
            for threads, rounds in zip(given.threads, zip(*done, strict=True), strict=True):
                add("threads", name, n, threads, np.concatenate([took for took, _ in rounds]), [s for _, s in rounds])
    if "loop" in given.only:
        items, queries = data(LOOP)
        for name, make in libraries(items, queries, ["attnrec searcher", "attnrec topk"]).items():
            took = timed(make(), queries, 1e9, given.calls)
            add("loop", name, LOOP, 1, took, [1 / took.mean()])


def slower_with_more(rows: list[Record]) -> list[str]:
    """What more threads than cores make slower, of the searchers on many items."""
    by = {(r["n"], r["threads"]): r["rounds"] for r in rows if r["library"] == "attnrec searcher" and r["n"] >= LARGE}
    found = []
    for n in sorted({n for n, threads in by if threads == 16 and (n, 2) in by}):
        ratio = float(np.median([more / few for more, few in zip(by[n, 16], by[n, 2], strict=True)]))
        if ratio < 1:
            found.append(f"n={n:,}: 16 threads get {ratio:.2f} times as much done as 2")
    return found


def options(argv: list[str] | None) -> argparse.Namespace:
    def numbers(text: str) -> list[int]:
        return [int(float(x)) for x in text.split(",")]

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--items", type=numbers, default=[1000, 10_000, 100_000, 1_000_000], metavar="N,...")
    parser.add_argument("--threads", type=numbers, default=[1, 2, 4, 16], metavar="N,...")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1, help="of a round")
    parser.add_argument("--calls", type=int, default=100_000, help="of the loop")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    given = options(argv)
    record: Record = {"d": WIDTH, "k": K, "isa": ar.isa(), "one_core": ceilings(), "rows": []}
    one = record["one_core"]
    print(
        f"one core on {record['isa']}: {one['gflops']:.1f} GFLOP/s of FMA, {one['gbytes']:.1f} GB/s of streaming reads"
    )
    try:
        measure(given, record)
    except KeyboardInterrupt:
        print("latency: interrupted; what there is by now follows", file=sys.stderr)
    if given.json:
        with written_beside(given.json) as part:
            part.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    slower = slower_with_more(record["rows"])
    for line in slower:
        print("TOO SLOW", line)
    return int(bool(slower))


if __name__ == "__main__":
    raise SystemExit(main())
