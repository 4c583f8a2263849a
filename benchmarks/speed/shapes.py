"""The tasks of the table and of the growth, and who has too little memory for one. Measures nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from attnrec.bench import _run, _tasks

Task = _tasks.Task
GB = 1e9
IN_THE_TABLE = "in the table alone"
AXES = {"n": "items", "b": "queries", "threads": "threads", "d": "feature width"}
# Copies of the items at the same time: the data, three indexes, FAISS's own, and twice as wide to compare results.
COPIES = 8
# Bytes for each of the b n scores of those who store them: float32, what partitions and masks them, 64-bit ids.
STORED = {"NumPy, reference": 24, "NumPy, fastest": 12, "torch": 8}


def table() -> list[Task]:
    """The tasks of the table, each with the shapes that the README quotes."""
    topk, weights, *_ = _tasks.TASKS
    return [
        *_tasks.TASKS,
        replace(weights, name="topk-weights-128", d=128),
        replace(topk, name="topk-1M", n=1_000_000),
        replace(topk, name="topk-one-1M", b=1, n=1_000_000),
        replace(topk, name="topk-one-1000", b=1, n=1000),
        Task("attend-csr-all", "softmax attention, sparse values", "attend", 6040, 3706, m=6040, density=0.045),
    ]


def sweeps(quick: bool) -> dict[str, list[Task]]:
    """Top-k by axis; what is not varied stays at 512 queries, 100,000 items of 64 features, k = 10, all threads."""
    base = replace(_tasks.TASKS[0], b=16, n=2000) if quick else _tasks.TASKS[0]
    sizes = {
        "n": (500, 1000, 2000, 4000) if quick else (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000),
        "b": (1, 4, 16, 64) if quick else (1, 4, 16, 64, 256, 512, 1024, 2048),
        "d": (16, 32, 64) if quick else (16, 32, 64, 128, 256),
    }
    out: dict[str, list[Task]] = {}
    for axis, at in sizes.items():
        changes: list[dict[str, Any]] = [{"name": f"{axis}-{size}", axis: size} for size in at]
        out[axis] = [replace(base, **change) for change in changes]
    out["threads"] = [replace(base, name="threads")]
    return {axis: out[axis] for axis in AXES}


def thread_counts(most: int) -> list[int]:
    """1, 2, 4 ... and all."""
    return sorted({2**i for i in range(most.bit_length()) if 2**i <= most} | {most})


def free_bytes() -> int:
    """Memory that can be had without swapping; where the system does not tell, half of all there is."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def too_large(task: Task, memory: float) -> str:
    """Why a task is not done at all; "" if it is."""
    wanted = COPIES * 4 * task.n * (task.d + (task.m if task.density == 1 else 0))
    return _shortage(wanted, memory, "the items and their copies")


def left_out(memory: float, also: tuple[str, ...] = ()) -> Callable[[Task, str], str]:
    """Who does not do a task, and why: a function for :func:`attnrec.bench._run.run`."""

    def why(task: Task, name: str) -> str:
        if name in also:
            return IN_THE_TABLE
        return _shortage(STORED.get(name, 0) * task.b * task.n, memory, f"{task.b:,} x {task.n:,} stored scores")

    return why


def _shortage(wanted: float, memory: float, what: str) -> str:
    if wanted <= memory:
        return ""
    return f"{what} want about {wanted / GB:.1f} GB of memory, {memory / GB:.1f} GB may be used (--memory)"


def names() -> list[str]:
    """Everyone who may have a figure, in the order of the tables."""
    return [one.name for one in _run.CONTESTANTS]
