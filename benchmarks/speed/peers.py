"""attnrec beside NumPy, SciPy, implicit, FAISS and torch: a table, how time grows, JSON and a picture.

Run ``python -m benchmarks.speed.peers --json peers.json --plot peers.svg``; the libraries and matplotlib come with
``pip install '.[bench]'``. All compute the same data in one process in turns, each at its best settings and with as
many threads; results are compared before timing, ratios are medians over rounds, and what the machine can do at most
is measured after every round. The growth is that of top-k with the number of items, queries, threads and features.
The whole takes about half an hour; Ctrl-C ends it with what there is by then.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import attnrec as ar
from attnrec._util.files import written_beside
from attnrec.bench import _machine, _run, _tasks
from attnrec.bench._report import print_report
from benchmarks.lib import memory, plot, summary, yardsticks
from benchmarks.speed import growth, shapes

Record = dict[str, Any]


def options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["table", "growth"], help="do a half")
    parser.add_argument("--cases", default="", metavar="TEXT", help="only tasks whose name contains TEXT")
    parser.add_argument("--rounds", type=int, metavar="N", help="turns of each; 9 unless given, 2 with --quick")
    parser.add_argument("--threads", "--num-threads", type=int, default=ar.num_threads(), metavar="N")
    parser.add_argument("--memory", type=float, metavar="GB", help="to use at most; half of what is free unless given")
    parser.add_argument(
        "--quick", action="store_true", help="small data: checks the command, gives no figures to go by"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="the growth as an SVG, PDF or PNG")
    parser.add_argument("--from", type=Path, dest="before", metavar="FILE", help="show a JSON file, measure nothing")
    given = parser.parse_args(argv)
    given.rounds = given.rounds if given.rounds is not None else (2 if given.quick else 9)
    given.memory = shapes.free_bytes() / 2 if given.memory is None else given.memory * shapes.GB
    if given.threads < 1 or given.rounds < 1 or given.memory <= 0:
        parser.error("--threads, --rounds and --memory have to be positive")
    if given.plot and given.only == "table":
        parser.error("--plot shows the growth: leave out --only table")
    if given.plot and given.plot.suffix not in plot.FORMATS:
        parser.error(f"--plot {given.plot}: the name has to end in one of {', '.join(plot.FORMATS)}")
    for path in filter(None, (given.json, given.plot)):
        if not path.parent.is_dir():
            parser.error(f"{path}: the folder {path.parent} does not exist; make it first")
    if given.before is None and ar.backend() != "compiled":
        parser.error("this times the compiled kernels; unset ATTNREC_BACKEND")
    given.table, given.sweeps = _chosen(given)
    if given.before is None and not given.table and not any(given.sweeps.values()):
        parser.error(f"--cases {given.cases}: no task has that in its name")
    return given


def _chosen(given: argparse.Namespace) -> tuple[list[_tasks.Task], dict[str, list[_tasks.Task]]]:
    """What to do: the tasks of the table, and those of the growth by axis."""

    def named(tasks: Iterable[_tasks.Task]) -> list[_tasks.Task]:
        return [task for task in tasks if given.cases in task.name]

    table = [] if given.only == "growth" else named(shapes.table())
    sweeps = {} if given.only == "table" else shapes.sweeps(given.quick)
    return [_tasks.quick(task) if given.quick else task for task in table], {a: named(t) for a, t in sweeps.items()}


def progress(total: int) -> Callable[[str], None]:
    """Tells stderr what goes on: a line for each change, with how much is done."""
    done, last = 0, ""

    def step(what: str) -> None:
        nonlocal done, last
        if what != last:
            print(f"[{min(done / total, 1):4.0%}] {what}", file=sys.stderr, flush=True)
        done, last = done + 1, what

    return step


def measure(given: argparse.Namespace, record: Record) -> None:
    """Fill the record part by part, so that what an interruption leaves is there."""
    quick = given.quick
    effort = _run.Effort(given.threads, given.rounds, 0.002 if quick else 0.05, 0.02 if quick else 0.3)
    points = sum(
        len(t) * (len(shapes.thread_counts(given.threads)) if a == "threads" else 1) for a, t in given.sweeps.items()
    )
    step = progress((len(given.table) + points) * (1 + effort.rounds))

    def after_round(threads: int) -> Callable[[_tasks.Task], dict[str, float]]:
        return yardsticks.after_round(threads, 0.01 if quick else 0.1, 4 << 20 if quick else 256 << 20)

    if given.table:
        fitting = [task for task in given.table if not shapes.too_large(task, given.memory)]
        absent = shapes.left_out(given.memory)
        table = _run.run(fitting, effort, step, absent, after_round(given.threads))
        table["skipped"] = {t.name: shapes.too_large(t, given.memory) for t in given.table if t not in fitting}
        for work in table["workloads"]:
            yardsticks.compare(work)
        record["table"] = table
        record["interrupted"] = table["interrupted"]
    if any(given.sweeps.values()) and not record["interrupted"]:
        record["growth"] = {}
        record["interrupted"] = not growth.measure(
            record["growth"], given.sweeps, effort, step, given.memory, after_round
        )
        if not record["interrupted"] and given.sweeps["b"]:
            step("peak memory")
            sizes = ([64, 512], 2000) if quick else ([512, 2048, 8192], 100_000)
            record["peak_memory"] = memory.growth(*sizes, given.threads)


def show(record: Record) -> None:
    if record.get("settings", {}).get("quick"):
        print("A quick run on small data: the figures say nothing of speed or growth.\n")
    if "table" in record:
        if record["table"]["workloads"]:
            print_report(record["table"])
        summary.print_table(record["table"])
    summary.print_growth(record)
    if record["interrupted"]:
        print("interrupted: the rest was not measured")


def main(argv: list[str] | None = None) -> int:
    given = options(argv)
    if given.plot:
        plot.need_matplotlib()  # before anything is measured, not after
    if given.before is not None:
        record: Record = json.loads(given.before.read_text(encoding="utf-8"))
    else:
        settings = {"quick": given.quick, "rounds": given.rounds, "threads": given.threads, "cases": given.cases}
        machine = _machine.describe(given.threads, _machine.import_peers())
        record = {"machine": machine, "settings": settings | {"memory": given.memory}, "interrupted": False}
        try:
            measure(given, record)
        except KeyboardInterrupt:
            record["interrupted"] = True
        if "growth" in record:
            record["checks"] = growth.check(record["growth"])
    show(record)
    if given.json:
        with written_beside(given.json) as part:
            part.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if given.plot and any(record.get("growth", {}).get("points", {}).values()):
        plot.draw(record, given.plot)
    return 130 if record["interrupted"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
