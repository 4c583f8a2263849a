"""What the machine can do at most, measured after every round: multiply-adds and streaming reads. Times no library."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from attnrec import _core
from attnrec.bench import _tasks

Record = dict[str, Any]
PARTS = 4  # a thread, so that one which starts late holds up little


def streaming(buffer: np.ndarray, num_threads: int, rounds: int = 3) -> float:
    """Bytes a second that all threads read from memory: the best of a few searches for the largest element.

    ``buffer`` has to be far larger than the caches.
    """
    parts = np.array_split(buffer, PARTS * num_threads)
    took = []
    with ThreadPoolExecutor(num_threads) as pool:
        for _ in range(rounds):
            started = time.perf_counter()
            list(pool.map(np.max, parts))
            took.append(time.perf_counter() - started)
    return buffer.nbytes / min(took)


def after_round(num_threads: int, seconds: float, buffer_bytes: int) -> Callable[[_tasks.Task], dict[str, float]]:
    """A function for :func:`attnrec.bench._run.run`: GFLOP/s, and GB/s after a round with a single query."""
    buffer = np.ones(max(1, buffer_bytes // 4), dtype=np.float32)  # not zeros, which may share one page

    def measure(task: _tasks.Task) -> dict[str, float]:
        out = {"gflops": _core.fma_ceiling(seconds, num_threads) / 1e9}
        return out | ({"gbytes": streaming(buffer, num_threads) / 1e9} if task.b == 1 else {})

    return measure


def compare(work: Record) -> None:
    """Give each result its part of what the machine could do in the same round, medians over rounds.

    ``of_ceiling`` is of the multiply-adds. ``of_streaming``, for a single query, is of the speed of reading memory, as
    if each read all items in float32 once: above 1 where fewer bytes were read, or a cache held them.
    """
    between = work["between_rounds"]
    item_gbytes = 4 * work["n"] * work["d"] / 1e9
    for one in work["results"]:
        rounds = [(ms / 1e3, now) for ms, now in zip(one["milliseconds_by_round"], between, strict=False)]
        one["of_ceiling"] = statistics.median(work["flop"] / 1e9 / s / now["gflops"] for s, now in rounds)
        if "gbytes" in between[0]:
            one["of_streaming"] = statistics.median(item_gbytes / s / now["gbytes"] for s, now in rounds)
