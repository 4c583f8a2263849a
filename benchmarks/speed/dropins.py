"""Other libraries before and after attnrec's drop-ins: implicit, RecTools, FAISS and torch, in one process, in turns.

Run ``python -m benchmarks.speed.dropins --json dropins.json``; its peers come with ``pip install '.[bench]'``,
and RecTools, which wants an environment of its own, with ``pip install '.[cli,rectools]'``. A library that is missing
is passed by. Results are compared before anything is timed: scores have to be equal to rounding, so that ids differ
only where scores are that near. Ratios are medians over rounds of their fastest way by ours; the ceiling of the
multiply-add units is measured after every round. Gowalla (LightGCN's split) and MovieLens 100K come from the folder
``ATTNREC_DATA``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import attnrec as ar
from attnrec import _core
from attnrec._util.files import written_beside
from attnrec.bench import _machine
from attnrec.bench._timing import Limit, best_of, in_turns, median_ratio
from benchmarks.lib import summary
from benchmarks.speed.dropin_pairs import PAIRS, Pair

Record = dict[str, Any]
MODULES = {"implicit": "implicit", "rectools": "rectools", "faiss": "faiss-cpu", "torch": "torch"}
# Of the largest score; RecTools takes distances from squares in float32, which leaves half of the digits.
TOLERANCE, TOLERANCE_OF_DISTANCES = 1e-5, 2e-3
# Of a turn, and of a measurement of the ceiling; and with --quick.
SECONDS, QUICK_SECONDS = 0.1, 0.002


def compared(pair: Pair) -> Record:
    """What differs between the first of their ways and ours; ValueError if it is more than rounding."""
    want, got = pair.before[0].call(), pair.after.call()
    name = "out" if "out" in want else "scores"
    mine, yours = (np.asarray(x[name], dtype=np.float64) for x in (got, want))
    if mine.shape != yours.shape or ("subjects" in want and not np.array_equal(got["subjects"], want["subjects"])):
        raise ValueError(f"{pair.name}: results differ in shape")
    error = float(np.abs(mine - yours).max(initial=0) / np.abs(yours).max(initial=1e-30))
    if error > (TOLERANCE_OF_DISTANCES if "euclidean" in pair.name else TOLERANCE):
        raise ValueError(f"{pair.name}: results differ by {error:.2g} of the largest")
    differ = int(np.sum(got["ids"] != want["ids"])) if "ids" in want else 0
    return {"error": error, "ids": int(np.size(want.get("ids", ()))), "ids_that_differ": differ}


def measured(pair: Pair, rounds: int, threads: int, seconds: float, limit: Limit) -> Record:
    """Both in turns."""
    with limit(1):
        told = compared(pair)
    before = best_of(pair.before, seconds, limit, threads)
    ceilings: list[float] = []

    def step() -> None:
        ceilings.append(_core.fma_ceiling(seconds, threads) / 1e9)

    theirs, ours = in_turns([before, pair.after], rounds, seconds, limit, threads, step)
    return {
        "name": pair.name,
        "form": before.label,
        "flop": pair.flop,
        "before_milliseconds": [1e3 * s for s in theirs],
        "after_milliseconds": [1e3 * s for s in ours],
        "ceiling_gflops": ceilings,
        "ratio": median_ratio(theirs, ours),
        "of_ceiling": statistics.median(pair.flop / 1e9 / s / c for s, c in zip(ours, ceilings, strict=False)),
    } | told


def show(record: Record) -> None:
    """A table, and what is to be known of it."""
    machine = record["machine"]
    if record["settings"]["quick"]:
        print("A quick run on small data: the figures say nothing of speed.\n")
    print(f"{machine['cpu']}, {machine['isa']}, {machine['threads']} threads, versions {machine['versions']}")
    ceilings = [c for one in record["pairs"] for c in one["ceiling_gflops"]]
    if ceilings:
        print(f"FMA ceiling {statistics.median(ceilings):.0f} GFLOP/s ({min(ceilings):.0f} to {max(ceilings):.0f})\n")
    rows = [
        [
            one["name"],
            *(summary.figure(statistics.median(one[f"{when}_milliseconds"])) for when in ("before", "after")),
            summary.figure(one["ratio"]),
            f"{one['of_ceiling']:.0%}",
            f"{one['ids_that_differ']:,} of {one['ids']:,}" if one["ids"] else "",
        ]
        for one in record["pairs"]
    ]
    print("\n".join(summary.markdown(["", "before, ms", "after, ms", "ratio", "of ceiling", "ids that differ"], rows)))
    for name, why in record["missing"].items():
        print(f"passed by: {name}: {why}")
    if record["interrupted"]:
        print("interrupted: the rest was not measured")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=list(PAIRS), help="a library; may be repeated")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=ar.num_threads())
    parser.add_argument(
        "--quick", action="store_true", help="small data: checks the command, gives no figures to go by"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(argv)
    if min(given.rounds, given.threads) < 1:
        parser.error("--rounds and --threads have to be positive")
    if ar.backend() != "compiled":
        parser.error("this times the compiled kernels; unset ATTNREC_BACKEND")
    wanted = {name: MODULES[name] for name in given.only or PAIRS}
    missing = _machine.import_peers(wanted)
    others = {package: "not asked for" for package in _machine.PEERS.values() if package not in wanted.values()}
    if "rectools" in missing:
        missing["rectools"] = missing["rectools"].replace("[bench]", "[rectools]")
    record: Record = {
        "machine": _machine.describe(given.threads, missing | others),
        "settings": {"quick": given.quick, "rounds": given.rounds, "threads": given.threads},
        "missing": missing,
        "pairs": [],
        "interrupted": False,
    }
    ar.set_num_threads(given.threads)
    seconds = QUICK_SECONDS if given.quick else SECONDS
    try:
        with _machine.limited(given.threads, missing | others) as limit:
            for name, package in wanted.items():
                for pair in PAIRS[name](given.threads, given.quick) if package not in missing else ():
                    print(pair.name, file=sys.stderr, flush=True)
                    record["pairs"].append(measured(pair, given.rounds, given.threads, seconds, limit))
    except KeyboardInterrupt:
        record["interrupted"] = True
    show(record)
    if given.json:
        with written_beside(given.json) as part:
            part.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return 130 if record["interrupted"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
