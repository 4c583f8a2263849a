"""How time grows with items, queries, threads and width, and whether it is linear. Prints nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from attnrec.bench import _run, _tasks
from benchmarks.lib import yardsticks
from benchmarks.speed import shapes

Task = _tasks.Task
Record = dict[str, Any]
ALLOWED = 0.10
# From here on the fixed cost of a call and groups of queries that are not full no longer count.
FROM = {"n": 10_000, "b": 256}
CHECKED = ("attnrec, float32", "attnrec, 8 bits")


def measure(
    out: Record,
    by_axis: dict[str, list[Task]],
    effort: _run.Effort,
    step: Callable[[str], object],
    memory: float,
    after_round: Callable[[int], Callable[[Task], dict[str, float]]],
) -> bool:
    """Fill ``out`` with the points of each axis, measured in turns; whether all of it was done."""
    out |= {"points": {axis: [] for axis in by_axis}, "skipped": {}}
    absent = shapes.left_out(memory, also=("NumPy, reference",))
    for axis, tasks in by_axis.items():
        fitting = [task for task in tasks if not shapes.too_large(task, memory)]
        out["skipped"] |= {task.name: shapes.too_large(task, memory) for task in tasks if task not in fitting}
        for threads in shapes.thread_counts(effort.num_threads) if axis == "threads" else [effort.num_threads]:
            now = replace(effort, num_threads=threads)
            record = _run.run(fitting, now, step, absent, after_round(threads))
            out.setdefault("machine", record["machine"])
            for work in record["workloads"]:
                yardsticks.compare(work)
                out["points"][axis].append({"at": threads if axis == "threads" else work[axis], **_kept(work)})
            if record["interrupted"]:
                return False
    return True


def _kept(work: Record) -> Record:
    shared = {letter: work[letter] for letter in ("b", "n", "d", "k", "left_out", "between_rounds")}
    return shared | {"results": {one["name"]: one for one in work["results"]}}


def series(points: Iterable[Record], name: str, what: str = "milliseconds") -> list[tuple[float, float]]:
    """(at, figure) of one library, without the points that it was left out of."""
    return [(point["at"], point["results"][name][what]) for point in points if name in point["results"]]


def fit(sizes: Sequence[float], costs: Sequence[float]) -> Record:
    """How a cost grows with a size, both positive: the least-squares exponent, and the change of the cost a unit.

    ``spread`` is by how much the dearest unit exceeds the cheapest one; ``rise`` by how much a unit at one size
    exceeds that at any smaller size: 0 if the cost a unit only falls. "linear" if the spread is at most ALLOWED,
    "less than linear" if the rise is, else "more than linear".
    """
    x, y = np.asarray(sizes, dtype=float), np.asarray(costs, dtype=float)
    if len(x) < 2 or len(x) != len(y) or (x <= 0).any() or (y <= 0).any() or (np.diff(x) <= 0).any():
        raise ValueError("fit: wants two or more growing sizes and as many costs, all positive")
    unit = y / x
    exponent = float(np.polyfit(np.log(x), np.log(y), 1)[0])
    spread = float(unit.max() / unit.min() - 1)
    rise = float((unit / np.minimum.accumulate(unit)).max() - 1)
    verdict = "linear" if spread <= ALLOWED else "less than linear" if rise <= ALLOWED else "more than linear"
    return {"exponent": exponent, "spread": spread, "rise": rise, "verdict": verdict, "unit_costs": unit.tolist()}


def check(growth: Record) -> list[Record]:
    """The fits of attnrec over items and queries. Cost is time by the ceiling of the same rounds: work of the machine
    as fast as it was then, which other work on it disturbs less than time."""
    out = []
    for axis, least in FROM.items():
        points = growth["points"].get(axis, [])
        large = [p for p in points if p["at"] >= least]
        chosen = large if len(large) > 1 else points
        for name in CHECKED:
            at = [x for x, _ in series(chosen, name)]
            if len(at) > 1:
                part = [y for _, y in series(chosen, name, "of_ceiling")]
                costs = [_operations(p) / y for p, y in zip(chosen, part, strict=True)]
                out.append({"axis": axis, "name": name, "at": at, **fit(at, costs)})
    return out


def _operations(point: Record) -> float:
    return float(2 * point["b"] * point["n"] * point["d"])
