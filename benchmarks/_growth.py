"""How time grows with items, queries, threads and width, and whether memory does with queries; and prints it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from attnrec.bench import _run, _tasks

Task = _tasks.Task
BASE = replace(_tasks.TASKS[0], b=64)
AXES = {"n": "items", "b": "queries", "threads": "threads", "d": "feature width"}

# What top-k of argv[1] queries adds to the resident memory at its peak, in a process of its own (Linux).
CHILD = """
import sys
import numpy as np
import attnrec as ar
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
rng = np.random.default_rng(0)
index = ar.ItemIndex(rng.standard_normal((int(sys.argv[2]), 64), dtype=np.float32))
queries = rng.standard_normal((int(sys.argv[1]), 64), dtype=np.float32)
ar.topk(queries[:1], index, 10)
with open("/proc/self/clear_refs", "w") as clear:
    clear.write("5")  # the peak so far is forgotten
before = peak()
ar.topk(queries, index, 10)
print(peak() - before)
"""


def sweeps() -> dict[str, list[Task]]:
    """Tasks by axis; what is not varied stays at 100,000 items of 64 features, 64 queries and all threads."""
    return {
        "n": [replace(BASE, name=f"n-{n}", n=n) for n in (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000)],
        "b": [replace(BASE, name=f"b-{b}", b=b) for b in (1, 4, 16, 64, 256, 1024)],
        "threads": [replace(BASE, name="threads-512", b=512)],
        "d": [replace(BASE, name=f"d-{d}", d=d) for d in (16, 32, 64, 128, 256)],
    }


def measure(
    by_axis: dict[str, list[Task]],
    effort: _run.Effort,
    step: Callable[[str], object],
    left_out: Callable[[Task, str], bool],
) -> dict[str, Any]:
    """For each axis the points {"at", "milliseconds": {who: ms}}; those of one point were measured in turns."""
    out: dict[str, Any] = {"interrupted": False}
    for axis, tasks in by_axis.items():
        counts = range(1, effort.num_threads + 1) if axis == "threads" else [effort.num_threads]
        points = []
        for threads in counts:
            for task in tasks:
                record = _run.run([task], replace(effort, num_threads=threads), step, left_out)
                if record["interrupted"]:
                    return out | {"interrupted": True}
                (work,) = record["workloads"]
                took = {one["name"]: one["milliseconds"] for one in work["results"]}
                points.append({"at": threads if axis == "threads" else work[axis], "milliseconds": took})
        out[axis] = points
    return out


def per_unit(points: list[dict[str, Any]], name: str) -> list[tuple[int, float]]:
    """Microseconds an item (or query) at each size."""
    return [(p["at"], 1e3 * p["milliseconds"][name] / p["at"]) for p in points if name in p["milliseconds"]]


def print_growth(growth: dict[str, Any]) -> None:
    for axis, title in AXES.items():
        for point in growth.get(axis, []):
            took = ", ".join(f"{name} {ms:.4g}" for name, ms in point["milliseconds"].items())
            print(f"{title} {point['at']:,}: ms {took}")
    for axis in ("n", "b"):
        for name in ("attnrec, float32", "attnrec, 8 bits"):
            rows = per_unit(growth.get(axis, []), name)
            if rows:
                told = ", ".join(f"{at:,}: {1e3 * us:.4g}" for at, us in rows)
                print(f"{name}: nanoseconds for each of the {AXES[axis]}: {told}")


def peak_memory(queries: list[int], n: int) -> dict[int, float]:
    """MiB that top-k of so many queries takes beyond its inputs and its index."""
    out = {}
    for b in queries:
        done = subprocess.run([sys.executable, "-c", CHILD, str(b), str(n)], capture_output=True, text=True, check=True)
        out[b] = round(float(done.stdout), 1)
    return out
