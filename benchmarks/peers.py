"""attnrec beside NumPy, SciPy, implicit, FAISS and torch: a table, and how time grows with n, b, threads and d.

Run ``python benchmarks/peers.py --json peers.json --plot peers.svg``; the libraries and matplotlib come with
``pip install '.[bench]'``. All compute the same data in one process in turns, each at its best settings and with as
many threads; results are compared before timing, and ratios are medians over rounds. ``--only growth`` or
``--only table`` does a half, ``--cases TEXT`` the tasks whose name contains TEXT, ``--quick`` a run on small data that
checks the command itself.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import _growth
import _plot
import attnrec as ar
from attnrec.bench import _run, _tasks
from attnrec.bench._report import print_report

Task = _tasks.Task
LARGE = 1_000_000  # items from which the (b, n) matrix that others store is left out
STORES_ALL = ("NumPy, reference", "NumPy, fastest", "torch")


def table() -> list[Task]:
    """The tasks of the table, each with the shapes that the README quotes."""
    large = replace(_tasks.TASKS[0], b=512, n=LARGE, k=10)
    return [
        *_tasks.TASKS,
        replace(_tasks.TASKS[1], name="topk-weights-128", d=128),
        replace(large, name="topk-1M"),
        replace(large, name="topk-one-1M", b=1),
        replace(large, name="topk-one-1000", b=1, n=1000),
        Task("attend-csr-all", "softmax attention, sparse values", "attend", 6040, 3706, m=6040, density=0.045),
    ]


def stores_too_much(task: Task, name: str) -> bool:
    return name in STORES_ALL and task.b * task.n > 512 * 300_000


def written(path: Path, text: str) -> None:
    """Beside its place first, then moved."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def chosen(tasks: Iterable[Task], text: str, quick: bool) -> list[Task]:
    return [_tasks.quick(task) if quick else task for task in tasks if text in task.name]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["table", "growth"])
    parser.add_argument("--cases", default="", metavar="TEXT")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--num-threads", type=int, default=ar.num_threads())
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="an SVG or PNG of the growth")
    options = parser.parse_args(argv)
    if options.num_threads < 1 or options.rounds < 1:
        parser.error("--num-threads and --rounds have to be at least 1")
    if options.plot and options.only == "table":
        parser.error("--plot shows the growth: leave out --only table")
    _plot.need_matplotlib(options.plot)

    def step(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    quick = options.quick
    effort = _run.Effort(
        options.num_threads, 1 if quick else options.rounds, 0.002 if quick else 0.05, 0.02 if quick else 0.2
    )
    record: dict[str, Any] = {}
    if options.only != "growth":
        record["table"] = _run.run(chosen(table(), options.cases, quick), effort, step, stores_too_much)
        print_report(record["table"])
    if options.only != "table" and not record.get("table", {}).get("interrupted"):
        sweeps = {axis: chosen(tasks, options.cases, quick) for axis, tasks in _growth.sweeps().items()}
        record["growth"] = _growth.measure(sweeps, effort, step, stores_too_much)
        _growth.print_growth(record["growth"])
        record["peak_memory"] = _growth.peak_memory(
            [64, 512] if quick else [512, 2048, 8192], 2000 if quick else 100_000
        )
        print("peak memory of top-k beyond its inputs, MiB by queries:", record["peak_memory"])
    if options.json:
        written(options.json, json.dumps(record, indent=1) + "\n")
    if options.plot:
        _plot.draw(record["growth"], options.plot)
    return 130 if any(part.get("interrupted") for part in record.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
